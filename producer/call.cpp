#include "producer/call.hpp"

namespace arbiter::producer::rarely {

[[gnu::cold]] RecordResult interrupting(Outlet& outlet) noexcept {
  // What was interrupted may be the first record, a claim, or one after a fork: only a lane that is whole and of this process counts.
  Lane* const lane = Call::mine(this_thread, outlet) ? this_thread.lane : nullptr;
  if (lane != nullptr ? lane->disabled() : outlet.off()) return Internal::result(Status::disabled);
  outlet.count_reentrant(lane);
  return Internal::dropped(abi::Drop::reentrant);
}

RecordResult switched_off(Outlet& outlet, Thread& thread, Lane* lane) noexcept {
  // A collector that switched recording off, and whose directory has been wiped since, will never switch it on again.
  if (lane != nullptr && (++lane->disabled_calls & 0xfff) == 0 && lane->unlinked()) outlet.replace(thread, *lane);
  return Internal::result(Status::disabled);
}

RecordResult without_lane(Outlet& outlet, const packed::Event& event) noexcept {
  if (event.doubt)
    if (const event::Fault fault = encode::check(event, encode::measure(event))) {
      outlet.count_refused(fault.rule);
      return Internal::refused(event.kind, fault);
    }
  outlet.count_no_lane();
  return Internal::dropped(abi::Drop::no_lane);
}

[[gnu::cold]] RecordResult refuse(Lane& lane, std::uint16_t kind, const event::Fault& fault) noexcept {
  lane.writer.count_refused(fault.rule);
  return Internal::refused(kind, fault);
}

std::byte* when_full(Outlet& outlet, Thread& thread, Lane& lane, std::uint32_t records, std::chrono::nanoseconds wait_up_to,
                     std::uint64_t& stamp) noexcept {
  if (wait_up_to > std::chrono::nanoseconds::zero()) {
    stamp = lane.stamp();  // of the call, not of the end of the wait
    if (std::byte* const room = lane.wait_for_room(records, wait_up_to)) return room;
  }
  lane.writer.count_dropped(abi::Drop::lane_full);
  // A drop costs a few nanoseconds, and the coarsest clock as much again: not every one looks.
  if ((++lane.full_calls & 0x3f) == 0 && lane.unlinked()) outlet.replace(thread, lane);
  return nullptr;
}

}  // namespace arbiter::producer::rarely
