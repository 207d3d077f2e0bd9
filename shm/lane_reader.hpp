// The collector's side of one lane. It trusts nothing: whatever is in memory, it reads inside the lane only, ends, and says what is wrong.
//
//     LaneReader::Copied got = lane.copy(cursor, buffer);
//     for (std::span<const std::byte> event : EventWalk(buffer.first(got.bytes))) ...   // whole events, skip records stepped over
//     cursor = got.next;                                                   // persist, then: lane.acknowledge(cursor, events_delivered)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "shm/abi.hpp"

namespace arbiter {

// Walks the events that LaneReader::copy left in a buffer: each at a multiple of 64 bytes, `head.length` bytes long. What follows an
// event's bytes up to the next multiple is whatever the producer's memory held; it is not part of the span and belongs nowhere.
class EventWalk {
 public:
  explicit EventWalk(std::span<const std::byte> copied) : copied_(copied) {}

  class Iterator {
   public:
    Iterator(const std::byte* at) : at_(at) {}
    std::span<const std::byte> operator*() const { return {at_, length()}; }
    Iterator& operator++() {
      at_ += (length() + abi::kRecordBytes - 1) / abi::kRecordBytes * abi::kRecordBytes;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    std::size_t length() const {
      std::uint32_t length;
      std::memcpy(&length, at_ + offsetof(abi::EventHead, length), sizeof length);
      return length;
    }
    const std::byte* at_;
  };
  Iterator begin() const { return {copied_.data()}; }
  Iterator end() const { return {copied_.data() + copied_.size()}; }

 private:
  std::span<const std::byte> copied_;
};

class LaneReader {
 public:
  // Copies need at least this much room: an event of the largest size always fits, and a batch is worth its trouble.
  static constexpr std::size_t kBufferBytesMin = 128 * 1024;

  enum class Fault : std::uint8_t {
    none,
    bad_position,  // the write position is not one that can follow the cursor
    bad_framing,   // a head's length or a skip record's target is impossible
  };

  struct Copied {
    std::size_t bytes = 0;      // of the buffer: whole events, each padded to records; EventWalk walks them
    std::uint32_t events = 0;   // in those bytes
    abi::Position next;         // the cursor behind the last of them; `from` if there is none
    Fault fault = Fault::none;  // found at `next`: what lies before it is good and is in the buffer
  };

  // What became of the attempts made on this lane, as the producer says (untrusted: figures only).
  struct Account {
    std::uint64_t attempted = 0;  // those counted nowhere else (reentrant, no lane) included
    std::array<std::uint64_t, abi::kDropReasons> dropped{};
    std::array<std::uint64_t, abi::kRefusalReasons> refused{};
    std::uint64_t dropped_total() const;
    std::uint64_t refused_total() const;
  };

  LaneReader(abi::LaneControl& control, const std::byte* area, std::uint32_t lane_records)
      : control_(&control), area_(area), lane_records_(lane_records) {}

  // Copies events from `from` on, as many as are published and fit. The published bytes are copied first; framing is judged in the copy
  // alone. No events and no fault: nothing is published behind `from`. Loads the write position once [P1].
  Copied copy(abi::Position from, std::span<std::byte> buffer) const;

  abi::Position published() const;  // the write position now, not validated
  Account account() const;

  // The room up to `position` is the producer's again. Call it when the events are in the journal.
  void acknowledge(abi::Position position, std::uint64_t events_delivered);
  abi::Position acknowledged() const;         // as it stands in shared memory: tells a journal that was rewound, and nothing else
  std::uint64_t acknowledged_events() const;  // delivered up to acknowledged()

  // Records published behind `from`, not more than that: a lane that grew while it was full counts what was jumped over too. 0 to 2 * lane
  // size.
  std::uint32_t unread_records(abi::Position from) const;
  std::uint32_t records() const { return lane_records_; }
  std::uint32_t backed_records() const;  // as the producer says, at most the lane's size
  bool claimed() const;
  std::uint32_t thread() const;

  void count_attach();  // one more in the lane's epoch
  std::uint64_t epoch() const;

 private:
  abi::LaneControl* control_;
  const std::byte* area_;
  std::uint32_t lane_records_;
};

}  // namespace arbiter
