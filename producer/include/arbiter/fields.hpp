// Which member of an event's struct is which field of its kind's table, said once: each(to, event) hands every field to `to`, in the order
// of the table, by the function that is named for the field's type. The first template argument is the field's number there.
//
// `to` is a packed::Packer when an event is recorded. Whoever else wants to see the fields of a struct brings a visitor of the same form.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <arbiter/events.hpp>

namespace arbiter::fields {

inline constexpr bool kRequired = true;

// The number of a struct's kind, in shared memory and in the journal.
template <class Event>
inline constexpr std::uint16_t kKind = 0;
template <>
inline constexpr std::uint16_t kKind<AgentRegistration> = 1;
template <>
inline constexpr std::uint16_t kKind<AgentStatusChange> = 2;
template <>
inline constexpr std::uint16_t kKind<RoutingDecision> = 3;
template <>
inline constexpr std::uint16_t kKind<TaskStart> = 4;
template <>
inline constexpr std::uint16_t kKind<TaskExecution> = 5;
template <>
inline constexpr std::uint16_t kKind<ConstitutionalValidation> = 6;
template <>
inline constexpr std::uint16_t kKind<ThinkingBudgetAllocation> = 7;
template <>
inline constexpr std::uint16_t kKind<ThinkingBudgetUsage> = 8;
template <>
inline constexpr std::uint16_t kKind<MinimalityEvaluation> = 9;
template <>
inline constexpr std::uint16_t kKind<ModelJudgment> = 10;
template <>
inline constexpr std::uint16_t kKind<RlTrainingMetrics> = 11;
template <>
inline constexpr std::uint16_t kKind<EvaluationOutcome> = 12;
template <>
inline constexpr std::uint16_t kKind<Event> = 13;

// Fields that take one of a few words.
inline constexpr auto is_status = [](std::string_view word) noexcept {
  return word == "available" || word == "busy" || word == "offline" || word == "maintenance";
};
inline constexpr auto is_severity = [](std::string_view word) noexcept {
  return word == "low" || word == "medium" || word == "high" || word == "critical";
};

// Structs of other languages that have the same members, of types that their visitor knows what to do with: kSame<Struct, Theirs> is true.
template <class Struct, class Other>
inline constexpr bool kSame = false;
template <class E, class Struct>
concept FieldsOf = std::same_as<E, Struct> || kSame<Struct, E>;

#define ARBITER_EACH_FIELD(Struct)          \
  template <class To, FieldsOf<Struct> Any> \
  [[gnu::always_inline]] inline void

// --- items of lists

ARBITER_EACH_FIELD(std::string_view) each(To& to, const Any& capability) { to.template item_text<0, kRequired>(capability); }
ARBITER_EACH_FIELD(Alternative) each(To& to, const Any& a) {
  to.template item_word<0, kRequired>(a.agent_id);
  to.template item_number<1>(a.score);
  to.template item_number<2>(a.probability);
  to.template item_text<3>(a.reason);
}
ARBITER_EACH_FIELD(Violation) each(To& to, const Any& v) {
  to.template item_choice<0, kRequired>(v.severity, is_severity);
  to.template item_text<1>(v.message);
  to.template item_word<2>(v.rule);
}
ARBITER_EACH_FIELD(Score) each(To& to, const Any& s) {
  to.template item_word<0, kRequired>(s.name);
  to.template item_number<1>(Number(s.value));
}

// --- kinds

// Every kind's last two fields; `first` is the number of the trace id.
template <unsigned first, class To, class Event>
[[gnu::always_inline]] inline void envelope(To& to, const Event& e) {
  to.occurred(e.time);
  to.template hex<first>(e.trace_id);
  to.template hex<first + 1>(e.span_id);
}

ARBITER_EACH_FIELD(AgentRegistration) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.agent_id);
  to.template list<1>(e.capabilities);
  to.template amount<2>(e.baseline_metrics.latency_ms);
  to.template share<3>(e.baseline_metrics.accuracy);
  to.template amount<4>(e.baseline_metrics.cost_per_task);
  to.template share<5>(e.baseline_metrics.reliability);
  envelope<6>(to, e);
}
ARBITER_EACH_FIELD(AgentStatusChange) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.agent_id);
  to.template choice<1, kRequired>(e.status, is_status);
  to.template word<2>(e.previous_status);
  to.template text<3>(e.reason);
  envelope<4>(to, e);
}
ARBITER_EACH_FIELD(RoutingDecision) each(To& to, const Any& e) {
  to.template own_id<0>(e.decision_id);
  to.template id<1, kRequired>(e.task_id);
  to.template word<2>(e.task_type);
  to.template id<3, kRequired>(e.selected_agent);
  to.template word<4>(e.routing_strategy);
  to.template share<5>(e.confidence);
  to.template share<6>(e.propensity);
  to.template word<7>(e.policy_version);
  to.template json<8>(e.context);
  to.template list<9>(e.alternatives_considered);
  to.template text<10>(e.rationale);
  envelope<11>(to, e);
}
ARBITER_EACH_FIELD(TaskStart) each(To& to, const Any& e) {
  to.template own_id<0>(e.execution_id);
  to.template id<1, kRequired>(e.task_id);
  to.template id<2, kRequired>(e.agent_id);
  to.template word<3>(e.task_type);
  to.template id<4>(e.decision_id);
  to.template json<5>(e.context);
  envelope<6>(to, e);
}
ARBITER_EACH_FIELD(Outcome) each(To& to, const Any& o) {
  to.template flag<14, kRequired>(o.success);
  to.template share<15>(o.quality_score);
  to.template share<16>(o.efficiency_score);
  to.template count<17>(o.tokens_consumed);
  to.template amount<18>(o.completion_time_ms);
  to.template count<19>(o.tokens_in);
  to.template count<20>(o.tokens_out);
  to.template amount<21>(o.cost_usd);
  to.template word<22>(o.error_type);
}
ARBITER_EACH_FIELD(TaskExecution) each(To& to, const Any& e) {
  to.template id<0>(e.execution_id);
  to.template id<1>(e.decision_id);
  to.template id<2, kRequired>(e.task_id);
  to.template id<3, kRequired>(e.agent_id);
  to.template word<4>(e.task_type);
  to.template time<5>(e.started_at_ns);
  to.template id<7>(e.routing_decision.decision_id);  // 6, a start's ticks, is for handles
  to.template id<8>(e.routing_decision.selected_agent);
  to.template word<9>(e.routing_decision.routing_strategy);
  to.template share<10>(e.routing_decision.confidence);
  to.template share<11>(e.routing_decision.propensity);
  to.template word<12>(e.routing_decision.policy_version);
  to.template time<13>(e.routing_decision.decided_at_ns);
  each(to, e.outcome);
  envelope<23>(to, e);
}
ARBITER_EACH_FIELD(ConstitutionalValidation) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.task_id);
  to.template id<1, kRequired>(e.agent_id);
  to.template id<2>(e.execution_id);
  to.template id<3>(e.decision_id);
  to.template flag<4>(e.validation_result.valid);
  to.template list<5>(e.validation_result.violations);
  to.template share<6>(e.validation_result.compliance_score);
  to.template amount<7>(e.validation_result.processing_time_ms);
  to.template count<8>(e.validation_result.rule_count);
  envelope<9>(to, e);
}
ARBITER_EACH_FIELD(ThinkingBudgetAllocation) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.task_id);
  to.template count<1>(e.allocated_tokens);
  to.template word<2>(e.complexity_level);
  to.template share<3>(e.confidence);
  envelope<4>(to, e);
}
ARBITER_EACH_FIELD(ThinkingBudgetUsage) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.task_id);
  to.template count<1>(e.tokens_used);
  to.template count<2>(e.tokens_allocated);
  to.template amount<3>(e.utilization_rate);
  envelope<4>(to, e);
}
ARBITER_EACH_FIELD(MinimalityEvaluation) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.task_id);
  to.template share<1>(e.minimality_factor);
  to.template share<2>(e.ast_similarity);
  to.template share<3>(e.scaffolding_penalty);
  to.template count<4>(e.lines_changed);
  to.template word<5>(e.quality_assessment);
  envelope<6>(to, e);
}
ARBITER_EACH_FIELD(ModelJudgment) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.task_id);
  to.template id<1>(e.execution_id);
  to.template id<2>(e.decision_id);
  to.template share<3>(e.overall_score);
  to.template share<4>(e.overall_confidence);
  to.template flag<5>(e.all_criteria_pass);
  to.template list<6>(e.criteria_scores);
  to.template amount<7>(e.evaluation_time_ms);
  envelope<8>(to, e);
}
ARBITER_EACH_FIELD(RlTrainingMetrics) each(To& to, const Any& e) {
  to.template count<0>(e.trajectories_processed);
  to.template number<1>(e.average_reward);
  to.template number<2>(e.policy_loss);
  to.template number<3>(e.value_loss);
  to.template number<4>(e.kl_divergence);
  to.template amount<5>(e.training_time_ms);
  envelope<6>(to, e);
}
ARBITER_EACH_FIELD(EvaluationOutcome) each(To& to, const Any& e) {
  to.template id<0, kRequired>(e.task_id);
  to.template id<1>(e.agent_id);
  to.template id<2>(e.execution_id);
  to.template id<3>(e.decision_id);
  to.template flag<4, kRequired>(e.evaluation.passed);
  to.template number<5>(e.evaluation.score);
  to.template list<6>(e.evaluation.rubric_scores);
  to.template text<7>(e.evaluation.feedback);
  envelope<8>(to, e);
}
ARBITER_EACH_FIELD(Event) each(To& to, const Any& e) {
  to.template word<0, kRequired>(e.type);
  to.template json<1, kRequired>(e.data);
  envelope<4>(to, e);  // 2 and 3, the ids in `data`, are lifted by the collector
}

#undef ARBITER_EACH_FIELD

}  // namespace arbiter::fields
