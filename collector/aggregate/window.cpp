#include "collector/aggregate/window.hpp"

#include <algorithm>

namespace arbiter::aggregate {
namespace {

constexpr std::uint32_t kStatusChanges = 1u << static_cast<unsigned>(Kind::agent_status_change);

}  // namespace

const Window* find_window(std::string_view name) {
  const auto at = std::find_if(kWindows.begin(), kWindows.end(), [name](const Window& w) { return w.name == name; });
  return at == kWindows.end() ? nullptr : at;
}

std::int64_t Window::begin_ns(std::int64_t now_ns) const {
  const std::int64_t step = slide.count();
  return now_ns - now_ns % step + step - length.count();
}

Gathered gather(const journal::View& view, const Window* window, std::int64_t now_ns, std::uint64_t max_agents,
                const event::Text* trends_of) {
  const journal::Statistics& statistics = view.statistics();
  Gathered all{Profiles(max_agents), INT64_MIN, INT64_MAX, now_ns, statistics.collection_started_ns, {}, 0};
  if (window != nullptr) {
    all.from_ns = window->begin_ns(now_ns);
    all.to_ns = all.from_ns + window->length.count();
  }
  std::int64_t oldest_ns = INT64_MAX;
  const auto inside = [&](const journal::StoredEvent& e) {
    if (e.retention_ns < all.from_ns || e.retention_ns >= all.to_ns) return false;
    oldest_ns = std::min(oldest_ns, e.retention_ns);
    ++all.events;
    return true;
  };
  // What an agent's status was when the window began is said by a change before it.
  journal::View::Filter filter;
  filter.kinds = kStatusChanges;
  view.scan(filter, [&](const journal::StoredEvent& e) {
    all.profiles.note_status(e.values);
    if (inside(e)) all.profiles.add(e.values);
    return true;
  });
  filter.kinds = ~kStatusChanges;
  filter.since_ns = all.from_ns;
  const std::string trending = trends_of == nullptr ? std::string() : trends_of->shown();
  view.scan(filter, [&](const journal::StoredEvent& e) {
    if (!inside(e)) return true;
    const AgentProfiles* const agent = all.profiles.add(e.values);
    if (trends_of != nullptr && agent != nullptr && agent->agent == trending) all.trends.add(e.values, e.retention_ns);
    return true;
  });
  // Retention lets go of the oldest: while something older than the window is retained, all of the window is.
  const bool older_retained = all.events < statistics.retained.events();
  if (statistics.lifetime.retained_out != 0 && !older_retained && oldest_ns != INT64_MAX)
    all.complete_from_ns = std::max(all.complete_from_ns, oldest_ns);
  if (window != nullptr) all.complete_from_ns = std::max(all.complete_from_ns, all.from_ns);
  return all;
}

}  // namespace arbiter::aggregate
