#include <algorithm>
#include <cstring>

#include "arbiter/producer.hpp"
#include "producer/call.hpp"
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
  run.keep(Run::execution, start.execution_id);
  packed::Packer to(fields::kKind<TaskStart>);
  fields::each(to, start);
  packed::Event& event = to.event();
  Call call(*outlet_);
  if (call.closed()) {
    run.result_ = call.closed_result();
  } else {
    if (event.makes_id) {
      Id made;
      Internal::make_id(made, call.thread());
      run.keep(Run::execution, made);
      event.string[0] = {run.id(Run::execution).data(), made.view().size()};
      event.string_bytes += made.view().size();
    }
    run.result_ = call.record(event, wait_up_to_, run.started_ticks_);
  }
  // A start that was not recorded was never stamped; its completion may be recorded all the same.
  if (!run.result_) run.started_ticks_ = ticks(producer::process_clock());
  return run;
}

}  // namespace arbiter
