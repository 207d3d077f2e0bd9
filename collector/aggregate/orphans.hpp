// Executions that were handed on without their start, in case it comes: the oldest are let go.
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
  explicit Orphans(std::size_t most) : most_(most) {}

  struct Orphan {
    std::uint32_t series = kNobody;
    std::int64_t time_ns = 0;  // as it was handed on
  };
  void add(const LaneId& lane, std::uint64_t sequence, const Orphan& orphan);
  std::optional<Orphan> take(const LaneId& lane, std::uint64_t sequence);  // nothing: it never was here, or was let go
  void forget_series(std::uint32_t series);
  void clear();
  void set_most(std::size_t most) { most_ = most; }
  std::size_t size() const { return waiting_.size(); }

  void save(const std::function<void(std::string_view piece)>& out) const;
  bool load(std::string_view bytes, std::size_t series_size);

 private:
  // 64 bits for lane and sequence, as there may be a hundred thousand: two of those waiting are taken for one another once in 10^9 stores.
  using Id = std::uint64_t;
  static Id id_of(const LaneId& lane, std::uint64_t sequence);
  void add(Id id, const Orphan& orphan);

  std::size_t most_;
  boost::unordered_flat_map<Id, Orphan> waiting_;
  std::deque<Id> order_;  // in which they came; those that were taken are still in it
};

}  // namespace arbiter::aggregate
