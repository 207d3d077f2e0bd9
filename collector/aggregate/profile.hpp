// What a set of events says of who they are about: sums, counts and one histogram, all of which add up.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "collector/aggregate/histogram.hpp"
#include "shm/event.hpp"

namespace arbiter::aggregate {

// A mean is a sum and how many went into it.
struct Mean {
  std::uint64_t count = 0;
  double sum = 0;
  void add(double value) { ++count, sum += value; }
  void merge(const Mean& other) { count += other.count, sum += other.sum; }
  double value() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

// How often something that either is or is not was.
struct Share {
  std::uint64_t yes = 0, of = 0;
  void add(bool value) { yes += value ? 1 : 0, ++of; }
  void merge(const Share& other) { yes += other.yes, of += other.of; }
  double value() const { return of == 0 ? 0 : static_cast<double>(yes) / static_cast<double>(of); }
};

struct Profile {
  static constexpr std::size_t kCriteriaMax = 64;  // of a judge; further ones go by kOther
  static constexpr std::string_view kOther = "(other)";

  std::uint64_t events = 0;

  Share successes;       // of task executions
  Histogram latency_ns;  // of those whose start is known
  std::uint64_t latency_sum_ns = 0;
  Mean quality, efficiency;  // 0 to 1
  Mean tokens, tokens_in, tokens_out, cost_usd;

  Share evaluations_passed;
  Mean evaluation_score;

  Mean utilization;            // of thinking budgets; above 1 is over-use
  std::uint64_t overused = 0;  // usages above their budget

  Share valid;  // of constitutional validations that say so
  Mean compliance_score;
  std::array<std::uint64_t, std::size(schema::kSeverities)> violations{};

  Mean minimality, ast_similarity, scaffolding_penalty, lines_changed;

  Share all_criteria_passed;  // of judgments
  Mean judgment_score, judgment_confidence;
  std::map<std::string, Mean, std::less<>> criteria;

  Mean routing_confidence;
  std::uint64_t chosen = 0;         // routing decisions for this agent
  Share alternative_scored_higher;  // of those that say what the chosen one scored

  // Takes in what one stored event says. Kinds that no profile is of (registrations, status changes, training metrics) only count.
  void add(const event::Values& stored);
  void merge(const Profile& other);
  // An execution that was added without a duration has one now.
  void complete(std::int64_t duration_ns);

  // In few bytes; what is empty takes none. merge() adds what pack() wrote; false: it is not that.
  void pack(std::string& out) const;
  bool merge(std::string_view packed);
};

}  // namespace arbiter::aggregate
