// Records events of one kind after the other, for tests/bench/instructions, which has callgrind count what each call takes: one function a
// kind, and the events as an agent would fill them in.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "shm/clock.hpp"
#include "tests/bench/workload.hpp"
#include "tests/bench/workload_in_c.hpp"

// In place of the library's own: the figures are those of a machine whose counter is trusted, wherever they are counted. Elsewhere a stamp
// takes some twenty instructions more.
arbiter::abi::ClockSource arbiter::best_clock() noexcept { return abi::ClockSource::tsc; }

namespace arbiter::bench {
namespace {

constexpr std::uint32_t kCalls = 1'000;

using Call = bool (*)(Producer&, std::uint32_t);

template <class Event>
bool recorded(Producer& producer, const Event& event) {
  return producer.record(event).recorded();
}

bool agent_registration(Producer& p, std::uint32_t) {
  return recorded(p, AgentRegistration{.agent_id = kAgent,
                                       .capabilities = {"code-review", "testing", "planning"},
                                       .baseline_metrics = {.latency_ms = 900, .accuracy = 0.9}});
}
bool agent_status_change(Producer& p, std::uint32_t) {
  return recorded(p, AgentStatusChange{.agent_id = kAgent, .status = "busy", .previous_status = "available", .reason = "took a task"});
}
bool routing_decision(Producer& p, std::uint32_t i) { return Large{p}.record(i); }
bool task_start(Producer& p, std::uint32_t) {
  return recorded(p, TaskStart{.execution_id = kExecution, .task_id = kTask, .agent_id = kAgent, .task_type = "code-review"});
}
bool task_execution(Producer& p, std::uint32_t i) { return Typical{p}.record(i); }
bool constitutional_validation(Producer& p, std::uint32_t i) {
  return recorded(p, ConstitutionalValidation{
                         .task_id = kTask,
                         .agent_id = kAgent,
                         .validation_result = {.valid = false,
                                               .violations = {{.severity = "low", .message = "no test was added", .rule = "tests"}},
                                               .compliance_score = 0.75,
                                               .rule_count = i}});
}
bool thinking_budget_allocation(Producer& p, std::uint32_t i) {
  return recorded(p, ThinkingBudgetAllocation{.task_id = kTask, .allocated_tokens = i, .complexity_level = "standard", .confidence = 0.8});
}
bool thinking_budget_usage(Producer& p, std::uint32_t i) { return Small{p}.record(i); }
bool minimality_evaluation(Producer& p, std::uint32_t i) {
  return recorded(p,
                  MinimalityEvaluation{
                      .task_id = kTask, .minimality_factor = 0.7, .ast_similarity = 0.9, .lines_changed = i, .quality_assessment = "good"});
}
bool model_judgment(Producer& p, std::uint32_t) {
  return recorded(p, ModelJudgment{.task_id = kTask,
                                   .overall_score = 0.8,
                                   .overall_confidence = 0.9,
                                   .all_criteria_pass = true,
                                   .criteria_scores = {{"correctness", 0.9}, {"style", 0.7}, {"safety", 1}}});
}
bool rl_training_metrics(Producer& p, std::uint32_t i) {
  return recorded(p,
                  RlTrainingMetrics{
                      .trajectories_processed = i, .average_reward = 0.4, .policy_loss = 0.01, .value_loss = 0.02, .kl_divergence = 0.003});
}
bool evaluation_outcome(Producer& p, std::uint32_t) {
  return recorded(p, EvaluationOutcome{.task_id = kTask,
                                       .agent_id = kAgent,
                                       .evaluation = {.passed = true,
                                                      .score = 0.87,
                                                      .rubric_scores = {{"tests", 1}, {"style", 0.5}},
                                                      .feedback = "two of three hidden tests pass"}});
}
bool generic(Producer& p, std::uint32_t) {
  return recorded(p, Event{.type = "cache-hit", .data = R"({"cache":"plans","hit":true,"ageMs":1250})"});
}
// Not kinds, but ways to call.
bool handle(Producer&, std::uint32_t);
const Handle* handle_to_complete = nullptr;
bool handle(Producer&, std::uint32_t i) { return handle_to_complete->record(i); }
bool small_in_c(Producer& p, std::uint32_t i) { return SmallInC{p}.record(i); }
bool typical_in_c(Producer& p, std::uint32_t i) { return TypicalInC{p}.record(i); }
bool large_in_c(Producer& p, std::uint32_t i) { return LargeInC{p}.record(i); }
KeptInC* kept_in_c = nullptr;
bool kept(Producer&, std::uint32_t i) { return kept_in_c->record(i); }
RunInC* run_in_c = nullptr;
bool handle_in_c(Producer&, std::uint32_t i) { return run_in_c->record(i); }

struct Measured {
  const char* name;
  Call call;
};
constexpr Measured kMeasured[] = {
    {"agent-registration", agent_registration},
    {"agent-status-change", agent_status_change},
    {"routing-decision", routing_decision},
    {"task-start", task_start},
    {"task-execution", task_execution},
    {"task-execution-by-handle", handle},
    {"constitutional-validation", constitutional_validation},
    {"thinking-budget-allocation", thinking_budget_allocation},
    {"thinking-budget-usage", thinking_budget_usage},
    {"minimality-evaluation", minimality_evaluation},
    {"model-judgment", model_judgment},
    {"rl-training-metrics", rl_training_metrics},
    {"evaluation-outcome", evaluation_outcome},
    {"generic", generic},
    {"in-c-thinking-budget-usage", small_in_c},
    {"in-c-task-execution", typical_in_c},
    {"in-c-task-execution-kept", kept},
    {"in-c-task-execution-by-run", handle_in_c},
    {"in-c-routing-decision", large_in_c},
};

}  // namespace

// What callgrind is told to count. The loop costs a few instructions a call, which are in the figure.
template <std::size_t measured>
[[gnu::noinline]] std::uint32_t measure(Producer& producer) {
  std::uint32_t recorded = 0;
  for (std::uint32_t i = 0; i < kCalls; ++i) recorded += kMeasured[measured].call(producer, i);
  return recorded;
}

namespace {

template <std::size_t... i>
int run(const std::string& directory, std::index_sequence<i...>) {
  Producer producer({.ring_dir = directory});
  const Handle by_handle{producer};
  handle_to_complete = &by_handle;
  KeptInC kept_struct{producer};
  kept_in_c = &kept_struct;
  RunInC by_run{producer};
  run_in_c = &by_run;
  bool all = true;
  // Once over, so that lanes are grown and pages are there; then again, counted.
  ((all = measure<i>(producer) == kCalls && all), ...);
  (std::printf("%zu %s\n", i, kMeasured[i].name), ...);
  return all ? 0 : 1;
}

}  // namespace
}  // namespace arbiter::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: arbiter-bench-kinds RING_DIR\n");
    return 2;
  }
  return arbiter::bench::run(argv[1], std::make_index_sequence<std::size(arbiter::bench::kMeasured)>());
}
