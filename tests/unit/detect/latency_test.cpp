#include "collector/detect/latency.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <random>

using arbiter::detect::LatencySeries;
using arbiter::detect::quantile;
using arbiter::detect::RateSeries;

namespace {

constexpr std::int64_t kMinute = 60'000'000'000, kBegin = 20'000 * 24 * 60 * kMinute;

struct Fed {
  LatencySeries series;
  std::mt19937_64 random{5};
  std::normal_distribution<double> normal;
  std::int64_t minute = 0;

  // The chart that tells of a rise within so many minutes of twenty latencies each; -1: none does. `tail`: the share that is ten times
  // as long.
  int minutes(int n, double times, double tail = 0) {
    std::bernoulli_distribution long_one(tail);
    for (int i = 0; i < n; ++i) {
      const std::int64_t now = kBegin + ++minute * kMinute;
      for (int k = 0; k < 20; ++k) series.add(800 * times * std::exp(0.4 * normal(random)) * (long_one(random) ? 10 : 1), now);
      for (std::size_t limit = 0; limit < LatencySeries::kLimits; ++limit)
        if (series.judge(limit, 1e-6, now) == RateSeries::Event::risen) return static_cast<int>(limit);
    }
    return -1;
  }
};

}  // namespace

TEST_CASE("quantiles are by the nearest rank") {
  const std::array<float, 5> sample = {5, 1, 4, 2, 3};
  CHECK(quantile(sample, 0) == 1);
  CHECK(quantile(sample, 0.5) == 3);
  CHECK(quantile(sample, 0.95) == 5);
  CHECK(quantile({}, 0.5) == 0);
}

TEST_CASE("latencies that grow by half are told of") {
  Fed fed;
  REQUIRE(fed.minutes(180, 1) == -1);
  CHECK(fed.series.limit_ms(0) == doctest::Approx(800).epsilon(0.15));
  CHECK(fed.series.limit_ms(1) == doctest::Approx(800 * std::exp(0.4 * 1.645)).epsilon(0.3));
  const std::int64_t before = fed.minute;
  CHECK(fed.minutes(30, 1.5) >= 0);
  CHECK(fed.minute - before <= 15);
  CHECK(fed.series.recent_quantile(0.5, 100) > 900);
}

TEST_CASE("a tail that grows is told of by the tail alone") {
  Fed fed;
  REQUIRE(fed.minutes(180, 1) == -1);
  CHECK(fed.minutes(60, 1, 0.25) == 1);
}

TEST_CASE("latencies that fall are no rise") {
  Fed fed;
  REQUIRE(fed.minutes(180, 1) == -1);
  CHECK(fed.minutes(300, 0.3) == -1);
}

TEST_CASE("limits that serve no more are made anew of a day") {
  Fed fed;
  REQUIRE(fed.minutes(180, 1) == -1);
  static_cast<void>(fed.minutes(24 * 60, 0.3));
  static_cast<void>(fed.minutes(24 * 60, 0.3));
  CHECK(fed.series.limit_ms(0) == doctest::Approx(240).epsilon(0.2));
}
