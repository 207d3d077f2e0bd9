// What one record call costs with a consumer at work: back to back, and 10,000 a second.
#include "tests/bench/exchange.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/arbiter.hpp"

namespace arbiter::bench {

Result<void> saturated(const Setting& setting, Report& report) {
  const auto seen = exchanged<Arbiter<Typical, false>>(setting.memory, Manner::saturated, static_cast<std::uint64_t>(4e6 * setting.scale));
  if (!seen) return seen.error();
  if (seen->lost != 0) return Error{"events were lost: " + std::to_string(seen->lost)};
  const bool far = seen->round_trip_ns > kFarRoundTripNs;
  Row& row = report.add("saturated", "record, saturated", far ? "typical, far" : "typical, near", "ns", seen->ns_per_event);
  row.goal = far ? 90 : 20;
  report.add("saturated", "cache line round trip", far ? "far" : "near", "ns", seen->round_trip_ns);
  return {};
}

Result<void> paced(const Setting& setting, Report& report) {
  const auto seen = exchanged<Arbiter<Typical, true>>(setting.memory, Manner::paced, static_cast<std::uint64_t>(30'000 * setting.scale));
  if (!seen) return seen.error();
  if (seen->lost != 0) return Error{"events were lost: " + std::to_string(seen->lost)};
  report.add("paced", "record, 10,000 a second", "p50", "ns", seen->p50).goal = 30;
  report.add("paced", "record, 10,000 a second", "p99", "ns", seen->p99).goal = 100;
  report.add("paced", "record, 10,000 a second", "p99.9", "ns", seen->p999).goal = 2'000;
  report.add("paced", "record, 10,000 a second", "most", "ns", seen->max);
  return {};
}

}  // namespace arbiter::bench
