#include <doctest/doctest.h>

#include "shm/clock.hpp"

using namespace arbiter;

TEST_CASE("both clocks go forward, and agree on how long a while was") {
  for (const abi::ClockSource clock : {abi::ClockSource::tsc, abi::ClockSource::monotonic}) {
    std::uint64_t last = ticks(clock);
    for (int i = 0; i < 100000; ++i) {
      const std::uint64_t now = ticks(clock);
      if (now < last) FAIL("backwards");
      last = now;
    }
  }
  const std::uint64_t ns = monotonic_ns(), counter = ticks(abi::ClockSource::tsc);
  while (monotonic_ns() < ns + 20'000'000) {
  }
  const double per_ns = static_cast<double>(ticks(abi::ClockSource::tsc) - counter) / static_cast<double>(monotonic_ns() - ns);
  CHECK(per_ns > 0.1);  // ticks of a counter of 100 MHz to 10 GHz
  CHECK(per_ns < 10);
}

TEST_CASE("the best clock is one of the two, and stays the same") {
  const abi::ClockSource best = best_clock();
  CHECK((best == abi::ClockSource::tsc || best == abi::ClockSource::monotonic));
  CHECK(best_clock() == best);
}
