#include "collector/detect/threshold.hpp"

#include <doctest/doctest.h>

using namespace arbiter::detect;
using Event = Thresholds::Verdict::Event;

namespace {

constexpr std::int64_t kMinute = 60'000'000'000, kBegin = 20'000 * 24 * 60 * kMinute;

struct Fed {
  Thresholds thresholds;
  std::int64_t now = kBegin;

  // So many minutes of a hundred outcomes, of which `bad` are.
  void outcomes(Measure measure, int minutes, int bad) {
    for (int i = 0; i < minutes; ++i, now += kMinute)
      for (int k = 0; k < 100; ++k) thresholds.outcome(measure, k < bad, now);
  }
  void latencies(int minutes, double ms) {
    for (int i = 0; i < minutes; ++i, now += kMinute)
      for (int k = 0; k < 100; ++k) thresholds.latency(ms, now);
  }
  Thresholds::Verdict judge(Measure measure) { return thresholds.judge(measure, {}, now - 1); }
};

}  // namespace

TEST_CASE("a latency_spike is a p95 over twice the baseline, and critical over five seconds") {
  Fed fed;
  fed.latencies(120, 1000);
  fed.latencies(5, 1900);
  CHECK(fed.judge(Measure::latency_tail).event == Event::none);
  fed.latencies(5, 2200);
  const auto spike = fed.judge(Measure::latency_tail);
  REQUIRE(spike.event == Event::raised);
  CHECK(spike.type == Type::latency_spike);
  CHECK(spike.severity == Severity::high);
  CHECK(spike.baseline == doctest::Approx(1000).epsilon(0.03));
  CHECK(spike.current == doctest::Approx(2200).epsilon(0.03));
  CHECK(spike.since.n == 500);
  CHECK(fed.judge(Measure::latency_tail).event == Event::none);  // once

  Fed slow;
  slow.latencies(120, 2000);
  slow.latencies(5, 5500);
  CHECK(slow.judge(Measure::latency_tail).severity == Severity::critical);
}

TEST_CASE("rates are told of by the points that they are off, at the named severities") {
  struct Case {
    Measure measure;
    int bad;  // of a hundred; the baseline is 10
    Event event;
    Severity severity;
  };
  for (const Case& c :
       {Case{Measure::errors, 20, Event::none, {}}, Case{Measure::errors, 21, Event::raised, Severity::high},
        Case{Measure::errors, 31, Event::raised, Severity::critical}, Case{Measure::accuracy, 25, Event::none, {}},
        Case{Measure::accuracy, 26, Event::raised, Severity::high}, Case{Measure::accuracy, 30, Event::raised, Severity::critical},
        Case{Measure::compliance, 20, Event::none, {}}, Case{Measure::compliance, 31, Event::raised, Severity::critical}}) {
    CAPTURE(static_cast<int>(c.measure));
    CAPTURE(c.bad);
    Fed fed;
    fed.outcomes(c.measure, 120, 10);
    fed.outcomes(c.measure, 5, c.bad);
    const auto verdict = fed.judge(c.measure);
    CHECK(verdict.event == c.event);
    if (c.event == Event::raised) CHECK(verdict.severity == c.severity);
  }
}

TEST_CASE("what is over needs half of the difference gone, and comes again at all of it") {
  Fed fed;
  fed.outcomes(Measure::errors, 120, 10);
  fed.outcomes(Measure::errors, 5, 40);
  REQUIRE(fed.judge(Measure::errors).event == Event::raised);
  fed.outcomes(Measure::errors, 5, 16);
  CHECK(fed.judge(Measure::errors).event == Event::none);
  CHECK(fed.thresholds.open(Measure::errors));
  fed.outcomes(Measure::errors, 5, 14);
  CHECK(fed.judge(Measure::errors).event == Event::recovered);
  CHECK_FALSE(fed.thresholds.open(Measure::errors));
  fed.outcomes(Measure::errors, 5, 16);
  CHECK(fed.judge(Measure::errors).event == Event::none);
}

TEST_CASE("until there is a history of thirty, the baseline is what was registered") {
  Fed fed;
  fed.outcomes(Measure::errors, 1, 30);
  CHECK(fed.judge(Measure::errors).event == Event::none);  // nothing to compare with
  fed.thresholds.registered(100, 0.9, 0.95);
  const auto verdict = fed.judge(Measure::errors);
  CHECK(verdict.event == Event::raised);
  CHECK(verdict.baseline == doctest::Approx(0.05));
  CHECK(verdict.before.n == 0);
  fed.latencies(1, 300);
  CHECK(fed.judge(Measure::latency_tail).event == Event::raised);
}

TEST_CASE("budgets used beyond themselves are token_overuse") {
  Fed fed;
  for (int i = 0; i < 20; ++i) fed.thresholds.utilization(1.0, fed.now);
  fed.now += kMinute;
  CHECK(fed.judge(Measure::overuse).event == Event::none);
  for (int i = 0; i < 20; ++i) fed.thresholds.utilization(1.2, fed.now);
  fed.now += kMinute;
  const auto verdict = fed.judge(Measure::overuse);
  CHECK(verdict.event == Event::raised);
  CHECK(verdict.type == Type::token_overuse);
  CHECK(verdict.current == doctest::Approx(1.1));
}

TEST_CASE("nine outcomes are too few to tell anything of") {
  Fed fed;
  fed.outcomes(Measure::errors, 120, 0);
  fed.now += 10 * kMinute;
  for (int i = 0; i < 9; ++i) fed.thresholds.outcome(Measure::errors, true, fed.now);
  fed.now += kMinute;
  CHECK(fed.judge(Measure::errors).event == Event::none);
  fed.thresholds.outcome(Measure::errors, true, fed.now - 1);
  CHECK(fed.judge(Measure::errors).event == Event::raised);
}

TEST_CASE("a coarse histogram's quantiles are within 2.2 %") {
  CoarseHistogram histogram;
  for (int ms = 1; ms <= 10'000; ++ms) histogram.add(ms);
  for (const double q : {0.01, 0.5, 0.95, 0.99}) CHECK(histogram.quantile(q) == doctest::Approx(10'000 * q).epsilon(0.022));
}
