// The kinds of events and their fields: one table, from which the producer validates, the collector validates again, and exports are
// written.
//
// A field's index in its kind's table is its bit in EventHead::present; it never changes within a major version. New fields are appended.
// Names are paths in the exported `data` object: "outcome.success" is {"outcome": {"success": ...}}; fields of one object stand together.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace arbiter {

enum class Kind : std::uint16_t {
  agent_registration = 1,
  agent_status_change = 2,
  routing_decision = 3,
  task_start = 4,
  task_execution = 5,
  constitutional_validation = 6,
  thinking_budget_allocation = 7,
  thinking_budget_usage = 8,
  minimality_evaluation = 9,
  model_judgment = 10,
  rl_training_metrics = 11,
  evaluation_outcome = 12,
  generic = 13,
};
inline constexpr std::size_t kKinds = 13;

namespace schema {

// How a field is stored and what is checked.
enum class Type : std::uint8_t {
  boolean,  // in EventHead::truth
  count,    // unsigned 64-bit integer
  real,     // IEEE double, finite, within [min, max]
  time,     // signed 64-bit Unix nanoseconds
  id,       // UTF-8 string, 1 to 255 bytes
  word,     // UTF-8 string, 1 to 255 bytes; one of `choices` if there are any
  text,     // UTF-8 string, any length
  hex,      // id of exactly `hex_digits` lower-case hex digits
  json,     // text of one JSON object, depth <= 64
  list,     // items of `items`
};

// What an id names, or what a text is: what anonymisation goes by.
enum class Subject : std::uint8_t { none, agent, task, execution, decision, trace, task_type, free_text };

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr std::size_t kWordBytesMax = 255;
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kFieldsMax = 32;

struct Field;

// How the items of a list are shown: [{"agentId": ...}], ["..."], {"word": number}.
enum class ListShape : std::uint8_t { objects, strings, map };

struct List {
  ListShape shape;
  std::span<const Field> fields;  // of one item, at most 8
};

struct Field {
  std::string_view path;
  Type type;
  Subject subject = Subject::none;
  bool required = false;
  double min = -kInfinity;
  double max = kInfinity;
  std::span<const std::string_view> choices = {};
  const List* list = nullptr;
  std::uint8_t hex_digits = 0;
  bool hidden = false;  // not shown in `data`: it is there already, or it is shown in another form

  constexpr bool fixed() const { return type == Type::count || type == Type::real || type == Type::time; }
  constexpr bool string() const { return type >= Type::id && type <= Type::json; }
};

struct KindInfo {
  Kind kind;
  std::string_view type;        // `type` of the exported event; empty for the generic kind, whose field 0 says it
  std::string_view event_type;  // constant `eventType` of `data`, or empty
  std::span<const Field> fields;
};

// --- building blocks

inline constexpr std::uint64_t kCountMax = INT64_MAX;  // what readers with signed numbers, which are most, can hold
inline constexpr bool kRequired = true;
constexpr Field id(std::string_view path, Subject subject, bool required = false) { return {path, Type::id, subject, required}; }
constexpr Field word(std::string_view path, bool required = false) { return {path, Type::word, Subject::none, required}; }
constexpr Field choice(std::string_view path, std::span<const std::string_view> choices, bool required = false) {
  return {path, Type::word, Subject::none, required, -kInfinity, kInfinity, choices};
}
constexpr Field task_type(std::string_view path) { return {path, Type::word, Subject::task_type}; }
constexpr Field text(std::string_view path) { return {path, Type::text, Subject::free_text}; }
constexpr Field json(std::string_view path, bool required = false) { return {path, Type::json, Subject::none, required}; }
constexpr Field real(std::string_view path, double min = -kInfinity, double max = kInfinity, bool required = false) {
  return {path, Type::real, Subject::none, required, min, max};
}
constexpr Field share(std::string_view path) { return real(path, 0, 1); }
constexpr Field amount(std::string_view path) { return real(path, 0); }
constexpr Field count(std::string_view path) { return {path, Type::count}; }
constexpr Field boolean(std::string_view path, bool required = false) { return {path, Type::boolean, Subject::none, required}; }
constexpr Field list(std::string_view path, const List& items) {
  return {path, Type::list, Subject::none, false, -kInfinity, kInfinity, {}, &items};
}
constexpr Field hidden(Field f) {
  f.hidden = true;
  return f;
}
inline constexpr Field kTraceId{.path = "traceId", .type = Type::hex, .subject = Subject::trace, .hex_digits = 32};
inline constexpr Field kSpanId{.path = "spanId", .type = Type::hex, .subject = Subject::trace, .hex_digits = 16};

// --- choices and lists

inline constexpr std::string_view kStatuses[] = {"available", "busy", "offline", "maintenance"};
inline constexpr std::string_view kSeverities[] = {"low", "medium", "high", "critical"};

inline constexpr Field kCapability[] = {{.path = "", .type = Type::text}};
inline constexpr List kCapabilities{ListShape::strings, kCapability};

inline constexpr Field kAlternative[] = {id("agentId", Subject::agent, kRequired), real("score"), share("probability"), text("reason")};
inline constexpr List kAlternatives{ListShape::objects, kAlternative};

inline constexpr Field kViolation[] = {choice("severity", kSeverities, kRequired), text("message"), word("rule")};
inline constexpr List kViolations{ListShape::objects, kViolation};

inline constexpr Field kScore[] = {word("", kRequired), real("", -kInfinity, kInfinity, kRequired)};
inline constexpr List kScores{ListShape::map, kScore};

// --- the kinds

inline constexpr Field kAgentRegistration[] = {
    id("agentId", Subject::agent, kRequired),
    list("capabilities", kCapabilities),
    amount("baselineMetrics.latencyMs"),
    share("baselineMetrics.accuracy"),
    amount("baselineMetrics.costPerTask"),
    share("baselineMetrics.reliability"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kAgentStatusChange[] = {
    id("agentId", Subject::agent, kRequired),
    choice("status", kStatuses, kRequired),
    word("previousStatus"),
    text("reason"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kRoutingDecision[] = {
    id("decisionId", Subject::decision),
    id("taskId", Subject::task, kRequired),
    task_type("taskType"),
    id("selectedAgent", Subject::agent, kRequired),
    word("routingStrategy"),
    share("confidence"),
    share("propensity"),
    word("policyVersion"),
    json("context"),
    list("alternativesConsidered", kAlternatives),
    text("rationale"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kTaskStart[] = {
    id("executionId", Subject::execution, kRequired),
    id("taskId", Subject::task, kRequired),
    id("agentId", Subject::agent, kRequired),
    task_type("taskType"),
    id("decisionId", Subject::decision),
    json("context"),
    kTraceId,
    kSpanId,
    hidden(boolean("censored")),  // set by the collector when it lets go of a start that no completion came for
};
inline constexpr Field kTaskExecution[] = {
    id("executionId", Subject::execution),
    id("decisionId", Subject::decision),
    id("taskId", Subject::task, kRequired),
    id("agentId", Subject::agent, kRequired),
    task_type("taskType"),
    // When the execution started: Unix nanoseconds, or, from a handle whose start was stamped by the tracker, ticks of the segment's clock.
    // Filled in by the join where the completion does not carry it. durationMs is the event's time minus this.
    {.path = "startedAtNs", .type = Type::time},
    hidden(count("startedTicks")),
    id("routingDecision.decisionId", Subject::decision),
    id("routingDecision.selectedAgent", Subject::agent),
    word("routingDecision.routingStrategy"),
    share("routingDecision.confidence"),
    share("routingDecision.propensity"),
    word("routingDecision.policyVersion"),
    {.path = "routingDecision.decidedAtNs", .type = Type::time},
    boolean("outcome.success", kRequired),
    share("outcome.qualityScore"),
    share("outcome.efficiencyScore"),
    count("outcome.tokensConsumed"),
    amount("outcome.completionTimeMs"),
    count("outcome.tokensIn"),
    count("outcome.tokensOut"),
    amount("outcome.costUsd"),
    word("outcome.errorType"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kConstitutionalValidation[] = {
    id("taskId", Subject::task, kRequired),
    id("agentId", Subject::agent, kRequired),
    id("executionId", Subject::execution),
    id("decisionId", Subject::decision),
    boolean("validationResult.valid"),
    list("validationResult.violations", kViolations),
    share("validationResult.complianceScore"),
    amount("validationResult.processingTimeMs"),
    count("validationResult.ruleCount"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kThinkingBudgetAllocation[] = {
    id("taskId", Subject::task, kRequired), count("allocatedTokens"), word("complexityLevel"), share("confidence"), kTraceId, kSpanId,
};
inline constexpr Field kThinkingBudgetUsage[] = {
    id("taskId", Subject::task, kRequired), count("tokensUsed"), count("tokensAllocated"), amount("utilizationRate"), kTraceId, kSpanId,
};
inline constexpr Field kMinimalityEvaluation[] = {
    id("taskId", Subject::task, kRequired),
    share("minimalityFactor"),
    share("astSimilarity"),
    share("scaffoldingPenalty"),
    count("linesChanged"),
    word("qualityAssessment"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kModelJudgment[] = {
    id("taskId", Subject::task, kRequired),
    id("executionId", Subject::execution),
    id("decisionId", Subject::decision),
    share("overallScore"),
    share("overallConfidence"),
    boolean("allCriteriaPass"),
    list("criteriaScores", kScores),
    amount("evaluationTimeMs"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kRlTrainingMetrics[] = {
    count("trajectoriesProcessed"), real("averageReward"),    real("policyLoss"), real("valueLoss"),
    real("klDivergence"),           amount("trainingTimeMs"), kTraceId,           kSpanId,
};
inline constexpr Field kEvaluationOutcome[] = {
    id("taskId", Subject::task, kRequired),
    id("agentId", Subject::agent),
    id("executionId", Subject::execution),
    id("decisionId", Subject::decision),
    boolean("evaluation.passed", kRequired),
    real("evaluation.score"),
    list("evaluation.rubricScores", kScores),
    text("evaluation.feedback"),
    kTraceId,
    kSpanId,
};
inline constexpr Field kGeneric[] = {
    hidden(word("type", kRequired)),
    hidden(json("data", kRequired)),
    // Lifted out of `data` by the collector where its top level has them as strings.
    hidden(id("taskId", Subject::task)),
    hidden(id("agentId", Subject::agent)),
    kTraceId,
    kSpanId,
};

inline constexpr std::array<KindInfo, kKinds> kKindTable = {{
    {Kind::agent_registration, "agent-registration", "agent_registration", kAgentRegistration},
    {Kind::agent_status_change, "agent-status-change", "agent_status_change", kAgentStatusChange},
    {Kind::routing_decision, "routing-decision", "", kRoutingDecision},
    {Kind::task_start, "task-start", "", kTaskStart},
    {Kind::task_execution, "task-execution", "", kTaskExecution},
    {Kind::constitutional_validation, "constitutional-validation", "constitutional_validation", kConstitutionalValidation},
    {Kind::thinking_budget_allocation, "thinking-budget-allocation", "thinking_budget", kThinkingBudgetAllocation},
    {Kind::thinking_budget_usage, "thinking-budget-usage", "budget_usage", kThinkingBudgetUsage},
    {Kind::minimality_evaluation, "minimality-evaluation", "minimality_eval", kMinimalityEvaluation},
    {Kind::model_judgment, "model-judgment", "model_judgment", kModelJudgment},
    {Kind::rl_training_metrics, "rl-training-metrics", "rl_training", kRlTrainingMetrics},
    {Kind::evaluation_outcome, "evaluation-outcome", "", kEvaluationOutcome},
    {Kind::generic, "", "", kGeneric},
}};

constexpr bool known(std::uint16_t kind) { return kind >= 1 && kind <= kKinds; }
constexpr const KindInfo& info(Kind kind) { return kKindTable[static_cast<std::size_t>(kind) - 1]; }

// Index of the field with this path, or -1.
constexpr int find_field(Kind kind, std::string_view path) {
  const auto fields = info(kind).fields;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].path == path) return static_cast<int>(i);
  return -1;
}

// The same at compile time; a path that is not in the table does not compile.
consteval unsigned field(Kind kind, std::string_view path) {
  const int i = find_field(kind, path);
  if (i < 0) throw "no such field";
  return static_cast<unsigned>(i);
}

// The kind with this `type` word; Kind::generic when it is none of ours.
constexpr Kind kind_of(std::string_view type) {
  for (const KindInfo& k : kKindTable)
    if (!k.type.empty() && k.type == type) return k.kind;
  return Kind::generic;
}

// Fields stored as eight bytes; fields stored as a length and bytes, lists among them; booleans; required ones. Bit i is field i.
struct Masks {
  std::uint32_t all = 0, fixed = 0, sized = 0, lists = 0, boolean = 0, required = 0;
  std::uint32_t plain = 0;  // ids, and words that may be any
};
constexpr Masks masks(std::span<const Field> fields) {
  Masks m;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::uint32_t bit = std::uint32_t{1} << i;
    m.all |= bit;
    if (fields[i].fixed())
      m.fixed |= bit;
    else if (fields[i].type == Type::boolean)
      m.boolean |= bit;
    else
      m.sized |= bit;
    if (fields[i].type == Type::list) m.lists |= bit;
    if (fields[i].required) m.required |= bit;
    if (fields[i].type == Type::id || (fields[i].type == Type::word && fields[i].choices.empty())) m.plain |= bit;
  }
  return m;
}
inline constexpr std::array<Masks, kKinds> kMasks = [] {
  std::array<Masks, kKinds> all{};
  for (std::size_t i = 0; i < kKinds; ++i) all[i] = masks(kKindTable[i].fields);
  return all;
}();
constexpr const Masks& masks(Kind kind) { return kMasks[static_cast<std::size_t>(kind) - 1]; }

static_assert([] {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (static_cast<std::size_t>(kKindTable[i].kind) != i + 1 || kKindTable[i].fields.size() > kFieldsMax) return false;
    for (const Field& f : kKindTable[i].fields)
      if (f.type == Type::list && f.list->fields.size() > 8) return false;
  }
  return true;
}());

}  // namespace schema
}  // namespace arbiter
