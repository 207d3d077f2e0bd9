// How much of the time an agent was there, from its status changes in whatever order they came.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/aggregate/packed.hpp"

namespace arbiter::aggregate {

// Up: available or busy. Maintenance is neither up nor down. Before its first known change nothing is known of an agent.
struct Availability {
  std::int64_t up_ns = 0, down_ns = 0, maintenance_ns = 0;
  std::uint64_t failures = 0;    // times it went offline within the span
  std::uint64_t recoveries = 0;  // times it came back up from offline within the span
  std::int64_t recovery_ns = 0;  // how long those took in all, from the moment it went
  std::string_view status;       // at the end of the span; empty: not known

  std::optional<double> share() const;               // up / (up + down)
  std::optional<double> between_failures_s() const;  // up time for each failure (MTBF)
  std::optional<double> to_recover_s() const;        // mean (MTTR)
};

class StatusHistory {
 public:
  static constexpr std::size_t kMax = 4096;  // changes remembered of one agent; the earliest eighth is let go when there are more
  void add(std::int64_t time_ns, std::string_view status);  // one of schema::kStatuses; others are passed over
  // Over [from, to). O(n log n).
  Availability within(std::int64_t from_ns, std::int64_t to_ns) const;
  bool empty() const { return changes_.empty(); }
  void forget_before(std::int64_t time_ns);  // but for the last of them, which says what was then
  void pack(Packer& out) const;
  bool unpack(Unpacker& in);

 private:
  struct Change {
    std::int64_t time_ns;
    std::uint8_t status;  // index into schema::kStatuses
  };
  std::vector<Change> changes_;
};

}  // namespace arbiter::aggregate
