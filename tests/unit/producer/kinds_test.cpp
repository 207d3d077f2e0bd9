// Every kind, every field, from the public struct to the bytes in the lane.
#include <doctest/doctest.h>
#include <arbiter/producer.hpp>

#include <cmath>
#include <string>

#include "tests/unit/producer/as_values.hpp"
#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::string_literals;
using test::Drain;
using test::OwnDirectory;
using test::Recorded;

namespace {

constexpr std::string_view kTrace = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kSpan = "fedcba9876543210";
constexpr std::int64_t kTime = 1'700'000'000'123'456'789;

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};

  Recorded only() { return Drain(directory.lanes()).one(); }
};

void check_envelope(const Recorded& r) {
  CHECK(r.values.time_ns == kTime);
  CHECK(r.text("traceId") == kTrace);
  CHECK(r.text("spanId") == kSpan);
  CHECK(r.values.sequence == 1);
  CHECK(r.values.stamp != 0);
}

// All of the table is there: no field of a kind is without a member.
void check_complete(const Recorded& r, std::initializer_list<std::string_view> except = {}) {
  const auto fields = schema::info(r.kind()).fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    bool excepted = false;
    for (const std::string_view path : except) excepted = excepted || path == fields[i].path;
    CHECK_MESSAGE(r.values.has(static_cast<unsigned>(i)) != excepted, std::string(fields[i].path));
  }
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an agent's registration keeps every field") {
  const std::string_view capabilities[] = {"search", "", "Übersetzung"};
  CHECK(
      producer.record(AgentRegistration{.agent_id = "agent-7",
                                        .capabilities = capabilities,
                                        .baseline_metrics = {.latency_ms = 12.5, .accuracy = 0.25, .cost_per_task = 0.75, .reliability = 1},
                                        .time = kTime,
                                        .trace_id = kTrace,
                                        .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::agent_registration);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("agentId") == "agent-7");
  CHECK(r.real("baselineMetrics.latencyMs") == 12.5);
  CHECK(r.real("baselineMetrics.accuracy") == 0.25);
  CHECK(r.real("baselineMetrics.costPerTask") == 0.75);
  CHECK(r.real("baselineMetrics.reliability") == 1);
  event::ListReader items = r.list("capabilities");
  REQUIRE(items.size() == 3);
  for (const std::string_view expected : capabilities) {
    REQUIRE(items.next());
    REQUIRE(items.has(0));
    CHECK(items.text(0).bytes() == expected);
  }
}

TEST_CASE_FIXTURE(Fixture, "a change of status keeps every field") {
  CHECK(producer.record(AgentStatusChange{.agent_id = "agent-7",
                                          .status = "maintenance",
                                          .previous_status = "any word",
                                          .reason = "disk",
                                          .time = kTime,
                                          .trace_id = kTrace,
                                          .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::agent_status_change);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("agentId") == "agent-7");
  CHECK(r.text("status") == "maintenance");
  CHECK(r.text("previousStatus") == "any word");
  CHECK(r.text("reason") == "disk");
}

TEST_CASE_FIXTURE(Fixture, "a routing decision keeps every field") {
  const auto result = producer.record(
      RoutingDecision{.decision_id = "decision-1",
                      .task_id = "task-1",
                      .task_type = "review",
                      .selected_agent = "agent-7",
                      .routing_strategy = "multi-armed-bandit",
                      .confidence = 0.85,
                      .propensity = 0.125,
                      .policy_version = "v3",
                      .context = R"({"load": 1e3, "n": 12345678901234567890})",
                      .alternatives_considered = {{.agent_id = "agent-7", .score = 3.5, .probability = 0.125, .reason = "best"},
                                                  {.agent_id = "agent-8"},
                                                  {.agent_id = "agent-9", .score = -1, .reason = ""}},
                      .rationale = "because",
                      .time = kTime,
                      .trace_id = kTrace,
                      .span_id = kSpan});
  CHECK(result);
  CHECK(result.made_id().empty());
  const Recorded r = only();
  CHECK(r.kind() == Kind::routing_decision);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("decisionId") == "decision-1");
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.text("taskType") == "review");
  CHECK(r.text("selectedAgent") == "agent-7");
  CHECK(r.text("routingStrategy") == "multi-armed-bandit");
  CHECK(r.real("confidence") == 0.85);
  CHECK(r.real("propensity") == 0.125);
  CHECK(r.text("policyVersion") == "v3");
  CHECK(r.text("context") == R"({"load": 1e3, "n": 12345678901234567890})");
  CHECK(r.text("rationale") == "because");
  event::ListReader items = r.list("alternativesConsidered");
  REQUIRE(items.size() == 3);
  REQUIRE(items.next());
  CHECK(items.text(0).bytes() == "agent-7");
  CHECK(items.real(1) == 3.5);
  CHECK(items.real(2) == 0.125);
  CHECK(items.text(3).bytes() == "best");
  REQUIRE(items.next());
  CHECK(items.text(0).bytes() == "agent-8");
  CHECK_FALSE(items.has(1));
  CHECK_FALSE(items.has(2));
  CHECK_FALSE(items.has(3));
  REQUIRE(items.next());
  CHECK(items.real(1) == -1);
  CHECK(items.has(3));  // an empty text that was given
  CHECK(items.text(3).bytes().empty());
}

TEST_CASE_FIXTURE(Fixture, "a task's start keeps every field") {
  const auto result = producer.record(TaskStart{.execution_id = "run-1",
                                                .task_id = "task-1",
                                                .agent_id = "agent-7",
                                                .task_type = "review",
                                                .decision_id = "decision-1",
                                                .context = "{}",
                                                .time = kTime,
                                                .trace_id = kTrace,
                                                .span_id = kSpan});
  CHECK(result);
  const Recorded r = only();
  CHECK(r.kind() == Kind::task_start);
  check_envelope(r);
  check_complete(r, {"censored"});
  CHECK(r.text("executionId") == "run-1");
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.text("agentId") == "agent-7");
  CHECK(r.text("taskType") == "review");
  CHECK(r.text("decisionId") == "decision-1");
  CHECK(r.text("context") == "{}");
}

TEST_CASE_FIXTURE(Fixture, "a task's execution keeps every field") {
  CHECK(producer.record(TaskExecution{.execution_id = "run-1",
                                      .decision_id = "decision-1",
                                      .task_id = "task-1",
                                      .agent_id = "agent-7",
                                      .task_type = "review",
                                      .started_at_ns = kTime - 5,
                                      .routing_decision = {.decision_id = "decision-2",
                                                           .selected_agent = "agent-8",
                                                           .routing_strategy = "random",
                                                           .confidence = 0.5,
                                                           .propensity = 0.25,
                                                           .policy_version = "v3",
                                                           .decided_at_ns = kTime - 9},
                                      .outcome = {.success = true,
                                                  .quality_score = 0.9,
                                                  .efficiency_score = 0.8,
                                                  .tokens_consumed = 1500,
                                                  .completion_time_ms = 12.5,
                                                  .tokens_in = 1000,
                                                  .tokens_out = INT64_MAX,
                                                  .cost_usd = 0.01,
                                                  .error_type = "none"},
                                      .time = kTime,
                                      .trace_id = kTrace,
                                      .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::task_execution);
  check_envelope(r);
  check_complete(r, {"startedTicks"});
  CHECK(r.text("executionId") == "run-1");
  CHECK(r.text("decisionId") == "decision-1");
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.text("agentId") == "agent-7");
  CHECK(r.text("taskType") == "review");
  CHECK(r.values.time(r.field("startedAtNs")) == kTime - 5);
  CHECK(r.text("routingDecision.decisionId") == "decision-2");
  CHECK(r.text("routingDecision.selectedAgent") == "agent-8");
  CHECK(r.text("routingDecision.routingStrategy") == "random");
  CHECK(r.real("routingDecision.confidence") == 0.5);
  CHECK(r.real("routingDecision.propensity") == 0.25);
  CHECK(r.text("routingDecision.policyVersion") == "v3");
  CHECK(r.values.time(r.field("routingDecision.decidedAtNs")) == kTime - 9);
  CHECK(r.flag("outcome.success"));
  CHECK(r.real("outcome.qualityScore") == 0.9);
  CHECK(r.real("outcome.efficiencyScore") == 0.8);
  CHECK(r.count("outcome.tokensConsumed") == 1500);
  CHECK(r.real("outcome.completionTimeMs") == 12.5);
  CHECK(r.count("outcome.tokensIn") == 1000);
  CHECK(r.count("outcome.tokensOut") == INT64_MAX);
  CHECK(r.real("outcome.costUsd") == 0.01);
  CHECK(r.text("outcome.errorType") == "none");
}

TEST_CASE_FIXTURE(Fixture, "a validation keeps every field") {
  CHECK(producer.record(ConstitutionalValidation{
      .task_id = "task-1",
      .agent_id = "agent-7",
      .execution_id = "run-1",
      .decision_id = "decision-1",
      .validation_result = {.valid = false,
                            .violations = {{.severity = "critical", .message = "wrote a secret", .rule = "R1"}, {.severity = "low"}},
                            .compliance_score = 0.5,
                            .processing_time_ms = 3,
                            .rule_count = 17},
      .time = kTime,
      .trace_id = kTrace,
      .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::constitutional_validation);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.text("agentId") == "agent-7");
  CHECK(r.text("executionId") == "run-1");
  CHECK(r.text("decisionId") == "decision-1");
  CHECK_FALSE(r.flag("validationResult.valid"));
  CHECK(r.real("validationResult.complianceScore") == 0.5);
  CHECK(r.real("validationResult.processingTimeMs") == 3);
  CHECK(r.count("validationResult.ruleCount") == 17);
  event::ListReader items = r.list("validationResult.violations");
  REQUIRE(items.size() == 2);
  REQUIRE(items.next());
  CHECK(items.text(0).bytes() == "critical");
  CHECK(items.text(1).bytes() == "wrote a secret");
  CHECK(items.text(2).bytes() == "R1");
  REQUIRE(items.next());
  CHECK(items.text(0).bytes() == "low");
  CHECK_FALSE(items.has(1));
  CHECK_FALSE(items.has(2));
}

TEST_CASE_FIXTURE(Fixture, "a thinking budget keeps every field") {
  CHECK(producer.record(ThinkingBudgetAllocation{.task_id = "task-1",
                                                 .allocated_tokens = 8000,
                                                 .complexity_level = "standard",
                                                 .confidence = 0.75,
                                                 .time = kTime,
                                                 .trace_id = kTrace,
                                                 .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::thinking_budget_allocation);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.count("allocatedTokens") == 8000);
  CHECK(r.text("complexityLevel") == "standard");
  CHECK(r.real("confidence") == 0.75);
}

TEST_CASE_FIXTURE(Fixture, "the use of a thinking budget keeps every field, over-use too") {
  CHECK(producer.record(ThinkingBudgetUsage{.task_id = "task-1",
                                            .tokens_used = 12'000,
                                            .tokens_allocated = 8000,
                                            .utilization_rate = 1.5,
                                            .time = kTime,
                                            .trace_id = kTrace,
                                            .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::thinking_budget_usage);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.count("tokensUsed") == 12'000);
  CHECK(r.count("tokensAllocated") == 8000);
  CHECK(r.real("utilizationRate") == 1.5);
}

TEST_CASE_FIXTURE(Fixture, "an evaluation of minimality keeps every field") {
  CHECK(producer.record(MinimalityEvaluation{.task_id = "task-1",
                                             .minimality_factor = 0.1,
                                             .ast_similarity = 0.2,
                                             .scaffolding_penalty = 0.3,
                                             .lines_changed = 0,
                                             .quality_assessment = "minimal",
                                             .time = kTime,
                                             .trace_id = kTrace,
                                             .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::minimality_evaluation);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.real("minimalityFactor") == 0.1);
  CHECK(r.real("astSimilarity") == 0.2);
  CHECK(r.real("scaffoldingPenalty") == 0.3);
  CHECK(r.count("linesChanged") == 0);
  CHECK(r.text("qualityAssessment") == "minimal");
}

TEST_CASE_FIXTURE(Fixture, "a model's judgment keeps every field") {
  const Score scores[] = {{"correctness", 0.9}, {"style", -2.5}};
  CHECK(producer.record(ModelJudgment{.task_id = "task-1",
                                      .execution_id = "run-1",
                                      .decision_id = "decision-1",
                                      .overall_score = 0.6,
                                      .overall_confidence = 0.7,
                                      .all_criteria_pass = true,
                                      .criteria_scores = scores,
                                      .evaluation_time_ms = 250,
                                      .time = kTime,
                                      .trace_id = kTrace,
                                      .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::model_judgment);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.text("executionId") == "run-1");
  CHECK(r.text("decisionId") == "decision-1");
  CHECK(r.real("overallScore") == 0.6);
  CHECK(r.real("overallConfidence") == 0.7);
  CHECK(r.flag("allCriteriaPass"));
  CHECK(r.real("evaluationTimeMs") == 250);
  event::ListReader items = r.list("criteriaScores");
  REQUIRE(items.size() == 2);
  for (const Score& expected : scores) {
    REQUIRE(items.next());
    CHECK(items.text(0).bytes() == expected.name);
    CHECK(items.real(1) == expected.value);
  }
}

TEST_CASE_FIXTURE(Fixture, "the figures of a training step keep every field") {
  CHECK(producer.record(RlTrainingMetrics{.trajectories_processed = 6852,
                                          .average_reward = -0.5,
                                          .policy_loss = 1e-300,
                                          .value_loss = 2.5,
                                          .kl_divergence = -0.0,
                                          .training_time_ms = 1e9,
                                          .time = kTime,
                                          .trace_id = kTrace,
                                          .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::rl_training_metrics);
  check_envelope(r);
  check_complete(r);
  CHECK(r.count("trajectoriesProcessed") == 6852);
  CHECK(r.real("averageReward") == -0.5);
  CHECK(r.real("policyLoss") == 1e-300);
  CHECK(r.real("valueLoss") == 2.5);
  CHECK(std::signbit(r.real("klDivergence")));
  CHECK(r.real("trainingTimeMs") == 1e9);
}

TEST_CASE_FIXTURE(Fixture, "an evaluator's outcome keeps every field") {
  CHECK(producer.record(EvaluationOutcome{.task_id = "task-1",
                                          .agent_id = "agent-7",
                                          .execution_id = "run-1",
                                          .decision_id = "decision-1",
                                          .evaluation = {.passed = true, .score = 17, .rubric_scores = {{"tests", 3}}, .feedback = "gut"},
                                          .time = kTime,
                                          .trace_id = kTrace,
                                          .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::evaluation_outcome);
  check_envelope(r);
  check_complete(r);
  CHECK(r.text("taskId") == "task-1");
  CHECK(r.text("agentId") == "agent-7");
  CHECK(r.text("executionId") == "run-1");
  CHECK(r.text("decisionId") == "decision-1");
  CHECK(r.flag("evaluation.passed"));
  CHECK(r.real("evaluation.score") == 17);
  CHECK(r.text("evaluation.feedback") == "gut");
  event::ListReader items = r.list("evaluation.rubricScores");
  REQUIRE(items.size() == 1);
  REQUIRE(items.next());
  CHECK(items.text(0).bytes() == "tests");
  CHECK(items.real(1) == 3);
}

TEST_CASE_FIXTURE(Fixture, "an event of any other type keeps its object to the byte") {
  const std::string data = R"({ "a" : [1.000, 12345678901234567890123], "ключ":"\u0000" })";
  CHECK(producer.record(Event{.type = "cache-miss", .data = data, .time = kTime, .trace_id = kTrace, .span_id = kSpan}));
  const Recorded r = only();
  CHECK(r.kind() == Kind::generic);
  check_envelope(r);
  check_complete(r, {"taskId", "agentId"});
  CHECK(r.text("type") == "cache-miss");
  CHECK(r.text("data") == data);
}

TEST_CASE_FIXTURE(Fixture, "what is not given is not there, and an empty list or text that is given is") {
  CHECK(producer.record(ConstitutionalValidation{
      .task_id = "task-1", .agent_id = "agent-7", .validation_result = {.violations = std::span<const Violation>{}}}));
  CHECK(producer.record(AgentStatusChange{.agent_id = "agent-7", .status = "busy", .reason = ""}));
  Drain drain(directory.lanes());
  const std::vector<Recorded> all = drain.take();
  REQUIRE(all.size() == 2);
  check_complete(all[0], {"executionId", "decisionId", "validationResult.valid", "validationResult.complianceScore",
                          "validationResult.processingTimeMs", "validationResult.ruleCount", "traceId", "spanId"});
  CHECK(all[0].list("validationResult.violations").size() == 0);
  CHECK(all[0].values.time_ns == abi::kNoTime);
  check_complete(all[1], {"previousStatus", "traceId", "spanId"});
  CHECK(all[1].text("reason").empty());
}

TEST_CASE("every field of every table has a member, but for those that are the collector's") {
  const auto missing = []<class E>() { return schema::masks(static_cast<Kind>(fields::kKind<E>)).all & ~test::fields_of<E>(); };
  const auto bit = [](Kind kind, std::string_view path) { return std::uint32_t{1} << schema::find_field(kind, path); };
  CHECK(missing.operator()<AgentRegistration>() == 0);
  CHECK(missing.operator()<AgentStatusChange>() == 0);
  CHECK(missing.operator()<RoutingDecision>() == 0);
  CHECK(missing.operator()<TaskStart>() == bit(Kind::task_start, "censored"));
  CHECK(missing.operator()<TaskExecution>() == bit(Kind::task_execution, "startedTicks"));
  CHECK(missing.operator()<ConstitutionalValidation>() == 0);
  CHECK(missing.operator()<ThinkingBudgetAllocation>() == 0);
  CHECK(missing.operator()<ThinkingBudgetUsage>() == 0);
  CHECK(missing.operator()<MinimalityEvaluation>() == 0);
  CHECK(missing.operator()<ModelJudgment>() == 0);
  CHECK(missing.operator()<RlTrainingMetrics>() == 0);
  CHECK(missing.operator()<EvaluationOutcome>() == 0);
  CHECK(missing.operator()<Event>() == (bit(Kind::generic, "taskId") | bit(Kind::generic, "agentId")));
}
