// What nothing can go below on this machine just now: storing the bytes, reading a clock, calling at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace arbiter::bench {

// One event's bytes, in whole records, into a ring of a lane's size, one release store behind each. `stamped`: by the clock that stamps
// events on this machine.
double store_ns(std::span<const std::byte> event, std::uint64_t events, bool stamped);

double cycles_ns();         // reading the time-stamp counter
double clock_gettime_ns();  // CLOCK_MONOTONIC
double empty_call_ns();     // of a function that is not inlined

}  // namespace arbiter::bench
