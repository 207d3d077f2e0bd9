// Agent runs that are made up, for demonstrations and tests: always the same ones, but for the time at which they end.
#pragma once

#include <cstdint>
#include <iosfwd>

namespace arbiter::replay {

// Writes `runs` lines in the form that agent_run.hpp reads, in order of start; the last run has completed by `end_unix_ms`, the first
// starts at most seven hours before that.
void write_sample(std::ostream& out, std::uint64_t runs, std::int64_t end_unix_ms);

}  // namespace arbiter::replay
