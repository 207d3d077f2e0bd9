#include "collector/aggregate/retained.hpp"

#include <algorithm>
#include <utility>

namespace arbiter::aggregate {
namespace {

std::optional<Availability> availability(const AgentProfiles& agent, std::int64_t now_ns) {
  if (agent.statuses.empty()) return std::nullopt;
  return agent.statuses.within(INT64_MIN, now_ns);
}

}  // namespace

Gathered gather(const journal::View& view, std::int64_t now_ns, std::uint64_t max_agents, const event::Text* trends_of) {
  const journal::Statistics& statistics = view.statistics();
  Gathered all{Profiles(max_agents), now_ns, statistics.collection_started_ns, {}};
  std::int64_t oldest_ns = INT64_MAX;
  const std::string trending = trends_of == nullptr ? std::string() : trends_of->shown();
  view.scan({}, [&](const journal::StoredEvent& e) {
    oldest_ns = std::min(oldest_ns, e.retention_ns);
    if (e.values.kind == Kind::agent_status_change) all.profiles.note_status(e.values);
    const AgentProfiles* const agent = all.profiles.add(e.values);
    if (trends_of != nullptr && agent != nullptr && agent->agent == trending) all.trends.add(e.values, e.retention_ns);
    return true;
  });
  if (statistics.lifetime.retained_out != 0 && oldest_ns != INT64_MAX) all.complete_from_ns = std::max(all.complete_from_ns, oldest_ns);
  return all;
}

std::vector<AgentFigures> all_agents(const Gathered& gathered) {
  std::vector<AgentFigures> all;
  for (const AgentProfiles& agent : gathered.profiles.agents())
    all.push_back({agent.agent, agent.total(), {}, availability(agent, gathered.now_ns)});
  return all;
}

std::optional<AgentFigures> one_agent(const Gathered& gathered, const event::Text& agent) {
  const AgentProfiles* const one = gathered.profiles.find(agent);
  if (one == nullptr || one->by_type.empty()) return std::nullopt;
  AgentFigures figures{one->agent, one->total(), {}, availability(*one, gathered.now_ns)};
  for (const auto& [type, profile] : one->by_type) figures.by_type.emplace(type, profile);
  return figures;
}

Profile profile_of(const Gathered& gathered, const std::optional<event::Text>& agent, const std::optional<event::Text>& task_type) {
  if (!agent) return gathered.profiles.total(task_type ? &*task_type : nullptr);
  const AgentProfiles* const one = gathered.profiles.find(*agent);
  if (one == nullptr) return {};
  if (!task_type) return one->total();
  const auto of_type = one->by_type.find(task_type->shown());
  return of_type == one->by_type.end() ? Profile() : of_type->second;
}

AgentTrends trends_of(const Trends& trends) {
  AgentTrends all;
  for (std::size_t m = 0; m < all.size(); ++m) {
    all[m].points = trends.of(m).list();
    all[m].trend = trend_of(all[m].points);
  }
  return all;
}

}  // namespace arbiter::aggregate
