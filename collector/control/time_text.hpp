// Points in time as people write them in a query.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::control {

// Unix nanoseconds of: RFC 3339 ("2026-11-23T06:40:00.5Z", "...+01:00", a date alone is its midnight UTC); Unix milliseconds
// ("1763880000000"); "now"; back from now ("-15m", "15m ago"). Error: what is allowed.
Result<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns);

// RFC 3339 in UTC with nine digits of the second.
std::string time_text(std::int64_t unix_ns);

}  // namespace arbiter::control
