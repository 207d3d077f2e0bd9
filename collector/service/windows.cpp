#include "collector/service/windows.hpp"

#include <algorithm>
#include <utility>

#include "collector/config/windows.hpp"
#include "collector/service/asked.hpp"
#include "collector/service/metrics.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::service {
namespace {

namespace json = boost::json;

std::vector<aggregate::Window> windows_of(const config::Config& config) {
  std::vector<aggregate::Window> windows;
  for (config::Window& window : config::parse_windows(config.windows).value())  // which the configuration's reader has done before
    windows.push_back({std::move(window.name), window.length, window.slide});
  return windows;
}

}  // namespace

Windows::Windows(Engine& engine, aggregate::Follower& follower, const config::Config& config) : engine_(engine), follower_(follower) {
  if (auto windows = windows_of(config); !windows.empty()) follower_.add(panes_.emplace(std::move(windows)));
}

std::chrono::nanoseconds Windows::longest(const config::Config& config) {
  const auto windows = windows_of(config);
  return windows.empty() ? std::chrono::nanoseconds(0) : windows.back().length + windows.back().slide;
}

json::value Windows::status() {
  if (!panes_) return nullptr;
  const aggregate::Follower::Counts followed = follower_.counts();
  const std::uint64_t committed = engine_.committed();
  struct Held {
    aggregate::Panes::Counts panes;
    std::int64_t complete_from_ns;
  };
  const Held held = follower_.ask([this](const aggregate::Roster&, const aggregate::Moment& moment) {
    return Held{panes_->counts(), moment.complete_from_ns};
  });
  return json::object{{"framesBehind", committed > followed.frame ? committed - followed.frame : 0},
                      {"framesMissing", followed.missing_frames},
                      {"completeFrom", snapshot::time_text(held.complete_from_ns)},
                      {"agents", followed.agents},
                      {"agentTaskTypes", followed.series},
                      {"eventsOverLimit", followed.overflowed},
                      {"eventsTooOld", held.panes.too_old},
                      {"panes", held.panes.panes},
                      {"panesBytes", held.panes.packed_bytes},
                      {"checkpointFrame", followed.checkpoint_frame},
                      {"checkpointBytes", followed.checkpoint_bytes}};
}

std::string Windows::metrics() { return panes_ ? metrics_text(follower_.counts(), engine_.committed()) : std::string(); }

Result<Windows::Asking> Windows::asking(const ProfilesQuery& query) {
  if (!panes_) return Error{"the configuration has no windows: write retained for a pass over all that is retained", 409};
  const aggregate::Window* const window = query.window.empty() ? &panes_->longest() : panes_->find(query.window);
  if (window == nullptr) {
    std::string names;
    for (const aggregate::Window& one : panes_->windows()) names += one.name + ", ";
    return Error{"there is no window of " + query.window + ": write " + names + "or retained for all that is retained", 400};
  }
  struct Reached {
    std::uint64_t frame;
    std::int64_t now_ns;
  };
  if (!query.fresh) return Asking{*window, engine_.lately_ns()};
  auto reached = engine_.mailbox().ask([this]() -> Result<Reached> {
    if (auto taken = engine_.catch_up(); !taken) return taken.error();
    return Reached{engine_.journal().committed_frame(), engine_.timeline().now_ns()};
  });
  if (!reached) return reached.error();
  if (auto followed = follower_.reach(reached->frame); !followed) return followed.error();
  return Asking{*window, reached->now_ns};
}

AskedSpan Windows::span_of(const Asking& asking, const aggregate::Moment& moment) const {
  const std::int64_t from_ns = panes_->span(asking.window, asking.now_ns).from_ns;
  return {asking.window.name, from_ns, asking.now_ns, std::max(moment.complete_from_ns, from_ns)};
}

Result<Windows::Retained> Windows::retained(const event::Text* trends_of) {
  struct Now {
    std::shared_ptr<const journal::View> view;
    std::int64_t now_ns;
    std::uint64_t agents_max;
  };
  auto now = engine_.mailbox().ask([this]() -> Result<Now> {
    if (auto taken = engine_.catch_up(); !taken) return taken.error();
    return Now{engine_.journal().view(), engine_.timeline().now_ns(), engine_.config().limits.max_agents};
  });
  if (!now) return now.error();
  auto gathered = aggregate::gather(*now->view, now->now_ns, now->agents_max, trends_of);
  const AskedSpan span{{}, {}, gathered.now_ns, gathered.complete_from_ns};
  return Retained{span, std::move(gathered)};
}

Result<json::object> Windows::retained_stats(const std::optional<event::Text>& agent, const std::optional<event::Text>& task_type) {
  auto all = retained(nullptr);
  if (!all) return all.error();
  json::object answer = window_json(all->span, aggregate::profile_of(all->gathered, agent, task_type));
  if (!agent && !task_type) answer["eventsOfNoAgent"] = all->gathered.profiles.of_nobody();
  return answer;
}

Result<json::object> Windows::stats(const ProfilesQuery& query) {
  Asked agent, type;
  ask_for(agent, engine_.anonymizer(), query.agent, schema::Subject::agent);
  ask_for(type, engine_.anonymizer(), query.task_type, schema::Subject::task_type);
  const bool everybody = !agent.text && !type.text;
  if (query.window == config::kRetained) return retained_stats(agent.text, type.text);
  auto asked = asking(query);
  if (!asked) return asked.error();
  auto found = follower_.ask([&](const aggregate::Roster& roster, const aggregate::Moment& moment) -> std::optional<json::object> {
    const aggregate::Profile profile = aggregate::profile_of(roster, *panes_, agent.text, type.text, asked->window, asked->now_ns);
    if (profile.events == 0 && query.window.empty()) return std::nullopt;
    json::object answer = window_json(span_of(*asked, moment), profile);
    if (everybody) {
      answer["eventsOfNoAgent"] = panes_->of_nobody(asked->window, asked->now_ns).events;
      answer["history"] = history_json(panes_->history(asked->window, asked->now_ns));
    }
    return answer;
  });
  return found ? Result<json::object>(std::move(*found)) : retained_stats(agent.text, type.text);
}

Result<json::object> Windows::retained_agents(const ProfilesQuery& query, const event::Text* agent) {
  auto all = retained(agent);
  if (!all) return all.error();
  if (agent == nullptr) {
    json::object answer = agents_json(all->span, aggregate::all_agents(all->gathered));
    answer["eventsOfNoAgent"] = all->gathered.profiles.of_nobody();
    answer["eventsOverLimit"] = all->gathered.profiles.overflowed();
    return answer;
  }
  const auto one = aggregate::one_agent(all->gathered, *agent);
  if (!one) return Error{"no event of agent " + query.agent + " is retained", 404};
  return agent_json(all->span, *one, aggregate::trends_of(all->gathered.trends));
}

Result<json::object> Windows::agents(const ProfilesQuery& query) {
  Asked agent;
  ask_for(agent, engine_.anonymizer(), query.agent, schema::Subject::agent);
  if (query.window == config::kRetained) return retained_agents(query, agent.text ? &*agent.text : nullptr);
  auto asked = asking(query);
  if (!asked) return asked.error();
  aggregate::Points points;
  std::optional<aggregate::AgentFigures> one;
  std::vector<aggregate::AgentFigures> all;
  std::uint64_t of_nobody = 0, overflowed = 0;
  // Only what needs the lock is done under it.
  const AskedSpan span = follower_.ask([&](const aggregate::Roster& roster, const aggregate::Moment& moment) {
    if (agent.text) {
      one = aggregate::one_agent(roster, *panes_, *agent.text, asked->window, asked->now_ns);
      if (const std::uint32_t number = roster.find(*agent.text); number != aggregate::kNobody)
        points = panes_->points(number, roster.agent(number).series, asked->window, asked->now_ns);
    } else {
      all = aggregate::all_agents(roster, *panes_, asked->window, asked->now_ns);
      of_nobody = panes_->of_nobody(asked->window, asked->now_ns).events;
      overflowed = roster.overflowed();
    }
    return span_of(*asked, moment);
  });
  if (query.window.empty() && (agent.text ? !one : all.empty())) return retained_agents(query, agent.text ? &*agent.text : nullptr);
  if (agent.text) {
    if (!one)
      return Error{"no event of agent " + query.agent + " is in the last " + asked->window.name +
                       ": --window retained looks through all that is retained",
                   404};
    return agent_json(span, *one, aggregate::trends_of(std::move(points)));
  }
  json::object answer = agents_json(span, std::move(all));
  answer["eventsOfNoAgent"] = of_nobody;
  answer["eventsOverLimit"] = overflowed;
  return answer;
}

}  // namespace arbiter::service
