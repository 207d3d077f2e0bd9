#include "collector/aggregate/histogram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "collector/aggregate/interval.hpp"

using arbiter::aggregate::Histogram;
using arbiter::aggregate::wilson_interval;

namespace {

double exact(std::vector<std::uint64_t> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * static_cast<double>(values.size()))));
  return static_cast<double>(values[rank - 1]);
}

void check_quantiles(const std::vector<std::uint64_t>& values) {
  Histogram histogram;
  for (const std::uint64_t value : values) histogram.add(value);
  CHECK(histogram.count() == values.size());
  CHECK(histogram.min() == *std::min_element(values.begin(), values.end()));
  CHECK(histogram.max() == *std::max_element(values.begin(), values.end()));
  for (const double q : {0.0, 0.001, 0.25, 0.5, 0.95, 0.99, 0.999, 1.0}) {
    CAPTURE(q);
    const double is = exact(values, q);
    CHECK(std::abs(*histogram.quantile(q) - is) <= Histogram::kRelativeError * is);
  }
}

}  // namespace

TEST_CASE("quantiles are within the stated error, whatever the values are like") {
  std::mt19937_64 random(6);
  std::vector<std::uint64_t> bimodal, lognormal, any;
  std::lognormal_distribution<double> duration(20, 3);
  for (int i = 0; i < 20'000; ++i) {
    bimodal.push_back(i % 50 == 0 ? 60'000'000'000 + random() % 1000 : 2'000'000 + random() % 100);
    lognormal.push_back(static_cast<std::uint64_t>(duration(random)));
    any.push_back(random() >> random() % 64);
  }
  check_quantiles(bimodal);
  check_quantiles(lognormal);
  check_quantiles(any);
  check_quantiles({0});
  check_quantiles({UINT64_MAX, UINT64_MAX - 1, 0});
  CHECK(Histogram::kRelativeError < 0.01);
}

TEST_CASE("values below 64 are counted as they are, and each power of two begins a bucket") {
  Histogram small;
  for (std::uint64_t v = 0; v < 64; ++v) small.add(v);
  CHECK(*small.quantile(0.5) == 31);
  for (unsigned bit = 6; bit <= 53; ++bit) {  // answers are doubles
    Histogram edges;
    edges.add((std::uint64_t{1} << bit) - 1);
    edges.add(std::uint64_t{1} << bit);
    CHECK(*edges.quantile(0.5) < *edges.quantile(1));
  }
}

TEST_CASE("parts merge into what all of it would have been, in any order") {
  std::mt19937_64 random(7);
  Histogram all, odd, even, empty;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random() >> random() % 60;
    all.add(value);
    (i % 2 == 0 ? even : odd).add(value);
  }
  Histogram one = odd, other = even;
  one.merge(even);
  other.merge(odd);
  other.merge(empty);
  empty.merge(all);
  for (const Histogram* h : {&one, &other, &empty}) {
    CHECK(h->count() == 1000);
    CHECK(h->min() == all.min());
    CHECK(h->max() == all.max());
    for (const double q : {0.01, 0.5, 0.9, 0.99}) CHECK(*h->quantile(q) == *all.quantile(q));
  }
}

TEST_CASE("of nothing there is no quantile") {
  Histogram histogram;
  CHECK_FALSE(histogram.quantile(0.5));
  CHECK(histogram.count() == 0);
}

TEST_CASE("the interval of a rate is Wilson's") {
  // The roots p of (rate - p)^2 = z^2 p (1 - p) / n, solved apart from this code.
  const auto near = [](double is, double should) { CHECK(is == doctest::Approx(should).epsilon(1e-6)); };
  const auto [low, high] = wilson_interval(8, 10);
  near(low, 0.4901625);
  near(high, 0.9433178);
  const auto [none_low, none_high] = wilson_interval(0, 68);
  CHECK(none_low == 0);
  near(none_high, 0.0534713);
  const auto [all_low, all_high] = wilson_interval(5, 5);
  near(all_low, 0.5655175);
  CHECK(all_high == 1);
  CHECK(wilson_interval(0, 0) == std::pair(0.0, 1.0));
}
