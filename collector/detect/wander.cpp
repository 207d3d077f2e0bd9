#include "collector/detect/wander.hpp"

#include <algorithm>
#include <cmath>

namespace arbiter::detect {
namespace {

constexpr std::uint32_t kLeastBlock = 8, kTimes = 4;
constexpr std::uint32_t kDifferencesMin = 8;
constexpr double kRarer = 1.5;
constexpr double kFurther = 1.5;       // what has been seen of a wandering series is not all of it
constexpr int kDay = 24, kKnown = 48;  // hours
constexpr std::uint64_t kSuddenMin = 60;
constexpr std::int64_t kBefore = 24;  // of the recent spans: what a sudden rise is held against
constexpr double kChance = 2.5;       // standard deviations of an hour that chance explains

double deviation(double share, double n) { return std::sqrt(share * (1 - share) / n); }

double divergence(double n, double seen, double share) {
  share = std::clamp(share, 1e-9, 1 - 1e-9);
  return n * ((seen > 0 ? seen * std::log(seen / share) : 0) + (seen < 1 ? (1 - seen) * std::log((1 - seen) / (1 - share)) : 0));
}

}  // namespace

void Wander::add(bool bad) {
  if (bad != last_ && total_.n != 0) ++alternations_;
  last_ = bad;
  total_ += {1, bad ? 1u : 0u};
  for (Span* span : {&hours_[static_cast<std::size_t>(hour_) % kHours], &recent_[static_cast<std::size_t>(recent_now_) % kRecent]})
    ++span->n, span->bad += bad ? 1 : 0;
  std::uint32_t n = 1, of_these = bad ? 1 : 0, size = kLeastBlock;
  for (Blocks& blocks : sizes_) {
    blocks.n += n;
    blocks.bad += of_these;
    if (blocks.n < size) return;
    if (blocks.has_last) {
      const double difference = static_cast<double>(blocks.bad) - blocks.last;
      blocks.squares += difference * difference;
      blocks.largest = std::max(blocks.largest, difference * difference);
      ++blocks.differences;
    }
    n = blocks.n;
    of_these = blocks.last = blocks.bad;
    blocks.has_last = true;
    blocks.n = blocks.bad = 0;
    size *= kTimes;
  }
}

void Wander::set_time(std::int64_t now_ns) {
  const auto roll = [](auto& spans, std::int64_t& at, std::int64_t to) {
    for (std::int64_t i = std::max(at + 1, to - static_cast<std::int64_t>(spans.size()) + 1); i <= to; ++i)
      spans[static_cast<std::size_t>(i) % spans.size()] = {};
    at = std::max(at, to);
  };
  roll(hours_, hour_, now_ns / kHourNs);
  roll(recent_, recent_now_, now_ns / kRecentNs);
}

void Wander::forget_since(std::int64_t since_ns) {
  for (Blocks& blocks : sizes_) blocks.n = blocks.bad = 0, blocks.has_last = false;
  for (std::int64_t h = std::max(since_ns / kHourNs, hour_ - static_cast<std::int64_t>(kHours) + 1); h <= hour_; ++h)
    hours_[static_cast<std::size_t>(h) % kHours] = {};
  recent_ = {};
}

std::uint64_t Wander::largest_block() const {
  std::uint64_t size = kLeastBlock, largest = 0;
  for (const Blocks& blocks : sizes_) {
    if (blocks.differences >= kDifferencesMin) largest = size;
    size *= kTimes;
  }
  return largest;
}

int Wander::hours_known() const {
  return static_cast<int>(std::count_if(hours_.begin(), hours_.end(), [](const Span& h) { return h.n != 0; }));
}

double Wander::inflation() const {
  const double share = (static_cast<double>(total_.bad) + 0.5) / (static_cast<double>(total_.n) + 1);
  double most = 1, size = kLeastBlock;
  for (const Blocks& blocks : sizes_) {
    if (blocks.differences >= kDifferencesMin)
      most = std::max(most, (blocks.squares - blocks.largest) / 2 / (blocks.differences - 1) / (size * share * (1 - share)));
    size *= kTimes;
  }
  return 1 + kRarer * (most - 1);
}

// With that of the rise: alternations are as many as the autocorrelation of neighbours is below 1, of those that independent outcomes make.
double Wander::inflation_of(const RateDetector::Rise& rise) const {
  const auto expected = [](double n, double share) { return n * 2 * share * (1 - share); };
  const double n = static_cast<double>(total_.n), since = std::min(static_cast<double>(rise.since.n), n);
  const double independent = expected(n - since, rise.before.share()) + expected(since, rise.since.share());
  if (independent <= 0) return inflation();
  const double correlation = std::clamp(1 - static_cast<double>(alternations_) / independent, 0.0, 0.99);
  return std::max(inflation(), 1 + kRarer * 2 * correlation / (1 - correlation));
}

Wander::Reference Wander::reference(const Counts& before, std::int64_t since_ns) const {
  const double share = before.share(), whole = std::clamp(share, 0.001, 0.999);
  const std::int64_t oldest = std::max<std::int64_t>(hour_ - static_cast<std::int64_t>(kHours) + 1, 0);
  const std::int64_t end = since_ns / kHourNs;  // the rise is in no hour before it
  double wandered = 0, from_yesterday = 0;
  int known = 0, compared = 0;
  for (std::int64_t h = oldest; h < end; ++h) {
    const Span& now = hour(h);
    if (now.n == 0) continue;
    ++known;
    wandered = std::max(wandered, std::abs(now.share() - share) - kChance * deviation(whole, now.n));
    if (h - 24 < oldest || hour(h - 24).n == 0) continue;
    const Span& yesterday = hour(h - 24);
    const double noise = kChance * std::hypot(deviation(whole, now.n), deviation(whole, yesterday.n));
    from_yesterday = std::max(from_yesterday, std::abs(now.share() - yesterday.share()) - noise);
    ++compared;
  }
  const double further = kFurther * std::sqrt(static_cast<double>(kHours) / std::max(known, 1));
  const Reference plain{share, std::max(kToleranceMin, further * wandered)};
  if (compared < kDay || from_yesterday >= wandered) return plain;
  Counts seasonal;  // the same hours, on the days before
  for (std::int64_t h = std::max(end, hour_ - kDay + 1); h <= hour_; ++h)
    for (std::int64_t day = h - kDay; day >= oldest; day -= kDay) seasonal += {hour(day).n, hour(day).bad};
  if (seasonal.n < RateDetector::kBaselineMin) return plain;
  return {seasonal.share(), std::max(kToleranceMin, further * from_yesterday)};
}

Counts Wander::right_before(std::int64_t since_ns) const {
  Counts counts;
  const std::int64_t end = since_ns / kRecentNs;
  for (std::int64_t i = std::max(end - kBefore, recent_now_ - static_cast<std::int64_t>(kRecent) + 1); i < end; ++i)
    counts += {recent_[static_cast<std::size_t>(i) % kRecent].n, recent_[static_cast<std::size_t>(i) % kRecent].bad};
  return counts;
}

Wander::Why Wander::abstains() const {
  if (inflation() > kInflationMax) return Why::autocorrelated;
  if (hours_known() < kKnown) return Why::none;
  return reference(total_, hour_ * kHourNs).tolerance > kToleranceMax ? Why::wandering : Why::none;
}

bool Wander::sudden(const RateDetector::Rise& rise, double needed, double inflated) const {
  const Counts before = right_before(rise.since_ns);
  return before.n >= RateDetector::kBaselineMin && rise.since.n >= kSuddenMin && log_ratio(before, rise.since, kSudden, inflated) >= needed;
}

bool Wander::explains(const RateDetector::Rise& rise, double needed) const {
  const double inflated = inflation_of(rise);
  if (inflated > kInflationMax || largest_block() * 16 < rise.since.n) return true;
  if (hours_known() < kKnown) return !sudden(rise, needed, inflated);
  const Reference reference = this->reference(rise.before, rise.since_ns);
  if (reference.tolerance > kToleranceMax) return true;
  if (reference.tolerance > kToleranceFar && !sudden(rise, needed, inflated)) return true;
  Counts before = rise.before;
  before.bad = static_cast<std::uint64_t>(std::llround(reference.share * static_cast<double>(before.n)));
  return log_ratio(before, rise.since, reference.tolerance, inflated) < needed;
}

double log_ratio(const Counts& before, const Counts& since, double tolerance, double inflation) {
  const double m = static_cast<double>(before.n) / inflation, n = static_cast<double>(since.n) / inflation;
  const double was = before.share(), is = since.share();
  if (is <= was + tolerance) return 0;
  // The likeliest share for both is between the two: the sum is convex there.
  double low = was, high = is - tolerance;
  const auto lost = [&](double share) { return divergence(m, was, share) + divergence(n, is, share + tolerance); };
  for (int i = 0; i < 40; ++i) {
    const double third = (high - low) / 3;
    if (lost(low + third) < lost(high - third))
      high -= third;
    else
      low += third;
  }
  return lost((low + high) / 2);
}

}  // namespace arbiter::detect
