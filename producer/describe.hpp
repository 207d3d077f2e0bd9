// Which member of a public struct is which field of its kind's table (schema.hpp), said once and at compile time. The encoder and the
// checks are templates over these lists; a path that is not in the table, a member of the wrong type or a list out of order does not
// compile.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "arbiter/events.hpp"
#include "shm/schema.hpp"

namespace arbiter::describe {

// A field's path as a template argument.
template <std::size_t n>
struct Path {
  char text[n];
  consteval Path(const char (&literal)[n]) { std::copy_n(literal, n, text); }
  constexpr std::string_view view() const { return {text, n - 1}; }
};

// One step from a struct towards a member: a pointer to member, or a function.
template <class From, auto step>
constexpr decltype(auto) take(const From& from) {
  if constexpr (std::is_member_object_pointer_v<decltype(step)>)
    return (from.*step);
  else
    return step(from);
}
template <class From>
constexpr const From& follow(const From& from) {
  return from;
}
template <class From, auto first, auto... rest>
constexpr decltype(auto) follow(const From& from) {
  if constexpr (sizeof...(rest) == 0)
    return take<From, first>(from);
  else
    return follow<std::remove_cvref_t<decltype(take<From, first>(from))>, rest...>(take<From, first>(from));
}

// Field `field_index` of kind `kind` is the member that `steps` lead to.
template <Kind kind, unsigned field_index, auto... steps>
struct AtIndex {
  static constexpr unsigned index = field_index;
  static constexpr const schema::Field& field = schema::info(kind).fields[index];
  template <class E>
  static constexpr decltype(auto) get(const E& event) {
    return follow<E, steps...>(event);
  }
};
consteval unsigned index_of(Kind kind, std::string_view path) {
  const int index = schema::find_field(kind, path);
  if (index < 0) throw "no such field";
  return static_cast<unsigned>(index);
}
// The same by its path.
template <Kind kind, Path path, auto... steps>
using At = AtIndex<kind, index_of(kind, path.view()), steps...>;

// The same for field `item_index` of a list's items.
template <const schema::List& list, unsigned item_index, auto... steps>
struct ItemAt {
  static constexpr unsigned index = item_index;
  static constexpr const schema::Field& field = list.fields[item_index];
  template <class E>
  static constexpr decltype(auto) get(const E& item) {
    return follow<E, steps...>(item);
  }
};

template <class... Ats>
struct Fields {
  // fn.template operator()<At>() for each field, in the order of the table.
  template <class Fn>
  [[gnu::always_inline]] static constexpr void each(Fn&& fn) {
    (fn.template operator()<Ats>(), ...);
  }
  // The same for each whose bit is set in `present`. Most fields of most events are not given: runs of four that are all missing cost one
  // test.
  template <class Fn>
  [[gnu::always_inline]] static constexpr void each_of(std::uint32_t present, Fn&& fn) {
    if constexpr (sizeof...(Ats) > 0) [&]<std::size_t... run>(std::index_sequence<run...>) __attribute__((always_inline)) {
        (run_of<4 * run>(present, fn), ...);
      }
    (std::make_index_sequence<(sizeof...(Ats) + 3) / 4>{});
  }
  // The same until one says true.
  template <class Fn>
  static constexpr bool any(Fn&& fn) {
    return (fn.template operator()<Ats>() || ...);
  }
  static constexpr bool ascending = [] {
    int last = -1;
    return ((static_cast<int>(Ats::index) > last ? (last = static_cast<int>(Ats::index), true) : false) && ...);
  }();
  static constexpr std::uint32_t mask = ((std::uint32_t{1} << Ats::index) | ...);

 private:
  template <std::size_t first, class Fn>
  [[gnu::always_inline]] static constexpr void run_of(std::uint32_t present, Fn& fn) {
    using All = std::tuple<std::type_identity<Ats>...>;
    [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
      constexpr std::uint32_t bits = ((std::uint32_t{1} << std::tuple_element_t<first + i, All>::type::index) | ...);
      if ((present & bits) == 0) return;
      ((present >> std::tuple_element_t<first + i, All>::type::index & 1
            ? fn.template operator()<typename std::tuple_element_t<first + i, All>::type>()
            : void()),
       ...);
    }
    (std::make_index_sequence<std::min<std::size_t>(4, sizeof...(Ats) - first)>{});
  }
};

template <class A, class... Rest>
struct Joined {
  using type = A;
};
template <class... A, class... B, class... Rest>
struct Joined<Fields<A...>, Fields<B...>, Rest...> {
  using type = typename Joined<Fields<A..., B...>, Rest...>::type;
};
template <class... Parts>
using Join = typename Joined<Parts...>::type;

// of<E>: `kind` and `fields` of a struct. item<T>: `fields` of a list's item.
template <class E>
struct of;
template <class T>
struct item;

template <Kind kind, class E>
using Envelope3 = Fields<At<kind, "traceId", &E::trace_id>, At<kind, "spanId", &E::span_id>>;

// --- items of lists

template <>
struct item<std::string_view> {
  using fields = Fields<ItemAt<schema::kCapabilities, 0>>;
};
template <>
struct item<Alternative> {
  using fields =
      Fields<ItemAt<schema::kAlternatives, 0, &Alternative::agent_id>, ItemAt<schema::kAlternatives, 1, &Alternative::score>,
             ItemAt<schema::kAlternatives, 2, &Alternative::probability>, ItemAt<schema::kAlternatives, 3, &Alternative::reason>>;
};
template <>
struct item<Violation> {
  using fields = Fields<ItemAt<schema::kViolations, 0, &Violation::severity>, ItemAt<schema::kViolations, 1, &Violation::message>,
                        ItemAt<schema::kViolations, 2, &Violation::rule>>;
};
template <>
struct item<Score> {
  using fields = Fields<ItemAt<schema::kScores, 0, &Score::name>, ItemAt<schema::kScores, 1, &Score::value>>;
};

// --- kinds

template <>
struct of<AgentRegistration> {
  static constexpr Kind kind = Kind::agent_registration;
  static const UnixTimeNs& time(const AgentRegistration& event) { return event.time; }
  using E = AgentRegistration;
  using B = BaselineMetrics;
  using fields = Join<Fields<At<kind, "agentId", &E::agent_id>, At<kind, "capabilities", &E::capabilities>,
                             At<kind, "baselineMetrics.latencyMs", &E::baseline_metrics, &B::latency_ms>,
                             At<kind, "baselineMetrics.accuracy", &E::baseline_metrics, &B::accuracy>,
                             At<kind, "baselineMetrics.costPerTask", &E::baseline_metrics, &B::cost_per_task>,
                             At<kind, "baselineMetrics.reliability", &E::baseline_metrics, &B::reliability>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<AgentStatusChange> {
  static constexpr Kind kind = Kind::agent_status_change;
  static const UnixTimeNs& time(const AgentStatusChange& event) { return event.time; }
  using E = AgentStatusChange;
  using fields = Join<Fields<At<kind, "agentId", &E::agent_id>, At<kind, "status", &E::status>,
                             At<kind, "previousStatus", &E::previous_status>, At<kind, "reason", &E::reason>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<RoutingDecision> {
  static constexpr Kind kind = Kind::routing_decision;
  static const UnixTimeNs& time(const RoutingDecision& event) { return event.time; }
  using E = RoutingDecision;
  using fields = Join<Fields<At<kind, "decisionId", &E::decision_id>, At<kind, "taskId", &E::task_id>, At<kind, "taskType", &E::task_type>,
                             At<kind, "selectedAgent", &E::selected_agent>, At<kind, "routingStrategy", &E::routing_strategy>,
                             At<kind, "confidence", &E::confidence>, At<kind, "propensity", &E::propensity>,
                             At<kind, "policyVersion", &E::policy_version>, At<kind, "context", &E::context>,
                             At<kind, "alternativesConsidered", &E::alternatives_considered>, At<kind, "rationale", &E::rationale>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<TaskStart> {
  static constexpr Kind kind = Kind::task_start;
  static const UnixTimeNs& time(const TaskStart& event) { return event.time; }
  using E = TaskStart;
  using fields =
      Join<Fields<At<kind, "executionId", &E::execution_id>, At<kind, "taskId", &E::task_id>, At<kind, "agentId", &E::agent_id>,
                  At<kind, "taskType", &E::task_type>, At<kind, "decisionId", &E::decision_id>, At<kind, "context", &E::context>>,
           Envelope3<kind, E>>;
};

// The fields of an outcome, for every struct from which `outcome` leads to one.
template <auto outcome>
using OutcomeFields = Fields<At<Kind::task_execution, "outcome.success", outcome, &Outcome::success>,
                             At<Kind::task_execution, "outcome.qualityScore", outcome, &Outcome::quality_score>,
                             At<Kind::task_execution, "outcome.efficiencyScore", outcome, &Outcome::efficiency_score>,
                             At<Kind::task_execution, "outcome.tokensConsumed", outcome, &Outcome::tokens_consumed>,
                             At<Kind::task_execution, "outcome.completionTimeMs", outcome, &Outcome::completion_time_ms>,
                             At<Kind::task_execution, "outcome.tokensIn", outcome, &Outcome::tokens_in>,
                             At<Kind::task_execution, "outcome.tokensOut", outcome, &Outcome::tokens_out>,
                             At<Kind::task_execution, "outcome.costUsd", outcome, &Outcome::cost_usd>,
                             At<Kind::task_execution, "outcome.errorType", outcome, &Outcome::error_type>>;

template <>
struct of<TaskExecution> {
  static constexpr Kind kind = Kind::task_execution;
  static const UnixTimeNs& time(const TaskExecution& event) { return event.time; }
  using E = TaskExecution;
  using D = DecisionOfExecution;
  using fields =
      Join<Fields<At<kind, "executionId", &E::execution_id>, At<kind, "decisionId", &E::decision_id>, At<kind, "taskId", &E::task_id>,
                  At<kind, "agentId", &E::agent_id>, At<kind, "taskType", &E::task_type>, At<kind, "startedAtNs", &E::started_at_ns>,
                  At<kind, "routingDecision.decisionId", &E::routing_decision, &D::decision_id>,
                  At<kind, "routingDecision.selectedAgent", &E::routing_decision, &D::selected_agent>,
                  At<kind, "routingDecision.routingStrategy", &E::routing_decision, &D::routing_strategy>,
                  At<kind, "routingDecision.confidence", &E::routing_decision, &D::confidence>,
                  At<kind, "routingDecision.propensity", &E::routing_decision, &D::propensity>,
                  At<kind, "routingDecision.policyVersion", &E::routing_decision, &D::policy_version>,
                  At<kind, "routingDecision.decidedAtNs", &E::routing_decision, &D::decided_at_ns>>,
           OutcomeFields<&E::outcome>, Envelope3<kind, E>>;
};

template <>
struct of<ConstitutionalValidation> {
  static constexpr Kind kind = Kind::constitutional_validation;
  static const UnixTimeNs& time(const ConstitutionalValidation& event) { return event.time; }
  using E = ConstitutionalValidation;
  using V = ValidationResult;
  using fields = Join<Fields<At<kind, "taskId", &E::task_id>, At<kind, "agentId", &E::agent_id>, At<kind, "executionId", &E::execution_id>,
                             At<kind, "decisionId", &E::decision_id>, At<kind, "validationResult.valid", &E::validation_result, &V::valid>,
                             At<kind, "validationResult.violations", &E::validation_result, &V::violations>,
                             At<kind, "validationResult.complianceScore", &E::validation_result, &V::compliance_score>,
                             At<kind, "validationResult.processingTimeMs", &E::validation_result, &V::processing_time_ms>,
                             At<kind, "validationResult.ruleCount", &E::validation_result, &V::rule_count>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<ThinkingBudgetAllocation> {
  static constexpr Kind kind = Kind::thinking_budget_allocation;
  static const UnixTimeNs& time(const ThinkingBudgetAllocation& event) { return event.time; }
  using E = ThinkingBudgetAllocation;
  using fields = Join<Fields<At<kind, "taskId", &E::task_id>, At<kind, "allocatedTokens", &E::allocated_tokens>,
                             At<kind, "complexityLevel", &E::complexity_level>, At<kind, "confidence", &E::confidence>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<ThinkingBudgetUsage> {
  static constexpr Kind kind = Kind::thinking_budget_usage;
  static const UnixTimeNs& time(const ThinkingBudgetUsage& event) { return event.time; }
  using E = ThinkingBudgetUsage;
  using fields = Join<Fields<At<kind, "taskId", &E::task_id>, At<kind, "tokensUsed", &E::tokens_used>,
                             At<kind, "tokensAllocated", &E::tokens_allocated>, At<kind, "utilizationRate", &E::utilization_rate>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<MinimalityEvaluation> {
  static constexpr Kind kind = Kind::minimality_evaluation;
  static const UnixTimeNs& time(const MinimalityEvaluation& event) { return event.time; }
  using E = MinimalityEvaluation;
  using fields = Join<Fields<At<kind, "taskId", &E::task_id>, At<kind, "minimalityFactor", &E::minimality_factor>,
                             At<kind, "astSimilarity", &E::ast_similarity>, At<kind, "scaffoldingPenalty", &E::scaffolding_penalty>,
                             At<kind, "linesChanged", &E::lines_changed>, At<kind, "qualityAssessment", &E::quality_assessment>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<ModelJudgment> {
  static constexpr Kind kind = Kind::model_judgment;
  static const UnixTimeNs& time(const ModelJudgment& event) { return event.time; }
  using E = ModelJudgment;
  using fields = Join<Fields<At<kind, "taskId", &E::task_id>, At<kind, "executionId", &E::execution_id>,
                             At<kind, "decisionId", &E::decision_id>, At<kind, "overallScore", &E::overall_score>,
                             At<kind, "overallConfidence", &E::overall_confidence>, At<kind, "allCriteriaPass", &E::all_criteria_pass>,
                             At<kind, "criteriaScores", &E::criteria_scores>, At<kind, "evaluationTimeMs", &E::evaluation_time_ms>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<RlTrainingMetrics> {
  static constexpr Kind kind = Kind::rl_training_metrics;
  static const UnixTimeNs& time(const RlTrainingMetrics& event) { return event.time; }
  using E = RlTrainingMetrics;
  using fields = Join<Fields<At<kind, "trajectoriesProcessed", &E::trajectories_processed>, At<kind, "averageReward", &E::average_reward>,
                             At<kind, "policyLoss", &E::policy_loss>, At<kind, "valueLoss", &E::value_loss>,
                             At<kind, "klDivergence", &E::kl_divergence>, At<kind, "trainingTimeMs", &E::training_time_ms>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<EvaluationOutcome> {
  static constexpr Kind kind = Kind::evaluation_outcome;
  static const UnixTimeNs& time(const EvaluationOutcome& event) { return event.time; }
  using E = EvaluationOutcome;
  using V = Evaluation;
  using fields = Join<Fields<At<kind, "taskId", &E::task_id>, At<kind, "agentId", &E::agent_id>, At<kind, "executionId", &E::execution_id>,
                             At<kind, "decisionId", &E::decision_id>, At<kind, "evaluation.passed", &E::evaluation, &V::passed>,
                             At<kind, "evaluation.score", &E::evaluation, &V::score>,
                             At<kind, "evaluation.rubricScores", &E::evaluation, &V::rubric_scores>,
                             At<kind, "evaluation.feedback", &E::evaluation, &V::feedback>>,
                      Envelope3<kind, E>>;
};

template <>
struct of<Event> {
  static constexpr Kind kind = Kind::generic;
  static const UnixTimeNs& time(const Event& event) { return event.time; }
  using E = Event;
  using fields = Join<Fields<At<kind, "type", &E::type>, At<kind, "data", &E::data>>, Envelope3<kind, E>>;
};

// --- an event whose own id, field `own_id` of its kind, the library has made: the event as it is but for that

template <class E>
struct WithId {
  const E& event;
  std::string_view id;
};
template <class E, unsigned own_id>
struct OfWithId {
  static constexpr Kind kind = of<E>::kind;
  static const UnixTimeNs& time(const WithId<E>& named) { return named.event.time; }
  template <class A>
  struct Through {
    static constexpr unsigned index = A::index;
    static constexpr const schema::Field& field = A::field;
    static constexpr decltype(auto) get(const WithId<E>& named) {
      if constexpr (index == own_id)
        return (named.id);
      else
        return A::get(named.event);
    }
  };
  template <class... A>
  static Fields<Through<A>...> through(Fields<A...>);
  using fields = decltype(through(typename of<E>::fields{}));
};
template <>
struct of<WithId<RoutingDecision>> : OfWithId<RoutingDecision, index_of(Kind::routing_decision, "decisionId")> {};
template <>
struct of<WithId<TaskStart>> : OfWithId<TaskStart, index_of(Kind::task_start, "executionId")> {};

}  // namespace arbiter::describe
