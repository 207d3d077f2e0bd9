#include "collector/detect/threshold.hpp"

#include <algorithm>
#include <cmath>

namespace arbiter::detect {
namespace {

constexpr double kUtilizationMax = 1;

// How far above its baseline a figure is that is bad when it grows, in units of what is allowed: 1 and it is told of.
double excess(Measure measure, const Limits& limits, double baseline, double current) {
  switch (measure) {
    case Measure::accuracy: return 100 * (current - baseline) / limits.accuracy_points;
    case Measure::errors: return 100 * (current - baseline) / limits.error_points;
    case Measure::compliance: return 100 * (current - baseline) / limits.compliance_points;
    case Measure::overuse: return current > kUtilizationMax ? current / kUtilizationMax : current > 0.9 * kUtilizationMax ? 0.75 : 0;
    default: return baseline > 0 ? (current / baseline - 1) / (limits.latency_times - 1) : 0;
  }
}

Severity severity_of(Measure measure, const Limits& limits, double baseline, double current) {
  const double points = 100 * (current - baseline);
  switch (measure) {
    case Measure::accuracy: return points >= limits.accuracy_points + 5 ? Severity::critical : Severity::high;
    case Measure::errors: return points > 2 * limits.error_points ? Severity::critical : Severity::high;
    case Measure::compliance: return points > 2 * limits.compliance_points ? Severity::critical : Severity::high;
    case Measure::overuse: return current > 1.5 * kUtilizationMax ? Severity::high : Severity::medium;
    default: return current > limits.latency_critical_ms ? Severity::critical : Severity::high;
  }
}

Type type_of(Measure measure) {
  switch (measure) {
    case Measure::accuracy: return Type::accuracy_drop;
    case Measure::errors: return Type::error_rate_increase;
    case Measure::compliance: return Type::compliance_drop;
    case Measure::overuse: return Type::token_overuse;
    default: return Type::latency_spike;
  }
}

}  // namespace

void CoarseHistogram::add(double ms) {
  const double at = std::floor(kPerOctave * std::log2(std::max(ms, kLeastMs) / kLeastMs));
  ++counts_[static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(kBuckets - 1)))];
}

void CoarseHistogram::merge(const CoarseHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
}

std::uint64_t CoarseHistogram::count() const {
  std::uint64_t n = 0;
  for (const std::uint32_t c : counts_) n += c;
  return n;
}

double CoarseHistogram::quantile(double q) const {
  const double rank = std::max(1.0, std::ceil(q * static_cast<double>(count())));
  double below = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    below += counts_[i];
    if (below >= rank) return kLeastMs * std::exp2((static_cast<double>(i) + 0.5) / kPerOctave);
  }
  return 0;
}

void Thresholds::Pane::merge(const Pane& other) {
  for (std::size_t i = 0; i < kShares; ++i) shares[i] += other.shares[i];
  latency.merge(other.latency);
  utilization_sum += other.utilization_sum;
}

// The pane of this minute. What leaves the window belongs to the baseline from then on.
Thresholds::Pane& Thresholds::now(std::int64_t now_ns) {
  const std::int64_t minute = std::max(minute_, now_ns / kMinuteNs);
  const std::int64_t half_day = std::max(half_day_, now_ns / kHalfDayNs);
  for (std::int64_t i = std::max(half_day_ + 1, half_day - static_cast<std::int64_t>(kHalfDays) + 1); i <= half_day; ++i)
    half_days_[static_cast<std::size_t>(i) % kHalfDays] = {};
  half_day_ = half_day;
  for (std::int64_t i = std::max(minute_ + 1, minute - static_cast<std::int64_t>(kMinutes) + 1); i <= minute; ++i) {
    Pane& pane = minutes_[static_cast<std::size_t>(i) % kMinutes];
    half_days_[static_cast<std::size_t>(half_day_) % kHalfDays].merge(pane);
    pane = {};
  }
  minute_ = minute;
  return minutes_[static_cast<std::size_t>(minute_) % kMinutes];
}

void Thresholds::outcome(Measure measure, bool bad, std::int64_t now_ns) {
  now(now_ns).shares[static_cast<std::size_t>(measure)] += {1, bad ? 1u : 0u};
}
void Thresholds::latency(double ms, std::int64_t now_ns) { now(now_ns).latency.add(ms); }
void Thresholds::utilization(double share, std::int64_t now_ns) {
  Pane& pane = now(now_ns);
  pane.shares[static_cast<std::size_t>(Measure::overuse)] += {1, share > kUtilizationMax ? 1u : 0u};
  pane.utilization_sum += share;
}

void Thresholds::registered(std::optional<double> latency_ms, std::optional<double> accuracy, std::optional<double> reliability) {
  registered_ = {latency_ms.value_or(-1), accuracy.value_or(-1), reliability.value_or(-1)};
}

Thresholds::Figures Thresholds::figures(const Pane& pane, Measure measure) const {
  if (measure == Measure::latency_tail) {
    const std::uint64_t n = pane.latency.count();
    return {n, {n, 0}, n == 0 ? 0 : pane.latency.quantile(0.95)};
  }
  const Counts counts = pane.shares[static_cast<std::size_t>(measure)];
  const bool overuse = measure == Measure::overuse;
  return {counts.n, counts, !overuse ? counts.share() : counts.n == 0 ? 0 : pane.utilization_sum / static_cast<double>(counts.n)};
}

std::optional<Thresholds::Figures> Thresholds::baseline(Measure measure) const {
  Pane all;
  for (const Pane& pane : half_days_) all.merge(pane);
  const Figures own = figures(all, measure);
  if (own.n >= kBaselineMin || measure == Measure::overuse) return own;
  if (measure == Measure::latency_tail && registered_[0] >= 0) return Figures{0, {}, registered_[0]};
  if (measure == Measure::accuracy && registered_[1] >= 0) return Figures{0, {}, 1 - registered_[1]};
  if (measure == Measure::errors && registered_[2] >= 0) return Figures{0, {}, 1 - registered_[2]};
  return {};
}

Thresholds::Verdict Thresholds::judge(Measure measure, const Limits& limits, std::int64_t now_ns) {
  static_cast<void>(now(now_ns));
  Pane window;
  for (const Pane& pane : minutes_) window.merge(pane);
  const Figures current = figures(window, measure);
  Raised& raised = raised_[static_cast<std::size_t>(measure)];
  Verdict verdict{
      .type = type_of(measure), .measure = measure, .since = current.counts, .current = current.value, .since_ns = raised.since_ns};
  if (raised.since_ns != 0) {
    const bool recovered = current.n >= kWindowMin && excess(measure, limits, raised.baseline, current.value) < 0.5;
    if (!recovered && now_ns - raised.since_ns < kDayNs) return {};
    verdict.event = recovered ? Verdict::Event::recovered : Verdict::Event::adopted;
    raised = {};
    return verdict;
  }
  const auto before = current.n >= kWindowMin ? baseline(measure) : std::nullopt;
  if (!before || excess(measure, limits, before->value, current.value) <= 1) return {};
  verdict.event = Verdict::Event::raised;
  verdict.severity = severity_of(measure, limits, before->value, current.value);
  verdict.before = before->counts;
  verdict.baseline = before->value;
  verdict.since_ns = (minute_ - static_cast<std::int64_t>(kMinutes) + 1) * kMinuteNs;
  raised = {now_ns, before->value};
  return verdict;
}

}  // namespace arbiter::detect
