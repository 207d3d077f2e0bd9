#include "producer/values.hpp"

#include <cstddef>
#include <cstring>

#include "producer/call.hpp"

namespace arbiter::producer {

RecordResult record(Producer& producer, const event::Values& values) noexcept {
  Call call(Internal::outlet(producer));
  if (call.closed()) return call.closed_result();
  const event::Fault fault = event::validate(values);
  const auto kind = static_cast<std::uint16_t>(values.kind);
  if (call.lane() == nullptr) {
    if (fault) {
      call.outlet().count_refused(fault.rule);
      return Internal::refused(kind, fault);
    }
    call.outlet().count_no_lane();
    return Internal::dropped(abi::Drop::no_lane);
  }
  Lane& lane = *call.lane();
  std::uint64_t stamp = lane.stamp();
  const std::uint64_t sequence = lane.writer.attempt();
  if (fault) return rarely::refuse(lane, kind, fault);
  const std::uint32_t records = records_for(event::encoded_bytes(values));
  std::byte* at = lane.writer.reserve(records);
  if (at == nullptr) at = rarely::when_full(call.outlet(), call.thread(), lane, records, Internal::wait_up_to(producer), stamp);
  if (at == nullptr) return Internal::dropped(abi::Drop::lane_full);
  event::encode(values, at);
  std::memcpy(at + offsetof(abi::EventHead, stamp), &stamp, sizeof stamp);
  std::memcpy(at + offsetof(abi::EventHead, sequence), &sequence, sizeof sequence);
  lane.writer.publish(records);
  return Internal::result(Status::recorded);
}

}  // namespace arbiter::producer
