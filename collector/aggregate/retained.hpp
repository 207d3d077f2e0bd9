// The same figures over exactly what is retained, by a pass over the journal: for who wants to know what retention has left, or what panes
// do not reach back to.
#pragma once

#include <cstdint>

#include "collector/aggregate/figures.hpp"
#include "collector/aggregate/profiles.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::aggregate {

struct Gathered {
  Profiles profiles;
  std::int64_t now_ns;            // when it was asked about
  std::int64_t complete_from_ns;  // nothing from here on is missing; before it, retention may have taken some
  Trends trends;                  // of the agent that was asked for
};

// Any thread; costs a pass over all that is retained, and holds as much as the agents and types in it (profiles.hpp).
Gathered gather(const journal::View& view, std::int64_t now_ns, std::uint64_t max_agents, const event::Text* trends_of = nullptr);

std::vector<AgentFigures> all_agents(const Gathered& gathered);
std::optional<AgentFigures> one_agent(const Gathered& gathered, const event::Text& agent);
Profile profile_of(const Gathered& gathered, const std::optional<event::Text>& agent, const std::optional<event::Text>& task_type);
AgentTrends trends_of(const Trends& trends);

}  // namespace arbiter::aggregate
