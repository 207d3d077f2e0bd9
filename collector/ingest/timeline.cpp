#include "collector/ingest/timeline.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace arbiter::ingest {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr double kSlewMax = 0.05;

std::int64_t clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * kSecond + t.tv_nsec;
}

std::uint64_t read_tsc() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

double measure_ns_per_tick() {
  const auto pair = [] {
    // The counter is read on both sides of the clock; of five tries the tightest counts.
    std::uint64_t tsc = 0, best = ~0ULL;
    std::int64_t raw = 0;
    for (int i = 0; i < 5; ++i) {
      const std::uint64_t before = read_tsc();
      const std::int64_t ns = clock_ns(CLOCK_MONOTONIC_RAW);
      const std::uint64_t after = read_tsc();
      if (after - before < best) best = after - before, tsc = before + (after - before) / 2, raw = ns;
    }
    return std::pair{tsc, raw};
  };
  const auto [tsc_a, raw_a] = pair();
  const timespec wait{0, 5'000'000};
  nanosleep(&wait, nullptr);
  const auto [tsc_b, raw_b] = pair();
  return tsc_b == tsc_a ? 1.0 : static_cast<double>(raw_b - raw_a) / static_cast<double>(tsc_b - tsc_a);
}

}  // namespace

ClockReading read_clocks() { return {read_tsc(), clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME)}; }

Timeline::Timeline() : Timeline(read_clocks(), measure_ns_per_tick()) {}

Timeline::Timeline(const ClockReading& first, double ns_per_tick) : first_(first), base_(first), ns_per_tick_(ns_per_tick) { set_rate(1); }

void Timeline::set_rate(double rate) {
  rate_ = rate;
  scale_ = ns_per_tick_ * rate;
  ahead_ticks_ = static_cast<std::uint64_t>(static_cast<double>(kAheadMaxNs) / ns_per_tick_);
}

std::int64_t Timeline::at_tsc(std::uint64_t tsc) const {
  const double ticks = tsc >= base_.tsc ? static_cast<double>(tsc - base_.tsc) : -static_cast<double>(base_.tsc - tsc);
  // Only what lies ahead of the last reading is slewed: what was stamped before it was stamped under the rate of its time.
  return base_.unix_ns + std::llround(ticks * (ticks > 0 ? scale_ : ns_per_tick_));
}

std::int64_t Timeline::at_monotonic(std::int64_t monotonic_ns) const {
  const std::int64_t past = monotonic_ns - base_.monotonic_ns;
  return base_.unix_ns + (past > 0 ? std::llround(static_cast<double>(past) * rate_) : past);
}

std::int64_t Timeline::unix_ns(abi::ClockSource source, std::uint64_t ticks) {
  // Nearly all: stamped since the last reading. As at_tsc() has it, without a call.
  if (const std::uint64_t since = ticks - base_.tsc; source == abi::ClockSource::tsc && since < ahead_ticks_) [[likely]]
    return base_.unix_ns + static_cast<std::int64_t>(static_cast<double>(static_cast<std::int64_t>(since)) * scale_ + 0.5);
  // Untrusted ticks: bounded before any arithmetic on them can overflow.
  const bool tsc = source == abi::ClockSource::tsc;
  const std::uint64_t base = tsc ? base_.tsc : static_cast<std::uint64_t>(base_.monotonic_ns);
  const double ns_per_tick = tsc ? ns_per_tick_ : 1.0;
  if (ticks > base && static_cast<double>(ticks - base) * ns_per_tick > static_cast<double>(kAheadMaxNs)) {
    const std::int64_t now = now_ns();
    const std::int64_t ahead =
        static_cast<double>(ticks - base) * ns_per_tick < 9e18 ? std::llround(static_cast<double>(ticks - base) * ns_per_tick) : INT64_MAX;
    if (ahead > now - base_.unix_ns + kAheadMaxNs) {
      ++clamped_;
      return now;
    }
  }
  return tsc ? at_tsc(ticks) : at_monotonic(static_cast<std::int64_t>(ticks));
}

void Timeline::refresh() { refresh(read_clocks()); }

void Timeline::refresh(const ClockReading& now) {
  const std::int64_t predicted = std::max(base_.unix_ns, now.tsc != 0 ? at_tsc(now.tsc) : at_monotonic(now.monotonic_ns));
  const std::int64_t error = now.unix_ns - predicted;
  const std::int64_t elapsed = now.monotonic_ns - first_.monotonic_ns;
  if (now.tsc > first_.tsc && elapsed > kSecond / 10)  // the longer the base line, the better the rate; CLOCK_MONOTONIC is disciplined
    ns_per_tick_ = static_cast<double>(elapsed) / static_cast<double>(now.tsc - first_.tsc);
  base_ = now;
  if (error > kStepNs) {
    ++steps_;
    lag_ns_ += error;
    lag_until_monotonic_ns_ = now.monotonic_ns + step_memory_ns_;
    set_rate(1);  // base_.unix_ns is the wall clock's already
    return;
  }
  if (error < -kStepNs && rate_ > 1 - kSlewMax) ++steps_;
  base_.unix_ns = predicted;
  set_rate(1 + std::clamp(static_cast<double>(error) / static_cast<double>(kSecond), -kSlewMax, kSlewMax));
  if (lag_ns_ != 0 && now.monotonic_ns >= lag_until_monotonic_ns_) lag_ns_ = 0;
}

std::int64_t Timeline::now_ns() const {
  const ClockReading now = read_clocks();
  return std::max(base_.unix_ns, now.tsc != 0 ? at_tsc(now.tsc) : at_monotonic(now.monotonic_ns));
}

std::int64_t Timeline::retention_now_ns() const { return now_ns() - lag_ns_; }

Timeline::Saved Timeline::saved() const {
  const std::int64_t left = lag_ns_ == 0 ? 0 : lag_until_monotonic_ns_ - read_clocks().monotonic_ns;
  return {now_ns(), left > 0 ? lag_ns_ : 0, std::max<std::int64_t>(0, left)};
}

void Timeline::resume(const Saved& saved, std::optional<std::int64_t> elapsed_ns) {
  first_ = base_ = read_clocks();
  const std::int64_t left = saved.lag_left_ns - elapsed_ns.value_or(0);
  lag_ns_ = left > 0 ? saved.lag_ns : 0;
  lag_until_monotonic_ns_ = base_.monotonic_ns + left;
  if (!elapsed_ns) return;
  const ClockReading now = base_;
  base_.unix_ns = saved.unix_ns + *elapsed_ns;
  refresh(now);
}

}  // namespace arbiter::ingest
