// What is said of an agent when somebody asks, whether it comes from panes or from a pass over the journal.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/aggregate/availability.hpp"
#include "collector/aggregate/panes.hpp"
#include "collector/aggregate/points.hpp"
#include "collector/aggregate/profile.hpp"
#include "collector/aggregate/roster.hpp"
#include "collector/aggregate/trends.hpp"

namespace arbiter::aggregate {

struct AgentFigures {
  std::string agent;                         // as exports show it
  Profile total;                             // over all types
  std::map<std::string, Profile> by_type;    // "": none given
  std::optional<Availability> availability;  // of those that say what their status is
};

struct MeasureTrend {
  std::vector<Point> points;
  std::optional<Trend> trend;  // nothing: too few points
};
using AgentTrends = std::array<MeasureTrend, kMeasures.size()>;

// All agents with an event in the window, without their types; in no order.
std::vector<AgentFigures> all_agents(const Roster& roster, const Panes& panes, const Window& window, std::int64_t now_ns);
// One, with its types; nothing: no event of it is in the window.
std::optional<AgentFigures> one_agent(const Roster& roster, const Panes& panes, const event::Text& agent, const Window& window,
                                      std::int64_t now_ns);
// Of an agent, of a type of task, of both, or of everybody.
Profile profile_of(const Roster& roster, const Panes& panes, const std::optional<event::Text>& agent,
                   const std::optional<event::Text>& task_type, const Window& window, std::int64_t now_ns);
AgentTrends trends_of(Points points);

}  // namespace arbiter::aggregate
