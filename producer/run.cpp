#include <algorithm>
#include <cstring>

#include "arbiter/producer.hpp"
#include "producer/call.hpp"
#include "producer/completed.hpp"
#include "producer/outlet.hpp"
#include "producer/process.hpp"
#include "shm/clock.hpp"

namespace arbiter {

using producer::Call;
using producer::Internal;

// Only what is filled is copied: mostly some hundred bytes.
Run::Run(const Run& other) noexcept { *this = other; }

Run& Run::operator=(const Run& other) noexcept {
  if (this == &other) return *this;
  outlet_ = other.outlet_;
  wait_up_to_ = other.wait_up_to_;
  started_ticks_ = other.started_ticks_;
  started_at_ns_ = other.started_at_ns_;
  result_ = other.result_;
  used_ = other.used_;
  begin_ = other.begin_;
  size_ = other.size_;
  std::memcpy(bytes_.data(), other.bytes_.data(), used_);
  return *this;
}

std::string_view Run::id(Part part) const noexcept { return {bytes_.data() + begin_[part], size_[part]}; }

void Run::keep(Part part, std::string_view value) noexcept {
  const std::size_t size = std::min(value.size(), kPartBytes);
  begin_[part] = used_;
  size_[part] = static_cast<std::uint16_t>(size);
  if (size != 0) std::memcpy(bytes_.data() + used_, value.data(), size);
  used_ = static_cast<std::uint16_t>(used_ + size);
}

Run Producer::start_task(const TaskStart& start) noexcept {
  Run run;
  run.outlet_ = outlet_;
  run.wait_up_to_ = wait_up_to_;
  run.started_at_ns_ = start.time;
  run.keep(Run::decision, start.decision_id);
  run.keep(Run::task, start.task_id);
  run.keep(Run::agent, start.agent_id);
  run.keep(Run::task_type, start.task_type);
  Call call(*outlet_);
  if (call.closed()) {
    run.keep(Run::execution, start.execution_id);
    run.started_ticks_ = ticks(producer::process_clock());
    run.result_ = call.closed_result();
    return run;
  }
  if (!start.execution_id.empty()) {
    run.keep(Run::execution, start.execution_id);
    run.result_ = call.record(start, wait_up_to_, run.started_ticks_);
    return run;
  }
  Id made;
  Internal::make_id(made, call.thread());
  run.keep(Run::execution, made);
  TaskStart named = start;
  named.execution_id = run.execution_id();
  run.result_ = call.record(named, wait_up_to_, run.started_ticks_);
  return run;
}

RecordResult Run::complete(const Outcome& outcome, const Envelope& envelope) const noexcept {
  Call call(*outlet_);
  if (call.closed()) return call.closed_result();
  const Completed completed{.execution_id = id(execution),
                            .decision_id = id(decision),
                            .task_id = id(task),
                            .agent_id = id(agent),
                            .task_type = id(task_type),
                            .started_at_ns = started_at_ns_,
                            .started_ticks = started_at_ns_ ? Count() : Count(started_ticks_),
                            .outcome = outcome,
                            .time = envelope.time,
                            .trace_id = envelope.trace_id,
                            .span_id = envelope.span_id};
  std::uint64_t stamp;
  return call.record(completed, wait_up_to_, stamp);
}

}  // namespace arbiter
