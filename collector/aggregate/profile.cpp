#include "collector/aggregate/profile.hpp"

#include <algorithm>
#include <optional>

#include "collector/journal/totals.hpp"

namespace arbiter::aggregate {
namespace {

using event::Values;
using schema::field;

void add_real(Mean& mean, const Values& v, unsigned f) {
  if (v.has(f)) mean.add(v.real(f));
}
void add_count(Mean& mean, const Values& v, unsigned f) {
  if (v.has(f)) mean.add(static_cast<double>(v.count(f)));
}
void add_flag(Share& share, const Values& v, unsigned f) {
  if (v.has(f)) share.add(v.flag(f));
}

void add_execution(Profile& p, const Values& v) {
  constexpr Kind k = Kind::task_execution;
  p.successes.add(v.flag(field(k, "outcome.success")));
  if (const auto duration = journal::duration_ns(v)) {
    p.latency_ns.add(static_cast<std::uint64_t>(*duration));
    p.latency_sum_ns += static_cast<std::uint64_t>(*duration);
  }
  add_real(p.quality, v, field(k, "outcome.qualityScore"));
  add_real(p.efficiency, v, field(k, "outcome.efficiencyScore"));
  add_count(p.tokens, v, field(k, "outcome.tokensConsumed"));
  add_count(p.tokens_in, v, field(k, "outcome.tokensIn"));
  add_count(p.tokens_out, v, field(k, "outcome.tokensOut"));
  add_real(p.cost_usd, v, field(k, "outcome.costUsd"));
}

void add_validation(Profile& p, const Values& v) {
  constexpr Kind k = Kind::constitutional_validation;
  constexpr unsigned list = field(k, "validationResult.violations");
  add_flag(p.valid, v, field(k, "validationResult.valid"));
  add_real(p.compliance_score, v, field(k, "validationResult.complianceScore"));
  if (!v.has(list)) return;
  for (event::ListReader items(schema::kViolations, v.text[list]); items.next();) {
    const auto at = std::find(std::begin(schema::kSeverities), std::end(schema::kSeverities), items.text(0).bytes());
    if (at != std::end(schema::kSeverities)) ++p.violations[static_cast<std::size_t>(at - std::begin(schema::kSeverities))];
  }
}

void add_usage(Profile& p, const Values& v) {
  constexpr Kind k = Kind::thinking_budget_usage;
  constexpr unsigned rate = field(k, "utilizationRate"), used = field(k, "tokensUsed"), given = field(k, "tokensAllocated");
  std::optional<double> utilization;
  if (v.has(rate))
    utilization = v.real(rate);
  else if (v.has(used) && v.has(given) && v.count(given) != 0)
    utilization = static_cast<double>(v.count(used)) / static_cast<double>(v.count(given));
  if (!utilization) return;
  p.utilization.add(*utilization);
  if (*utilization > 1) ++p.overused;
}

void add_minimality(Profile& p, const Values& v) {
  constexpr Kind k = Kind::minimality_evaluation;
  add_real(p.minimality, v, field(k, "minimalityFactor"));
  add_real(p.ast_similarity, v, field(k, "astSimilarity"));
  add_real(p.scaffolding_penalty, v, field(k, "scaffoldingPenalty"));
  add_count(p.lines_changed, v, field(k, "linesChanged"));
}

Mean& criterion(Profile& p, std::string_view name) {
  if (const auto known = p.criteria.find(name); known != p.criteria.end()) return known->second;
  return p.criteria[std::string(p.criteria.size() < Profile::kCriteriaMax ? name : Profile::kOther)];
}

void add_judgment(Profile& p, const Values& v) {
  constexpr Kind k = Kind::model_judgment;
  constexpr unsigned list = field(k, "criteriaScores");
  add_flag(p.all_criteria_passed, v, field(k, "allCriteriaPass"));
  add_real(p.judgment_score, v, field(k, "overallScore"));
  add_real(p.judgment_confidence, v, field(k, "overallConfidence"));
  if (!v.has(list)) return;
  for (event::ListReader items(schema::kScores, v.text[list]); items.next();) criterion(p, items.text(0).bytes()).add(items.real(1));
}

void add_decision(Profile& p, const Values& v) {
  constexpr Kind k = Kind::routing_decision;
  constexpr unsigned agent = field(k, "selectedAgent"), list = field(k, "alternativesConsidered");
  ++p.chosen;
  add_real(p.routing_confidence, v, field(k, "confidence"));
  if (!v.has(list)) return;
  std::optional<double> own, best_other;
  for (event::ListReader items(schema::kAlternatives, v.text[list]); items.next();) {
    if (!items.has(1)) continue;
    std::optional<double>& score = items.text(0) == v.text[agent] ? own : best_other;
    score = std::max(score.value_or(items.real(1)), items.real(1));
  }
  if (own && best_other) p.alternative_scored_higher.add(*best_other > *own);
}

}  // namespace

void Profile::add(const Values& v) {
  ++events;
  switch (v.kind) {
    case Kind::task_execution: return add_execution(*this, v);
    case Kind::routing_decision: return add_decision(*this, v);
    case Kind::constitutional_validation: return add_validation(*this, v);
    case Kind::thinking_budget_usage: return add_usage(*this, v);
    case Kind::minimality_evaluation: return add_minimality(*this, v);
    case Kind::model_judgment: return add_judgment(*this, v);
    case Kind::evaluation_outcome:
      add_flag(evaluations_passed, v, field(Kind::evaluation_outcome, "evaluation.passed"));
      return add_real(evaluation_score, v, field(Kind::evaluation_outcome, "evaluation.score"));
    default: return;
  }
}

void Profile::merge(const Profile& o) {
  events += o.events;
  successes.merge(o.successes);
  latency_ns.merge(o.latency_ns);
  latency_sum_ns += o.latency_sum_ns;
  evaluations_passed.merge(o.evaluations_passed);
  overused += o.overused;
  valid.merge(o.valid);
  for (std::size_t i = 0; i < violations.size(); ++i) violations[i] += o.violations[i];
  all_criteria_passed.merge(o.all_criteria_passed);
  for (const auto& [name, mean] : o.criteria) criterion(*this, name).merge(mean);
  chosen += o.chosen;
  alternative_scored_higher.merge(o.alternative_scored_higher);
  for (const auto mean : {&Profile::quality, &Profile::efficiency, &Profile::tokens, &Profile::tokens_in, &Profile::tokens_out,
                          &Profile::cost_usd, &Profile::evaluation_score, &Profile::utilization, &Profile::compliance_score,
                          &Profile::minimality, &Profile::ast_similarity, &Profile::scaffolding_penalty, &Profile::lines_changed,
                          &Profile::judgment_score, &Profile::judgment_confidence, &Profile::routing_confidence})
    (this->*mean).merge(o.*mean);
}

}  // namespace arbiter::aggregate
