// The completion of a run, as the encoder sees it: ids and start out of the handle, the outcome out of the call. A TaskExecution without
// the copying.
#pragma once

#include <string_view>

#include "arbiter/events.hpp"
#include "producer/describe.hpp"

namespace arbiter {

struct Completed {
  std::string_view execution_id;
  std::string_view decision_id;
  std::string_view task_id;
  std::string_view agent_id;
  std::string_view task_type;
  UnixTimeNs started_at_ns;  // the caller's own time of the start, or
  Count started_ticks;       // the tracker's stamp of it
  const Outcome& outcome;
  UnixTimeNs time;
  std::string_view trace_id;
  std::string_view span_id;
};

constexpr const Outcome& outcome_of(const Completed& completed) { return completed.outcome; }

template <>
struct describe::of<Completed> {
  static constexpr Kind kind = Kind::task_execution;
  using E = Completed;
  using fields = Join<Fields<At<kind, "executionId", &E::execution_id>, At<kind, "decisionId", &E::decision_id>,
                             At<kind, "taskId", &E::task_id>, At<kind, "agentId", &E::agent_id>, At<kind, "taskType", &E::task_type>,
                             At<kind, "startedAtNs", &E::started_at_ns>, At<kind, "startedTicks", &E::started_ticks>>,
                      OutcomeFields<outcome_of>, Envelope3<kind, E>>;
};

}  // namespace arbiter
