#include "collector/ingest/timeline.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace arbiter;
using ingest::ClockReading;
using ingest::Timeline;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kWall = 1'790'000'000 * kSecond;

// The machine's own present, so that now_ns() of the timeline is near; the wall clock is what the test says.
struct Machine {
  ClockReading start = ingest::read_clocks();
  double ns_per_tick = 0.5;
  ClockReading at(std::int64_t elapsed_ns, std::int64_t wall_ns) const {
    return {start.tsc + static_cast<std::uint64_t>(static_cast<double>(elapsed_ns) / ns_per_tick), start.monotonic_ns + elapsed_ns,
            wall_ns};
  }
};

}  // namespace

TEST_CASE("ticks before and after the reading are converted at the measured rate") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  CHECK(t.unix_ns(abi::ClockSource::tsc, m.start.tsc + 2'000'000) == kWall + 1'000'000);
  CHECK(t.unix_ns(abi::ClockSource::tsc, m.start.tsc - 2'000'000) == kWall - 1'000'000);
  CHECK(t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + 5)) == kWall + 5);
}

TEST_CASE("a stamp more than a minute ahead is taken as now and counted, whatever number it is") {
  Timeline t;
  for (const std::uint64_t ticks :
       {std::uint64_t{UINT64_MAX}, std::uint64_t{UINT64_MAX / 2}, ingest::read_clocks().tsc + (std::uint64_t{1} << 40)}) {
    CHECK(std::abs(t.unix_ns(abi::ClockSource::tsc, ticks) - t.now_ns()) < kSecond);
    if (ticks > UINT64_MAX / 4) CHECK(std::abs(t.unix_ns(abi::ClockSource::monotonic, ticks) - t.now_ns()) < kSecond);
  }
  CHECK(t.clamped() == 5);
}

TEST_CASE("a difference under a second is slewed away, never backwards") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  std::int64_t last = kWall;
  // The wall clock is 200 ms behind from here on.
  for (int i = 1; i <= 200; ++i) {
    t.refresh(m.at(i * kSecond / 10, kWall + i * kSecond / 10 - kSecond / 5));
    const std::int64_t now = t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + i * kSecond / 10));
    CHECK(now >= last);
    last = now;
  }
  CHECK(std::abs(last - (kWall + 20 * kSecond - kSecond / 5)) < kSecond / 100);
  CHECK(t.steps() == 0);
}

TEST_CASE("a step forward of a day is followed at once, but retention is not moved by it") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  t.refresh(m.at(kSecond, kWall + kSecond + 86'400 * kSecond));
  CHECK(t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + kSecond)) == kWall + 86'401 * kSecond);
  CHECK(t.now_ns() - t.retention_now_ns() >= 86'399 * kSecond);
  CHECK(t.steps() == 1);
}

TEST_CASE("a step back of an hour never makes time run backwards") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  std::int64_t last = kWall;
  for (int i = 1; i <= 100; ++i) {
    t.refresh(m.at(i * kSecond / 10, kWall + i * kSecond / 10 - 3600 * kSecond));
    const std::int64_t now = t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + i * kSecond / 10));
    CHECK(now > last);
    last = now;
  }
  CHECK(t.steps() == 1);
}
