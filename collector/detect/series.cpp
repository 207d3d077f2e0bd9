#include "collector/detect/series.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace arbiter::detect {
namespace {

constexpr double kRecovered = 12;  // logarithm of a likelihood ratio: above it the baseline is back
constexpr double kNear = 1.0 / 3;  // of the way from the baseline to the rise

}  // namespace

void RateSeries::add(bool bad) {
  pending_ += {1, bad ? 1u : 0u};
  if (risen_) return;
  waiting_ = waiting_ << 1 | (bad ? 1u : 0u);
  if (waiting_ >> 63 != 0) settle();
}

void RateSeries::settle() {
  for (int at = 62 - std::countl_zero(waiting_); at >= 0; --at) wander_.add((waiting_ >> at & 1) != 0);
  waiting_ = 1;
}

void RateSeries::restart(std::int64_t now_ns) {
  settle();
  detector_.restart();
  pending_ = {};
  epoch_ns_ = now_ns;
  risen_ = withheld_ = false;
}

RateSeries::State RateSeries::state() const {
  if (risen_) return State::risen;
  if (!detector_.ready()) return State::learning;
  return withheld_ || wander_.abstains() != Wander::Why::none ? State::abstaining : State::quiet;
}

RateSeries::Event RateSeries::judge(double spend, std::int64_t now_ns) {
  if (epoch_ns_ == 0) epoch_ns_ = now_ns;
  settle();
  wander_.set_time(now_ns);
  if (risen_) return recover(now_ns);
  if (now_ns - epoch_ns_ >= kEpochNs) {
    epoch_ns_ = now_ns;
    detector_.next_epoch();
  }
  detector_.add(pending_);
  pending_ = {};
  const bool told = detector_.judge(spend, now_ns);
  withheld_ = told && wander_.explains(detector_.likeliest(), -std::log(spend));
  if (!told || withheld_) return Event::none;
  risen_ = true;
  rise_ = detector_.likeliest();
  wander_.forget_since(rise_.since_ns);
  recovering_ = {};
  log_recovered_ = 0;
  return Event::risen;
}

RateSeries::Event RateSeries::recover(std::int64_t now_ns) {
  const auto share_of = [](const Counts& c) { return (static_cast<double>(c.bad) + 0.5) / (static_cast<double>(c.n) + 1); };
  const double was = share_of(rise_.before), is = share_of(rise_.since);
  const auto bad = static_cast<double>(pending_.bad), good = static_cast<double>(pending_.n - pending_.bad);
  recovering_ += pending_;
  pending_ = {};
  log_recovered_ += bad * std::log(was / is) + good * std::log((1 - was) / (1 - is));
  if (log_recovered_ <= 0) log_recovered_ = 0, recovering_ = {};
  const bool near = recovering_.share() <= was + (is - was) * kNear;
  const bool recovered = log_recovered_ > kRecovered && recovering_.n >= RateDetector::kBaselineMin && near;
  const bool adopted = now_ns - rise_.since_ns > kEpochNs;
  if (!recovered && !adopted) return Event::none;
  restart(now_ns);
  return recovered ? Event::recovered : Event::adopted;
}

}  // namespace arbiter::detect
