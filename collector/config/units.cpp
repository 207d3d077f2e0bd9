#include "collector/config/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace arbiter::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From large to small. Weeks are read but never written: "14d" is what people expect to see.
constexpr std::array<Unit, 8> kDurations = {{{"w", 604'800'000'000'000},
                                             {"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}}};
constexpr std::array<Unit, 5> kSizes = {{{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};

// Takes the digits at the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint64_t> scaled(std::uint64_t number, std::uint64_t factor, std::uint64_t limit) {
  if (number > limit / factor) return std::nullopt;
  return number * factor;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    std::size_t unit = next_unit;
    while (unit < kDurations.size() && kDurations[unit].name != name) ++unit;
    if (unit == kDurations.size()) return std::nullopt;
    const auto part = scaled(*number, kDurations[unit].factor, limit - total);
    if (!part) return std::nullopt;
    total += *part;
    next_unit = unit + 1;
    text.remove_prefix(name.size());
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

std::string duration_text(std::chrono::nanoseconds duration) {
  auto left = static_cast<std::uint64_t>(duration.count());
  if (left == 0) return "0s";
  std::string text;
  for (std::size_t unit = 1; unit < kDurations.size(); ++unit) {
    const auto& [name, factor] = kDurations[unit];
    if (left < factor) continue;
    text.append(std::to_string(left / factor)).append(name);
    left %= factor;
  }
  return text;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  for (const auto& [name, factor] : kSizes)
    if (name == text) return scaled(*number, factor, std::numeric_limits<std::uint64_t>::max());
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& [name, factor] : kSizes)
    if (bytes >= factor && bytes % factor == 0) return std::to_string(bytes / factor).append(name);
  return "0B";
}

}  // namespace arbiter::config
