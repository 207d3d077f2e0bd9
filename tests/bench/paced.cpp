// What single record calls cost, 10,000 a second.
#include "tests/bench/exchange.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/arbiter.hpp"

namespace arbiter::bench {

Result<void> paced(const Setting& setting, Report& report) {
  const auto seen = exchanged<Arbiter<Typical, true>>(setting.memory, Manner::paced, setting.count_of(30'000));
  if (!seen) return seen.error();
  if (seen->lost != 0) return Error{"events were lost: " + std::to_string(seen->lost)};
  report.add("paced", "record, 10,000 a second", "p50", "ns", seen->p50).goal = 30;
  report.add("paced", "record, 10,000 a second", "p99", "ns", seen->p99).goal = 100;
  report.add("paced", "record, 10,000 a second", "p99.9", "ns", seen->p999).goal = 2'000;
  report.add("paced", "record, 10,000 a second", "most", "ns", seen->max);
  return {};
}

}  // namespace arbiter::bench
