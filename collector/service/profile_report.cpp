#include "collector/service/profile_report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <vector>

#include "collector/aggregate/interval.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::service {
namespace {

namespace json = boost::json;
using aggregate::AgentProfiles;
using aggregate::Gathered;
using aggregate::Mean;
using aggregate::Profile;
using aggregate::Share;
using aggregate::Window;

constexpr double kMs = 1e6;

json::value mean_value(const Mean& mean) { return mean.count == 0 ? json::value(nullptr) : json::value(mean.value()); }
json::value share_value(const Share& share) { return share.of == 0 ? json::value(nullptr) : json::value(share.value()); }
json::value real_value(const std::optional<double>& real) { return real ? json::value(*real) : json::value(nullptr); }

json::value interval(const Share& share) {
  if (share.of == 0) return nullptr;
  const auto [low, high] = aggregate::wilson_interval(share.yes, share.of);
  return json::array{low, high};
}

json::object mean_json(const Mean& mean) { return {{"count", mean.count}, {"mean", mean_value(mean)}}; }
json::object sum_json(const Mean& mean) { return {{"count", mean.count}, {"total", mean.sum}, {"mean", mean_value(mean)}}; }

json::object latency_json(const Profile& p) {
  const std::uint64_t n = p.latency_ns.count();
  const auto ms = [&](double ns) { return n == 0 ? json::value(nullptr) : json::value(ns / kMs); };
  const auto quantile = [&](double q) { return ms(p.latency_ns.quantile(q).value_or(0)); };
  return {{"count", n},
          {"mean", ms(n == 0 ? 0 : static_cast<double>(p.latency_sum_ns) / static_cast<double>(n))},
          {"min", ms(static_cast<double>(p.latency_ns.min()))},
          {"max", ms(static_cast<double>(p.latency_ns.max()))},
          {"p50", quantile(0.5)},
          {"p95", quantile(0.95)},
          {"p99", quantile(0.99)},
          {"relativeError", aggregate::Histogram::kRelativeError}};
}

json::object profile_json(const Profile& p) {
  json::object violations, criteria;
  for (std::size_t i = 0; i < p.violations.size(); ++i) violations[schema::kSeverities[i]] = p.violations[i];
  for (const auto& [name, mean] : p.criteria) criteria[name] = mean_json(mean);
  return {
      {"events", p.events},
      {"executions",
       {{"count", p.successes.of},
        {"successes", p.successes.yes},
        {"successRate", share_value(p.successes)},
        {"successRate95", interval(p.successes)}}},
      {"latencyMs", latency_json(p)},
      {"qualityScore", mean_json(p.quality)},
      {"efficiencyScore", mean_json(p.efficiency)},
      {"evaluation",
       {{"count", p.evaluations_passed.of},
        {"passed", p.evaluations_passed.yes},
        {"passRate", share_value(p.evaluations_passed)},
        {"passRate95", interval(p.evaluations_passed)},
        {"score", mean_json(p.evaluation_score)}}},
      {"tokens", {{"consumed", sum_json(p.tokens)}, {"in", sum_json(p.tokens_in)}, {"out", sum_json(p.tokens_out)}}},
      {"costUsd", sum_json(p.cost_usd)},
      {"budget", {{"count", p.utilization.count}, {"meanUtilization", mean_value(p.utilization)}, {"overused", p.overused}}},
      {"compliance",
       {{"count", p.valid.of},
        {"passed", p.valid.yes},
        {"passRate", share_value(p.valid)},
        {"passRate95", interval(p.valid)},
        {"score", mean_json(p.compliance_score)},
        {"violations", std::move(violations)}}},
      {"minimality",
       {{"factor", mean_json(p.minimality)},
        {"astSimilarity", mean_json(p.ast_similarity)},
        {"scaffoldingPenalty", mean_json(p.scaffolding_penalty)},
        {"linesChanged", sum_json(p.lines_changed)}}},
      {"judgments",
       {{"count", p.all_criteria_passed.of},
        {"allCriteriaPassed", p.all_criteria_passed.yes},
        {"score", mean_json(p.judgment_score)},
        {"confidence", mean_json(p.judgment_confidence)},
        {"criteria", std::move(criteria)}}},
      {"routing",
       {{"chosen", p.chosen},
        {"confidence", mean_json(p.routing_confidence)},
        {"compared", p.alternative_scored_higher.of},
        {"alternativeScoredHigher", p.alternative_scored_higher.yes}}},
  };
}

json::value availability_json(const AgentProfiles& agent, const Gathered& all, std::int64_t until_ns) {
  if (agent.statuses.empty()) return nullptr;
  const aggregate::Availability seen = agent.statuses.within(all.from_ns, until_ns);
  return json::object{{"status", seen.status.empty() ? json::value(nullptr) : json::value(json::string_view(seen.status))},
                      {"share", real_value(seen.share())},
                      {"failures", seen.failures},
                      {"meanTimeBetweenFailuresS", real_value(seen.between_failures_s())},
                      {"recoveries", seen.recoveries},
                      {"meanTimeToRecoverS", real_value(seen.to_recover_s())}};
}

// Measures of which there is anything; `direction` is null where there are too few points to say.
json::array trends_json(const aggregate::Trends& trends) {
  json::array list;
  for (std::size_t i = 0; i < aggregate::kMeasures.size(); ++i) {
    const aggregate::Measure& measure = aggregate::kMeasures[i];
    const aggregate::Series& series = trends.of(i);
    if (series.points() == 0) continue;
    json::object one{{"measure", json::string_view(measure.name)}, {"points", series.points()}, {"direction", nullptr}};
    if (const auto trend = series.trend()) {
      one["direction"] = trend->sign == 0 ? "stable" : trend->sign == measure.better ? "improving" : "declining";
      one["perHour"] = trend->per_hour;
      one["confidence"] = trend->confidence;
    }
    list.push_back(std::move(one));
  }
  return list;
}

json::object span_json(const Gathered& all, const Window* window) {
  return {{"window", window == nullptr ? json::value(nullptr) : json::value(json::string_view(window->name))},
          {"from", window == nullptr ? json::value(nullptr) : json::value(snapshot::time_text(all.from_ns))},
          {"asOf", snapshot::time_text(all.now_ns)},
          {"completeFrom", snapshot::time_text(all.complete_from_ns)}};
}

void append(json::object& to, json::object&& from) {
  for (auto& [name, value] : from) to[name] = std::move(value);
}

Profile chosen(const Gathered& all, const std::optional<event::Text>& agent, const std::optional<event::Text>& type) {
  if (!agent) return all.profiles.total(type ? &*type : nullptr);
  const AgentProfiles* const one = all.profiles.find(*agent);
  if (one == nullptr) return {};
  if (!type) return one->total();
  const auto of_type = one->by_type.find(type->shown());
  return of_type == one->by_type.end() ? Profile() : of_type->second;
}

}  // namespace

json::object window_json(const Gathered& all, const Window* window, const std::optional<event::Text>& agent,
                         const std::optional<event::Text>& task_type) {
  json::object answer = span_json(all, window);
  append(answer, profile_json(chosen(all, agent, task_type)));
  if (!agent && !task_type) answer["eventsOfNoAgent"] = all.profiles.of_nobody();
  return answer;
}

json::object agents_json(const Gathered& all, const Window* window) {
  std::vector<std::pair<const AgentProfiles*, Profile>> agents;
  for (const AgentProfiles& agent : all.profiles.agents()) agents.emplace_back(&agent, agent.total());
  std::erase_if(agents, [](const auto& a) { return a.second.events == 0; });  // only its status before the window
  std::sort(agents.begin(), agents.end(), [](const auto& a, const auto& b) {
    return a.second.successes.of != b.second.successes.of ? a.second.successes.of > b.second.successes.of : a.first->agent < b.first->agent;
  });
  json::array list;
  for (const auto& [agent, p] : agents)
    list.push_back({{"agentId", agent->agent},
                    {"events", p.events},
                    {"executions", p.successes.of},
                    {"successes", p.successes.yes},
                    {"successRate", share_value(p.successes)},
                    {"successRate95", interval(p.successes)},
                    {"latencyMs", latency_json(p)},
                    {"evaluationScore", mean_value(p.evaluation_score)},
                    {"chosen", p.chosen},
                    {"availability", availability_json(*agent, all, all.now_ns)}});
  json::object answer = span_json(all, window);
  answer["agents"] = std::move(list);
  answer["eventsOfNoAgent"] = all.profiles.of_nobody();
  answer["eventsOverLimit"] = all.profiles.overflowed();
  return answer;
}

std::optional<json::object> agent_json(const Gathered& all, const Window* window, const event::Text& agent) {
  const AgentProfiles* const one = all.profiles.find(agent);
  if (one == nullptr || one->by_type.empty()) return std::nullopt;
  json::object answer = span_json(all, window);
  answer["agentId"] = one->agent;
  append(answer, profile_json(one->total()));
  answer["availability"] = availability_json(*one, all, all.now_ns);
  answer["trends"] = trends_json(all.trends);
  json::array types;
  for (const auto& [type, profile] : one->by_type) {
    json::object of_type{{"taskType", type.empty() ? json::value(nullptr) : json::value(type)}};
    append(of_type, profile_json(profile));
    types.push_back(std::move(of_type));
  }
  answer["byTaskType"] = std::move(types);
  return answer;
}

}  // namespace arbiter::service
