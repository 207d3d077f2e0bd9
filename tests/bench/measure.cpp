#include "tests/bench/measure.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <ctime>
#include <thread>

#include "shm/abi.hpp"
#include "shm/clock.hpp"

namespace arbiter::bench {
namespace {

cpu_set_t allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}
const cpu_set_t allowed_at_start = allowed();

}  // namespace

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t cycles() {
#if defined(__x86_64__)
  return ticks(abi::ClockSource::tsc);
#else
  return now_ns();
#endif
}

double cycles_per_ns() {
  static const double rate = [] {
    const std::uint64_t began = now_ns(), first = cycles();
    while (now_ns() - began < 30'000'000) {
    }
    const std::uint64_t last = cycles(), ended = now_ns();
    return static_cast<double>(last - first) / static_cast<double>(ended - began);
  }();
  return rate;
}

std::uint64_t cycles_of_nothing() {
  static const std::uint64_t cost = [] {
    std::vector<std::uint64_t> costs(10'001);
    for (std::uint64_t& c : costs) {
      const std::uint64_t before = cycles();
      c = cycles() - before;
    }
    std::nth_element(costs.begin(), costs.begin() + 5'000, costs.end());
    return costs[5'000];
  }();
  return cost;
}

bool pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

void unpin() { sched_setaffinity(0, sizeof allowed_at_start, &allowed_at_start); }

void sleep_for(std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }

double round_trip_ns() {
  struct alignas(abi::kLineBytes) Line {
    std::atomic<std::uint64_t> value{0};  // release and acquire: the two lines call each other
  };
  if (std::thread::hardware_concurrency() < 2) return 0;
  constexpr std::uint64_t kTrips = 2'000;
  Line ask, answer;
  std::vector<std::uint64_t> trips;
  trips.reserve(kTrips);
  std::thread there([&] {
    pin(1);
    for (std::uint64_t i = 1; i <= kTrips; ++i) {
      while (ask.value.load(std::memory_order_acquire) != i) {
      }
      answer.value.store(i, std::memory_order_release);
    }
  });
  std::thread here([&] {
    pin(0);
    for (std::uint64_t i = 1; i <= kTrips; ++i) {
      const std::uint64_t before = cycles();
      ask.value.store(i, std::memory_order_release);
      while (answer.value.load(std::memory_order_acquire) != i) {
      }
      trips.push_back(cycles() - before);
    }
  });
  here.join();
  there.join();
  std::nth_element(trips.begin(), trips.begin() + kTrips / 2, trips.end());
  return static_cast<double>(trips[kTrips / 2]) / cycles_per_ns();
}

void Histogram::add(std::uint64_t value) {
  std::size_t at = value;
  if (value >= 1u << kStepBits) {
    const unsigned octave = static_cast<unsigned>(std::bit_width(value)) - 1;
    at = ((octave - kStepBits + 1) << kStepBits) + (value >> (octave - kStepBits) & ((1u << kStepBits) - 1));
  }
  ++counts_[at];
  ++count_;
  max_ = std::max(max_, value);
}

double Histogram::quantile(double share) const {
  std::uint64_t left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
  for (std::size_t at = 0; at < counts_.size(); ++at) {
    if (counts_[at] > left) {
      if (at < 1u << kStepBits) return static_cast<double>(at);
      const std::size_t octave = (at >> kStepBits) + kStepBits - 1;
      const std::size_t step = at & ((1u << kStepBits) - 1);
      return static_cast<double>((std::uint64_t{1} << octave) + (std::uint64_t{step} << (octave - kStepBits)));
    }
    left -= counts_[at];
  }
  return static_cast<double>(max_);
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

}  // namespace arbiter::bench
