#include "collector/aggregate/trend.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using arbiter::aggregate::kTrendPointsMin;
using arbiter::aggregate::Point;
using arbiter::aggregate::Series;
using arbiter::aggregate::Trend;
using arbiter::aggregate::trend_of;

namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;

std::vector<Point> points_of(const std::vector<double>& values) {
  std::vector<Point> points;
  for (const double value : values) points.push_back({static_cast<std::int64_t>(points.size()) * kHour, value});
  return points;
}

// How often, of so many series of noise without any trend, one is seen: noise of the first order with this autocorrelation.
double false_trends(double autocorrelation, std::size_t length, int series) {
  std::mt19937_64 random(24);
  std::normal_distribution<double> normal;
  int seen = 0;
  for (int i = 0; i < series; ++i) {
    std::vector<double> values;
    double now = normal(random) / std::sqrt(1 - autocorrelation * autocorrelation);
    for (std::size_t n = 0; n < length; ++n) values.push_back(now = autocorrelation * now + normal(random));
    seen += trend_of(points_of(values))->sign != 0 ? 1 : 0;
  }
  return static_cast<double>(seen) / series;
}

}  // namespace

TEST_CASE("a straight line is a trend of its slope, surely") {
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) values.push_back(5 - 0.25 * i);
  const Trend trend = *trend_of(points_of(values));
  CHECK(trend.points == 30);
  CHECK(trend.per_hour == doctest::Approx(-0.25));
  CHECK(trend.sign == -1);
  CHECK(trend.confidence > 0.999);
}

TEST_CASE("the test is that of the books: S, its variance and p of a series computed by hand") {
  // The numbers 1 to 20, each two changed about: of 190 pairs 10 fall, so S = 170; no ties, variance 20 * 19 * 45 / 18 = 950; z = 169 /
  // sqrt(950) = 5.4831; what is left of the slope alternates, and so is not significant where it would widen.
  std::vector<double> values;
  for (int i = 0; i < 20; i += 2) values.insert(values.end(), {i + 2.0, i + 1.0});
  const Trend trend = *trend_of(points_of(values));
  CHECK(trend.confidence == doctest::Approx(std::erf(5.48307 / std::sqrt(2.0))).epsilon(1e-9));
  CHECK(trend.per_hour == doctest::Approx(1));
  // Ties: ten noughts, then ten ones. S = 100; variance (20 * 19 * 45 - 2 * 10 * 9 * 25) / 18 = 700 before the widening, which only lessens
  // it.
  values.assign(20, 0);
  std::fill(values.begin() + 10, values.end(), 1);
  CHECK(trend_of(points_of(values))->confidence <= std::erf(99 / std::sqrt(700.0) / std::sqrt(2.0)));
}

TEST_CASE("of fewer than twenty points nothing is said, of equal ones that they are stable") {
  CHECK_FALSE(trend_of(points_of(std::vector<double>(kTrendPointsMin - 1, 1))));
  const Trend trend = *trend_of(points_of(std::vector<double>(kTrendPointsMin, 1)));
  CHECK(trend.sign == 0);
  CHECK(trend.per_hour == 0);
  CHECK(trend.confidence == 0);
}

TEST_CASE("wild points do not move the slope far") {
  std::vector<double> values;
  for (int i = 0; i < 40; ++i) values.push_back(i % 5 == 0 ? 1000.0 * (i % 2 == 0 ? 1 : -1) : 2.0 * i);
  CHECK(trend_of(points_of(values))->per_hour == doctest::Approx(2).epsilon(0.1));
}

TEST_CASE("noise without a trend is seldom taken for one, also where it is autocorrelated") {
  CHECK(false_trends(0, 100, 1000) < 0.07);  // nominal: 0.05
  CHECK(false_trends(0.3, 100, 1000) < 0.08);
  CHECK(false_trends(0.6, 100, 1000) < 0.09);
}

TEST_CASE("a trend below the noise is found, if there are points enough") {
  std::mt19937_64 random(25);
  std::normal_distribution<double> normal;
  int seen = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<double> values;
    for (int n = 0; n < 200; ++n) values.push_back(0.01 * n + normal(random));
    seen += trend_of(points_of(values))->sign == 1 ? 1 : 0;
  }
  CHECK(seen >= 95);
}

TEST_CASE("a series of samples in any order gives the same trend, however many there are") {
  std::vector<Point> samples;
  for (int i = 0; i < 20'000; ++i) samples.push_back({1'000'000 * kHour + i * (kHour / 100), i * 0.01 + (i * 7919 % 100)});
  Series in_order, shuffled;
  for (const Point& p : samples) in_order.add(p.time_ns, p.value);
  std::shuffle(samples.begin(), samples.end(), std::mt19937_64(26));
  for (const Point& p : samples) shuffled.add(p.time_ns, p.value);
  const Trend one = *in_order.trend(), other = *shuffled.trend();
  CHECK(one.points <= Series::kStepsMax);
  CHECK(one.points > Series::kStepsMax / 2 - 2);
  CHECK(one.points == other.points);
  CHECK(one.per_hour == doctest::Approx(1).epsilon(0.02));
  CHECK(other.per_hour == doctest::Approx(one.per_hour).epsilon(1e-9));
  CHECK(one.sign == 1);
}
