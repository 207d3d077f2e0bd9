#include "collector/control/time_text.hpp"

#include <limits>
#include <optional>
#include <string>

#include "collector/config/units.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::control {
namespace {

// The ends mean "no limit" elsewhere.
constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min() + 1, kLatest = std::numeric_limits<std::int64_t>::max() - 1;

std::optional<std::int64_t> back_from(std::string_view text, std::int64_t now_ns) {
  constexpr std::string_view ago = " ago";
  if (text == "now") return now_ns;
  if (text.starts_with('-')) {
    text.remove_prefix(1);
  } else {
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
  // "-15" is a duration whose unit was forgotten, not a moment of 1969.
  auto found = text.starts_with('-') ? std::nullopt : snapshot::parse_time_or_ms(text);
  if (!found) found = back_from(text, now_ns);
  if (found && *found >= kEarliest && *found <= kLatest) return *found;
  return Error{"\"" + std::string(text) + "\" is no time: write 2026-11-23T06:40:00Z, Unix milliseconds, -15m or \"15m ago\"", 400};
}

}  // namespace arbiter::control
