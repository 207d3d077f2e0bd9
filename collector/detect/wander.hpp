// How a share wanders by itself: what withholds alarms where outcomes are not independent, or go with the hour of the day.
//
// Learned from the series' own history, rises left out:
//   inflation   how many times the variance of independent outcomes that of blocks of them is, over blocks of 8 to 8,192 (from differences
//               of neighbouring blocks: von Neumann, Ann. Math. Statistics 12, 1941; the largest is left out, as a rise makes one). So
//               many outcomes count for one, and half as many again, since what is rare is rarer among independent ones. Likewise from how
//               seldom good and bad alternate, the rise included, which tells a burst from its first outcomes on.
//   tolerance   how far the share of an hour goes from that of the whole, beyond what chance explains, and half as far again; more while
//               less than three days are known. Once there is a day to compare, the same hours of the days before are taken for the
//               baseline where they are the better forecast: a season of the day.
// A rise must then be there, by the generalised likelihood ratio, between the share before and the share since less the tolerance, with so
// many outcomes only. In its first two days a series tells of sudden rises alone, since nobody knows yet what it does in a day: by kSudden,
// from two hours to what follows; and so does one that is seen to wander far. Where too little would be seen the series abstains, and says
// so.
#pragma once

#include <array>
#include <cstdint>

#include "collector/detect/rate.hpp"

namespace arbiter::detect {

class Wander {
 public:
  static constexpr std::int64_t kHourNs = 3'600'000'000'000;
  static constexpr double kToleranceMin = 0.005;  // half a point is nothing to be woken for
  static constexpr double kToleranceMax = 0.15;   // beyond it the series abstains
  static constexpr double kToleranceFar = 0.02;   // beyond it a rise has to be sudden, too
  static constexpr double kInflationMax = 40;     // likewise
  static constexpr double kSudden = 0.05;

  void add(bool bad);
  // The time that what is added from now on belongs to; never goes back.
  void set_time(std::int64_t now_ns);
  // What was added since this moment is a rise: it does not belong to the history.
  void forget_since(std::int64_t since_ns);

  double inflation() const;
  enum class Why : std::uint8_t { none, autocorrelated, wandering };
  Why abstains() const;
  // Whether what the series does by itself explains a rise, at this logarithm of a likelihood ratio.
  bool explains(const RateDetector::Rise& rise, double needed) const;

 private:
  static constexpr std::size_t kSizes = 6, kHours = 72, kRecent = 36;
  static constexpr std::int64_t kRecentNs = kHourNs / 12;
  struct Blocks {  // of one size
    std::uint32_t n = 0, bad = 0, last = 0;
    std::uint32_t differences = 0;
    bool has_last = false;
    double squares = 0, largest = 0;  // of the differences: their sum, and the largest
  };
  struct Span {
    std::uint32_t n = 0, bad = 0;
    double share() const { return n == 0 ? 0 : static_cast<double>(bad) / n; }
  };
  struct Reference {
    double share, tolerance;
  };
  const Span& hour(std::int64_t h) const { return hours_[static_cast<std::size_t>(h) % kHours]; }
  std::uint64_t largest_block() const;  // with differences enough
  int hours_known() const;
  double inflation_of(const RateDetector::Rise& rise) const;
  Reference reference(const Counts& before, std::int64_t since_ns) const;
  Counts right_before(std::int64_t since_ns) const;
  bool sudden(const RateDetector::Rise& rise, double needed, double inflated) const;

  Counts total_;
  std::uint64_t alternations_ = 0;  // an outcome unlike the one before
  bool last_ = false;
  std::array<Blocks, kSizes> sizes_{};
  std::array<Span, kHours> hours_{};
  std::array<Span, kRecent> recent_{};
  std::int64_t hour_ = 0, recent_now_ = 0;
};

// Whether, of outcomes of which so many count for one, the share since is above the share before plus the tolerance: the logarithm of the
// likelihood ratio of that, over the likeliest pair of shares that are no further apart.
double log_ratio(const Counts& before, const Counts& since, double tolerance, double inflation);

}  // namespace arbiter::detect
