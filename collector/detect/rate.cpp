#include "collector/detect/rate.hpp"

#include <math.h>

#include <algorithm>
#include <cmath>

namespace arbiter::detect {
namespace {

constexpr double kNone = -1e300;  // logarithm of nothing
constexpr double kQuiet = 2;      // below this logarithmic likelihood ratio nothing seems to have begun

// Of the odds: from two points at a share of one half to a thousand times.
constexpr std::array<double, RateDetector::kLevels> kShifts = {0.08, 0.11, 0.15, 0.2, 0.27, 0.37, 0.5, 0.68,
                                                               0.92, 1.25, 1.7,  2.3, 3.2,  4.4,  6.5};
const double kLogLevels = std::log(static_cast<double>(RateDetector::kLevels));

double log_gamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);  // std::lgamma writes a global
}

// Of outcomes in their order, mixed over all shares by Beta(1/2, 1/2).
double log_kt(const Counts& c) {
  constexpr double kLogPi = 1.1447298858494002;  // B(1/2, 1/2) is pi
  const auto n = static_cast<double>(c.n), bad = static_cast<double>(c.bad);
  return log_gamma(bad + 0.5) + log_gamma(n - bad + 0.5) - log_gamma(n + 1) - kLogPi;
}

// The largest probability that any share gives them.
double log_most(const Counts& c) {
  const auto n = static_cast<double>(c.n), bad = static_cast<double>(c.bad), good = n - bad;
  return (bad > 0 ? bad * std::log(bad / n) : 0) + (good > 0 ? good * std::log(good / n) : 0);
}

double log_add(double a, double b) {
  const double larger = std::max(a, b), apart = std::min(a, b) - larger;
  return apart < -40 ? larger : larger + std::log1p(std::exp(apart));
}

}  // namespace

void RateDetector::set_levels() {
  log_odds_ = std::log((static_cast<double>(total_.bad) + 0.5) / (static_cast<double>(total_.n - total_.bad) + 0.5));
  based_on_ = total_.n;
}

void RateDetector::forget_rises() {
  for (Level& level : levels_) level.log_sum = level.log_best = kNone, level.since_n = level.since_bad = 0, level.since_ns = 0;
  log_m_ = kNone;
}

void RateDetector::restart() {
  *this = {};
  forget_rises();
}

void RateDetector::next_epoch() {
  total_ += pending_;
  const Counts of_this = total_ - carried_;
  restart();
  total_ = carried_ = of_this;
  if (total_.n >= kBaselineMin) set_levels();
}

double RateDetector::log_likelihood_ratio() const {
  double best = kNone;
  for (const Level& level : levels_) best = std::max(best, level.log_best);
  return best - log_start_;
}

bool RateDetector::judge(double spend, std::int64_t now_ns) {
  if (pending_.n == 0) return false;
  if (based_on_ == 0) {
    total_ += pending_;
    pending_ = {};
    if (total_.n >= kBaselineMin) forget_rises(), set_levels();
    return false;
  }
  const auto bad = static_cast<double>(pending_.bad), good = static_cast<double>(pending_.n - pending_.bad);
  log_start_ = std::log(spend) - kLogLevels + log_kt(total_);
  double all = kNone;
  for (std::size_t i = 0; i < kLevels; ++i) {
    Level& level = levels_[i];
    const double log_odds = log_odds_ + kShifts[i], log_not_q = -std::log1p(std::exp(log_odds));
    const double of_these = bad * (log_odds + log_not_q) + good * log_not_q;
    level.log_sum = log_add(level.log_sum, log_start_) + of_these;
    if (log_start_ >= level.log_best) level.log_best = log_start_, level.since_n = level.since_bad = 0, level.since_ns = now_ns;
    level.log_best += of_these;
    level.since_n += static_cast<std::uint32_t>(pending_.n);
    level.since_bad += static_cast<std::uint32_t>(pending_.bad);
    all = log_add(all, level.log_sum);
  }
  total_ += pending_;
  pending_ = {};
  log_start_ = std::log(spend) - kLogLevels + log_kt(total_);
  log_m_ = all - log_most(total_);
  // Where the levels lie may depend on all that has come, and while nothing seems to have begun nobody misses the old ones.
  if (total_.n >= 2 * based_on_ && log_likelihood_ratio() < kQuiet) set_levels();
  return log_m_ >= 0;
}

RateDetector::Rise RateDetector::likeliest() const {
  const auto best =
      std::max_element(levels_.begin(), levels_.end(), [](const Level& a, const Level& b) { return a.log_best < b.log_best; });
  const Counts since{best->since_n, best->since_bad};
  return {total_ - since, since, best->since_ns};
}

}  // namespace arbiter::detect
