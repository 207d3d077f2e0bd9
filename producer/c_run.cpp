// Runs, in C.
#include <cstring>
#include <new>

#include "producer/c_record.hpp"

namespace arbiter::c {
namespace {

// What lies in an arbiter_run.
struct RunInC {
  static constexpr std::uint64_t kStarted = 0x6e7572'7274'7261;  // anything that memory seldom holds
  static constexpr std::uint64_t kCompleted = 0x6e7572'656e'6f64;
  std::uint64_t state;
  alignas(Run) std::byte run[sizeof(Run)];
};
static_assert(sizeof(RunInC) <= sizeof(arbiter_run) && alignof(RunInC) <= alignof(arbiter_run));

Run* started(RunInC* run) noexcept {
  const bool is = run != nullptr && (run->state == RunInC::kStarted || run->state == RunInC::kCompleted);
  return is ? std::launder(reinterpret_cast<Run*>(run->run)) : nullptr;
}
const Run* started(const arbiter_run* run) noexcept { return started(reinterpret_cast<RunInC*>(const_cast<arbiter_run*>(run))); }

TaskStart in_cpp(const arbiter_task_start& s) noexcept {
  return {.execution_id = c::value(s.execution_id),
          .task_id = c::value(s.task_id),
          .agent_id = c::value(s.agent_id),
          .task_type = c::value(s.task_type),
          .decision_id = c::value(s.decision_id),
          .context = c::value(s.context),
          .time = c::value(s.time),
          .trace_id = c::value(s.trace_id),
          .span_id = c::value(s.span_id)};
}

arbiter_string view(std::string_view text) noexcept { return {text.data(), text.size()}; }

}  // namespace
}  // namespace arbiter::c

using namespace arbiter;

extern "C" {

arbiter_status arbiter_start_task(arbiter_producer* handle, const arbiter_task_start* given, arbiter_run* run) {
  if (run == nullptr) return c::wrong(c::kNoRun);
  auto* const made = reinterpret_cast<c::RunInC*>(run);
  made->state = 0;
  arbiter_task_start copy;
  const arbiter_task_start* const start = c::sized(given, copy);
  if (start == nullptr) return ARBITER_INVALID;
  if (handle == nullptr) return c::wrong(c::kNullProducer);
  new (made->run) Run(handle->producer.start_task(c::in_cpp(*start)));
  made->state = c::RunInC::kStarted;
  return c::answer(c::started(made)->result());
}

arbiter_string arbiter_run_execution_id(const arbiter_run* run) {
  const Run* const of = c::started(run);
  return of == nullptr ? arbiter_string{} : c::view(of->execution_id());
}
arbiter_string arbiter_run_task_id(const arbiter_run* run) {
  const Run* const of = c::started(run);
  return of == nullptr ? arbiter_string{} : c::view(of->task_id());
}
arbiter_string arbiter_run_agent_id(const arbiter_run* run) {
  const Run* const of = c::started(run);
  return of == nullptr ? arbiter_string{} : c::view(of->agent_id());
}
arbiter_string arbiter_run_decision_id(const arbiter_run* run) {
  const Run* const of = c::started(run);
  return of == nullptr ? arbiter_string{} : c::view(of->decision_id());
}

arbiter_status arbiter_run_complete(arbiter_run* run, const arbiter_completion* given) {
  auto* const in_c = reinterpret_cast<c::RunInC*>(run);
  const Run* const of = c::started(in_c);
  if (of == nullptr) return c::wrong(c::kNoRun);
  if (in_c->state == c::RunInC::kCompleted) return c::wrong(c::kCompleted);
  arbiter_completion copy;
  const arbiter_completion* const completion = c::sized(given, copy);
  if (completion == nullptr) return ARBITER_INVALID;
  c::Room room;
  c::Packer to(fields::kKind<TaskExecution>, room);
  producer::Internal::pack_start(*of, to);
  fields::each(to, completion->outcome);
  fields::envelope<23>(to, *completion);
  const RecordResult result = producer::Internal::record(*of, to.event());
  if (result.recorded()) in_c->state = c::RunInC::kCompleted;
  return c::answer(result);
}

}  // extern "C"
