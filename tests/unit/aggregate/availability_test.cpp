#include "collector/aggregate/availability.hpp"

#include <doctest/doctest.h>

using arbiter::aggregate::Availability;
using arbiter::aggregate::StatusHistory;

namespace {
constexpr std::int64_t kS = 1'000'000'000;
}

TEST_CASE("availability counts time up against time down, maintenance apart, in whatever order changes come") {
  StatusHistory history;
  history.add(80 * kS, "available");
  history.add(0, "available");
  history.add(60 * kS, "offline");
  history.add(20 * kS, "offline");
  history.add(30 * kS, "busy");
  history.add(90 * kS, "maintenance");
  const Availability seen = history.within(0, 100 * kS);
  CHECK(seen.up_ns == (20 + 30 + 10) * kS);
  CHECK(seen.down_ns == (10 + 20) * kS);
  CHECK(seen.maintenance_ns == 10 * kS);
  CHECK(*seen.share() == doctest::Approx(60.0 / 90));
  CHECK(seen.failures == 2);
  CHECK(*seen.between_failures_s() == 30);
  CHECK(seen.recoveries == 2);
  CHECK(*seen.to_recover_s() == 15);
  CHECK(seen.status == "maintenance");
}

TEST_CASE("what an agent's status was when the window began is known from before it") {
  StatusHistory history;
  history.add(10 * kS, "offline");
  history.add(60 * kS, "available");
  const Availability seen = history.within(50 * kS, 70 * kS);
  CHECK(seen.down_ns == 10 * kS);
  CHECK(seen.up_ns == 10 * kS);
  CHECK(seen.failures == 0);  // it failed before
  CHECK(seen.recoveries == 1);
  CHECK(*seen.to_recover_s() == 50);
  CHECK_FALSE(seen.between_failures_s());
}

TEST_CASE("before its first change nothing is known of an agent") {
  StatusHistory history;
  CHECK_FALSE(history.within(0, 100 * kS).share());
  history.add(90 * kS, "busy");
  history.add(95 * kS, "gone fishing");
  CHECK(history.within(0, 50 * kS).status.empty());
  CHECK(history.within(0, 100 * kS).up_ns == 10 * kS);
}

TEST_CASE("of an agent that flaps without end the newest changes are remembered") {
  StatusHistory history;
  for (std::size_t i = 0; i < 2 * StatusHistory::kMax; ++i)
    history.add(static_cast<std::int64_t>(i) * kS, i % 2 == 0 ? "available" : "offline");
  const auto end = static_cast<std::int64_t>(2 * StatusHistory::kMax) * kS;
  const Availability seen = history.within(INT64_MIN, end);
  CHECK(seen.up_ns + seen.down_ns == static_cast<std::int64_t>(StatusHistory::kMax) * kS);
  CHECK(*seen.share() == 0.5);
}
