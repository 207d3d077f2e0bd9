#include "collector/aggregate/figures.hpp"

#include <utility>

namespace arbiter::aggregate {

std::vector<AgentFigures> all_agents(const Roster& roster, const Panes& panes, const Window& window, std::int64_t now_ns) {
  std::vector<AgentFigures> all;
  for (std::uint32_t number = 0; number < roster.agents_size(); ++number) {
    const Roster::Agent& agent = roster.agent(number);
    AgentFigures figures{agent.name, {}, {}, {}};
    for (const std::uint32_t series : agent.series) figures.total.merge(panes.of_series(series, window, now_ns));
    if (figures.total.events == 0) continue;  // only in longer windows
    figures.availability = panes.availability(number, panes.span(window, now_ns), now_ns);
    all.push_back(std::move(figures));
  }
  return all;
}

std::optional<AgentFigures> one_agent(const Roster& roster, const Panes& panes, const event::Text& agent, const Window& window,
                                      std::int64_t now_ns) {
  const std::uint32_t number = roster.find(agent);
  if (number == kNobody) return std::nullopt;
  AgentFigures figures{roster.agent(number).name, {}, {}, {}};
  for (const std::uint32_t series : roster.agent(number).series) {
    Profile profile = panes.of_series(series, window, now_ns);
    if (profile.events == 0) continue;
    figures.total.merge(profile);
    figures.by_type[roster.series(series).type].merge(profile);
  }
  if (figures.total.events == 0) return std::nullopt;
  figures.availability = panes.availability(number, panes.span(window, now_ns), now_ns);
  return figures;
}

Profile profile_of(const Roster& roster, const Panes& panes, const std::optional<event::Text>& agent,
                   const std::optional<event::Text>& task_type, const Window& window, std::int64_t now_ns) {
  if (!agent && !task_type) return panes.of_all(window, now_ns);
  Profile all;
  const std::uint32_t one = agent ? roster.find(*agent) : kNobody;
  const std::string type = task_type ? task_type->shown() : std::string();
  for (std::uint32_t number = 0; number < roster.series_size(); ++number) {
    const Roster::Series& series = roster.series(number);
    if (series.agent == kNobody || (agent && series.agent != one) || (task_type && series.type != type)) continue;
    all.merge(panes.of_series(number, window, now_ns));
  }
  return all;
}

AgentTrends trends_of(Points points) {
  AgentTrends trends;
  for (std::size_t m = 0; m < trends.size(); ++m) {
    trends[m].trend = trend_of(points.of[m]);
    trends[m].points = std::move(points.of[m]);
  }
  return trends;
}

}  // namespace arbiter::aggregate
