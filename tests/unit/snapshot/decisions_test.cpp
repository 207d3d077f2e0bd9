#include "collector/snapshot/decisions.hpp"

#include <doctest/doctest.h>

#include <map>

#include "tests/unit/snapshot/made_events.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
using snapshot::DecisionRow;
using snapshot::Decisions;
using snapshot::JoinState;

namespace {

struct Joined {
  std::vector<DecisionRow> rows;
  snapshot::DecisionTotals totals;
  std::uint64_t beyond = 0;
};

Joined join(const MemoryView& view, std::size_t memory = snapshot::Sorter::kMemoryBytes,
            std::size_t task_max = Decisions::kTaskDecisionsMax) {
  const TemporaryDirectory directory;
  Decisions decisions(directory.string(), memory, {}, task_max);
  view.scan({}, [&](const journal::StoredEvent& e) {
    REQUIRE(decisions.add(e).has_value());
    return true;
  });
  Joined joined;
  auto totals = decisions.join();
  REQUIRE(totals.has_value());
  joined.totals = *totals;
  REQUIRE(decisions
              .each([&](const DecisionRow& row) {
                joined.rows.push_back(row);
                return Result<void>();
              })
              .has_value());
  joined.beyond = decisions.beyond();
  return joined;
}

// Sequences count up, so that nothing looks lost.
struct Events {
  MemoryView view;
  std::uint64_t next = 1;

  Made decision(std::int64_t at, std::string_view agent, std::string_view id = {}, std::string_view task = "t") {
    Made made(Kind::routing_decision, at, next++, task);
    made.text("selectedAgent", agent);
    if (!id.empty()) made.text("decisionId", id);
    return made;
  }
  Made start(std::int64_t at, std::string_view agent, std::string_view execution) {
    Made made(Kind::task_start, at, next++);
    made.text("agentId", agent).text("executionId", execution);
    return made;
  }
  Made execution(std::int64_t at, std::string_view agent, bool success) {
    Made made(Kind::task_execution, at, next++);
    made.text("agentId", agent).flag("outcome.success", success);
    return made;
  }
  Made evaluation(std::int64_t at, double score) {
    Made made(Kind::evaluation_outcome, at, next++);
    made.flag("evaluation.passed", true).real("evaluation.score", score);
    return made;
  }
  void add(const Made& made) { view.add(made.values()); }
};

}  // namespace

TEST_CASE("a decision stands with its outcome in one row") {
  Events e;
  e.add(e.decision(100, "b", "d1")
            .text("taskType", "review")
            .text("routingStrategy", "random")
            .text("policyVersion", "v7")
            .text("context", R"({"size": 1.50})")
            .real("confidence", 0.75)
            .real("propensity", 0.25)
            .alternatives({{"a", 0.5, -1}, {"b", 0.75, 0.25}}));
  e.add(e.start(200, "b", "x1").text("decisionId", "d1"));
  e.add(e.execution(500, "b", true)
            .text("executionId", "x1")
            .time("startedAtNs", 200)
            .text("routingDecision.decisionId", "d1")
            .real("outcome.qualityScore", 0.5)
            .count("outcome.tokensConsumed", 7));
  e.add(e.evaluation(600, 0.875));
  const Joined joined = join(e.view);
  REQUIRE(joined.rows.size() == 1);
  CHECK(joined.totals.rows == 1);
  const DecisionRow& r = joined.rows[0];
  CHECK(r.id == "ab" + std::string(30, '0') + "-0-1");
  CHECK(r.decided_ns == 100);
  CHECK(r.task_id == "t");
  CHECK(r.selected_agent == "b");
  CHECK(r.decision_id == "d1");
  CHECK(r.task_type == "review");
  CHECK(r.strategy == "random");
  CHECK(r.policy_version == "v7");
  CHECK(r.context == R"({"size": 1.50})");
  CHECK(r.confidence == 0.75);
  CHECK(r.propensity == 0.25);
  REQUIRE(r.candidates.size() == 2);
  CHECK(r.candidates[0].agent == "a");
  CHECK(r.candidates[0].score == 0.5);
  CHECK_FALSE(r.candidates[0].probability.has_value());
  CHECK(r.candidates[1].probability == 0.25);
  CHECK(r.chosen_index == 1);
  CHECK(r.ending.state() == JoinState::complete);
  CHECK(r.ending.attempts == 1);
  CHECK(r.ending.outcome.success == true);
  CHECK(r.ending.outcome.quality == 0.5);
  CHECK(r.ending.outcome.tokens == 7);
  CHECK(r.ending.outcome.duration_ns == 300);
  CHECK(r.ending.started_ns == 200);
  CHECK(r.ending.completed_ns == 500);
  CHECK(r.reward.value == 0.875);
  CHECK(r.reward_source == "evaluation");
  CHECK(r.rewarded_ns == 600);
  CHECK(r.losses_before == 0);
}

TEST_CASE("a decision that nothing came of is pending, its propensity and reward unknown") {
  Events e;
  e.add(e.decision(100, "a"));
  const Joined joined = join(e.view);
  REQUIRE(joined.rows.size() == 1);
  CHECK(joined.rows[0].ending.state() == JoinState::pending);
  CHECK_FALSE(joined.rows[0].propensity.has_value());
  CHECK_FALSE(joined.rows[0].reward.value.has_value());
  CHECK_FALSE(joined.rows[0].rewarded_ns.has_value());
  CHECK_FALSE(joined.rows[0].chosen_index.has_value());
}

TEST_CASE("the state of the join says what became of the attempt") {
  Events e;
  SUBCASE("started: still pending, and since when") {
    e.add(e.decision(100, "a"));
    e.add(e.start(200, "a", "x"));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].ending.state() == JoinState::pending);
    CHECK(joined.rows[0].ending.started_ns == 200);
  }
  SUBCASE("started and let go: censored") {
    e.add(e.decision(100, "a"));
    e.add(e.start(200, "a", "x").flag("censored", true));
    CHECK(join(e.view).rows[0].ending.state() == JoinState::censored);
  }
  SUBCASE("executed without a start: orphan, its success known") {
    e.add(e.decision(100, "a"));
    e.add(e.execution(300, "a", true));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].ending.state() == JoinState::orphan);
    CHECK(joined.rows[0].reward.value == 1.0);
    CHECK(joined.rows[0].rewarded_ns == 300);
  }
  SUBCASE("tried again: the latest attempt counts") {
    e.add(e.decision(100, "a"));
    e.add(e.execution(300, "a", false).time("startedAtNs", 200));
    e.add(e.execution(500, "a", true).time("startedAtNs", 400));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].ending.attempts == 2);
    CHECK(joined.rows[0].ending.outcome.success == true);
    CHECK(joined.rows[0].ending.started_ns == 400);
  }
}

TEST_CASE("an outcome belongs to the decision it names, else to the latest for its agent before its start") {
  Events e;
  e.add(e.decision(100, "a", "d1"));
  e.add(e.decision(200, "b", "d2"));
  e.add(e.decision(300, "a", "d3"));
  SUBCASE("named") {
    e.add(e.execution(900, "a", true).text("decisionId", "d1"));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].ending.attempts == 1);
    CHECK(joined.rows[2].ending.attempts == 0);
  }
  SUBCASE("named, and not there: of none") {
    e.add(e.execution(900, "a", true).text("decisionId", "elsewhere"));
    for (const DecisionRow& row : join(e.view).rows) CHECK(row.ending.attempts == 0);
  }
  SUBCASE("by the agent and the start, not the completion") {
    e.add(e.execution(900, "a", true).time("startedAtNs", 299));
    e.add(e.execution(950, "b", false).time("startedAtNs", 201));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].ending.outcome.success == true);
    CHECK(joined.rows[1].ending.outcome.success == false);
    CHECK(joined.rows[2].ending.attempts == 0);
  }
  SUBCASE("before the first decision for the agent: of none") {
    e.add(e.execution(900, "b", true).time("startedAtNs", 199));
    for (const DecisionRow& row : join(e.view).rows) CHECK(row.ending.attempts == 0);
  }
  SUBCASE("an evaluation by the execution it names, by its agent, or by its time alone") {
    e.add(e.execution(400, "b", true).text("executionId", "x").text("decisionId", "d2"));
    e.add(e.evaluation(500, 0.25).text("executionId", "x"));
    e.add(e.evaluation(250, 0.5).text("agentId", "a"));
    e.add(e.evaluation(600, 0.75));
    e.add(e.evaluation(700, 0.0).text("executionId", "none"));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].reward.value == 0.5);
    CHECK(joined.rows[1].reward.value == 0.25);
    CHECK(joined.rows[2].reward.value == 0.75);
    CHECK(joined.rows[1].rewarded_ns == 500);
  }
  SUBCASE("of several evaluations the latest with a score") {
    e.add(e.evaluation(500, 0.25).text("decisionId", "d1"));
    Made without(Kind::evaluation_outcome, 600, e.next++);
    e.add(without.text("decisionId", "d1").flag("evaluation.passed", false));
    const Joined joined = join(e.view);
    CHECK(joined.rows[0].reward.value == 0.25);
    CHECK(joined.rows[0].rewarded_ns == 500);
  }
}

TEST_CASE("tasks are kept apart, though ids of decisions and agents be the same") {
  Events e;
  e.add(e.decision(100, "a", "d", "t1"));
  e.add(e.decision(110, "a", "d", "t2"));
  Made execution(Kind::task_execution, 300, e.next++, "t1");
  e.add(execution.text("agentId", "a").text("decisionId", "d").flag("outcome.success", true));
  const Joined joined = join(e.view);
  CHECK(joined.rows[0].ending.attempts == 1);
  CHECK(joined.rows[1].ending.attempts == 0);
}

TEST_CASE("events missing before a decision are counted within its recording thread") {
  MemoryView view;
  const auto add = [&](std::uint64_t sequence, std::int64_t at, std::uint32_t lane) {
    Made made(Kind::routing_decision, at, sequence);
    view.add(made.text("selectedAgent", "a").values(), lane);
  };
  add(1, 100, 0);  // the first that was recorded
  add(2, 110, 0);
  add(6, 120, 0);   // 3, 4 and 5 are missing
  add(40, 130, 1);  // what was before it, nobody here knows
  add(41, 105, 1);  // an earlier time of the caller's own
  const Joined joined = join(view);
  std::map<std::string, std::optional<std::uint64_t>> losses;
  for (const DecisionRow& row : joined.rows) losses[row.id.substr(33)] = row.losses_before;
  CHECK(losses == std::map<std::string, std::optional<std::uint64_t>>{{"0-1", 0}, {"0-2", 0}, {"0-6", 3}, {"1-40", {}}, {"1-41", 0}});
}

TEST_CASE("rows come in the total order of their decisions, the same however little memory there is and however they arrived") {
  MemoryView view, reversed;
  for (std::uint64_t i = 0; i < 400; ++i) {
    sample::add_run(view, i * 7919 % 400);
    sample::add_run(reversed, i * 7919 % 400);
  }
  reversed.reverse();
  const Joined plain = join(view), little = join(view, 5'000), other = join(reversed, 5'000);
  REQUIRE(plain.rows.size() == 400);
  REQUIRE(little.rows.size() == 400);
  REQUIRE(other.rows.size() == 400);
  CHECK(plain.totals.text_bytes == little.totals.text_bytes);
  for (std::size_t i = 0; i < 400; ++i) {
    CHECK(plain.rows[i].decided_ns == sample::kStampNs + static_cast<std::int64_t>(i) * 1'000'000'000);
    CHECK(plain.rows[i].reward.value == 0.5 + 0.001 * static_cast<double>(i % 100));
    CHECK(plain.rows[i].ending.state() == JoinState::complete);
    CHECK(little.rows[i].id == plain.rows[i].id);
    CHECK(little.rows[i].reward.value == plain.rows[i].reward.value);
    CHECK(little.rows[i].losses_before == plain.rows[i].losses_before);
    CHECK(other.rows[i].id == plain.rows[i].id);
    CHECK(other.rows[i].losses_before == plain.rows[i].losses_before);
  }
}

TEST_CASE("of a task with more decisions than are joined the oldest stay pending, and are counted") {
  Events e;
  for (int i = 0; i < 5; ++i) e.add(e.decision(100 + i, i % 2 == 0 ? "a" : "b", "d" + std::to_string(i)));
  for (int i = 0; i < 5; ++i) e.add(e.execution(200 + i, "a", true).text("decisionId", "d" + std::to_string(i)));
  const Joined joined = join(e.view, snapshot::Sorter::kMemoryBytes, 3);
  REQUIRE(joined.rows.size() == 5);
  CHECK(joined.beyond == 2);
  for (std::size_t i = 0; i < 5; ++i) CHECK(joined.rows[i].ending.attempts == (i < 2 ? 0 : 1));
}

TEST_CASE("before the first row it is known how long the longest texts are") {
  Events e;
  e.add(e.decision(100, "agent", "d1").text("taskType", "review").alternatives({{"agent", 1, 1}, {"another", 1, 1}}));
  e.add(e.decision(200, "b", "decision-two").text("taskType", "ok"));
  const auto totals = join(e.view).totals;
  std::map<std::string_view, std::size_t> bytes;
  const auto columns = snapshot::decision_columns();
  REQUIRE(totals.text_bytes.size() == columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) bytes[columns[i].name] = totals.text_bytes[i];
  CHECK(bytes["selectedAgent"] == 5);
  CHECK(bytes["decisionId"] == 12);
  CHECK(bytes["taskType"] == 6);
  CHECK(bytes["candidateAgents"] == 7);
  CHECK(bytes["joinState"] == 7);  // "pending"
  CHECK(bytes["context"] == 0);
  CHECK(bytes["reward"] == 0);
}
