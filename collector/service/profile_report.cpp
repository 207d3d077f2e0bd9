#include "collector/service/profile_report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <vector>

#include "collector/aggregate/interval.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::service {
namespace {

namespace json = boost::json;
using aggregate::AgentFigures;
using aggregate::Mean;
using aggregate::Profile;
using aggregate::Share;

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

json::value availability_json(const std::optional<aggregate::Availability>& seen) {
  if (!seen) return nullptr;
  return json::object{{"status", seen->status.empty() ? json::value(nullptr) : json::value(json::string_view(seen->status))},
                      {"share", real_value(seen->share())},
                      {"failures", seen->failures},
                      {"meanTimeBetweenFailuresS", real_value(seen->between_failures_s())},
                      {"recoveries", seen->recoveries},
                      {"meanTimeToRecoverS", real_value(seen->to_recover_s())}};
}

// Measures of which there is anything; `direction` is null where there are too few points to say.
json::array trends_json(const aggregate::AgentTrends& trends) {
  json::array list;
  for (std::size_t i = 0; i < trends.size(); ++i) {
    const aggregate::Measure& measure = aggregate::kMeasures[i];
    if (trends[i].points.empty()) continue;
    json::object one{{"measure", json::string_view(measure.name)}, {"points", trends[i].points.size()}, {"direction", nullptr}};
    if (const auto& trend = trends[i].trend) {
      one["direction"] = trend->sign == 0 ? "stable" : trend->sign == measure.better ? "improving" : "declining";
      one["perHour"] = trend->per_hour;
      one["confidence"] = trend->confidence;
    }
    json::array series;
    for (const aggregate::Point& point : trends[i].points) series.push_back({snapshot::time_text(point.time_ns), point.value});
    one["series"] = std::move(series);
    list.push_back(std::move(one));
  }
  return list;
}

json::object span_json(const AskedSpan& span) {
  return {{"window", span.window.empty() ? json::value(nullptr) : json::value(span.window)},
          {"from", span.from_ns ? json::value(snapshot::time_text(*span.from_ns)) : json::value(nullptr)},
          {"asOf", snapshot::time_text(span.now_ns)},
          {"completeFrom", snapshot::time_text(span.complete_from_ns)}};
}

void append(json::object& to, json::object&& from) {
  for (auto& [name, value] : from) to[name] = std::move(value);
}

}  // namespace

json::object window_json(const AskedSpan& span, const Profile& profile) {
  json::object answer = span_json(span);
  append(answer, profile_json(profile));
  return answer;
}

json::array history_json(const std::vector<aggregate::Panes::Step>& steps) {
  json::array list;
  for (const auto& step : steps)
    list.push_back({{"from", snapshot::time_text(step.from_ns)},
                    {"to", snapshot::time_text(step.to_ns)},
                    {"events", step.profile.events},
                    {"executions", step.profile.successes.of},
                    {"successes", step.profile.successes.yes},
                    {"successRate", share_value(step.profile.successes)},
                    {"successRate95", interval(step.profile.successes)},
                    {"latencyMs", latency_json(step.profile)}});
  return list;
}

json::object agents_json(const AskedSpan& span, std::vector<AgentFigures> agents) {
  std::erase_if(agents, [](const AgentFigures& a) { return a.total.events == 0; });
  std::sort(agents.begin(), agents.end(), [](const AgentFigures& a, const AgentFigures& b) {
    const std::uint64_t of_a = a.total.successes.of, of_b = b.total.successes.of;
    return of_a != of_b ? of_a > of_b : a.agent < b.agent;
  });
  json::array list;
  for (const AgentFigures& agent : agents) {
    const Profile& p = agent.total;
    list.push_back({{"agentId", agent.agent},
                    {"events", p.events},
                    {"executions", p.successes.of},
                    {"successes", p.successes.yes},
                    {"successRate", share_value(p.successes)},
                    {"successRate95", interval(p.successes)},
                    {"latencyMs", latency_json(p)},
                    {"evaluationScore", mean_value(p.evaluation_score)},
                    {"chosen", p.chosen},
                    {"availability", availability_json(agent.availability)}});
  }
  json::object answer = span_json(span);
  answer["agents"] = std::move(list);
  return answer;
}

json::object agent_json(const AskedSpan& span, const AgentFigures& agent, const aggregate::AgentTrends& trends) {
  json::object answer = span_json(span);
  answer["agentId"] = agent.agent;
  append(answer, profile_json(agent.total));
  answer["availability"] = availability_json(agent.availability);
  answer["trends"] = trends_json(trends);
  json::array types;
  for (const auto& [type, profile] : agent.by_type) {
    json::object of_type{{"taskType", type.empty() ? json::value(nullptr) : json::value(type)}};
    append(of_type, profile_json(profile));
    types.push_back(std::move(of_type));
  }
  answer["byTaskType"] = std::move(types);
  return answer;
}

}  // namespace arbiter::service
