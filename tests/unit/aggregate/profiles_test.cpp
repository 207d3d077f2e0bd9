#include "collector/aggregate/profiles.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace arbiter;
using aggregate::AgentProfiles;
using aggregate::Profile;
using aggregate::Profiles;
using event::Text;
using event::Values;
using schema::field;

namespace {

Values of(Kind kind, std::string_view task = "task") {
  Values v;
  v.kind = kind;
  if (const int f = schema::find_field(kind, "taskId"); f >= 0) v.set_text(static_cast<unsigned>(f), task);
  return v;
}

Values execution(std::string_view agent, std::string_view type, bool success, std::string_view task = "task") {
  Values v = of(Kind::task_execution, task);
  v.set_text(field(Kind::task_execution, "agentId"), agent);
  if (!type.empty()) v.set_text(field(Kind::task_execution, "taskType"), type);
  v.set_flag(field(Kind::task_execution, "outcome.success"), success);
  return v;
}

Values judgment(double score, std::string& scores, std::string_view task = "task") {
  Values v = of(Kind::model_judgment, task);
  v.set_real(field(Kind::model_judgment, "overallScore"), score);
  event::ListWriter list(scores);
  list.item();
  list.text(0, Text("clarity"));
  list.real(1, score / 2);
  v.set_text(field(Kind::model_judgment, "criteriaScores"), Text(scores));
  return v;
}

Values usage(double utilization, std::string_view task = "task") {
  Values v = of(Kind::thinking_budget_usage, task);
  v.set_real(field(Kind::thinking_budget_usage, "utilizationRate"), utilization);
  return v;
}

}  // namespace

TEST_CASE("executions are counted by agent and by type of task, with their latencies") {
  Profiles profiles(10);
  for (int i = 0; i < 10; ++i) {
    Values v = execution("a", i < 4 ? "review" : "fix", i % 5 != 0);
    v.stamp = 1'000'000'000;
    if (i != 9) v.set_time(field(Kind::task_execution, "startedAtNs"), 1'000'000'000 - i * 1'000'000);
    profiles.add(v);
  }
  profiles.add(execution("b", "", false));
  const AgentProfiles* const a = profiles.find(Text("a"));
  REQUIRE(a != nullptr);
  CHECK(a->by_type.size() == 2);
  CHECK(a->by_type.at("review").successes.of == 4);
  CHECK(a->by_type.at("review").successes.yes == 3);
  CHECK(a->by_type.at("fix").latency_ns.count() == 5);
  CHECK(a->total().successes.of == 10);
  CHECK(a->total().successes.yes == 8);
  CHECK(a->total().latency_sum_ns == 36'000'000);
  CHECK(a->total().latency_ns.min() == 0);
  CHECK(a->total().latency_ns.max() == 8'000'000);
  const Text fix("fix");
  CHECK(profiles.total(&fix).successes.of == 6);
  CHECK(profiles.total(nullptr).successes.of == 11);
  CHECK(profiles.find(Text("c")) == nullptr);
}

TEST_CASE("what names no agent is about the one that was last seen with its task") {
  Profiles profiles(10);
  std::string scores, more;
  profiles.add(usage(0.5));  // nobody had the task yet
  profiles.add(execution("a", "review", true));
  profiles.add(usage(1.5));
  profiles.add(judgment(0.8, scores));
  profiles.add(execution("b", "fix", true));
  profiles.add(judgment(0.4, more));
  profiles.add(usage(0.5, "another task"));
  const Profile& review = profiles.find(Text("a"))->by_type.at("review");
  CHECK(review.utilization.count == 1);
  CHECK(review.overused == 1);
  CHECK(review.judgment_score.value() == 0.8);
  CHECK(review.criteria.at("clarity").value() == 0.4);
  CHECK(profiles.find(Text("b"))->by_type.at("fix").judgment_score.value() == 0.4);
  CHECK(profiles.of_nobody() == 2);
  CHECK(profiles.total(nullptr).utilization.count == 3);
}

TEST_CASE("an evaluation that names its agent takes the type of the task from it, unless another agent has the task") {
  Profiles profiles(10);
  const auto evaluation = [](std::string_view agent, double score) {
    Values v = of(Kind::evaluation_outcome);
    v.set_text(field(Kind::evaluation_outcome, "agentId"), agent);
    v.set_flag(field(Kind::evaluation_outcome, "evaluation.passed"), score > 0.5);
    v.set_real(field(Kind::evaluation_outcome, "evaluation.score"), score);
    return v;
  };
  profiles.add(execution("a", "review", true));
  profiles.add(evaluation("a", 0.75));
  profiles.add(evaluation("b", 0.25));
  CHECK(profiles.find(Text("a"))->by_type.at("review").evaluation_score.value() == 0.75);
  CHECK(profiles.find(Text("a"))->by_type.at("review").evaluations_passed.yes == 1);
  CHECK(profiles.find(Text("b"))->by_type.at("").evaluation_score.value() == 0.25);
}

TEST_CASE("a decision counts for whom it chose, and says whether another had scored higher") {
  Profiles profiles(10);
  const auto decide = [&](double own, double other, bool own_known) {
    std::string bytes;
    event::ListWriter list(bytes);
    for (const auto& [agent, score] : {std::pair("a", own), std::pair("b", other), std::pair("c", 0.01)}) {
      list.item();
      list.text(0, Text(std::string_view(agent)));
      if (own_known || std::string_view(agent) != "a") list.real(1, score);
    }
    Values v = of(Kind::routing_decision);
    v.set_text(field(Kind::routing_decision, "selectedAgent"), std::string_view("a"));
    v.set_real(field(Kind::routing_decision, "confidence"), own);
    v.set_text(field(Kind::routing_decision, "alternativesConsidered"), Text(bytes));
    profiles.add(v);
  };
  decide(0.75, 0.5, true);
  decide(0.25, 0.5, true);
  decide(0.5, 0.5, true);
  decide(0.5, 0.9, false);  // what it scored itself is not said
  const Profile a = profiles.find(Text("a"))->total();
  CHECK(a.chosen == 4);
  CHECK(a.routing_confidence.value() == 0.5);
  CHECK(a.alternative_scored_higher.of == 3);
  CHECK(a.alternative_scored_higher.yes == 1);
}

TEST_CASE("validations give the pass rate, the score, and violations by severity") {
  Profiles profiles(10);
  std::string bytes;
  event::ListWriter list(bytes);
  for (const std::string_view severity : {"low", "critical", "critical"}) {
    list.item();
    list.text(0, Text(severity));
  }
  Values v = of(Kind::constitutional_validation);
  v.set_text(field(Kind::constitutional_validation, "agentId"), std::string_view("a"));
  v.set_flag(field(Kind::constitutional_validation, "validationResult.valid"), false);
  v.set_real(field(Kind::constitutional_validation, "validationResult.complianceScore"), 0.25);
  v.set_text(field(Kind::constitutional_validation, "validationResult.violations"), Text(bytes));
  profiles.add(v);
  const Profile a = profiles.find(Text("a"))->total();
  CHECK(a.valid.of == 1);
  CHECK(a.valid.yes == 0);
  CHECK(a.compliance_score.value() == 0.25);
  CHECK(a.violations == std::array<std::uint64_t, 4>{1, 0, 0, 2});
}

TEST_CASE("agents and types beyond the limit go under one name, and agents so are counted") {
  Profiles profiles(2);
  for (const std::string_view agent : {"a", "b", "c", "d", "a"}) profiles.add(execution(agent, "review", true));
  CHECK(profiles.agents().size() == 3);
  CHECK(profiles.find(Text("a"))->total().events == 2);
  CHECK(profiles.find(Text(Profiles::kOther))->total().events == 2);
  CHECK(profiles.overflowed() == 2);
  for (int type = 0; type < 100; ++type) profiles.add(execution("b", "type " + std::to_string(type), true));
  const AgentProfiles* const b = profiles.find(Text("b"));
  CHECK(b->by_type.size() == Profiles::kTypesMax + 1);
  CHECK(b->by_type.at(std::string(Profiles::kOther)).events == 100 + 1 - Profiles::kTypesMax);
}

TEST_CASE("a status change of an agent beyond the limit is counted once, and the agent's history is that of the other name") {
  Profiles profiles(1);
  profiles.add(execution("a", "review", true));
  Values v = of(Kind::agent_status_change);
  v.stamp = 10;
  v.set_text(field(Kind::agent_status_change, "agentId"), std::string_view("b"));
  v.set_text(field(Kind::agent_status_change, "status"), std::string_view("offline"));
  profiles.note_status(v);
  profiles.add(v);
  CHECK(profiles.overflowed() == 1);
  CHECK(profiles.find(Text(Profiles::kOther))->statuses.within(0, 20).down_ns == 10);
}

TEST_CASE("when there are as many profiles as may be, each further type goes under the other name of its agent") {
  Profiles profiles(10, 3);
  for (const std::string_view type : {"review", "fix", "write", "test"}) {
    profiles.add(execution("a", type, true));
    profiles.add(execution("b", type, true));
  }
  const AgentProfiles *a = profiles.find(Text("a")), *b = profiles.find(Text("b"));
  CHECK(a->by_type.size() == 3);
  CHECK(a->by_type.at("fix").events == 1);
  CHECK(a->by_type.at(std::string(Profiles::kOther)).events == 2);
  CHECK(b->by_type.size() == 2);
  CHECK(b->by_type.at(std::string(Profiles::kOther)).events == 3);
}
