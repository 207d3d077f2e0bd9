// Where an agent's figures are going, measure by measure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "collector/aggregate/trend.hpp"
#include "shm/event.hpp"

namespace arbiter::aggregate {

struct Measure {
  std::string_view name;  // with its unit, as in "latencyMs"
  Kind kind;
  std::string_view path;  // of the field; empty: the time from start to completion
  int better;             // 1: more is better; -1: less is
};

inline constexpr std::array<Measure, 10> kMeasures = {
    {{"latencyMs", Kind::task_execution, "", -1},
     {"successRate", Kind::task_execution, "outcome.success", 1},
     {"qualityScore", Kind::task_execution, "outcome.qualityScore", 1},
     {"efficiencyScore", Kind::task_execution, "outcome.efficiencyScore", 1},
     {"tokensConsumed", Kind::task_execution, "outcome.tokensConsumed", -1},
     {"costUsd", Kind::task_execution, "outcome.costUsd", -1},
     {"evaluationScore", Kind::evaluation_outcome, "evaluation.score", 1},
     {"budgetUtilization", Kind::thinking_budget_usage, "utilizationRate", -1},
     {"complianceScore", Kind::constitutional_validation, "validationResult.complianceScore", 1},
     {"judgmentScore", Kind::model_judgment, "overallScore", 1}}};

class Trends {
 public:
  void add(const event::Values& stored, std::int64_t time_ns);              // one event of the agent
  const Series& of(std::size_t measure) const { return series_[measure]; }  // index into kMeasures

 private:
  std::array<Series, kMeasures.size()> series_;
};

}  // namespace arbiter::aggregate
