#include "producer/values.hpp"

#include <cstddef>
#include <cstring>

#include "producer/call.hpp"

namespace arbiter::producer {

RecordResult record(Producer& producer, const event::Values& values) noexcept {
  Call call(Internal::outlet(producer));
  if (call.closed()) return call.closed_result();
  const event::Fault fault = event::validate(values);
  Lane* const lane = call.lane();
  if (lane == nullptr) return call.without_lane(values.kind, fault);
  const std::uint64_t stamp = lane->stamp();
  const std::uint64_t sequence = lane->writer.attempt();
  if (fault) return call.refuse(values.kind, fault);
  const std::uint32_t records = records_for(event::encoded_bytes(values));
  std::byte* at = lane->writer.reserve(records);
  if (at == nullptr) at = call.when_full(records, Internal::wait_up_to(producer));
  if (at == nullptr) return Internal::dropped(abi::Drop::lane_full);
  event::encode(values, at);
  std::memcpy(at + offsetof(abi::EventHead, stamp), &stamp, sizeof stamp);
  std::memcpy(at + offsetof(abi::EventHead, sequence), &sequence, sizeof sequence);
  lane->writer.publish(records);
  return Internal::result(Status::recorded);
}

}  // namespace arbiter::producer
