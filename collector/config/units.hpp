// Durations and sizes as people write them: "7d", "1h30m", "100ms"; "64MiB". Exact: no fractions, no rounding.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arbiter::config {

// "1h30m": whole numbers with the units w d h m s ms us ns, each at most once, from large to small. Nothing if it is not of that form or
// does not fit (292 years).
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
std::string duration_text(std::chrono::nanoseconds duration);  // the shortest that parses back: "7d", "1h30m"; not negative

// "64MiB", "512KiB", "1GiB", "2TiB", "100B". Nothing if it is not of that form or does not fit 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);  // in the largest unit that divides it

}  // namespace arbiter::config
