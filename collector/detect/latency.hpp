// Latencies of one series, watched: shares of them above limits that are the series' own, each a RateSeries.
//
// A chart of ranks, as robust as they are: whatever the latencies' distribution, each is above a limit that was fixed before it came, or is
// not, so the guarantee of rate.hpp holds as it stands. The limits are the median (a shift of all) and the 95th percentile (a tail that
// grew) of the first kLearned latencies; outcomes that a limit was made of are not counted against it. When, over a day, the share above a
// limit is far from what it was made for, the limit is made anew of that day, and what is above it is learned from then on.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "collector/detect/series.hpp"

namespace arbiter::detect {

// Of a sample, by the nearest rank; q from 0 to 1. Nothing in it: 0.
double quantile(std::span<const float> sample, double q);

class LatencySeries {
 public:
  static constexpr std::size_t kLearned = 100, kLimits = 2;
  static constexpr std::array<double, kLimits> kQuantiles = {0.5, 0.95};

  void add(double ms, std::int64_t now_ns);
  // Of the series of that limit; see RateSeries::judge.
  RateSeries::Event judge(std::size_t limit, double spend, std::int64_t now_ns);

  const RateSeries& of(std::size_t limit) const { return above_[limit]; }
  double limit_ms(std::size_t limit) const { return limits_[limit]; }  // 0: still learning
  // The latest so many, at most kRecent.
  double recent_quantile(double q, std::uint64_t of_latest) const;
  void restart(std::size_t limit, std::int64_t now_ns) { above_[limit].restart(now_ns); }
  static constexpr std::size_t kRecent = 128;

 private:
  void keep(float ms);
  void next_epoch(std::int64_t now_ns);

  std::array<float, kLimits> limits_{};
  std::array<std::uint32_t, kLimits> above_in_epoch_{};
  std::array<RateSeries, kLimits> above_{};
  std::array<float, kLearned> sample_{};  // drawn evenly from the epoch (reservoir sampling: J. Vitter, ACM TOMS 11, 1985)
  std::array<float, kRecent> recent_{};
  std::uint64_t seen_ = 0, in_epoch_ = 0, random_ = 0;
  std::int64_t epoch_ns_ = 0;
};

}  // namespace arbiter::detect
