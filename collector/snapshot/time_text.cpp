#include "collector/snapshot/time_text.hpp"

#include <charconv>
#include <chrono>

namespace arbiter::snapshot {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Writes the last `digits` digits of `value`, with zeros in front.
char* put(char* at, std::uint32_t value, int digits) {
  for (int i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
  return at + digits;
}

char* put(char* at, std::int64_t unix_ns, int fraction_digits) {
  std::int64_t seconds = unix_ns / kSecond;
  std::int64_t fraction = unix_ns % kSecond;
  if (fraction < 0) fraction += kSecond, --seconds;
  std::int64_t days = seconds / 86'400;
  std::int64_t of_day = seconds % 86'400;
  if (of_day < 0) of_day += 86'400, --days;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  const auto second = static_cast<std::uint32_t>(of_day);
  at = put(at, static_cast<std::uint32_t>(static_cast<int>(date.year())), 4);
  *at++ = '-';
  at = put(at, static_cast<unsigned>(date.month()), 2);
  *at++ = '-';
  at = put(at, static_cast<unsigned>(date.day()), 2);
  *at++ = 'T';
  at = put(at, second / 3600, 2);
  *at++ = ':';
  at = put(at, second / 60 % 60, 2);
  *at++ = ':';
  at = put(at, second % 60, 2);
  *at++ = '.';
  auto fraction_shown = static_cast<std::uint32_t>(fraction);
  for (int i = fraction_digits; i < 9; ++i) fraction_shown /= 10;
  at = put(at, fraction_shown, fraction_digits);
  *at++ = 'Z';
  return at;
}

void append(std::string& out, std::int64_t unix_ns, int fraction_digits) {
  char text[kTimeMsBytes];
  out.append(text, static_cast<std::size_t>(put(text, unix_ns, fraction_digits) - text));
}

// Takes text from the front.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}
  bool done() const { return left_.empty(); }
  bool take(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view of) {
    if (left_.empty() || of.find(left_.front()) == std::string_view::npos) return false;
    left_.remove_prefix(1);
    return true;
  }
  // Exactly so many digits, at most `max`.
  bool number(std::size_t digits, unsigned max, unsigned& out) {
    if (left_.size() < digits) return false;
    out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (left_[i] < '0' || left_[i] > '9') return false;
      out = out * 10 + static_cast<unsigned>(left_[i] - '0');
    }
    left_.remove_prefix(digits);
    return out <= max;
  }
  // Digits of a fraction, as nanoseconds.
  bool fraction(std::int64_t& ns) {
    std::size_t digits = 0;
    std::int64_t unit = kSecond;
    for (; digits < left_.size() && left_[digits] >= '0' && left_[digits] <= '9'; ++digits) {
      unit /= 10;
      ns += unit * (left_[digits] - '0');
    }
    left_.remove_prefix(digits);
    return digits != 0;
  }

 private:
  std::string_view left_;
};

std::optional<std::int64_t> nanoseconds(std::int64_t seconds, std::int64_t fraction) {
  std::int64_t ns = 0;
  // A negative time comes from its second's beginning and a fraction upward; near the lower end that beginning alone is out of range.
  if (seconds < 0 && fraction > 0) ++seconds, fraction -= kSecond;
  if (__builtin_mul_overflow(seconds, kSecond, &ns) || __builtin_add_overflow(ns, fraction, &ns)) return std::nullopt;
  return ns;
}

}  // namespace

char* put_time_ms(char* at, std::int64_t unix_ns) { return put(at, unix_ns, 3); }
void append_time_ms(std::string& out, std::int64_t unix_ns) { append(out, unix_ns, 3); }
void append_time_ns(std::string& out, std::int64_t unix_ns) { append(out, unix_ns, 9); }

std::optional<std::int64_t> parse_time(std::string_view text) {
  Reader in(text);
  unsigned year, month, day, hour = 0, minute = 0, second = 0;
  if (!in.number(4, 9999, year) || !in.take('-') || !in.number(2, 12, month) || !in.take('-') || !in.number(2, 31, day))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok()) return std::nullopt;
  std::int64_t seconds = std::chrono::sys_days{date}.time_since_epoch().count() * std::int64_t{86'400};
  if (in.done()) return nanoseconds(seconds, 0);

  if (!in.take_any("Tt ") || !in.number(2, 23, hour) || !in.take(':') || !in.number(2, 59, minute) || !in.take(':') ||
      !in.number(2, 60, second))
    return std::nullopt;
  seconds += hour * 3600 + minute * 60 + second;
  std::int64_t fraction = 0;
  if (in.take('.') && !in.fraction(fraction)) return std::nullopt;
  if (!in.take_any("Zz")) {
    const bool east = in.take('+');
    if (!east && !in.take('-')) return std::nullopt;
    unsigned hours, minutes;
    if (!in.number(2, 23, hours) || !in.take(':') || !in.number(2, 59, minutes)) return std::nullopt;
    const std::int64_t offset = hours * 3600 + minutes * 60;
    seconds -= east ? offset : -offset;
  }
  if (!in.done()) return std::nullopt;
  return nanoseconds(seconds, fraction);
}

std::optional<std::int64_t> parse_time_or_ms(std::string_view text) {
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error == std::errc() && end == text.data() + text.size()) {
    std::int64_t ns = 0;
    if (__builtin_mul_overflow(ms, std::int64_t{1'000'000}, &ns)) return std::nullopt;
    return ns;
  }
  return parse_time(text);
}

}  // namespace arbiter::snapshot
