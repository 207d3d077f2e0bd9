#include "collector/aggregate/profile.hpp"

#include <algorithm>
#include <limits>
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
  if (const auto duration = journal::duration_ns(v)) p.complete(*duration);
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
  constexpr double kUnscored = -std::numeric_limits<double>::infinity();
  double own = kUnscored, best_other = kUnscored;  // whose the next score is no processor guesses: nothing branches on it
  for (event::ListReader items(schema::kAlternatives, v.text[list]); items.next();) {
    if (!items.has(1)) continue;
    double& score = items.text(0) == v.text[agent] ? own : best_other;
    score = std::max(score, items.real(1));
  }
  if (own != kUnscored && best_other != kUnscored) p.alternative_scored_higher.add(best_other > own);
}

constexpr std::array kMeans = {&Profile::quality,           &Profile::efficiency,     &Profile::tokens,
                               &Profile::tokens_in,         &Profile::tokens_out,     &Profile::cost_usd,
                               &Profile::evaluation_score,  &Profile::utilization,    &Profile::compliance_score,
                               &Profile::minimality,        &Profile::ast_similarity, &Profile::scaffolding_penalty,
                               &Profile::lines_changed,     &Profile::judgment_score, &Profile::judgment_confidence,
                               &Profile::routing_confidence};
constexpr std::array kShares = {&Profile::successes, &Profile::evaluations_passed, &Profile::valid, &Profile::all_criteria_passed,
                                &Profile::alternative_scored_higher};
// Bits of what there is in a packed profile. New parts get new bits.
constexpr std::size_t kSharesAt = kMeans.size();
constexpr std::uint64_t kLatency = 1 << 24, kViolations = 1 << 25, kCriteria = 1 << 26, kCounts = 1 << 27;
static_assert(kSharesAt + kShares.size() <= 24);

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
  for (const auto mean : kMeans) (this->*mean).merge(o.*mean);
}

void Profile::complete(std::int64_t duration_ns) {
  latency_ns.add(static_cast<std::uint64_t>(duration_ns));
  latency_sum_ns += static_cast<std::uint64_t>(duration_ns);
}

// Events, which parts there are (a bit each), then those.
void Profile::pack(std::string& out) const {
  Packer put(out);
  std::uint64_t parts = 0;
  for (std::size_t i = 0; i < kMeans.size(); ++i)
    if ((this->*kMeans[i]).count != 0) parts |= std::uint64_t{1} << i;
  for (std::size_t i = 0; i < kShares.size(); ++i)
    if ((this->*kShares[i]).of != 0) parts |= std::uint64_t{1} << (kSharesAt + i);
  const bool violated = std::any_of(violations.begin(), violations.end(), [](std::uint64_t n) { return n != 0; });
  if (latency_ns.count() != 0) parts |= kLatency;
  if (violated) parts |= kViolations;
  if (!criteria.empty()) parts |= kCriteria;
  if (chosen != 0 || overused != 0) parts |= kCounts;

  put.whole(events);
  put.whole(parts);
  for (const auto mean : kMeans)
    if (const Mean& m = this->*mean; m.count != 0) put.whole(m.count), put.real(m.sum);
  for (const auto share : kShares)
    if (const Share& s = this->*share; s.of != 0) put.whole(s.of), put.whole(s.yes);
  if ((parts & kLatency) != 0) put.whole(latency_sum_ns), latency_ns.pack(put);
  if (violated)
    for (const std::uint64_t n : violations) put.whole(n);
  if ((parts & kCriteria) != 0) {
    put.whole(criteria.size());
    for (const auto& [name, mean] : criteria) put.text(name), put.whole(mean.count), put.real(mean.sum);
  }
  if ((parts & kCounts) != 0) put.whole(chosen), put.whole(overused);
}

bool Profile::merge(std::string_view packed) {
  Unpacker in(packed);
  events += in.whole();
  const std::uint64_t parts = in.whole();
  const auto take = [&in](Mean& mean) {
    const std::uint64_t count = in.whole();
    mean.merge({count, in.real()});
  };
  for (std::size_t i = 0; i < kMeans.size(); ++i)
    if ((parts >> i & 1) != 0) take(this->*kMeans[i]);
  for (std::size_t i = 0; i < kShares.size(); ++i)
    if ((parts >> (kSharesAt + i) & 1) != 0) {
      const std::uint64_t of = in.whole();
      (this->*kShares[i]).merge({in.whole(), of});
    }
  if ((parts & kLatency) != 0) {
    latency_sum_ns += in.whole();
    latency_ns.merge(in);
  }
  if ((parts & kViolations) != 0)
    for (std::uint64_t& n : violations) n += in.whole();
  if ((parts & kCriteria) != 0)
    for (std::uint64_t left = in.whole(); left > 0 && in.good(); --left) take(criterion(*this, in.text()));
  if ((parts & kCounts) != 0) {
    chosen += in.whole();
    overused += in.whole();
  }
  return in.good() && in.left() == 0;
}

}  // namespace arbiter::aggregate
