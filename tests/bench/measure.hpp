// How things are measured: clocks, processors, where the host has put them, and what many rounds come to.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace arbiter::bench {

std::uint64_t now_ns();  // monotonic
std::uint64_t cycles();  // the time-stamp counter; nanoseconds where there is none
double cycles_per_ns();
// What the two readings around a call cost by themselves, in cycles: the median of many.
std::uint64_t cycles_of_nothing();

// The calling thread, and what it starts from then on, on that processor alone. False: there is none of that number.
bool pin(int processor);
void unpin();  // back to where the process was allowed to run when it started

// pin() for as long as it is there; programs that are started meanwhile stay where they are.
struct Pinned {
  explicit Pinned(int processor) { pin(processor); }
  ~Pinned() { unpin(); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
};
void sleep_for(std::chrono::nanoseconds time);
inline void sleep_s(double seconds) { sleep_for(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9))); }

// A virtual machine's two processors may share a core or be a socket apart, and that changes while it runs: the median round trip of a
// cache line between processors 0 and 1, in nanoseconds. 0 where there is one processor.
double round_trip_ns();
inline constexpr double kFarRoundTripNs = 250;

// Counts by size with 3% of resolution: 32 steps in each octave.
class Histogram {
 public:
  void add(std::uint64_t value);
  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  double quantile(double share) const;  // 0 when empty

 private:
  static constexpr unsigned kStepBits = 5;
  std::array<std::uint32_t, 64 << kStepBits> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

struct Spread {
  double median = 0, min = 0, max = 0;
};
Spread spread_of(std::vector<double> values);

// Reads what it is given, as far as the compiler can tell.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace arbiter::bench
