// What can be recorded: one plain struct for each kind of event. Fill in what is known and hand it to Producer::record (producer.hpp).
//
//   producer.record(arbiter::RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7", .confidence = 0.85});
//
// Rules that hold for all of them. A record call that breaks one is refused as a whole, and its result names field and rule:
//   - Strings are UTF-8 and are copied by the call; they need to live no longer than that. Ids and words are 1 to 255 bytes. Text has no
//   limit
//     of its own. An id, word or JSON string left empty counts as not given; a text counts as given unless its data() is null.
//   - Numbers are finite and within the range that is stated; "share" below means 0 to 1, "amount" means 0 or more.
//   - JSON is the text of one object, nested no deeper than 64. The text is kept as it is given, numbers to the digit.
//   - An event, encoded, is at most 64 KiB.
//   - Fields marked "required" must be given.
//
// Every kind has these three at its end:
//   time      when it happened, Unix nanoseconds, for replay and import; it is kept as given. Not given: the tracker stamps the call.
//   trace_id  of a distributed trace: 32 lower-case hex digits.
//   span_id   of that trace: 16 lower-case hex digits.
//
// The structs hold views. To fill one in over several statements, see to it that what it points at lives until it is recorded; a braced
// list ({"a", "b"}) lives to the end of the expression it stands in, which is long enough inside the record call and nowhere else.
#pragma once

#include <string_view>

#include <arbiter/values.hpp>

namespace arbiter {

// What an agent promises of itself, in AgentRegistration.
struct BaselineMetrics {
  Number latency_ms{};     // amount, milliseconds
  Number accuracy{};       // share
  Number cost_per_task{};  // amount, in the currency of the caller's choice
  Number reliability{};    // share
};

// An agent came up.
struct AgentRegistration {
  std::string_view agent_id{};            // id, required
  List<std::string_view> capabilities{};  // texts
  BaselineMetrics baseline_metrics{};
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// An agent changed its state.
struct AgentStatusChange {
  std::string_view agent_id{};         // id, required
  std::string_view status{};           // required: "available", "busy", "offline" or "maintenance"
  std::string_view previous_status{};  // word
  std::string_view reason{};           // text
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// An agent that a routing decision weighed.
struct Alternative {
  std::string_view agent_id{};  // id, required
  Number score{};               // any finite number
  Number probability{};         // share: with which the policy would have chosen it
  std::string_view reason{};    // text
};

// The arbiter chose an agent for a task.
struct RoutingDecision {
  std::string_view decision_id{};       // id; when left empty the library makes one, which the result of the call has
  std::string_view task_id{};           // id, required
  std::string_view task_type{};         // word
  std::string_view selected_agent{};    // id, required
  std::string_view routing_strategy{};  // word: "multi-armed-bandit", "capability-match", "load-balance", "random", or one of your own
  Number confidence{};                  // share
  Number propensity{};                  // share: probability with which the policy chose this agent, what off-policy learning needs
  std::string_view policy_version{};    // word
  std::string_view context{};           // JSON: features the policy saw
  List<Alternative> alternatives_considered{};
  std::string_view rationale{};  // text
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// An agent began a task. Mostly recorded by Producer::start_task, whose handle then records the completion.
struct TaskStart {
  std::string_view execution_id{};  // id; when left empty the library makes one, which the result of the call has
  std::string_view task_id{};       // id, required
  std::string_view agent_id{};      // id, required
  std::string_view task_type{};     // word
  std::string_view decision_id{};   // id of the routing decision that led here
  std::string_view context{};       // JSON
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// How a task came out.
struct Outcome {
  Flag success{};             // required
  Number quality_score{};     // share
  Number efficiency_score{};  // share
  Count tokens_consumed{};
  Number completion_time_ms{};  // amount, milliseconds, as the agent measured it
  Count tokens_in{};
  Count tokens_out{};
  Number cost_usd{};              // amount, US dollars
  std::string_view error_type{};  // word
};

// The decision behind an execution, where the recorder knows it. Left out, the collector joins it.
struct DecisionOfExecution {
  std::string_view decision_id{};       // id
  std::string_view selected_agent{};    // id
  std::string_view routing_strategy{};  // word
  Number confidence{};                  // share
  Number propensity{};                  // share
  std::string_view policy_version{};    // word
  UnixTimeNs decided_at_ns{};
};

// An agent finished a task. For a completion whose start was recorded in this process, Run::complete says the same with less; this struct
// is for completions recorded elsewhere: the collector joins them to their start by execution_id.
struct TaskExecution {
  std::string_view execution_id{};  // id of the start
  std::string_view decision_id{};   // id of the routing decision
  std::string_view task_id{};       // id, required
  std::string_view agent_id{};      // id, required
  std::string_view task_type{};     // word
  UnixTimeNs started_at_ns{};       // when it started, if known here; the duration is `time` less this
  DecisionOfExecution routing_decision{};
  Outcome outcome{};  // outcome.success is required
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// A rule that was broken.
struct Violation {
  std::string_view severity{};  // required: "low", "medium", "high" or "critical"
  std::string_view message{};   // text
  std::string_view rule{};      // word
};

struct ValidationResult {
  Flag valid{};
  List<Violation> violations{};
  Number compliance_score{};    // share
  Number processing_time_ms{};  // amount, milliseconds
  Count rule_count{};
};

// The policy checker looked at what an agent did for a task.
struct ConstitutionalValidation {
  std::string_view task_id{};       // id, required
  std::string_view agent_id{};      // id, required
  std::string_view execution_id{};  // id: which attempt it is about
  std::string_view decision_id{};   // id: which decision it is about
  ValidationResult validation_result{};
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// A task was given a budget of tokens to think with.
struct ThinkingBudgetAllocation {
  std::string_view task_id{};  // id, required
  Count allocated_tokens{};
  std::string_view complexity_level{};  // word: "trivial", "standard", "complex", or one of your own
  Number confidence{};                  // share
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// What a task used of its budget.
struct ThinkingBudgetUsage {
  std::string_view task_id{};  // id, required
  Count tokens_used{};
  Count tokens_allocated{};
  Number utilization_rate{};  // amount: 1 is the whole budget, more is over-use
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// How small a change was that does the job.
struct MinimalityEvaluation {
  std::string_view task_id{};    // id, required
  Number minimality_factor{};    // share
  Number ast_similarity{};       // share
  Number scaffolding_penalty{};  // share
  Count lines_changed{};
  std::string_view quality_assessment{};  // word
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// One entry of a map of scores.
struct Score {
  std::string_view name{};  // word, required
  double value = 0;         // any finite number
};

// A model judged what was done for a task.
struct ModelJudgment {
  std::string_view task_id{};       // id, required
  std::string_view execution_id{};  // id: which attempt it is about
  std::string_view decision_id{};   // id: which decision it is about
  Number overall_score{};           // share
  Number overall_confidence{};      // share
  Flag all_criteria_pass{};
  List<Score> criteria_scores{};
  Number evaluation_time_ms{};  // amount, milliseconds
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// How a training step went.
struct RlTrainingMetrics {
  Count trajectories_processed{};
  Number average_reward{};  // any finite number, as the next three
  Number policy_loss{};
  Number value_loss{};
  Number kl_divergence{};
  Number training_time_ms{};  // amount, milliseconds
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

struct Evaluation {
  Flag passed{};   // required
  Number score{};  // any finite number
  List<Score> rubric_scores{};
  std::string_view feedback{};  // text
};

// An evaluator looked at the result of a task.
struct EvaluationOutcome {
  std::string_view task_id{};       // id, required
  std::string_view agent_id{};      // id
  std::string_view execution_id{};  // id: which attempt it is about
  std::string_view decision_id{};   // id: which decision it is about
  Evaluation evaluation{};          // evaluation.passed is required
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// Anything else. `taskId` and `agentId` are lifted out of `data` where its top level has them as strings.
struct Event {
  std::string_view type{};  // word, required: none of the types above
  std::string_view data{};  // JSON, required
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

// The three fields that every kind ends with, for calls whose struct does not have them (Run::complete).
struct Envelope {
  UnixTimeNs time{};
  std::string_view trace_id{};
  std::string_view span_id{};
};

}  // namespace arbiter
