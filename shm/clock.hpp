// The clock that stamps records.
//
// A stamp is a raw reading; the collector converts it once, with the pair of readings (created_ticks, created_unix_ns) in the segment's
// header as a first point. Raw, because reading the time-stamp counter costs a third of what clock_gettime costs, on every record.
#pragma once

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "shm/abi.hpp"

namespace arbiter {

// The time-stamp counter where it ticks at one rate in all power states (CPUID) and the kernel itself trusts it: a kernel that found it
// unstable has switched its own clocksource away. Where the kernel's choice cannot be read (no /sys), CPUID decides. Else CLOCK_MONOTONIC.
// Reads a file: call it once.
abi::ClockSource best_clock() noexcept;

inline std::uint64_t monotonic_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// The same to some milliseconds, for a fifth of the price.
inline std::uint64_t coarse_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// A reading of `clock`: ticks of the counter, or nanoseconds.
inline std::uint64_t ticks(abi::ClockSource clock) noexcept {
#if defined(__x86_64__)
  if (clock == abi::ClockSource::tsc) [[likely]]
    return __rdtsc();
#endif
  return monotonic_ns();
}

}  // namespace arbiter
