#include "arbiter/producer.hpp"
#include "producer/call.hpp"

namespace arbiter {

using producer::Call;
using producer::Internal;
using producer::Outlet;

namespace {

template <class E>
RecordResult record_one(Outlet& outlet, std::chrono::nanoseconds wait_up_to, const E& event) noexcept {
  Call call(outlet);
  if (!call.closed()) [[likely]] {
    std::uint64_t stamp;
    return call.record(event, wait_up_to, stamp);
  }
  return call.closed_result();
}

// The same for an event with an id of its own, which is made if the caller gave none.
template <class E, std::string_view E::*own_id>
RecordResultWithId record_with_id(Outlet& outlet, std::chrono::nanoseconds wait_up_to, const E& event) noexcept {
  Call call(outlet);
  std::uint64_t stamp;
  if (call.closed()) return Internal::with_id(call.closed_result());
  if (!(event.*own_id).empty()) return Internal::with_id(call.record(event, wait_up_to, stamp));
  Id made;
  Internal::make_id(made, call.thread());
  RecordResultWithId result = Internal::with_id(call.record(describe::WithId<E>{event, made}, wait_up_to, stamp));
  if (result.status() != Status::refused) Internal::id(result) = made;
  return result;
}

}  // namespace

RecordResult Producer::record(const AgentRegistration& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const AgentStatusChange& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResultWithId Producer::record(const RoutingDecision& event) noexcept {
  return record_with_id<RoutingDecision, &RoutingDecision::decision_id>(*outlet_, wait_up_to_, event);
}
RecordResultWithId Producer::record(const TaskStart& event) noexcept {
  return record_with_id<TaskStart, &TaskStart::execution_id>(*outlet_, wait_up_to_, event);
}
RecordResult Producer::record(const TaskExecution& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const ConstitutionalValidation& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const ThinkingBudgetAllocation& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const ThinkingBudgetUsage& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const MinimalityEvaluation& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const ModelJudgment& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const RlTrainingMetrics& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const EvaluationOutcome& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }
RecordResult Producer::record(const Event& event) noexcept { return record_one(*outlet_, wait_up_to_, event); }

}  // namespace arbiter
