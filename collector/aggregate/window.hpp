// The spans of time that are asked about: by the events' own time, and never beyond the time at which they were recorded.
//
// A window slides by whole steps: it ends now, and begins a window's length before the end of the step that now lies in. So everybody who
// asks within one step is told about the same span, but for what has come since.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "collector/aggregate/profiles.hpp"
#include "collector/aggregate/trends.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::aggregate {

struct Window {
  std::string_view name;
  std::chrono::nanoseconds length, slide;
  // Its first moment, at this time.
  std::int64_t begin_ns(std::int64_t now_ns) const;
};

inline constexpr std::array<Window, 4> kWindows = {{{"5m", std::chrono::minutes(5), std::chrono::minutes(1)},
                                                    {"1h", std::chrono::hours(1), std::chrono::minutes(15)},
                                                    {"24h", std::chrono::hours(24), std::chrono::hours(4)},
                                                    {"7d", std::chrono::hours(24 * 7), std::chrono::hours(24)}}};
const Window* find_window(std::string_view name);  // null: there is none of that name

// What a view of the journal says of a span.
struct Gathered {
  Profiles profiles;
  std::int64_t from_ns, to_ns;    // the span, [from, to)
  std::int64_t now_ns;            // when it was asked about
  std::int64_t complete_from_ns;  // nothing of the span from here on is missing; before it, retention may have taken some
  Trends trends;                  // of the agent that was asked for
  std::uint64_t events = 0;       // in the span
};

// Reads what is retained of a window, or all that is retained (null). Any thread; costs a pass over the window's blocks, and holds as much
// as the agents and types in it (profiles.hpp).
Gathered gather(const journal::View& view, const Window* window, std::int64_t now_ns, std::uint64_t max_agents,
                const event::Text* trends_of = nullptr);

}  // namespace arbiter::aggregate
