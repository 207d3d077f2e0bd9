// What is refused, with which words, and that nothing of it is left.
#include <doctest/doctest.h>
#include <arbiter/producer.hpp>

#include <cmath>
#include <limits>
#include <string>

#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using test::Drain;
using test::OwnDirectory;

namespace {

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};

  void check_refused(const RecordResult& result, std::string_view field, std::string_view rule, abi::Refusal counted_as) {
    Drain drain(directory.lanes());
    CHECK_FALSE(result);
    CHECK(result.status() == Status::refused);
    CHECK(result.field() == field);
    CHECK(result.rule() == rule);
    CHECK(drain.take().empty());
    CHECK(drain.refused(counted_as) == 1);
    CHECK(drain.account().attempted == 1);
    CHECK(drain.account().refused_total() == 1);
    CHECK(drain.account().dropped_total() == 0);
  }

  // An event of exactly that many bytes.
  static std::string text_for(std::size_t event_bytes) { return std::string(event_bytes - 40 - 3 * 2 - 7 - 4, 'x'); }
  AgentStatusChange with_reason(const std::string& reason) { return {.agent_id = "agent-7", .status = "busy", .reason = reason}; }
};

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a required id that is missing is refused") {
  check_refused(producer.record(RoutingDecision{.task_id = "task-1"}), "selectedAgent", "is required and is missing or empty",
                abi::Refusal::missing);
}

TEST_CASE_FIXTURE(Fixture, "a required id that is empty is refused") {
  check_refused(producer.record(TaskExecution{.task_id = "", .agent_id = "agent-7", .outcome = {.success = true}}), "taskId",
                "is required and is missing or empty", abi::Refusal::missing);
}

TEST_CASE_FIXTURE(Fixture, "an outcome that does not say whether it was a success is refused") {
  check_refused(producer.record(TaskExecution{.task_id = "task-1", .agent_id = "agent-7"}), "outcome.success",
                "is required and is missing or empty", abi::Refusal::missing);
}

TEST_CASE_FIXTURE(Fixture, "an alternative without an agent is refused") {
  check_refused(
      producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7", .alternatives_considered = {{.score = 1}}}),
      "alternativesConsidered", "is required and is missing or empty", abi::Refusal::missing);
}

TEST_CASE_FIXTURE(Fixture, "an id of 256 bytes is refused") {
  check_refused(producer.record(ThinkingBudgetUsage{.task_id = std::string(256, 'x')}), "taskId", "is longer than 255 bytes",
                abi::Refusal::too_long);
}

TEST_CASE_FIXTURE(Fixture, "text that is not UTF-8 is refused") {
  check_refused(producer.record(AgentStatusChange{.agent_id = "agent-7", .status = "busy", .reason = "caf\xe9"}), "reason", "is not UTF-8",
                abi::Refusal::not_utf8);
}

TEST_CASE_FIXTURE(Fixture, "a score that is not a number is refused") {
  check_refused(producer.record(EvaluationOutcome{.task_id = "task-1", .evaluation = {.passed = true, .score = kNan}}), "evaluation.score",
                "is not a finite number", abi::Refusal::not_finite);
}

TEST_CASE_FIXTURE(Fixture, "a score of a list that is infinite is refused") {
  check_refused(producer.record(ModelJudgment{.task_id = "task-1", .criteria_scores = {{"style", kInfinite}}}), "criteriaScores",
                "is not a finite number", abi::Refusal::not_finite);
}

TEST_CASE_FIXTURE(Fixture, "a share just over one is refused") {
  check_refused(producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7", .confidence = std::nextafter(1.0, 2.0)}),
                "confidence", "is out of its range", abi::Refusal::out_of_range);
}

TEST_CASE_FIXTURE(Fixture, "an amount below nothing is refused") {
  check_refused(producer.record(ThinkingBudgetUsage{.task_id = "task-1", .utilization_rate = -0.1}), "utilizationRate",
                "is out of its range", abi::Refusal::out_of_range);
}

TEST_CASE_FIXTURE(Fixture, "a negative count is refused, and so is one that a signed number cannot hold") {
  Count count = -1;
  SUBCASE("the least number") { count = INT64_MIN; }
  SUBCASE("the greatest number") { count = UINT64_MAX; }
  SUBCASE("just too great") { count = std::uint64_t{1} << 63; }
  check_refused(producer.record(RlTrainingMetrics{.trajectories_processed = count}), "trajectoriesProcessed", "is out of its range",
                abi::Refusal::out_of_range);
}

TEST_CASE_FIXTURE(Fixture, "the greatest count is recorded, also where strings have to be looked at") {
  for (const char* task : {"plain", "größer"}) {
    CAPTURE(std::string(task));
    CHECK(producer.record(ThinkingBudgetUsage{.task_id = task, .tokens_used = INT64_MAX}));
    CHECK(producer.record(ThinkingBudgetUsage{.task_id = task, .tokens_used = (std::uint64_t{1} << 63) - 1}));
  }
  CHECK(producer.account().recorded == 4);
}

TEST_CASE_FIXTURE(Fixture, "a status that is none is refused") {
  check_refused(producer.record(AgentStatusChange{.agent_id = "agent-7", .status = "Busy"}), "status", "is not one of the words allowed",
                abi::Refusal::not_a_choice);
}

TEST_CASE_FIXTURE(Fixture, "a context that is not one JSON object is refused") {
  check_refused(producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7", .context = "[1]"}), "context",
                "is not one JSON object", abi::Refusal::bad_json);
}

TEST_CASE_FIXTURE(Fixture, "data nested deeper than 64 is refused") {
  const std::string deep = R"({"a":)" + std::string(64, '[') + std::string(64, ']') + "}";
  check_refused(producer.record(Event{.type = "deep", .data = deep}), "data", "is JSON nested deeper than 64", abi::Refusal::json_too_deep);
}

TEST_CASE_FIXTURE(Fixture, "a trace id in capitals is refused") {
  check_refused(producer.record(ThinkingBudgetUsage{.task_id = "task-1", .trace_id = "0123456789ABCDEF0123456789ABCDEF"}), "traceId",
                "is not the right number of lower-case hex digits", abi::Refusal::not_hex);
}

TEST_CASE_FIXTURE(Fixture, "an event of 64 KiB and one byte is refused, and names no field") {
  check_refused(producer.record(with_reason(text_for(65'537))), "", "makes the event larger than 64 KiB", abi::Refusal::event_too_large);
}

TEST_CASE_FIXTURE(Fixture, "an event of 64 KiB is recorded whole") {
  const std::string reason = text_for(65'536);
  CHECK(producer.record(with_reason(reason)));
  const test::Recorded r = Drain(directory.lanes()).one();
  CHECK(r.bytes().size() == 65'536);
  CHECK(r.text("reason") == reason);
}

TEST_CASE_FIXTURE(Fixture, "what follows a refusal is recorded, and the refusal has its place in the sequence") {
  CHECK(producer.record(ThinkingBudgetUsage{.task_id = "a"}));
  CHECK_FALSE(producer.record(ThinkingBudgetUsage{}));
  CHECK_FALSE(producer.record(ThinkingBudgetUsage{.task_id = "\xff"}));
  CHECK(producer.record(ThinkingBudgetUsage{.task_id = "b"}));
  Drain drain(directory.lanes());
  const auto all = drain.take();
  REQUIRE(all.size() == 2);
  CHECK(all[0].values.sequence == 1);
  CHECK(all[1].values.sequence == 4);
  CHECK(all[1].text("taskId") == "b");
  const Account account = producer.account();
  CHECK(account.attempted == 4);
  CHECK(account.recorded == 2);
  CHECK(account.refused == 2);
  CHECK(account.lane_full + account.no_lane + account.reentrant == 0);
}
