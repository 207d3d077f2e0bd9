#include "collector/aggregate/trend.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace arbiter::aggregate {
namespace {

constexpr double kHourNs = 3.6e12;
constexpr double kNormal95 = 1.959963984540054;
constexpr double kCorrelationMax = 0.99;

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// Ranks from 1, equal values sharing the mean of theirs; and the ties' part of the variance of S.
struct Ranked {
  std::vector<double> ranks;
  double ties = 0;
};
Ranked rank(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Ranked out{std::vector<double>(values.size()), 0};
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] <= values[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) out.ranks[order[i]] = static_cast<double>(first + end + 1) / 2;
    const auto t = static_cast<double>(end - first);
    out.ties += t * (t - 1) * (2 * t + 5);
    first = end;
  }
  return out;
}

// By how much autocorrelation widens the distribution of S; at least 1. Hamed and Rao's sum over the lags, once with what is measured where
// it is significant, once as if noise were of the first order. The latter finds what the former has too few points for; its one number is
// corrected for the points that detrending has made less alike (Kendall's bias, with a slope taken out).
double widening(const std::vector<double>& detrended) {
  const std::vector<double> ranks = rank(detrended).ranks;
  const auto n = static_cast<double>(ranks.size());
  const double mean = (n + 1) / 2;
  double variance = 0;
  for (const double r : ranks) variance += (r - mean) * (r - mean);
  if (variance == 0) return 1;
  double measured = 0, first_order = 0, first = 0, power = 1;
  for (std::size_t lag = 1; lag < ranks.size() - 2; ++lag) {
    double covariance = 0;
    for (std::size_t i = lag; i < ranks.size(); ++i) covariance += (ranks[i] - mean) * (ranks[i - lag] - mean);
    const double correlation = covariance / variance;
    if (lag == 1) first = std::clamp((n * correlation + 2) / (n - 4), 0.0, kCorrelationMax);
    power *= first;
    const auto left = n - static_cast<double>(lag);
    const double weight = left * (left - 1) * (left - 2);
    if (std::abs(correlation) > kNormal95 / std::sqrt(n)) measured += weight * correlation;
    first_order += weight * power;
  }
  return 1 + 2 * std::max({0.0, measured, first_order}) / (n * (n - 1) * (n - 2));
}

}  // namespace

std::optional<Trend> trend_of(std::span<const Point> points) {
  if (points.size() < kTrendPointsMin) return std::nullopt;
  const auto hours = [&](const Point& p) { return static_cast<double>(p.time_ns - points.front().time_ns) / kHourNs; };
  std::vector<double> slopes;
  slopes.reserve(points.size() * (points.size() - 1) / 2);
  double s = 0;
  for (std::size_t j = 1; j < points.size(); ++j)
    for (std::size_t i = 0; i < j; ++i) {
      const double difference = points[j].value - points[i].value;
      s += difference > 0 ? 1 : difference < 0 ? -1 : 0;
      if (points[j].time_ns > points[i].time_ns) slopes.push_back(difference / (hours(points[j]) - hours(points[i])));
    }
  Trend trend;
  trend.points = points.size();
  if (slopes.empty()) return trend;
  trend.per_hour = median(slopes);

  std::vector<double> values, detrended;
  for (const Point& p : points) {
    values.push_back(p.value);
    detrended.push_back(p.value - trend.per_hour * hours(p));
  }
  const auto n = static_cast<double>(points.size());
  const double variance = (n * (n - 1) * (2 * n + 5) - rank(values).ties) / 18 * widening(detrended);
  if (variance <= 0 || s == 0) return trend;
  const double z = (std::abs(s) - 1) / std::sqrt(variance);  // corrected for continuity
  trend.confidence = std::erf(z / std::sqrt(2.0));
  if (trend.confidence >= kTrendConfidence) trend.sign = s > 0 ? 1 : -1;
  return trend;
}

void Series::add(std::int64_t time_ns, double value) {
  steps_[time_ns / step_ns_].add(value);
  while (steps_.size() > kStepsMax) {
    step_ns_ *= 2;
    std::map<std::int64_t, Mean> wider;
    for (const auto& [step, mean] : steps_) wider[step / 2].merge(mean);
    steps_ = std::move(wider);
  }
}

std::vector<Point> Series::list() const {
  std::vector<Point> points;
  for (const auto& [step, mean] : steps_) points.push_back({step * step_ns_, mean.value()});
  return points;
}

}  // namespace arbiter::aggregate
