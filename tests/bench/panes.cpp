// What panes take of memory: 1,000 agents of 10 types of task each, with events of every kind in every pane of every window, and what it
// takes to ask them; and what the charts of the watch for anomalies take besides. In this process; the base is what it has before.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "collector/aggregate/figures.hpp"
#include "collector/detect/detector.hpp"
#include "collector/journal/totals.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

using schema::field;

constexpr double kMiB = 1 << 20;
constexpr double kMiBMost = 200;
constexpr unsigned kAgents = 1000, kTypes = 10;
constexpr std::int64_t kMinute = 60'000'000'000, kHour = 60 * kMinute;
constexpr std::int64_t kNow = 20'000 * 24 * kHour + 11 * kHour + 59 * kMinute + 30'000'000'000;  // each window is at its fullest

double resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stod(line.substr(8)) / 1024;
  return 0;
}

// One agent's kinds of events, of which none is missing.
class Events {
 public:
  Events(aggregate::Observer& to, aggregate::Roster& roster) : to_(to), roster_(roster) {
    event::ListWriter scores(scores_);
    for (const char* name : {"clarity", "correctness", "style"}) scores.item(), scores.text(0, event::Text(name)), scores.real(1, 0.5);
    event::ListWriter violations(violations_);
    violations.item();
    violations.text(0, event::Text("high"));
  }

  // `n` completions, with a latency that is log-normal (two thirds within a factor of e of the median), and one of each other kind.
  void burst(std::string_view agent, std::string_view type, std::int64_t time_ns, unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
      event::Values v = of(Kind::task_execution, time_ns);
      v.set_text(field(Kind::task_execution, "agentId"), agent);
      v.set_text(field(Kind::task_execution, "taskId"), std::string_view("task"));
      v.set_text(field(Kind::task_execution, "taskType"), type);
      v.set_flag(journal::field::kSuccess, ids_.random() % 10 != 0);
      for (const char* name : {"outcome.qualityScore", "outcome.efficiencyScore", "outcome.costUsd"})
        v.set_real(static_cast<unsigned>(schema::find_field(Kind::task_execution, name)), share());
      for (const char* name : {"outcome.tokensConsumed", "outcome.tokensIn", "outcome.tokensOut"})
        v.set(static_cast<unsigned>(schema::find_field(Kind::task_execution, name)), ids_.random() % 4096);
      v.set_time(journal::field::kStarted, time_ns - latency_ns());
      give(v);
    }
    event::Values v = of(Kind::routing_decision, time_ns);
    v.set_text(field(Kind::routing_decision, "selectedAgent"), agent);
    v.set_text(field(Kind::routing_decision, "taskId"), std::string_view("task"));
    v.set_text(field(Kind::routing_decision, "taskType"), type);
    v.set_real(field(Kind::routing_decision, "confidence"), share());
    give(v);
    v = of(Kind::constitutional_validation, time_ns);
    v.set_flag(field(Kind::constitutional_validation, "validationResult.valid"), false);
    v.set_real(field(Kind::constitutional_validation, "validationResult.complianceScore"), share());
    v.set_text(field(Kind::constitutional_validation, "validationResult.violations"), event::Text(violations_));
    about_task(v);
    v = of(Kind::thinking_budget_usage, time_ns);
    v.set_real(field(Kind::thinking_budget_usage, "utilizationRate"), 2 * share());
    about_task(v);
    v = of(Kind::minimality_evaluation, time_ns);
    for (const char* name : {"minimalityFactor", "astSimilarity", "scaffoldingPenalty"})
      v.set_real(static_cast<unsigned>(schema::find_field(Kind::minimality_evaluation, name)), share());
    v.set(field(Kind::minimality_evaluation, "linesChanged"), ids_.random() % 100);
    about_task(v);
    v = of(Kind::model_judgment, time_ns);
    v.set_real(field(Kind::model_judgment, "overallScore"), share());
    v.set_real(field(Kind::model_judgment, "overallConfidence"), share());
    v.set_flag(field(Kind::model_judgment, "allCriteriaPass"), true);
    v.set_text(field(Kind::model_judgment, "criteriaScores"), event::Text(scores_));
    about_task(v);
    v = of(Kind::evaluation_outcome, time_ns);
    v.set_flag(field(Kind::evaluation_outcome, "evaluation.passed"), true);
    v.set_real(field(Kind::evaluation_outcome, "evaluation.score"), share());
    about_task(v);
  }

 private:
  static event::Values of(Kind kind, std::int64_t time_ns) {
    event::Values v;
    v.kind = kind;
    v.stamp = static_cast<std::uint64_t>(time_ns);
    return v;
  }
  double share() { return static_cast<double>(ids_.random() >> 11) / static_cast<double>(1ULL << 53); }
  std::int64_t latency_ns() {
    double normal = -6;
    for (int i = 0; i < 12; ++i) normal += share();
    return static_cast<std::int64_t>(1e9 * std::exp(normal));
  }
  void about_task(event::Values& v) {
    v.set_text(static_cast<unsigned>(schema::find_field(v.kind, "taskId")), std::string_view("task"));
    give(v);
  }
  void give(const event::Values& v) {
    const auto time = static_cast<std::int64_t>(v.stamp);
    to_.event({v, {}, 1, time, roster_.whom(v, time)});
  }

  aggregate::Observer& to_;
  aggregate::Roster& roster_;
  Ids ids_{1};
  std::string scores_, violations_;
};

}  // namespace

Result<void> panes(const Setting& setting, Report& report) {
  using namespace std::chrono_literals;
  const auto agents = static_cast<unsigned>(setting.count_of(kAgents));
  const double base = resident_mib();
  auto roster = std::make_unique<aggregate::Roster>(10'000);
  auto kept = std::make_unique<aggregate::Panes>(
      std::vector<aggregate::Window>{{"5m", 5min, 1min}, {"1h", 1h, 15min}, {"24h", 24h, 4h}, {"7d", 168h, 24h}});
  kept->moment({1, kNow, kNow, false, 0, 0});
  std::vector<std::pair<std::int64_t, unsigned>> bursts;  // when, and how many completions
  for (std::int64_t back = 41; back >= 6; --back) bursts.emplace_back(kNow - back * 4 * kHour, 50);
  for (std::int64_t back = 5; back >= 1; --back) bursts.emplace_back(kNow - back * 4 * kHour, 300);
  for (std::int64_t back = 3; back >= 1; --back) bursts.emplace_back(kNow - back * 15 * kMinute, 100);
  for (std::int64_t back = 4; back >= 0; --back) bursts.emplace_back(kNow - back * kMinute, 60);
  std::vector<std::string> names, types;
  for (unsigned a = 0; a < agents; ++a) names.push_back("agent-of-many-that-record-here-" + std::to_string(a));
  for (unsigned t = 0; t < kTypes; ++t) types.push_back("type-of-task-" + std::to_string(t));
  Events events(*kept, *roster);
  for (const auto& [time, n] : bursts)
    for (const std::string& agent : names)
      for (const std::string& type : types) events.burst(agent, type, time, n);
  const aggregate::Panes::Counts counts = kept->counts();
  const std::string what = std::to_string(agents) + " agents of " + std::to_string(kTypes) + " types, all windows";
  Row& row = report.add("panes", "memory above the base", what, "MiB", resident_mib() - base);
  row.goal = kMiBMost;
  row.note = std::to_string(counts.panes) + " panes";
  report.add("panes", "of which panes hold", what, "MiB", static_cast<double>(counts.packed_bytes) / kMiB);

  const double with_panes = resident_mib();
  detect::Detector detector({}, [](const detect::Finding&) {});
  Events watched(detector, *roster);
  for (const std::int64_t time : {kNow - kHour, kNow}) {
    detector.moment({1, time, time, false, 0, 0});
    for (const std::string& agent : names)
      for (const std::string& type : types) watched.burst(agent, type, time, 100);
  }
  report.add("panes", "charts of the watch for anomalies, besides", what, "MiB", resident_mib() - with_panes).note =
      std::to_string(detector.charts()) + " charts";

  const aggregate::Window& week = kept->longest();
  const auto timed = [&](const char* question, auto&& ask) {
    const std::uint64_t began = now_ns();
    ask();
    report.add("panes", question, what, "ms", static_cast<double>(now_ns() - began) / 1e6);
  };
  timed("asked for every agent over 7 days", [&] { aggregate::all_agents(*roster, *kept, week, kNow); });
  timed("asked for one agent over 7 days", [&] { aggregate::one_agent(*roster, *kept, event::Text(names[0]), week, kNow); });
  timed("asked for everybody over 7 days", [&] { kept->of_all(week, kNow); });
  return {};
}

}  // namespace arbiter::bench
