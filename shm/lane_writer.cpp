#include "shm/lane_writer.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace arbiter {
namespace {

using abi::Position;

// After a growth that failed: laps until the next try, doubled by each further failure. A full tmpfs must not cost a system call at every
// lap.
constexpr std::uint32_t kGrowthRetryLaps = 64;
constexpr std::uint32_t kGrowthRetryDoublings = 10;
constexpr std::uint32_t kLapMax = UINT32_MAX;

bool plausible_backing(std::uint32_t records) {
  return std::has_single_bit(records) && records >= abi::kLaneRecordsMin && records <= abi::kLaneRecords;
}

}  // namespace

std::optional<LaneWriter> LaneWriter::resume(abi::LaneControl& control, std::byte* area) noexcept {
  // Both words were last stored by the thread that had the lane before; whoever handed the lane over has made that visible.
  const Position position{control.producer.write.load(std::memory_order_relaxed)};
  const std::uint32_t backed = control.account.backed_records.load(std::memory_order_relaxed);
  if (!plausible_backing(backed) || position.offset() >= backed) return std::nullopt;
  LaneWriter lane;
  lane.position_ = lane.limit_ = position.value;  // no room known: the first reservation looks
  lane.area_ = area;
  lane.control_ = &control;
  lane.attempted_ = control.producer.attempted.load(std::memory_order_relaxed);
  lane.backed_ = backed;
  // As far behind as the collector can be; the first reservation looks where it is.
  lane.acknowledged_ = Position::at(position.lap() == 0 ? 0 : position.lap() - 1, 0);
  return lane;
}

LaneWriter& LaneWriter::operator=(LaneWriter&& other) noexcept {
  if (this == &other) return *this;
  position_ = std::exchange(other.position_, 0);
  limit_ = std::exchange(other.limit_, 0);
  area_ = std::exchange(other.area_, nullptr);
  control_ = std::exchange(other.control_, nullptr);
  attempted_ = std::exchange(other.attempted_, 0);
  acknowledged_ = other.acknowledged_;
  full_at_ = other.full_at_;
  full_records_ = other.full_records_;
  backed_ = std::exchange(other.backed_, 0);
  growth_failures_ = other.growth_failures_;
  growth_retry_lap_ = other.growth_retry_lap_;
  doorbell_ = std::exchange(other.doorbell_, nullptr);
  doorbell_context_ = other.doorbell_context_;
  clock_ = std::exchange(other.clock_, nullptr);
  lap_began_ms_ = other.lap_began_ms_;
  return *this;
}

std::byte* LaneWriter::reserve_past_limit(std::uint32_t records) noexcept {
  if (control_ == nullptr) return nullptr;
  const std::uint64_t acknowledged_untrusted = control_->collector.acknowledged.load(std::memory_order_acquire);  // [C1]
  // Full, and the collector has not moved since: a lane only gets fuller by itself.
  if (acknowledged_untrusted == full_at_ && records >= full_records_) return nullptr;
  if (records == 0 || records > abi::kEventRecordsMax) return nullptr;
  take_acknowledged(acknowledged_untrusted);
  std::byte* const room = make_room(records);
  full_at_ = room == nullptr ? acknowledged_untrusted : kNowhere;
  full_records_ = records;
  return room;
}

// A value that cannot be is no progress. Whatever is believed, limit_ stays within the private backed_: at worst unread events are lost.
void LaneWriter::take_acknowledged(std::uint64_t acknowledged_untrusted) noexcept {
  const Position acknowledged{acknowledged_untrusted};
  if (acknowledged > acknowledged_ && acknowledged.value <= position_ && acknowledged.offset() <= backed_) acknowledged_ = acknowledged;
}

std::byte* LaneWriter::make_room(std::uint32_t records) noexcept {
  const Position position{position_};
  const std::uint32_t offset = position.offset();
  const std::uint32_t read_to = acknowledged_.offset();
  const bool same_lap = acknowledged_.lap() == position.lap();
  const bool reader_in_front = !same_lap && read_to > offset;

  // One record short of the reader, or of the edge: the place of a skip record.
  const std::uint32_t hard_limit = (reader_in_front ? std::min(read_to, backed_) : backed_) - 1;
  const std::uint32_t middle = backed_ / 2;
  if (offset + records <= hard_limit) return admit(records, hard_limit, offset < middle && offset + records >= middle);

  if (reader_in_front) {
    // The lane is full, and yet there is address space: back it, and jump over the unread part.
    const std::uint32_t old_edge = backed_;
    if (!grow()) return nullptr;
    skip_to(Position::at(position.lap(), old_edge));
    return admit(records, backed_ - 1, true);
  }

  // At the edge. Around, when the reader is in this lap and leaves room at the start; a ring that is mostly read is kept small, unless its
  // writer is in a hurry.
  const bool may_wrap = same_lap && read_to > records && position.lap() != kLapMax;
  const bool mostly_read = unread() < backed_ / 2;
  const bool hurry = in_a_hurry();
  if (!(may_wrap && mostly_read && !hurry) && grow()) return admit(records, backed_ - 1, true);
  if (!may_wrap) return nullptr;
  skip_to(Position::at(position.lap() + 1, 0));
  return admit(records, read_to - 1, true);
}

// Sets the limit just short of the middle of what is backed, if that comes first: there is where to look whether the collector should be
// woken.
std::byte* LaneWriter::admit(std::uint32_t records, std::uint32_t hard_limit, bool crossed) noexcept {
  if (crossed && doorbell_ != nullptr && unread() + records >= backed_ / 2) doorbell_(doorbell_context_);
  const Position position{position_};
  const std::uint32_t middle = backed_ / 2;
  const bool middle_first = position.offset() + records < middle && middle <= hard_limit;
  limit_ = Position::at(position.lap(), middle_first ? middle - 1 : hard_limit).value;
  return area_ + std::size_t{position.offset()} * abi::kRecordBytes;
}

// Writes the skip record; publish() makes it visible, with the event behind it. A reservation that is never published leaves it where the
// collector does not look.
void LaneWriter::skip_to(Position target) noexcept {
  abi::SkipRecord skip{};
  skip.target = target.value;
  skip.kind = abi::kSkipKind;
  std::memcpy(area_ + (position_ & kOffsetMask) * abi::kRecordBytes, &skip, sizeof skip);
  position_ = target.value;
  ARBITER_TESTPOINT("lane.skip");
}

// Doubles what is backed. A plain touch of a page that tmpfs has no room for would be SIGBUS; asked for this way, it is an error.
bool LaneWriter::grow() noexcept {
  if (backed_ >= abi::kLaneRecords || Position{position_}.lap() < growth_retry_lap_) return false;
  ARBITER_TESTPOINT("lane.grow");
  const int saved_errno = errno;
  std::byte* const begin = area_ + std::size_t{backed_} * abi::kRecordBytes;
  const std::size_t bytes = std::size_t{backed_} * abi::kRecordBytes;
  if (madvise(begin, bytes, MADV_POPULATE_WRITE) != 0) {
    madvise(begin, bytes, MADV_REMOVE);  // gives back the blocks that were had before it failed
    const std::uint32_t wait = kGrowthRetryLaps << std::min(growth_failures_++, kGrowthRetryDoublings);
    const std::uint32_t lap = Position{position_}.lap();
    growth_retry_lap_ = lap > kLapMax - wait ? kLapMax : lap + wait;
    errno = saved_errno;
    return false;
  }
  ARBITER_TESTPOINT("lane.grow_backed");
  growth_failures_ = 0;
  backed_ *= 2;
  control_->account.backed_records.store(backed_, std::memory_order_relaxed);  // before an event in it is published, which [P1] makes seen
  ARBITER_TESTPOINT("lane.grown");
  return true;
}

// Asked at the edge: has the lap taken less than it should?
bool LaneWriter::in_a_hurry() noexcept {
  if (clock_ == nullptr) return false;
  const std::uint64_t now = clock_();
  return now - std::exchange(lap_began_ms_, now) < kLapMsLeast;
}

// Records the collector has not acknowledged; more than there are, when the lane was jumped.
std::uint32_t LaneWriter::unread() const noexcept {
  const Position position{position_};
  if (acknowledged_.lap() == position.lap()) return position.offset() - acknowledged_.offset();
  return backed_ - std::min(backed_, acknowledged_.offset()) + position.offset();
}

void LaneWriter::carry_no_lane(std::uint64_t attempts) noexcept {
  count(control_->account.dropped[static_cast<std::size_t>(abi::Drop::no_lane)], attempts);
}

void LaneWriter::carry_refused(abi::Refusal why, std::uint64_t attempts) noexcept {
  for (; attempts != 0; --attempts) {
    attempt();
    count_refused(why);
  }
}

}  // namespace arbiter
