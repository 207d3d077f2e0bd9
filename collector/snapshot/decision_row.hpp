// One routing decision with what became of it: the row of every decisions.* file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/column.hpp"
#include "collector/snapshot/reward.hpp"

namespace arbiter::snapshot {

// Of the decision with its execution.
enum class JoinState : std::uint8_t {
  complete,  // executed, and its start is known
  pending,   // not executed yet
  censored,  // started, and let go without a completion
  orphan,    // executed, but no start is known
};
inline constexpr std::array<std::string_view, 4> kJoinStates = {"complete", "pending", "censored", "orphan"};

// What has become of a decision.
struct Ending {
  Outcome outcome;
  std::optional<std::int64_t> started_ns, completed_ns, scored_ns, validated_ns;
  std::uint64_t attempts = 0;  // executions
  bool censored = false;       // of the latest start
  bool orphan = false;         // the latest execution is one

  JoinState state() const {
    if (attempts != 0) return orphan ? JoinState::orphan : JoinState::complete;
    return censored ? JoinState::censored : JoinState::pending;
  }
};

struct Candidate {
  std::string agent;
  std::optional<double> score, probability;
};

struct DecisionRow {
  EventKey key;    // of the event
  std::string id;  // likewise
  std::int64_t decided_ns = 0;
  std::string task_id, selected_agent;
  std::optional<std::string> decision_id, task_type, strategy, policy_version, context;  // context: JSON as it was recorded
  std::optional<double> confidence, propensity;                                          // propensity: null if it is not known, never 1
  std::vector<Candidate> candidates;        // the alternatives considered, in the order in which they were recorded
  std::optional<std::size_t> chosen_index;  // of the selected agent among them
  Ending ending;
  Reward reward;
  std::string reward_source;                // empty where there is no reward
  std::optional<std::int64_t> rewarded_ns;  // when the last event that the reward is made of happened
  // Events of the same recording thread that are missing between this decision and the one before it: lost, or not of this snapshot. Null:
  // nothing before it is here.
  std::optional<std::uint64_t> losses_before;

  void set_decision(const journal::StoredEvent& decision);
  void set_ending(const Ending& what_became, const RewardFormula& formula);
};

// The columns, in their order; within a major version of the schema they are appended to alone.
std::span<const Column<DecisionRow>> decision_columns();

// What is known of all rows before the first is written.
struct DecisionTotals {
  std::uint64_t rows = 0;
  std::array<std::uint64_t, 2> rows_by_side{};  // of split.hpp
  std::vector<std::size_t> text_bytes;          // of each column: its longest text; 0 for others
};

}  // namespace arbiter::snapshot
