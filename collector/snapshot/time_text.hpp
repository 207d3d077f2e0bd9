// Points in time as RFC 3339 text, and back. Time is Unix nanoseconds, UTC: 1677-09-21 to 2262-04-11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arbiter::snapshot {

// "2026-11-23T06:40:00.123Z": milliseconds, rounded down.
void append_time_ms(std::string& out, std::int64_t unix_ns);

// The same, where there is room for kTimeMsBytes: where it ends.
inline constexpr std::size_t kTimeMsBytes = 32;
char* put_time_ms(char* at, std::int64_t unix_ns);

// "2026-11-23T06:40:00.123456789Z"
void append_time_ns(std::string& out, std::int64_t unix_ns);

inline std::string time_text(std::int64_t unix_ns) {
  std::string out;
  append_time_ms(out, unix_ns);
  return out;
}
inline std::string time_text_ns(std::int64_t unix_ns) {
  std::string out;
  append_time_ns(out, unix_ns);
  return out;
}

// Reads "2026-11-23T06:40:00Z": a fraction of a second of any length (cut to nanoseconds), an offset (+01:00) instead of Z, a space instead
// of T, small letters, and a leap second (the second that follows it) are fine. A day alone ("2026-11-23") is its beginning. Nothing: it is
// no time, or out of range.
std::optional<std::int64_t> parse_time(std::string_view text);

// The same, or a decimal number of Unix milliseconds ("1790000000123"): what people and scripts write.
std::optional<std::int64_t> parse_time_or_ms(std::string_view text);

}  // namespace arbiter::snapshot
