// The producer's side of one lane. One thread writes a lane at a time; nothing here is shared with other threads of the process.
//
// What holds at every instruction (abi.hpp has the protocol):
//   * everything at and above `position_` up to `limit_` is backed memory that the collector does not read;
//   * at least one record behind `limit_` is free and backed too: a skip record always has a place;
//   * nothing is visible to the collector but by the store in publish().
//
// Recording one event:
//     const std::uint64_t sequence = lane.attempt();
//     std::byte* at = lane.reserve(records);
//     if (at == nullptr) { lane.count_dropped(abi::Drop::lane_full); ... }
//     else { write the event at `at`; lane.publish(records); }
// Nothing has to be undone when a reservation is not published: the next one takes its place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/abi.hpp"
#include "shm/testpoint.hpp"

namespace arbiter {

constexpr std::uint32_t records_for(std::size_t event_bytes) {
  return static_cast<std::uint32_t>((event_bytes + abi::kRecordBytes - 1) / abi::kRecordBytes);
}

class LaneWriter {
 public:
  // Called when the write position passes the middle or the end of the backed area while at least half of it is unread: at most twice
  // around the ring. It runs on the record path, before the event is published: it must not block and must leave errno alone.
  using Doorbell = void (*)(void* context) noexcept;

  // Milliseconds of some clock that never goes back. Asked once around the ring, on the record path: a few nanoseconds, no system call.
  using Clock = std::uint64_t (*)() noexcept;

  // A lane is grown until going once around it takes at least this long. What a thread records in bursts then has left the collector's
  // caches before it is written again: taking a line back from another core costs more than the rest of the call. A thread that records
  // little stays small.
  static constexpr std::uint64_t kLapMsLeast = 50;

  // No lane: reserve() gives nullptr; attempt() and count_…() may not be called.
  LaneWriter() = default;

  // Takes a lane up where its control says it stands: at the start, or where the thread that had it before stopped. `area` is the lane's
  // kLaneBytes of address space, of which control.account.backed_records are backed. Nothing if the control holds values that no writer
  // leaves.
  static std::optional<LaneWriter> resume(abi::LaneControl& control, std::byte* area) noexcept;

  LaneWriter(LaneWriter&& other) noexcept { *this = static_cast<LaneWriter&&>(other); }
  LaneWriter& operator=(LaneWriter&& other) noexcept;
  LaneWriter(const LaneWriter&) = delete;
  LaneWriter& operator=(const LaneWriter&) = delete;

  explicit operator bool() const { return control_ != nullptr; }
  void set_doorbell(Doorbell doorbell, void* context) noexcept { doorbell_ = doorbell, doorbell_context_ = context; }
  // Without one, a lane grows only when too much of it is unread.
  void set_clock(Clock clock) noexcept { clock_ = clock; }

  // Room for an event of 1 to kEventRecordsMax records, contiguous; nullptr: the lane is full (or `records` is out of range).
  // One compare of private values; past the limit, out of line: one load of the shared acknowledged position, seldom a skip record or a
  // growth.
  std::byte* reserve(std::uint32_t records) noexcept {
    if (position_ + records <= limit_) [[likely]] {
      std::byte* const at = area_ + (position_ & kOffsetMask) * abi::kRecordBytes;
      fetch_ahead(at, records);
      return at;
    }
    return reserve_past_limit(records);
  }

  // Makes the event written at the last reservation visible, all of it at once. `records` as it was reserved, or fewer.
  void publish(std::uint32_t records) noexcept {
    ARBITER_TESTPOINT("lane.publish");
    position_ += records;
    control_->producer.write.store(position_, std::memory_order_release);  // [P1]
    ARBITER_TESTPOINT("lane.published");
  }

  // Counts an attempt; gives its sequence number. Stored before publish() stores `write`, so that who sees an event has its attempt
  // counted.
  std::uint64_t attempt() noexcept {
    control_->producer.attempted.store(++attempted_, std::memory_order_relaxed);
    ARBITER_TESTPOINT("lane.attempted");
    return attempted_;
  }

  // How the attempt just counted ended, when not in an event. Release, and after attempt(): who reads the account in the other order never
  // finds more ends than attempts.
  void count_dropped(abi::Drop why) noexcept { count(control_->account.dropped[static_cast<std::size_t>(why)]); }
  void count_refused(abi::Refusal why) noexcept { count(control_->account.refused[static_cast<std::size_t>(why)]); }

  // A record made in a signal handler that had interrupted a record of this thread. It counts its own attempt. A read-modify-write, unlike
  // everything else here: another handler may interrupt this one, and the increment of two loads and stores would then lose one.
  void count_reentrant() noexcept {
    control_->account.dropped[static_cast<std::size_t>(abi::Drop::reentrant)].fetch_add(1, std::memory_order_relaxed);
  }

  // Attempts made while the thread had no lane. They carry their own attempts (abi.hpp), so one store counts all: a process killed here
  // has counted them or not.
  void carry_no_lane(std::uint64_t attempts) noexcept;
  // Refusals made while the thread had no lane: counted one by one, so that a process killed half way is off by one at most.
  void carry_refused(abi::Refusal why, std::uint64_t attempts) noexcept;

  abi::Position position() const { return {position_}; }
  std::uint32_t backed_records() const { return backed_; }
  std::uint64_t attempted() const { return attempted_; }

 private:
  static constexpr std::uint64_t kOffsetMask = 0xffffffff;
  static constexpr std::uint64_t kNowhere = UINT64_MAX;

  // Single writer: a load and a store, no read-modify-write.
  static void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
    ARBITER_TESTPOINT("lane.count");
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_release);
    ARBITER_TESTPOINT("lane.counted");
  }

  // Asks for as many lines as an event takes, some events ahead and for writing: the collector has read them a lap ago, and getting one
  // back from its core takes longer than a call. Three instructions a record; what lies behind the area is asked for in vain, not a fault.
  [[gnu::always_inline]] static void fetch_ahead(const std::byte* at, std::uint32_t records) noexcept {
    const std::byte* line = at + kFetchAheadBytes;
    const std::byte* const end = line + std::size_t{records} * abi::kRecordBytes;
    do {
#if defined(__x86_64__)
      asm volatile("prefetchw %0" ::"m"(*line));  // by name: the builtin asks for reading, unless built for some processors alone
#else
      __builtin_prefetch(line, 1);
#endif
      line += abi::kRecordBytes;
    } while (line < end);
  }
  static constexpr std::size_t kFetchAheadBytes = 2048;  // some ten events: 512 to 4,096 were measured, and are alike

  [[gnu::cold]] std::byte* reserve_past_limit(std::uint32_t records) noexcept;
  std::byte* make_room(std::uint32_t records) noexcept;
  std::byte* admit(std::uint32_t records, std::uint32_t hard_limit, bool crossed) noexcept;
  void take_acknowledged(std::uint64_t acknowledged_untrusted) noexcept;
  void skip_to(abi::Position target) noexcept;
  bool grow() noexcept;
  bool in_a_hurry() noexcept;
  std::uint32_t unread() const noexcept;

  // Read at every record; the writer is one object per thread, so these share a cache line with nobody.
  std::uint64_t position_ = 0;  // abi::Position of the next record
  std::uint64_t limit_ = 0;     // same lap: an event may end here without another look
  std::byte* area_ = nullptr;
  abi::LaneControl* control_ = nullptr;
  std::uint64_t attempted_ = 0;

  // Read past the limit.
  abi::Position acknowledged_;          // the last that could be believed
  std::uint64_t full_at_ = kNowhere;    // the lane was full at this acknowledged value ...
  std::uint32_t full_records_ = 0;      // ... for an event of this many records
  std::uint32_t backed_ = 0;            // records with memory behind them; never read back from shared memory
  std::uint32_t growth_failures_ = 0;   // in a row
  std::uint32_t growth_retry_lap_ = 0;  // no growth before this lap
  Doorbell doorbell_ = nullptr;
  void* doorbell_context_ = nullptr;
  Clock clock_ = nullptr;
  std::uint64_t lap_began_ms_ = 0;
};

}  // namespace arbiter
