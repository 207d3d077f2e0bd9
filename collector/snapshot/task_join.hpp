// The decisions of one task, and which of its other events belong to which (decisions.hpp has the rules).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "collector/snapshot/decision_row.hpp"
#include "collector/snapshot/event_record.hpp"

namespace arbiter::snapshot {

class TaskJoin {
 public:
  explicit TaskJoin(std::size_t decisions_max) : decisions_max_(decisions_max) {}

  // In this order: the decisions, the starts, the executions, evaluations and validations; each in order of time.
  void add(const journal::StoredEvent& e);

  // What has become of each, decisions without anything left out. And nothing is left of the task.
  Result<void> end(const std::function<Result<void>(std::string_view key, const Ending&)>& take);
  std::uint64_t beyond() const { return beyond_; }  // decisions that had to be let go, of all tasks so far

 private:
  struct Made {
    EventKeyBytes key;
    std::int64_t time_ns;
    std::string id, agent;
    Ending ending;
    bool touched = false;
  };
  using Number = std::uint64_t;  // of a decision; counts on over those let go

  void add_decision(const journal::StoredEvent& e);
  void add_start(const journal::StoredEvent& e);
  void add_execution(const journal::StoredEvent& e);
  void add_verdict(const journal::StoredEvent& e);
  std::optional<Number> named(const event::Text& decision_id) const;
  std::optional<Number> latest(const event::Text* agent, std::int64_t not_after_ns) const;
  void remember(const event::Text* execution, std::optional<Number> decision);
  Ending* ending(std::optional<Number> number);

  std::size_t decisions_max_;
  std::uint64_t beyond_ = 0;
  Number first_ = 0;  // number of made_.front()
  std::deque<Made> made_;
  std::unordered_map<std::string, Number> by_id_;
  std::unordered_map<std::string, std::deque<Number>> by_agent_;
  std::unordered_map<std::string, std::optional<Number>> by_execution_;
};

}  // namespace arbiter::snapshot
