// What the documentation shows, as it is written there.
#include <doctest/doctest.h>
#include <arbiter/producer.hpp>

#include <cstdlib>
#include <set>
#include <string>

#include "producer/values.hpp"
#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using test::Drain;
using test::OwnDirectory;
using test::Recorded;

TEST_CASE("the documented example records a decision, a start and its completion") {
  OwnDirectory directory;
  setenv("ARBITER_RING_DIR", directory.lanes().c_str(), 1);
  arbiter::Producer producer;
  unsetenv("ARBITER_RING_DIR");
  producer.record(arbiter::RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7", .confidence = 0.85});
  auto run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7"});
  run.complete({.success = true, .quality_score = 0.9, .tokens_consumed = 1500});

  const auto all = Drain(directory.lanes()).take();
  REQUIRE(all.size() == 3);
  CHECK(all[0].kind() == Kind::routing_decision);
  CHECK(all[0].real("confidence") == 0.85);
  CHECK(all[1].kind() == Kind::task_start);
  CHECK(all[1].text("executionId") == run.execution_id());
  CHECK(all[2].kind() == Kind::task_execution);
  CHECK(all[2].text("executionId") == run.execution_id());
  CHECK(all[2].text("taskId") == "task-1");
  CHECK(all[2].text("agentId") == "agent-7");
  CHECK(all[2].flag("outcome.success"));
  CHECK(all[2].real("outcome.qualityScore") == 0.9);
  CHECK(all[2].count("outcome.tokensConsumed") == 1500);
}

namespace {
struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};
};
}  // namespace

TEST_CASE_FIXTURE(Fixture, "a completion carries its start's stamp, ids, task type and decision") {
  const Run run = producer.start_task(
      {.execution_id = "run-1", .task_id = "task-1", .agent_id = "agent-7", .task_type = "review", .decision_id = "d-1"});
  CHECK(run.result());
  CHECK(run.complete({.success = false}, {.time = 77, .span_id = "0123456789abcdef"}));
  const auto all = Drain(directory.lanes()).take();
  REQUIRE(all.size() == 2);
  CHECK(all[1].count("startedTicks") == all[0].values.stamp);
  CHECK_FALSE(all[1].has("startedAtNs"));
  CHECK(all[1].values.stamp >= all[0].values.stamp);
  CHECK(all[1].text("executionId") == "run-1");
  CHECK(all[1].text("decisionId") == "d-1");
  CHECK(all[1].text("taskType") == "review");
  CHECK(all[1].values.time_ns == 77);
  CHECK(all[1].text("spanId") == "0123456789abcdef");
}

TEST_CASE_FIXTURE(Fixture, "a completion of a start with a time of its own carries that time") {
  const Run run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7", .time = 1'000});
  CHECK(run.complete({.success = true}, {.time = 5'000}));
  const auto all = Drain(directory.lanes()).take();
  REQUIRE(all.size() == 2);
  CHECK(all[0].values.time_ns == 1'000);
  CHECK(all[1].values.time(all[1].field("startedAtNs")) == 1'000);
  CHECK_FALSE(all[1].has("startedTicks"));
  CHECK(all[1].values.time_ns == 5'000);
}

TEST_CASE_FIXTURE(Fixture, "a run may be copied, outlive its producer, and be completed elsewhere") {
  std::optional<Run> kept;
  {
    Producer other(ProducerOptions{.ring_dir = directory.lanes()});
    kept = other.start_task({.execution_id = std::string(255, 'e'), .task_id = std::string(255, 't'), .agent_id = std::string(255, 'a')});
  }
  const Run copy = *kept;
  kept.reset();
  CHECK(copy.complete({.success = true}));
  const auto all = Drain(directory.lanes()).take();
  REQUIRE(all.size() == 2);
  CHECK(all[1].text("executionId") == std::string(255, 'e'));
  CHECK(all[1].text("taskId") == std::string(255, 't'));
  CHECK(all[1].text("agentId") == std::string(255, 'a'));
}

TEST_CASE_FIXTURE(Fixture, "a start that is refused is not completed under an id cut short") {
  const Run run = producer.start_task({.task_id = std::string(300, 't'), .agent_id = "agent-7"});
  CHECK(run.result().status() == Status::refused);
  CHECK(run.result().field() == "taskId");
  const RecordResult completion = run.complete({.success = true});
  CHECK(completion.status() == Status::refused);
  CHECK(completion.field() == "taskId");
  CHECK(completion.rule() == "is longer than 255 bytes");
  CHECK(Drain(directory.lanes()).take().empty());
}

TEST_CASE_FIXTURE(Fixture, "ids that the library makes are returned, recorded, different, and 26 to 40 characters long") {
  std::set<std::string> ids;
  for (int i = 0; i < 5000; ++i) {
    const RecordResultWithId decision = producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7"});
    const RecordResultWithId start = producer.record(TaskStart{.task_id = "task-1", .agent_id = "agent-7"});
    const Run run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7", .decision_id = decision.made_id()});
    for (const std::string_view id : {decision.made_id(), start.made_id(), run.execution_id()}) {
      REQUIRE(id.size() >= 26);
      REQUIRE(id.size() <= 40);
      ids.emplace(id);
    }
  }
  CHECK(ids.size() == 15'000);
  std::set<std::string> recorded;
  for (const Recorded& r : Drain(directory.lanes()).take())
    recorded.insert(r.text(r.kind() == Kind::routing_decision ? "decisionId" : "executionId"));
  CHECK(recorded == ids);
}

TEST_CASE_FIXTURE(Fixture, "no id is made for an event that brings one, or that is refused") {
  CHECK(producer.record(RoutingDecision{.decision_id = "mine", .task_id = "task-1", .selected_agent = "agent-7"}).made_id().empty());
  CHECK(producer.record(RoutingDecision{.task_id = "task-1"}).made_id().empty());
}

TEST_CASE_FIXTURE(Fixture, "stamps of a thread never run backwards") {
  for (int i = 0; i < 10'000; ++i) REQUIRE(producer.record(ThinkingBudgetUsage{.task_id = "task-1"}));
  std::uint64_t last = 0;
  for (const Recorded& r : Drain(directory.lanes()).take()) {
    REQUIRE(r.values.stamp >= last);
    last = r.values.stamp;
  }
}

TEST_CASE("results are small, and copied like numbers") {
  CHECK(sizeof(RecordResult) <= 8);
  CHECK(std::is_trivially_copyable_v<RecordResult>);
}

TEST_CASE_FIXTURE(Fixture, "events that are in the form of the table are recorded as they are, and refused alike") {
  event::Values values;
  values.kind = Kind::evaluation_outcome;
  values.time_ns = 42;
  values.set_text(schema::field(Kind::evaluation_outcome, "taskId"), std::string_view("task-1"));
  values.set_flag(schema::field(Kind::evaluation_outcome, "evaluation.passed"), true);
  values.set_real(schema::field(Kind::evaluation_outcome, "evaluation.score"), 0.5);
  CHECK(producer::record(producer, values));
  values.set_real(schema::field(Kind::evaluation_outcome, "evaluation.score"), std::numeric_limits<double>::infinity());
  const RecordResult refused = producer::record(producer, values);
  CHECK(refused.status() == Status::refused);
  CHECK(refused.field() == "evaluation.score");
  const Recorded r = Drain(directory.lanes()).one();
  CHECK(r.values.time_ns == 42);
  CHECK(r.values.sequence == 1);
  CHECK(r.values.stamp != 0);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.real("evaluation.score") == 0.5);
  CHECK(producer.account().attempted == 2);
}
