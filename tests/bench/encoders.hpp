// The Parquet encoder by itself: rows that are in memory, into a file.
#pragma once

#include "tests/bench/modes.hpp"

namespace arbiter::bench {

Result<void> encoders(const Setting& setting, Report& report);

}  // namespace arbiter::bench
