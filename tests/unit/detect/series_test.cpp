#include "collector/detect/series.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

using arbiter::detect::Counts;
using arbiter::detect::log_ratio;
using arbiter::detect::RateSeries;
using arbiter::detect::Wander;

namespace {

constexpr std::int64_t kMinute = 60'000'000'000, kBegin = 20'000 * 24 * 60 * kMinute;
constexpr double kSpend = 1e-6;

struct Fed {
  RateSeries series;
  std::mt19937_64 random{3};
  std::int64_t minute = 0;

  // The first event of so many minutes of twenty outcomes each, of this share; none: nothing happened.
  RateSeries::Event minutes(int n, double share) {
    std::bernoulli_distribution bad(share);
    for (int i = 0; i < n; ++i) {
      for (int k = 0; k < 20; ++k) series.add(bad(random));
      if (const auto event = series.judge(kSpend, kBegin + ++minute * kMinute); event != RateSeries::Event::none) return event;
    }
    return RateSeries::Event::none;
  }
};

}  // namespace

TEST_CASE("a series that gets worse is told of once, and recovers once it is as before") {
  Fed fed;
  CHECK(fed.series.state() == RateSeries::State::learning);
  CHECK(fed.minutes(120, 0.1) == RateSeries::Event::none);
  CHECK(fed.series.state() == RateSeries::State::quiet);
  REQUIRE(fed.minutes(20, 0.6) == RateSeries::Event::risen);
  const std::int64_t told_after = fed.minute - 120;
  CHECK(told_after <= 5);
  CHECK(fed.series.rise().before.share() == doctest::Approx(0.1).epsilon(0.2));
  CHECK(fed.minutes(100, 0.6) == RateSeries::Event::none);  // once
  CHECK(fed.series.state() == RateSeries::State::risen);
  CHECK(fed.minutes(20, 0.1) == RateSeries::Event::recovered);
  CHECK(fed.series.state() == RateSeries::State::learning);
}

TEST_CASE("a share between baseline and rise neither ends it nor makes another") {
  Fed fed;
  fed.minutes(120, 0.1);
  REQUIRE(fed.minutes(20, 0.7) == RateSeries::Event::risen);
  CHECK(fed.minutes(200, 0.5) == RateSeries::Event::none);
  CHECK(fed.series.state() == RateSeries::State::risen);
}

TEST_CASE("what stays for a day is what the series is like now") {
  Fed fed;
  fed.minutes(120, 0.1);
  REQUIRE(fed.minutes(20, 0.6) == RateSeries::Event::risen);
  const std::int64_t since = fed.minute;
  CHECK(fed.minutes(25 * 60, 0.6) == RateSeries::Event::adopted);
  CHECK(fed.minute - since == doctest::Approx(24 * 60).epsilon(0.01));
  CHECK(fed.minutes(24 * 60, 0.6) == RateSeries::Event::none);
}

TEST_CASE("outcomes that stick together count for few") {
  RateSeries series;
  std::mt19937_64 random(4);
  std::bernoulli_distribution bad(0.1), again(0.9);
  bool last = false;
  for (int minute = 1; minute <= 3 * 24 * 60; ++minute) {
    for (int k = 0; k < 5; ++k) series.add(last = again(random) ? last : bad(random));
    CHECK(series.judge(kSpend, kBegin + minute * kMinute) == RateSeries::Event::none);
  }
  CHECK(series.inflation() > 10);  // 1.5 times (1 + 0.9) / (1 - 0.9), less one half, if it were known exactly
  CHECK(series.inflation() < 60);
}

TEST_CASE("what a series does by itself is learned from every outcome in its order, however many there are between two judgements") {
  for (const int between : {1, 62, 63, 64, 1000}) {
    CAPTURE(between);
    RateSeries series;
    Wander each;
    std::mt19937_64 random(5);
    std::bernoulli_distribution turns(0.2), bad(0.3);
    bool last = false;
    for (int judged = 0; judged < 5000 / between; ++judged) {
      for (int i = 0; i < between; ++i) {
        if (turns(random)) last = bad(random);
        series.add(last);
        each.add(last);
      }
      series.judge(kSpend, kBegin + judged);
      each.set_time(kBegin + judged);
      CHECK(series.inflation() == each.inflation());
    }
    CHECK(series.inflation() > 2);
    CHECK(series.wander().abstains() == each.abstains());
  }
}

TEST_CASE("a copy of the bytes of a series goes on as the series does") {
  Fed fed;
  fed.minutes(120, 0.1);
  static_assert(std::is_trivially_copyable_v<RateSeries>);
  std::array<std::byte, sizeof(RateSeries)> bytes;
  std::memcpy(bytes.data(), &fed.series, bytes.size());
  Fed other;
  std::memcpy(&other.series, bytes.data(), bytes.size());
  other.random = fed.random;
  other.minute = fed.minute;
  CHECK(fed.minutes(20, 0.6) == RateSeries::Event::risen);
  CHECK(other.minutes(20, 0.6) == RateSeries::Event::risen);
  CHECK(other.minute == fed.minute);
}

TEST_CASE("the likelihood ratio is that of shares further apart than the tolerance") {
  const Counts before{1000, 100}, since{100, 40};
  CHECK(log_ratio(before, since, 0.3, 1) == 0);
  CHECK(log_ratio(before, since, 0.35, 1) == 0);
  const double plain = log_ratio(before, since, 0, 1);
  CHECK(plain == doctest::Approx(26.90).epsilon(0.001));  // two-sample G-test, halved
  CHECK(log_ratio(before, since, 0.1, 1) < plain);
  CHECK(log_ratio(before, since, 0, 4) == doctest::Approx(plain / 4));
}
