#include "collector/snapshot/decision_row.hpp"

#include <algorithm>

#include "collector/snapshot/event_fields.hpp"

namespace arbiter::snapshot {
namespace {

using Row = DecisionRow;

constexpr unsigned field(std::string_view path) { return static_cast<unsigned>(schema::find_field(Kind::routing_decision, path)); }

std::string shown(const event::Text& text) { return text.hashed ? text.shown() : std::string(text.bytes()); }

std::optional<std::string> text_in(const event::Values& v, unsigned f) { return v.has(f) ? std::optional(shown(v.text[f])) : std::nullopt; }
std::optional<double> real_in(const event::Values& v, unsigned f) { return v.has(f) ? std::optional(v.real(f)) : std::nullopt; }

Cell text_of(const std::optional<std::string>& value) { return value ? Cell::of(std::string_view(*value)) : Cell(); }
Cell count(std::uint64_t value) { return Cell::of(static_cast<std::int64_t>(value)); }
template <class Number>
Cell count(const std::optional<Number>& value) {
  return value ? Cell::of(static_cast<std::int64_t>(*value)) : Cell();
}
template <Component C>
Cell component(const Row& r) {
  return Cell::of(r.reward.components[static_cast<std::size_t>(C)]);
}
Cell candidates(const Row& r) { return count(r.candidates.size()); }

constexpr bool kRequired = true, kNullable = false;
using enum ColumnType;

constexpr Column<Row> kColumns[] = {
    {"id", text, kRequired, [](const Row& r) { return Cell::of(std::string_view(r.id)); }},
    {"decidedAt", time, kRequired, [](const Row& r) { return Cell::of(r.decided_ns); }},
    {"decisionId", text, kNullable, [](const Row& r) { return text_of(r.decision_id); }},
    {"taskId", text, kRequired, [](const Row& r) { return Cell::of(std::string_view(r.task_id)); }},
    {"taskType", text, kNullable, [](const Row& r) { return text_of(r.task_type); }},
    {"selectedAgent", text, kRequired, [](const Row& r) { return Cell::of(std::string_view(r.selected_agent)); }},
    {"routingStrategy", text, kNullable, [](const Row& r) { return text_of(r.strategy); }},
    {"policyVersion", text, kNullable, [](const Row& r) { return text_of(r.policy_version); }},
    {"confidence", real, kNullable, [](const Row& r) { return Cell::of(r.confidence); }},
    {"propensity", real, kNullable, [](const Row& r) { return Cell::of(r.propensity); }},
    {"chosenIndex", whole, kNullable, [](const Row& r) { return count(r.chosen_index); }},
    {"candidateAgents", text, kRequired, candidates,
     [](const Row& r, std::size_t i) { return Cell::of(std::string_view(r.candidates[i].agent)); }},
    {"candidateScores", real, kRequired, candidates, [](const Row& r, std::size_t i) { return Cell::of(r.candidates[i].score); }},
    {"candidateProbabilities", real, kRequired, candidates,
     [](const Row& r, std::size_t i) { return Cell::of(r.candidates[i].probability); }},
    {"context", text, kNullable, [](const Row& r) { return text_of(r.context); }},
    {"joinState", text, kRequired, [](const Row& r) { return Cell::of(kJoinStates[static_cast<std::size_t>(r.ending.state())]); }},
    {"attempts", whole, kRequired, [](const Row& r) { return count(r.ending.attempts); }},
    {"success", flag, kNullable, [](const Row& r) { return count(r.ending.outcome.success); }},
    {"qualityScore", real, kNullable, [](const Row& r) { return Cell::of(r.ending.outcome.quality); }},
    {"tokensConsumed", whole, kNullable, [](const Row& r) { return count(r.ending.outcome.tokens); }},
    {"durationNs", whole, kNullable, [](const Row& r) { return count(r.ending.outcome.duration_ns); }},
    {"startedAt", time, kNullable, [](const Row& r) { return count(r.ending.started_ns); }},
    {"completedAt", time, kNullable, [](const Row& r) { return count(r.ending.completed_ns); }},
    {"reward", real, kNullable, [](const Row& r) { return Cell::of(r.reward.value); }},
    {"rewardSource", text, kNullable, [](const Row& r) { return r.reward.value ? Cell::of(std::string_view(r.reward_source)) : Cell(); }},
    {"rewardedAt", time, kNullable, [](const Row& r) { return count(r.rewarded_ns); }},
    {"rewardSuccess", real, kNullable, component<Component::success>},
    {"rewardQuality", real, kNullable, component<Component::quality>},
    {"rewardEfficiency", real, kNullable, component<Component::efficiency>},
    {"rewardEvaluation", real, kNullable, component<Component::evaluation>},
    {"rewardCompliance", real, kNullable, component<Component::compliance>},
    {"rewardLatency", real, kNullable, component<Component::latency>},
    {"rewardTokens", real, kNullable, component<Component::tokens>},
    {"lossesBefore", whole, kNullable, [](const Row& r) { return count(r.losses_before); }},
};

}  // namespace

void DecisionRow::set_decision(const journal::StoredEvent& decision) {
  const event::Values& v = decision.values;
  key = {decision.time_ns, decision.lane, v.sequence};
  id = event_id(decision.lane, v.sequence);
  decided_ns = decision.time_ns;
  task_id = shown(v.text[field("taskId")]);
  selected_agent = shown(v.text[field("selectedAgent")]);
  decision_id = text_in(v, field("decisionId"));
  task_type = text_in(v, field("taskType"));
  strategy = text_in(v, field("routingStrategy"));
  policy_version = text_in(v, field("policyVersion"));
  context = text_in(v, field("context"));
  confidence = real_in(v, field("confidence"));
  propensity = real_in(v, field("propensity"));
  candidates.clear();
  chosen_index.reset();
  if (!v.has(field("alternativesConsidered"))) return;
  event::ListReader items(schema::kAlternatives, v.text[field("alternativesConsidered")]);
  while (items.next()) {
    if (!chosen_index && items.text(0) == v.text[field("selectedAgent")]) chosen_index = candidates.size();
    candidates.push_back({shown(items.text(0)), items.has(1) ? std::optional(items.real(1)) : std::nullopt,
                          items.has(2) ? std::optional(items.real(2)) : std::nullopt});
  }
}

void DecisionRow::set_ending(const Ending& what_became, const RewardFormula& formula) {
  ending = what_became;
  reward = reward_of(formula, ending.outcome);
  reward_source = reward.source();
  rewarded_ns.reset();
  for (std::size_t i = 0; i < kComponents; ++i) {
    if ((reward.used >> i & 1) == 0) continue;
    const auto c = static_cast<Component>(i);
    const auto& at = c == Component::evaluation ? ending.scored_ns : c == Component::compliance ? ending.validated_ns : ending.completed_ns;
    if (at && (!rewarded_ns || *at > *rewarded_ns)) rewarded_ns = at;
  }
}

std::span<const Column<DecisionRow>> decision_columns() { return kColumns; }

}  // namespace arbiter::snapshot
