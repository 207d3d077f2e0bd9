#include "collector/snapshot/reward.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "collector/journal/journal.hpp"

using namespace arbiter;
using snapshot::formula_json;
using snapshot::Outcome;
using snapshot::Reward;
using snapshot::RewardFormula;

namespace {

RewardFormula weights(std::uint64_t success, std::uint64_t quality, std::uint64_t efficiency, std::uint64_t evaluation,
                      std::uint64_t compliance, std::uint64_t latency, std::uint64_t tokens) {
  RewardFormula formula;
  formula.weights = {success, quality, efficiency, evaluation, compliance, latency, tokens};
  return formula;
}

// Everything known: 1, 0.5, 0.25, 0.75, 0.125; 20 s of a scale of 60: 0.75; 30,000 tokens of a scale of 10,000: 0.25.
Outcome everything() {
  Outcome o;
  o.success = true;
  o.quality = 0.5;
  o.efficiency = 0.25;
  o.score = 0.75;
  o.compliance = 0.125;
  o.duration_ns = 20'000'000'000;
  o.tokens = 30'000;
  return o;
}

}  // namespace

TEST_CASE("without weights the reward is the evaluation's score, else success, else nothing") {
  Outcome o;
  CHECK_FALSE(reward_of({}, o).value.has_value());
  CHECK(reward_of({}, o).source().empty());
  o.quality = 0.9;
  CHECK_FALSE(reward_of({}, o).value.has_value());
  o.success = false;
  CHECK(reward_of({}, o).value == 0.0);
  CHECK(reward_of({}, o).source() == "success");
  o.score = -2.5;
  CHECK(reward_of({}, o).value == -2.5);
  CHECK(reward_of({}, o).source() == "evaluation");
}

TEST_CASE("each component is normalised as documented, whether it has a weight or not") {
  const Reward r = reward_of({}, everything());
  const std::array<double, 7> expected = {1, 0.5, 0.25, 0.75, 0.125, 0.75, 0.25};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(r.components[i] == expected[i]);
  RewardFormula other;
  other.evaluation_scale = 3;
  other.latency_scale_ns = 20'000'000'000;
  other.tokens_scale = 90'000;
  const Reward scaled = reward_of(other, everything());
  CHECK(scaled.components[3] == 0.25);
  CHECK(scaled.components[5] == 0.5);
  CHECK(scaled.components[6] == 0.75);
  Outcome o;
  o.duration_ns = -5;  // a clock that was set
  CHECK(reward_of({}, o).components[5] == 1.0);
}

TEST_CASE("with weights the reward is the weighted mean") {
  // (1*1 + 2*0.5 + 1*0.25 + 4*0.75 + 2*0.125 + 2*0.75 + 4*0.25) / 16 = 8 / 16
  const Reward all = reward_of(weights(1, 2, 1, 4, 2, 2, 4), everything());
  CHECK(all.value == 0.5);
  CHECK(all.source() == "success+quality+efficiency+evaluation+compliance+latency+tokens");
  CHECK(reward_of(weights(3, 0, 0, 0, 0, 1, 0), everything()).value == 0.9375);  // (3*1 + 0.75) / 4
  CHECK(reward_of(weights(0, 0, 0, 0, 0, 0, 1000), everything()).value == 0.25);
}

TEST_CASE("a component that is not known is left out, weight and all, and the source says so") {
  Outcome o = everything();
  o.score.reset();
  o.tokens.reset();
  const Reward r = reward_of(weights(1, 0, 0, 5, 0, 1, 1), o);
  CHECK(r.value == 0.875);  // (1 + 0.75) / 2
  CHECK(r.source() == "success+latency");
  CHECK_FALSE(r.components[3].has_value());
  CHECK_FALSE(reward_of(weights(0, 0, 0, 5, 0, 0, 1), o).value.has_value());
  CHECK(reward_of(weights(0, 0, 0, 5, 0, 0, 1), o).source().empty());
}

TEST_CASE("an outcome is what the latest execution, evaluation and validation say") {
  Outcome o;
  event::Values v;
  v.kind = Kind::task_execution;
  v.stamp = 5'000'000'000;
  v.set_flag(journal::field::kSuccess, false);
  v.set_real(schema::field(Kind::task_execution, "outcome.qualityScore"), 0.5);
  v.set(schema::field(Kind::task_execution, "outcome.tokensConsumed"), 7);
  v.set_real(schema::field(Kind::task_execution, "outcome.completionTimeMs"), 250);
  o.add(v);
  CHECK(o.success == false);
  CHECK(o.quality == 0.5);
  CHECK(o.tokens == 7);
  CHECK(o.duration_ns == 250'000'000);  // no start is known: as the agent says
  v.set_time(schema::field(Kind::task_execution, "startedAtNs"), 2'000'000'000);
  o.add(v);
  CHECK(o.duration_ns == 3'000'000'000);

  event::Values again;  // the next attempt, which says less
  again.kind = Kind::task_execution;
  again.set_flag(journal::field::kSuccess, true);
  o.add(again);
  CHECK(o.success == true);
  CHECK_FALSE(o.quality.has_value());
  CHECK_FALSE(o.duration_ns.has_value());

  event::Values e;
  e.kind = Kind::evaluation_outcome;
  e.set_real(schema::field(Kind::evaluation_outcome, "evaluation.score"), 0.5);
  o.add(e);
  e.clear(schema::field(Kind::evaluation_outcome, "evaluation.score"));
  o.add(e);
  CHECK(o.score == 0.5);  // one without a score takes none away

  event::Values c;
  c.kind = Kind::constitutional_validation;
  c.set_flag(schema::field(Kind::constitutional_validation, "validationResult.valid"), true);
  o.add(c);
  CHECK(o.compliance == 1.0);
  c.set_real(schema::field(Kind::constitutional_validation, "validationResult.complianceScore"), 0.75);
  o.add(c);
  CHECK(o.compliance == 0.75);
}

TEST_CASE("the formula is said in words and figures") {
  CHECK(
      boost::json::serialize(formula_json({})) ==
      R"({"definition":"evaluation where it is known, else success","weights":{},"evaluationScale":1,"latencyScaleMs":6E4,"tokensScale":10000})");
  CHECK(boost::json::serialize(formula_json(weights(3, 0, 0, 0, 0, 1, 0)).at("weights")) == R"({"success":3,"latency":1})");
}
