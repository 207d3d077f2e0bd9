#include "arbiter/producer.hpp"
#include "producer/call.hpp"

namespace arbiter::producer {

RecordResult record(Outlet& outlet, std::chrono::nanoseconds wait_up_to, const packed::Event& event) noexcept {
  Call call(outlet);
  if (!call.closed()) [[likely]] {
    std::uint64_t stamp;
    return call.record(event, wait_up_to, stamp);
  }
  return call.closed_result();
}

RecordResultWithId record_with_id(Outlet& outlet, std::chrono::nanoseconds wait_up_to, packed::Event& event) noexcept {
  Call call(outlet);
  if (call.closed()) return Internal::with_id(call.closed_result());
  std::uint64_t stamp;
  if (!event.makes_id) return Internal::with_id(call.record(event, wait_up_to, stamp));
  Id made;
  Internal::make_id(made, call.thread());
  event.string[0] = {made.view().data(), made.view().size()};
  event.string_bytes += made.view().size();
  RecordResultWithId result = Internal::with_id(call.record(event, wait_up_to, stamp));
  if (result.status() != Status::refused) Internal::id(result) = made;
  return result;
}

}  // namespace arbiter::producer
