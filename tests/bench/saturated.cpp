// What one record call costs back to back, with a consumer that is always at work and only acknowledges.
#include "tests/bench/exchange.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/arbiter.hpp"

namespace arbiter::bench {

Result<void> saturated(const Setting& setting, Report& report) {
  const auto seen = exchanged<Arbiter<Typical, false>>(setting.memory, Manner::saturated, setting.count_of(4e6));
  if (!seen) return seen.error();
  if (seen->lost != 0) return Error{"events were lost: " + std::to_string(seen->lost)};
  const bool far = seen->round_trip_ns > kFarRoundTripNs;
  Row& row = report.add("saturated", "record, saturated", far ? "typical, far" : "typical, near", "ns", seen->ns_per_event);
  row.goal = far ? 90 : 20;
  report.add("saturated", "cache line round trip", far ? "far" : "near", "ns", seen->round_trip_ns);
  return {};
}

}  // namespace arbiter::bench
