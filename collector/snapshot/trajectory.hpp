// A trajectory: everything recorded under one task, in order of time, as one JSON object for a learner.
//
//   {"taskId":"..","startTime":"..","events":[..],"endTime":"..","taskType":"..","agentId":"..","steps":5,"reward":0.9,
//    "rewardSource":"evaluation","rewardComponents":{"success":1,"evaluation":0.9},"done":true,"truncated":false}
//
// The events come early, so that a task of any number of events passes through without being held.
//   startTime, endTime   times of its first and last event
//   taskType, agentId    of the latest execution that says, else of the latest start, decision, or other event; not there where none says
//   steps                number of events
//   reward               of its latest execution, evaluation and validation, by the formula (reward.hpp); null where nothing is known
//   rewardSource         the components that are in it, "success+latency"; null where it is
//   rewardComponents     all that are known
//   done                 there is an execution: it has an outcome
//   truncated            it was cut off: there is no execution (still under way, let go, or lost), or the latest one's errorType is
//   "timeout"
//
// Each event is a step, and has four members more than in events.jsonl, after all others, with the meaning they have in RLDS:
//   is_first, is_last    of the task's steps
//   is_terminal          it is the last, and the task was not truncated: nothing is to be expected after it (a value is not bootstrapped)
//   reward               0; of the last step the trajectory's
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/reward.hpp"

namespace arbiter::snapshot {

// Writes one trajectory: begin, its events in order of time, end.
class TrajectoryWriter {
 public:
  explicit TrajectoryWriter(const RewardFormula& formula) : formula_(formula) {}
  void begin(std::string& out, const event::Text& task, std::int64_t first_time_ns);
  void add(std::string& out, const journal::StoredEvent& e);  // appends the event, and remembers what the end needs
  void end(std::string& out);

 private:
  // What is known from the event that says it best.
  struct Best {
    std::string shown;
    int rank = -1;
    void offer(const event::Text* text, int rank);
  };

  void close_step(std::string& out, bool last) const;  // of the event that was added last

  RewardFormula formula_;
  Best task_type_, agent_;
  std::uint64_t steps_ = 0;
  std::int64_t last_time_ns_ = 0;
  Outcome outcome_;
  bool timed_out_ = false;  // the latest execution
};

}  // namespace arbiter::snapshot
