// Points in time as people write them in a query.
#pragma once

#include <cstdint>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::control {

// Unix nanoseconds of what snapshot::parse_time_or_ms reads ("2026-11-23T06:40:00.5Z", "2026-11-23", "1763880000000"), of "now", and of
// what is counted back from now ("-15m", "15m ago"). Error: what is allowed.
Result<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns);

}  // namespace arbiter::control
