// The reward of an attempt: one number that a learner maximises, made of what is known about its outcome.
//
//   component    from                                              as a number
//   success      outcome.success                                   1 or 0
//   quality      outcome.qualityScore                              0..1, as given
//   efficiency   outcome.efficiencyScore                           0..1, as given
//   evaluation   evaluation.score                                  score / evaluation_scale, not cut: evaluators' scales differ
//   compliance   validationResult.complianceScore, else valid      0..1, as given; 1 or 0
//   latency      durationMs, else outcome.completionTimeMs         s / (s + duration), s = latency_scale: 1 at once, 0.5 after s
//   tokens       outcome.tokensConsumed                            s / (s + tokens), s = tokens_scale
//
// reward = sum of weight * component / sum of weight, over the components that have a weight and are known; nothing where none is. With no
// weight at all: evaluation where it is known, else success. Of several events that say the same, the latest counts. Only additions,
// multiplications and divisions of doubles: the same on every machine.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shm/event.hpp"

namespace arbiter::snapshot {

enum class Component : std::uint8_t { success, quality, efficiency, evaluation, compliance, latency, tokens };
inline constexpr std::array<std::string_view, 7> kComponentNames = {"success",    "quality", "efficiency", "evaluation",
                                                                    "compliance", "latency", "tokens"};
inline constexpr std::size_t kComponents = kComponentNames.size();
template <class T>
using PerComponent = std::array<T, kComponents>;

struct RewardFormula {
  PerComponent<std::uint64_t> weights{};  // all 0: evaluation, else success
  std::uint64_t evaluation_scale = 1;     // this and the others are above 0
  std::int64_t latency_scale_ns = 60'000'000'000;
  std::uint64_t tokens_scale = 10'000;
};

// What is known about how an attempt ended.
struct Outcome {
  std::optional<bool> success;
  std::optional<double> quality, efficiency, score, compliance;
  std::optional<std::int64_t> duration_ns;
  std::optional<std::uint64_t> tokens;

  // Takes what an execution, an evaluation or a validation says; any other kind says nothing. In order of time: the later event counts.
  void add(const event::Values& stored);
};

struct Reward {
  std::optional<double> value;
  PerComponent<std::optional<double>> components;  // all that are known, whether they have a weight or not
  std::uint8_t used = 0;                           // bit i: component i is in the value

  std::string source() const;  // of the value: "evaluation", "success+latency"; empty where there is none
};
Reward reward_of(const RewardFormula& formula, const Outcome& outcome);

// The formula in a manifest: {"definition": "..", "weights": {..}, "evaluationScale": .., "latencyScaleMs": .., "tokensScale": ..}
boost::json::object formula_json(const RewardFormula& formula);

}  // namespace arbiter::snapshot
