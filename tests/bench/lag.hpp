// How long events take from a record call into the statistics, while something else goes on.
#pragma once

#include <string>

#include "shm/result.hpp"
#include "tests/bench/measure.hpp"

namespace arbiter::bench {

// Records single events with random pauses of `pause_s` on average, for so long: the lag of each, in nanoseconds.
Result<Histogram> lags(const std::string& lanes, double seconds, double pause_s);

}  // namespace arbiter::bench
