#include "shm/lane_reader.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "shm/testpoint.hpp"

namespace arbiter {
namespace {

using abi::Position;

constexpr std::size_t kRecord = abi::kRecordBytes;

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Where the doubling ends in which `offset` lies. A lap ends, and a jump starts, within a doubling that was backed then; the writer may be
// at work already in the next one. So a copy goes to the end of one, and further only when the lap has been seen to go on.
std::uint32_t end_of_doubling(std::uint32_t offset, std::uint32_t lane_records) {
  return std::min(lane_records, std::max(abi::kLaneRecordsMin, std::bit_ceil(offset + 1)));
}

bool may_follow(Position from, Position write, std::uint32_t lane_records) {
  if (from.offset() > lane_records || write.offset() > lane_records) return false;
  return write >= from && write.lap() - from.lap() <= 1;
}

// A skip record's target: the start of the next lap, or a doubling of the same lap that lies ahead. Published with an event behind it.
// It leads forward, to one of a handful of places, and not beyond what is published: that bounds how many one copy can follow.
bool may_skip(Position at, Position target, Position write, std::uint32_t lane_records) {
  if (target <= at || target >= write) return false;
  if (target.lap() == at.lap())
    return target.offset() < lane_records && target.offset() >= abi::kLaneRecordsMin && std::has_single_bit(target.offset());
  return target.lap() - at.lap() == 1 && target.offset() == 0;
}

}  // namespace

LaneReader::Copied LaneReader::copy(Position from, std::span<std::byte> buffer) const {
  const Position write_untrusted{control_->producer.write.load(std::memory_order_acquire)};  // [P1]
  Copied result;
  result.next = from;
  if (write_untrusted == from) return result;
  const auto fault = [&](Fault what) {
    result.fault = what;
    return result;
  };
  if (!may_follow(from, write_untrusted, lane_records_)) return fault(Fault::bad_position);
  const Position write = write_untrusted;

  Position at = from;      // where the next bytes are copied from; result.next is where the next event starts
  std::size_t filled = 0;  // bytes of the buffer that hold copied records; whole events end at result.bytes
  for (;;) {
    // The lap's published end: known if the writer is still in it, else wherever a skip record turns up.
    const std::uint32_t lap_end = at.lap() == write.lap() ? write.offset() : lane_records_;
    if (at.offset() >= lap_end) return at == write ? result : fault(Fault::bad_framing);
    const std::uint32_t until = std::min(lap_end, end_of_doubling(at.offset(), lane_records_));
    const auto room = static_cast<std::uint32_t>((buffer.size() - filled) / kRecord);
    const std::uint32_t records = std::min(until - at.offset(), room);
    if (records == 0) return result;  // the buffer is full
    std::memcpy(buffer.data() + filled, area_ + std::size_t{at.offset()} * kRecord, records * kRecord);
    filled += records * kRecord;
    at.value += records;

    bool skipped = false;
    while (result.bytes < filled) {
      const std::byte* const record = buffer.data() + result.bytes;
      if (load<std::uint16_t>(record + abi::kKindOffset) == abi::kSkipKind) {
        const Position target{load<std::uint64_t>(record)};
        if (!may_skip(result.next, target, write, lane_records_)) return fault(Fault::bad_framing);
        result.next = at = target;
        filled = result.bytes;
        skipped = true;
        break;
      }
      const auto length = load<std::uint32_t>(record + offsetof(abi::EventHead, length));
      if (length < sizeof(abi::EventHead) || length > abi::kEventBytesMax) return fault(Fault::bad_framing);
      const std::size_t bytes = (length + kRecord - 1) / kRecord * kRecord;
      if (bytes / kRecord > lap_end - result.next.offset()) return fault(Fault::bad_framing);  // beyond what is published
      if (bytes > filled - result.bytes) break;                                                // the rest is not copied yet
      result.bytes += bytes;
      result.next.value += bytes / kRecord;
      ++result.events;
    }
    if (!skipped && at == write) return result;
  }
}

// Relaxed: a figure. Who goes by it to records reads them through copy(), which loads it anew.
Position LaneReader::published() const { return {control_->producer.write.load(std::memory_order_relaxed)}; }

LaneReader::Account LaneReader::account() const {
  // Ends before attempts (acquire, pairs with the release of LaneWriter::count): a live lane never shows more ends than attempts.
  Account account;
  for (std::size_t i = 0; i < abi::kDropReasons; ++i) account.dropped[i] = control_->account.dropped[i].load(std::memory_order_acquire);
  for (std::size_t i = 0; i < abi::kRefusalReasons; ++i) account.refused[i] = control_->account.refused[i].load(std::memory_order_acquire);
  account.attempted = control_->producer.attempted.load(std::memory_order_relaxed) +
                      account.dropped[static_cast<std::size_t>(abi::Drop::reentrant)] +
                      account.dropped[static_cast<std::size_t>(abi::Drop::no_lane)];
  return account;
}

std::uint64_t LaneReader::Account::dropped_total() const { return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0}); }
std::uint64_t LaneReader::Account::refused_total() const { return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0}); }

void LaneReader::acknowledge(Position position, std::uint64_t events_delivered) {
  // A collector killed in here leaves the count that belongs to the position that stands there. What was stored before a kill, the next
  // collector finds: so all it takes is that the compiler keeps them in this order.
  const auto in_order = [] { asm volatile("" ::: "memory"); };
  abi::CollectorLine& line = control_->collector;
  line.events_before.store(acknowledged_events(), std::memory_order_relaxed);
  in_order();
  line.counted_to.store(position.value, std::memory_order_relaxed);
  in_order();
  line.acknowledged_events.store(events_delivered, std::memory_order_relaxed);
  ARBITER_TESTPOINT("acknowledge.counted");
  line.acknowledged.store(position.value, std::memory_order_release);  // [C1]: the copies made before it have ended
}

Position LaneReader::acknowledged() const { return {control_->collector.acknowledged.load(std::memory_order_relaxed)}; }
std::uint64_t LaneReader::acknowledged_events() const {
  const abi::CollectorLine& line = control_->collector;
  const bool counted = line.counted_to.load(std::memory_order_relaxed) == acknowledged().value;
  return (counted ? line.acknowledged_events : line.events_before).load(std::memory_order_relaxed);
}

std::uint32_t LaneReader::unread_records(Position from) const {
  const Position write_untrusted = published();
  if (!may_follow(from, write_untrusted, lane_records_)) return 0;
  if (write_untrusted.lap() == from.lap()) return write_untrusted.offset() - from.offset();
  return std::max(backed_records(), from.offset()) - from.offset() + write_untrusted.offset();
}

std::uint32_t LaneReader::backed_records() const {
  return std::min(control_->account.backed_records.load(std::memory_order_relaxed), lane_records_);
}
bool LaneReader::claimed() const { return control_->account.claimed.load(std::memory_order_relaxed) != 0; }
std::uint32_t LaneReader::thread() const { return control_->account.thread.load(std::memory_order_relaxed); }

void LaneReader::count_attach() {
  // One collector at a time writes it.
  control_->collector.epoch.store(control_->collector.epoch.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
std::uint64_t LaneReader::epoch() const { return control_->collector.epoch.load(std::memory_order_relaxed); }

}  // namespace arbiter
