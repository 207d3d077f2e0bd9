#include "collector/detect/rate.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using arbiter::detect::Counts;
using arbiter::detect::RateDetector;

namespace {

Counts drawn(std::mt19937_64& random, double share, std::uint64_t n) {
  return {n, std::binomial_distribution<std::uint64_t>(n, share)(random)};
}

// The share of runs in which a rise is told although there is none, when all of a run may spend this much.
double told_falsely(double share, double spending, int runs) {
  constexpr int kSteps = 400;
  std::mt19937_64 random(6);
  int told = 0;
  for (int run = 0; run < runs; ++run) {
    RateDetector detector;
    detector.restart();
    for (int step = 0; step < kSteps; ++step) {
      detector.add(drawn(random, share, 5));
      if (!detector.judge(spending / kSteps, step)) continue;
      ++told;
      break;
    }
  }
  return static_cast<double>(told) / runs;
}

}  // namespace

TEST_CASE("independent outcomes of one share are told for a rise no more often than the run may spend, whatever the share") {
  for (const double share : {0.001, 0.1, 0.5}) CHECK(told_falsely(share, 0.5, 400) < 0.5);
  // And not because nothing is ever told: the bound is for the whole of a month, which is long.
  CHECK(told_falsely(0.1, 1e6, 50) > 0.9);
}

TEST_CASE("a rise is told, with what was before it and what is since") {
  std::mt19937_64 random(1);
  RateDetector detector;
  detector.restart();
  bool told = false;
  int steps = 0;
  for (; steps < 200; ++steps) {
    detector.add(drawn(random, 0.1, 10));
    REQUIRE_FALSE(detector.judge(1e-6, steps));
  }
  for (; steps < 300 && !told; ++steps) {
    detector.add(drawn(random, 0.4, 10));
    told = detector.judge(1e-6, steps);
  }
  REQUIRE(told);
  const RateDetector::Rise rise = detector.likeliest();
  CHECK(rise.before + rise.since == Counts{static_cast<std::uint64_t>(steps) * 10, detector.total().bad});
  CHECK(rise.before.share() == doctest::Approx(0.1).epsilon(0.2));
  CHECK(rise.since.share() > 0.3);
  CHECK(rise.since_ns >= 195);
  CHECK(rise.since_ns <= 205);
  CHECK(rise.since.n <= 150);
}

TEST_CASE("a share that falls is no rise") {
  std::mt19937_64 random(2);
  RateDetector detector;
  detector.restart();
  for (int step = 0; step < 400; ++step) {
    detector.add(drawn(random, step < 200 ? 0.4 : 0.05, 10));
    CHECK_FALSE(detector.judge(1e-6, step));
  }
}

TEST_CASE("nothing is told of the first outcomes, however bad") {
  RateDetector detector;
  detector.restart();
  detector.add({RateDetector::kBaselineMin - 1, 0});
  CHECK_FALSE(detector.judge(0.9, 1));
  CHECK_FALSE(detector.ready());
  detector.add({1, 0});
  CHECK_FALSE(detector.judge(0.9, 2));
  CHECK(detector.ready());
  detector.add({10, 10});
  CHECK(detector.judge(0.9, 3));
}

TEST_CASE("the next epoch has this one for its baseline, and nothing older") {
  RateDetector detector;
  detector.restart();
  detector.add({100, 50});
  static_cast<void>(detector.judge(1e-6, 1));
  detector.next_epoch();
  CHECK(detector.total() == Counts{100, 50});
  detector.add({1000, 10});
  static_cast<void>(detector.judge(1e-6, 2));
  detector.next_epoch();
  CHECK(detector.total() == Counts{1000, 10});
  detector.add({100, 50});
  CHECK(detector.judge(1e-6, 3));
}
