// The completion of a run, as the encoder sees it: ids and start out of the handle, the outcome out of the call. A TaskExecution without
// the copying.
#pragma once

#include <string_view>

#include "arbiter/producer.hpp"
#include "producer/call.hpp"
#include "producer/describe.hpp"

namespace arbiter::producer {

struct Completed {
  const Run& run;
  const Outcome& outcome;
  const Envelope& envelope;
};

template <Internal::RunPart part>
std::string_view part_of(const Completed& completed) {
  return Internal::part(completed.run, part);
}
inline const UnixTimeNs& started_at_of(const Completed& completed) { return Internal::started_at_ns(completed.run); }
// The tracker's stamp of the start, unless the caller gave it a time.
inline Count started_ticks_of(const Completed& completed) {
  return Internal::started_at_ns(completed.run) ? Count() : Count(Internal::started_ticks(completed.run));
}
inline const Outcome& outcome_of(const Completed& completed) { return completed.outcome; }
inline const Envelope& envelope_of(const Completed& completed) { return completed.envelope; }

}  // namespace arbiter::producer

namespace arbiter::describe {

template <>
struct of<producer::Completed> {
  static constexpr Kind kind = Kind::task_execution;
  static const UnixTimeNs& time(const producer::Completed& completed) { return completed.envelope.time; }
  using Run = producer::Internal;
  using fields = Join<Fields<At<kind, "executionId", producer::part_of<Run::execution>>,
                             At<kind, "decisionId", producer::part_of<Run::decision>>, At<kind, "taskId", producer::part_of<Run::task>>,
                             At<kind, "agentId", producer::part_of<Run::agent>>, At<kind, "taskType", producer::part_of<Run::task_type>>,
                             At<kind, "startedAtNs", producer::started_at_of>, At<kind, "startedTicks", producer::started_ticks_of>>,
                      OutcomeFields<producer::outcome_of>,
                      Fields<At<kind, "traceId", producer::envelope_of, &Envelope::trace_id>,
                             At<kind, "spanId", producer::envelope_of, &Envelope::span_id>>>;
};

}  // namespace arbiter::describe
