// How often something was how large: counts under fixed upper bounds, as a histogram of /metrics has them.
//
// add() is a few comparisons and two additions: for what happens once a batch, a frame or a sync, not once an event.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace arbiter {

class Meter {
 public:
  static constexpr std::size_t kBoundsMax = 18;

  // Rising, at most kBoundsMax, and in the unit of what is added. They outlive the meter.
  explicit constexpr Meter(std::span<const std::uint64_t> bounds) : bounds_(bounds) {}

  void add(std::uint64_t value, std::uint64_t times = 1) {
    std::size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    counts_[i] += times;
    sum_ += static_cast<double>(value) * static_cast<double>(times);
  }

  std::span<const std::uint64_t> bounds() const { return bounds_; }
  std::uint64_t at(std::size_t i) const { return counts_[i]; }  // above bounds()[i - 1], up to bounds()[i]; behind the last: above all
  double sum() const { return sum_; }

 private:
  std::span<const std::uint64_t> bounds_;
  std::array<std::uint64_t, kBoundsMax + 1> counts_{};
  double sum_ = 0;
};

// In nanoseconds: 100 us to 10 s, for what should take milliseconds; 10 ms to 1,000 s, for what may take long.
inline constexpr std::array<std::uint64_t, 16> kShortTimes = {
    100'000,    250'000,     500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,    25'000'000,
    50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
inline constexpr std::array<std::uint64_t, 16> kLongTimes = {
    10'000'000,    25'000'000,     50'000'000,     100'000'000,    250'000'000,     500'000'000,     1'000'000'000,   2'500'000'000,
    5'000'000'000, 10'000'000'000, 25'000'000'000, 50'000'000'000, 100'000'000'000, 250'000'000'000, 500'000'000'000, 1'000'000'000'000};

}  // namespace arbiter
