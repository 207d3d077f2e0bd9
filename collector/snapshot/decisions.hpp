// Every routing decision with what became of it, in the total order of the decisions (EventKey), made of events that come in any order.
//
// What belongs to a decision, among the events of its task:
//   a start         names its decisionId; else the latest decision for its agent at or before it
//   an execution    its decision as the collector has joined it (routingDecision.decisionId), or as it names it; else that of the start
//   with
//                   its executionId; else the latest decision for its agent at or before its start (itself, where that is not known)
//   an evaluation,  names a decisionId; else that of the execution it names; else the latest decision for its agent (of the task, where it
//   a validation    names none) at or before it
// One that names what is not there belongs to no decision. Of several of a kind the latest counts.
//
// Memory is bounded: events are sorted outside of it, and within one task the newest kTaskDecisionsMax decisions, and as many executions,
// are found; a task with more leaves its older decisions pending, counted as `beyond`.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "collector/snapshot/decision_row.hpp"
#include "collector/snapshot/sorter.hpp"
#include "collector/snapshot/split.hpp"

namespace arbiter::snapshot {

class TaskJoin;

class Decisions {
 public:
  static constexpr std::size_t kTaskDecisionsMax = 100'000;

  // `place`: where what memory does not hold is set aside.
  Decisions(const Place& place, std::size_t sort_memory_bytes, const RewardFormula& formula,
            std::size_t task_decisions_max = kTaskDecisionsMax);
  ~Decisions();

  Result<void> add(const journal::StoredEvent& e, Side side = Side::train);

  // After the last add: what is known of all rows, then the rows.
  Result<DecisionTotals> join();
  Result<void> each(const std::function<Result<void>(const DecisionRow&)>& take);

  std::uint64_t beyond() const { return beyond_; }

 private:
  Result<void> join_tasks();
  Result<void> count_losses();
  void measure(const DecisionRow& row);

  RewardFormula formula_;
  std::size_t task_decisions_max_;
  std::unique_ptr<Sorter> by_task_, by_lane_;
  Sorter rows_;  // by decision: its event, its ending, its losses
  DecisionTotals totals_;
  DecisionRow measured_;
  std::uint64_t beyond_ = 0;
  std::string key_, record_;
};

}  // namespace arbiter::snapshot
