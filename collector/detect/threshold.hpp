// Thresholds, for those who want them: the last five minutes of an agent against the 24 hours before, by fixed differences. No rate of
// false alarms is promised: few outcomes, or an uneasy agent, make many.
//
//   latency_spike         p95 over `latency_times` that of the baseline; critical over `latency_critical_ms`
//   accuracy_drop         `accuracy_points` below the baseline; critical by 5 more
//   error_rate_increase   `error_points` above the baseline; critical over twice that; likewise compliance_drop, below it
//   token_overuse         mean utilisation over 1
//
// The baseline is the agent's own, of kBaselineMin outcomes at least; until there are as many, what it registered with. It reaches back 24
// hours before the window, and up to half a day further, as it goes by half days. A window has kWindowMin outcomes at least. It is over
// when less than half of the difference is left, against the baseline that it was found by; after a day it is what the agent is like now.
//
// About 18 KB an agent, which may be copied as such. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "collector/detect/anomaly.hpp"

namespace arbiter::detect {

// Counts of latencies on a logarithmic scale: quantiles within 2.2 %, from 10 µs to half a day. What is beyond counts as the end.
class CoarseHistogram {
 public:
  void add(double ms);
  void merge(const CoarseHistogram& other);
  std::uint64_t count() const;
  double quantile(double q) const;

 private:
  static constexpr int kPerOctave = 16;
  static constexpr std::size_t kBuckets = 512;
  static constexpr double kLeastMs = 0.01;
  std::array<std::uint32_t, kBuckets> counts_{};
};

struct Limits {
  double latency_times = 2, latency_critical_ms = 5000, accuracy_points = 15, error_points = 10, compliance_points = 10;
};

class Thresholds {
 public:
  static constexpr std::uint64_t kBaselineMin = 30, kWindowMin = 10;
  static constexpr std::size_t kWatched = 5;  // types: latency_spike to token_overuse but agent_offline, compliance_drop

  void outcome(Measure measure, bool bad, std::int64_t now_ns);
  void latency(double ms, std::int64_t now_ns);
  void utilization(double share, std::int64_t now_ns);
  // What the agent registered with.
  void registered(std::optional<double> latency_ms, std::optional<double> accuracy, std::optional<double> reliability);

  struct Verdict {
    enum class Event : std::uint8_t { none, raised, recovered, adopted } event = Event::none;
    Type type{};
    Measure measure{};
    Severity severity{};
    Counts before, since;              // of latencies only `n`
    double baseline = 0, current = 0;  // p95 in ms, mean utilisation, or the share of what is bad
    std::int64_t since_ns = 0;
  };
  // Of one measure: errors, accuracy, compliance, overuse, or latency_tail.
  Verdict judge(Measure measure, const Limits& limits, std::int64_t now_ns);
  bool open(Measure measure) const { return raised_[static_cast<std::size_t>(measure)].since_ns != 0; }

 private:
  static constexpr std::int64_t kMinuteNs = 60'000'000'000, kHalfDayNs = 12 * 60 * kMinuteNs, kDayNs = 2 * kHalfDayNs;
  static constexpr std::size_t kMinutes = 5, kHalfDays = 3, kShares = 4;
  struct Pane {
    std::array<Counts, kShares> shares{};
    CoarseHistogram latency;
    double utilization_sum = 0;
    void merge(const Pane& other);
  };
  struct Raised {
    std::int64_t since_ns = 0;  // 0: it is not
    double baseline = 0;
  };
  struct Figures {
    std::uint64_t n = 0;
    Counts counts;
    double value = 0;
  };
  Pane& now(std::int64_t now_ns);
  Figures figures(const Pane& pane, Measure measure) const;
  std::optional<Figures> baseline(Measure measure) const;

  std::array<Pane, kMinutes> minutes_{};
  std::array<Pane, kHalfDays> half_days_{};
  std::int64_t minute_ = 0, half_day_ = 0;        // the latest
  std::array<double, 3> registered_{-1, -1, -1};  // latency, accuracy, reliability; below 0: not known
  std::array<Raised, kMeasures> raised_{};
};

}  // namespace arbiter::detect
