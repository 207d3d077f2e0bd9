// Executions that were handed on without their start, in case it comes: the oldest are let go.
//
// Where no start comes ever, which an agent may choose, each costs a line at the end of a list. The first start that comes makes an index
// of those that wait, and keeps it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>

#include "collector/aggregate/observer.hpp"

namespace arbiter::aggregate {

class Orphans {
 public:
  // At most that many wait; with them count those that came later than the oldest and were taken.
  explicit Orphans(std::size_t most) : most_(most) {}

  struct Orphan {
    std::uint32_t series = kNobody;  // of one that waits it is somebody's
    std::int64_t time_ns = 0;        // as it was handed on
  };
  void add(const LaneId& lane, std::uint64_t sequence, const Orphan& orphan);
  std::optional<Orphan> take(const LaneId& lane, std::uint64_t sequence);  // nothing: it never was here, or was let go
  void forget_series(std::uint32_t series);
  void clear();
  void set_most(std::size_t most) { most_ = most; }
  std::size_t size() const { return size_; }

  void save(const std::function<void(std::string_view piece)>& out) const;
  bool load(std::string_view bytes, std::size_t series_size);

 private:
  // 64 bits for lane and sequence, as there may be a hundred thousand: two of those waiting are taken for one another once in 10^9 stores.
  using Id = std::uint64_t;
  struct Line {
    Id id = 0;
    Orphan orphan;  // of nobody's series: it was taken, or its series is gone
  };
  static Id id_of(const LaneId& lane, std::uint64_t sequence);
  void add(Id id, const Orphan& orphan);
  void let_go_of_oldest();
  void index_all();

  std::size_t most_;
  std::size_t size_ = 0;                                // of the lines, those that wait
  std::deque<Line> lines_;                              // as they came
  std::uint64_t first_ = 0;                             // which of all lines there ever were is the first in the list
  std::uint64_t indexed_ = 0;                           // those before this one are in the index
  boost::unordered_flat_map<Id, std::uint64_t> index_;  // which of all lines
};

}  // namespace arbiter::aggregate
