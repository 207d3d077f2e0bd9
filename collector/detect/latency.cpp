#include "collector/detect/latency.hpp"

#include <algorithm>
#include <cmath>

namespace arbiter::detect {
namespace {

// A limit serves as long as the share above it is within these times what it was made for.
constexpr double kServesFrom = 0.4, kServesTo = 1.6;

// A permutation of 64-bit numbers that looks like chance (S. Vigna's splitmix64): the same sample after a restart.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

double quantile(std::span<const float> sample, double q) {
  if (sample.empty()) return 0;
  std::array<float, LatencySeries::kRecent> sorted{};
  const std::size_t n = std::min(sample.size(), sorted.size());
  std::copy_n(sample.begin(), n, sorted.begin());
  const auto rank = static_cast<std::ptrdiff_t>(std::max(0.0, std::ceil(q * static_cast<double>(n)) - 1));
  std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.begin() + static_cast<std::ptrdiff_t>(n));
  return static_cast<double>(sorted[static_cast<std::size_t>(rank)]);
}

void LatencySeries::keep(float ms) {
  recent_[seen_++ % kRecent] = ms;
  if (in_epoch_ < kLearned) {
    sample_[in_epoch_++] = ms;
    return;
  }
  random_ = mixed(random_);
  const std::uint64_t at = random_ % ++in_epoch_;
  if (at < kLearned) sample_[at] = ms;
}

void LatencySeries::add(double latency_ms, std::int64_t now_ns) {
  const auto ms = static_cast<float>(latency_ms);
  if (epoch_ns_ == 0) epoch_ns_ = now_ns;
  if (now_ns - epoch_ns_ >= RateSeries::kEpochNs && in_epoch_ >= kLearned) next_epoch(now_ns);
  keep(ms);
  if (limits_[0] == 0) {
    if (in_epoch_ < kLearned) return;
    for (std::size_t i = 0; i < kLimits; ++i) limits_[i] = std::max(static_cast<float>(quantile(sample_, kQuantiles[i])), 1e-6f);
    return;
  }
  for (std::size_t i = 0; i < kLimits; ++i) {
    above_[i].add(ms > limits_[i]);
    above_in_epoch_[i] += ms > limits_[i] ? 1u : 0u;
  }
}

void LatencySeries::next_epoch(std::int64_t now_ns) {
  for (std::size_t i = 0; i < kLimits; ++i) {
    const double made_for = 1 - kQuantiles[i], share = above_in_epoch_[i] / static_cast<double>(in_epoch_);
    const bool serves = share >= kServesFrom * made_for && share <= kServesTo * made_for;
    if (!serves && above_[i].state() != RateSeries::State::risen) {
      limits_[i] = std::max(static_cast<float>(quantile(sample_, kQuantiles[i])), 1e-6f);
      above_[i] = {};
    }
  }
  above_in_epoch_ = {};
  in_epoch_ = 0;
  epoch_ns_ = now_ns;
}

RateSeries::Event LatencySeries::judge(std::size_t limit, double spend, std::int64_t now_ns) { return above_[limit].judge(spend, now_ns); }

double LatencySeries::recent_quantile(double q, std::uint64_t of_latest) const {
  const std::size_t n = std::min({static_cast<std::size_t>(of_latest), static_cast<std::size_t>(seen_), kRecent});
  std::array<float, kRecent> latest{};
  for (std::size_t i = 0; i < n; ++i) latest[i] = recent_[(seen_ - 1 - i) % kRecent];
  return quantile(std::span(latest).first(n), q);
}

}  // namespace arbiter::detect
