#include "producer/call.hpp"

namespace arbiter::producer {

[[gnu::cold]] void Call::interrupting() noexcept {
  interrupted_ = true;
  // What was interrupted may be the first record, a claim, or one after a fork: only a lane that is whole and of this process counts.
  Lane* const lane = mine() ? thread_.lane : nullptr;
  if (lane != nullptr ? lane->disabled() : outlet_.off()) {
    interrupted_result_ = Internal::result(Status::disabled);
    return;
  }
  outlet_.count_reentrant(lane);
  interrupted_result_ = Internal::dropped(abi::Drop::reentrant);
}

[[gnu::cold]] RecordResult Call::without_lane(Kind kind, const event::Fault& fault) noexcept {
  if (fault) {
    outlet_.count_refused(fault.rule);
    return Internal::refused(kind, fault);
  }
  outlet_.count_no_lane();
  return Internal::dropped(abi::Drop::no_lane);
}

[[gnu::cold]] RecordResult Call::refuse(Kind kind, const event::Fault& fault) noexcept {
  lane_->writer.count_refused(fault.rule);
  return Internal::refused(kind, fault);
}

[[gnu::noinline]] std::byte* Call::when_full(std::uint32_t records, std::chrono::nanoseconds wait_up_to) noexcept {
  if (wait_up_to > std::chrono::nanoseconds::zero())
    if (std::byte* const room = lane_->wait_for_room(records, wait_up_to)) return room;
  lane_->writer.count_dropped(abi::Drop::lane_full);
  if (lane_->unlinked()) outlet_.replace(thread_, *lane_);
  return nullptr;
}

}  // namespace arbiter::producer
