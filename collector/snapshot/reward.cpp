#include "collector/snapshot/reward.hpp"

#include <algorithm>

#include "collector/journal/journal.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::size_t index(Component c) { return static_cast<std::size_t>(c); }

bool weighted(const RewardFormula& formula) {
  return std::any_of(formula.weights.begin(), formula.weights.end(), [](std::uint64_t w) { return w != 0; });
}

// 1 at nothing, a half at the scale, towards 0 beyond.
double falling(double scale, double amount) { return scale / (scale + amount); }

void add_execution(Outcome& outcome, const event::Values& v) {
  constexpr unsigned quality = schema::field(Kind::task_execution, "outcome.qualityScore");
  constexpr unsigned efficiency = schema::field(Kind::task_execution, "outcome.efficiencyScore");
  constexpr unsigned tokens = schema::field(Kind::task_execution, "outcome.tokensConsumed");
  constexpr unsigned took = schema::field(Kind::task_execution, "outcome.completionTimeMs");
  // An attempt's figures belong together: those of the attempt before do not fill in for what this one leaves out.
  outcome.success = v.flag(journal::field::kSuccess);
  outcome.quality = v.has(quality) ? std::optional(v.real(quality)) : std::nullopt;
  outcome.efficiency = v.has(efficiency) ? std::optional(v.real(efficiency)) : std::nullopt;
  outcome.tokens = v.has(tokens) ? std::optional(v.count(tokens)) : std::nullopt;
  outcome.duration_ns = journal::duration_ns(v);
  constexpr double ns_max = 9.2e18;
  if (!outcome.duration_ns && v.has(took)) outcome.duration_ns = static_cast<std::int64_t>(std::min(v.real(took) * 1e6, ns_max));
}

}  // namespace

void Outcome::add(const event::Values& v) {
  constexpr unsigned value = schema::field(Kind::evaluation_outcome, "evaluation.score");
  constexpr unsigned share = schema::field(Kind::constitutional_validation, "validationResult.complianceScore");
  constexpr unsigned valid = schema::field(Kind::constitutional_validation, "validationResult.valid");
  switch (v.kind) {
    case Kind::task_execution: add_execution(*this, v); break;
    case Kind::evaluation_outcome:
      if (v.has(value)) score = v.real(value);
      break;
    case Kind::constitutional_validation:
      if (v.has(share))
        compliance = v.real(share);
      else if (v.has(valid))
        compliance = v.flag(valid) ? 1.0 : 0.0;
      break;
    default: break;
  }
}

std::string Reward::source() const {
  std::string text;
  for (std::size_t i = 0; i < kComponents; ++i)
    if ((used >> i & 1) != 0) (text += text.empty() ? "" : "+") += kComponentNames[i];
  return text;
}

Reward reward_of(const RewardFormula& formula, const Outcome& outcome) {
  Reward reward;
  const auto set = [&](Component c, std::optional<double> value) { reward.components[index(c)] = value; };
  if (outcome.success) set(Component::success, *outcome.success ? 1.0 : 0.0);
  set(Component::quality, outcome.quality);
  set(Component::efficiency, outcome.efficiency);
  if (outcome.score) set(Component::evaluation, *outcome.score / static_cast<double>(formula.evaluation_scale));
  set(Component::compliance, outcome.compliance);
  if (outcome.duration_ns) {
    const auto ns = static_cast<double>(std::max<std::int64_t>(*outcome.duration_ns, 0));
    set(Component::latency, falling(static_cast<double>(formula.latency_scale_ns), ns));
  }
  if (outcome.tokens) set(Component::tokens, falling(static_cast<double>(formula.tokens_scale), static_cast<double>(*outcome.tokens)));

  if (!weighted(formula)) {
    for (const Component c : {Component::evaluation, Component::success}) {
      reward.value = reward.components[index(c)];
      reward.used = static_cast<std::uint8_t>(reward.value ? 1u << index(c) : 0u);
      if (reward.value) break;
    }
    return reward;
  }
  double all = 0;
  for (std::size_t i = 0; i < kComponents; ++i)
    if (formula.weights[i] != 0 && reward.components[i]) {
      all += static_cast<double>(formula.weights[i]);
      reward.used = static_cast<std::uint8_t>(reward.used | 1u << i);
    }
  if (reward.used == 0) return reward;
  reward.value = 0;
  for (std::size_t i = 0; i < kComponents; ++i)
    if ((reward.used >> i & 1) != 0) *reward.value += static_cast<double>(formula.weights[i]) / all * *reward.components[i];
  return reward;
}

boost::json::object formula_json(const RewardFormula& formula) {
  boost::json::object weights;
  for (std::size_t i = 0; i < kComponents; ++i)
    if (formula.weights[i] != 0) weights[kComponentNames[i]] = formula.weights[i];
  const char* definition = weights.empty()
                               ? "evaluation where it is known, else success"
                               : "sum of weight * component / sum of weight, over the components that have a weight and are known";
  return {{"definition", definition},
          {"weights", std::move(weights)},
          {"evaluationScale", formula.evaluation_scale},
          {"latencyScaleMs", static_cast<double>(formula.latency_scale_ns) / 1e6},
          {"tokensScale", formula.tokens_scale}};
}

}  // namespace arbiter::snapshot
