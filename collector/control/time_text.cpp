#include "collector/control/time_text.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

#include "collector/config/units.hpp"

namespace arbiter::control {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min(), kLatest = std::numeric_limits<std::int64_t>::max();

// Takes exactly `digits` digits from the front, if what they say is at most `most`.
std::optional<int> take(std::string_view& text, std::size_t digits, int most) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  if (number > most) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char a, char b = '\0') {
  if (text.empty() || (text.front() != a && (b == '\0' || text.front() != b))) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> fraction_ns(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t ns = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
    if (digits < 9) ns = ns * 10 + (text.front() - '0');
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) ns *= 10;
  return ns;
}

std::optional<std::int64_t> offset_seconds(std::string_view& text) {
  if (take(text, 'Z', 'z')) return 0;
  const bool east = !text.empty() && text.front() == '+';
  if (!take(text, '+', '-')) return std::nullopt;
  const auto hours = take(text, 2, 23);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take(text, 2, 59);
  if (!minutes) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return east ? seconds : -seconds;
}

std::optional<std::int64_t> whole_ns(std::int64_t seconds, std::int64_t ns) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &result) || __builtin_add_overflow(result, ns, &result)) return std::nullopt;
  return result;
}

std::optional<std::int64_t> rfc3339(std::string_view text) {
  const auto year = take(text, 4, 9999);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take(text, 2, 12);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take(text, 2, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  const std::int64_t midnight = std::chrono::sys_days(date).time_since_epoch().count() * 86'400;
  if (text.empty()) return whole_ns(midnight, 0);

  if (!take(text, 'T', 't') && !take(text, ' ')) return std::nullopt;
  const auto hour = take(text, 2, 23);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take(text, 2, 59);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take(text, 2, 59);
  if (!second) return std::nullopt;
  const auto fraction = fraction_ns(text);
  if (!fraction) return std::nullopt;
  const auto offset = offset_seconds(text);
  if (!offset || !text.empty()) return std::nullopt;
  return whole_ns(midnight + *hour * 3600 + *minute * 60 + *second - *offset, *fraction);
}

std::optional<std::int64_t> unix_ms(std::string_view text) {
  std::int64_t ms = 0, ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc{} || end != text.data() + text.size() || ms < 0) return std::nullopt;
  if (__builtin_mul_overflow(ms, std::int64_t{1'000'000}, &ns)) return std::nullopt;
  return ns;
}

std::optional<std::int64_t> back_from(std::string_view text, std::int64_t now_ns) {
  constexpr std::string_view ago = " ago";
  if (text == "now") return now_ns;
  if (!take(text, '-')) {
    if (!text.ends_with(ago)) return std::nullopt;
    text.remove_suffix(ago.size());
  }
  const auto duration = config::parse_duration(text);
  std::int64_t ns = 0;
  if (!duration || __builtin_sub_overflow(now_ns, duration->count(), &ns)) return std::nullopt;
  return ns;
}

}  // namespace

Result<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns) {
  for (const auto& found : {rfc3339(text), unix_ms(text), back_from(text, now_ns)})
    if (found && *found > kEarliest && *found < kLatest) return *found;  // the ends mean "no limit" elsewhere
  return Error{"\"" + std::string(text) + "\" is no time: write 2026-11-23T06:40:00Z, Unix milliseconds, -15m or \"15m ago\"", 400};
}

std::string time_text(std::int64_t unix_ns) {
  const std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds(unix_ns)};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss<std::chrono::nanoseconds> clock(time - midnight);
  std::array<char, 64> text;
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                 static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace arbiter::control
