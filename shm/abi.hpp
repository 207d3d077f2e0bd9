// The shared-memory ABI between agent processes (producers) and the collector. This header is the specification.
//
//   lanes directory (tmpfs, mode 3733)
//     lanes-<32 hex digits of the segment id>          one segment file per process; a second one when its lanes are used up
//
//   segment file
//     +0          SegmentHeader   written by the producer before the file is linked, never after; but for
//     +1024       SwitchLine      written by the collector alone
//     +4096       LaneControl[lane_count]    512 bytes each
//     +data_offset  lane 0: lane_bytes of address space, backed by memory from the front: 256 KiB, doubling to 8 MiB
//                   lane 1: ...
//
//   a lane: an area of 64-byte records, written by one thread, read by the collector
//
//     offset 0                   acknowledged        write                backed            capacity
//       |  free (next lap)           |####unread####|     free              |  no memory yet   |
//
// Actors. The *producer thread* that claimed a lane writes its ProducerLine, ProducerAccount and records. The *collector* writes each
// lane's CollectorLine and the SwitchLine. Every shared word has one writer; there is no compare-and-swap and no lock.
//
// Position. A 64-bit number, lap << 32 | offset, offset in records from the lane's start. Positions only grow. Within a lap the records
// follow each other; a lap ends with a skip record whose target is offset 0 of the next lap. Because a lane grows, laps differ in length;
// the position says where a record is all the same, whatever the size of the lane was.
//
// Lanes of a segment are taken into use in their order: a lane has memory only if those before it have. The collector looks no further than
// the first that has none.
//
// Protocol, and what holds at every instruction:
//   1. An event is ceil(length / 64) contiguous records. All are written, then one release store of ProducerLine::write publishes them.
//      A producer killed at any instruction leaves all of an event or nothing of it.
//   2. The producer writes only where the collector does not read: from `write` to the backed edge when the acknowledged position is in
//      the same lap, or in the lap before and already jumped over (3); to the acknowledged offset when that lies ahead in the lap before.
//      An event ends at least one record short of either, so that a skip record always has a place. The writer is never two laps ahead.
//   3. A skip record lies where the next event would have started, and names the position that follows it: offset 0 of the next lap (the
//      end of the backed area), or a higher offset of the same lap (the lane grew while the reader was in front: the writer jumps over
//      the unread part into the new memory). It is published together with the event behind it, by the same store.
//   4. The collector reads at its own, private cursor; acknowledges after the events are in its journal; and never takes a position
//      back from shared memory.
//   5. attempted == delivered + sum(dropped) + sum(refused) + (at most one in flight when the producer was killed), where
//      attempted = ProducerLine::attempted + ProducerAccount::dropped[reentrant] + ProducerAccount::dropped[no_lane].
//      (Those two carry their own attempts: they are added in one store, so that no kill falls between attempt and outcome.)
//
// Versions. Equal majors, or this major less one, are read; an unknown bit in `incompatible` means: leave the file alone and say so. Bits
// in `compatible` may be ignored. The hashes are for diagnosis only. All integers are little-endian.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace arbiter::abi {

inline constexpr std::uint64_t kMagic = 0x31454e414c425241;  // "ARBLANE1"
inline constexpr std::uint32_t kEndianTag = 0x01020304;
inline constexpr std::uint16_t kMajor = 1;
inline constexpr std::uint16_t kMinor = 0;
inline constexpr std::uint64_t kIncompatibleKnown = 0;

inline constexpr std::size_t kRecordBytes = 64;
inline constexpr std::size_t kEventBytesMax = 64 * 1024;                              // head and continuation records of one event
inline constexpr std::size_t kEventRecordsMax = kEventBytesMax / kRecordBytes;        // 1,024
inline constexpr std::size_t kLaneBytes = 8 * 1024 * 1024;                            // address space of a lane
inline constexpr std::size_t kLaneBackedBytesMin = 256 * 1024;                        // backed when the lane is claimed
inline constexpr std::uint32_t kLaneRecords = kLaneBytes / kRecordBytes;              // 131,072
inline constexpr std::uint32_t kLaneRecordsMin = kLaneBackedBytesMin / kRecordBytes;  // 4,096
inline constexpr std::uint32_t kLanesPerSegment = 16;
inline constexpr std::size_t kLineBytes = 128;  // two cache lines: the adjacent-line prefetcher takes pairs
inline constexpr std::size_t kSwitchOffset = 1024;
inline constexpr std::size_t kControlOffset = 4096;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

// lap << 32 | offset in records. Compares as the records follow each other.
struct Position {
  std::uint64_t value = 0;

  static constexpr Position at(std::uint32_t lap, std::uint32_t offset) { return {std::uint64_t{lap} << 32 | offset}; }
  constexpr std::uint32_t lap() const { return static_cast<std::uint32_t>(value >> 32); }
  constexpr std::uint32_t offset() const { return static_cast<std::uint32_t>(value); }
  constexpr auto operator<=>(const Position&) const = default;
};

enum class ClockSource : std::uint32_t {
  tsc = 1,        // ticks of the invariant time-stamp counter
  monotonic = 2,  // nanoseconds of CLOCK_MONOTONIC
};

// Why an attempt was dropped: indexes ProducerAccount::dropped.
enum class Drop : std::uint8_t {
  lane_full = 0,
  reentrant = 1,  // recorded inside a signal handler that had interrupted a record; ProducerLine::attempted does not count it
  no_lane = 2,    // attempts made while no lane could be had, carried into the lane that came later; not in ProducerLine::attempted either
};
inline constexpr std::size_t kDropReasons = 3;

// Why an attempt was refused: indexes ProducerAccount::refused. Texts: refusal_text() in event.hpp.
enum class Refusal : std::uint8_t {
  missing = 0,          // a required field is not set, or a required string is empty
  too_long = 1,         // an id or a word of more than 255 bytes
  not_utf8 = 2,         // text that is not UTF-8
  not_finite = 3,       // NaN or infinite
  out_of_range = 4,     // outside the field's range
  not_a_choice = 5,     // not one of the words that the field allows
  bad_json = 6,         // not one JSON object
  json_too_deep = 7,    // nested deeper than 64
  event_too_large = 8,  // over 64 KiB as encoded
  too_many_items = 9,   // a list of more than 65,535 items
  not_hex = 10,         // a trace or span id that is not 32 or 16 hex digits
};
inline constexpr std::size_t kRefusalReasons = 11;

// At the start of the file. Written before the file is linked, never after.
struct SegmentHeader {
  std::uint64_t magic;
  std::uint32_t endian_tag;
  std::uint16_t major;
  std::uint16_t minor;
  std::uint64_t incompatible;
  std::uint64_t compatible;
  std::array<std::uint8_t, 16> segment_id;  // random, never reused
  std::uint32_t lane_count;
  std::uint32_t lane_records;    // capacity of a lane
  std::uint32_t control_offset;  // of LaneControl[0], bytes
  std::uint32_t control_stride;  // bytes
  std::uint64_t data_offset;     // of lane 0's records, bytes
  std::uint64_t file_bytes;
  ClockSource clock;
  std::uint32_t pid;             // for humans: means nothing in another PID namespace
  std::uint64_t created_ticks;   // of `clock`, and at the same moment:
  std::int64_t created_unix_ns;  // CLOCK_REALTIME
  std::uint64_t layout_hash;     // of this header's layout, for diagnosis
  std::uint64_t schema_hash;     // of the tables of schema.hpp, for diagnosis
  std::array<char, 64> process;  // name of the process, NUL-padded, for humans
};

// Written by the collector alone, rarely; read by the producer at every record.
struct SwitchLine {
  std::atomic<std::uint32_t> disabled;  // 0: record. The collector stores relaxed, producers load relaxed: it orders nothing.
  std::array<std::uint8_t, kLineBytes - 4> reserved;
};

// The lane's hot line: written by its producer thread at every record.
struct ProducerLine {
  std::atomic<std::uint64_t> write;  // Position. Release store [P1], pairs with the collector's acquire load: makes the records visible.
  std::atomic<std::uint64_t> attempted;  // relaxed; stored before `write`, so that who sees an event has its attempt counted
  std::array<std::uint8_t, kLineBytes - 16> reserved;
};

// Written by the producer thread, seldom.
struct ProducerAccount {
  std::array<std::atomic<std::uint64_t>, 4> dropped;   // by Drop
  std::array<std::atomic<std::uint64_t>, 12> refused;  // by Refusal
  std::atomic<std::uint32_t> backed_records;           // the lane's memory, in records; stored before an event in it is published
  std::atomic<std::uint32_t> claimed;  // 1 while a thread holds the lane, 0 before and after. For humans and for reuse in the process.
  std::atomic<std::uint32_t> thread;   // thread id of the claimer, for humans
  std::array<std::uint8_t, 2 * kLineBytes - 4 * 8 - 12 * 8 - 12> reserved;
};

// Written by the collector alone.
struct CollectorLine {
  std::atomic<std::uint64_t> acknowledged;  // Position. Release store [C1], pairs with the producer's acquire load: the room is free.
  std::atomic<std::uint64_t> acknowledged_events;  // events delivered up to `counted_to`
  std::atomic<std::uint64_t> epoch;                // counts the collectors that attached
  // Stored before `acknowledged`. While they differ a collector was killed in between, and `events_before` is what belongs to the latter.
  std::atomic<std::uint64_t> counted_to;  // Position
  std::atomic<std::uint64_t> events_before;
  std::array<std::uint8_t, kLineBytes - 40> reserved;
};

struct LaneControl {
  ProducerLine producer;
  ProducerAccount account;
  CollectorLine collector;
};

inline constexpr std::size_t kDataOffset = kControlOffset + 2 * 4096;  // 16 controls of 512 bytes are two pages
inline constexpr std::size_t kSegmentBytes = kDataOffset + kLanesPerSegment * kLaneBytes;

// Where a record's kind stands, in event heads and skip records alike.
inline constexpr std::size_t kKindOffset = 36;

// First bytes of every event in a lane (and of every event in the journal): event.hpp says what follows.
struct EventHead {
  std::uint64_t stamp;     // in a lane: ticks of the segment's clock; in the journal: Unix nanoseconds
  std::uint64_t sequence;  // the lane's count of attempts, this one included: a gap is where attempts were dropped or refused
  std::int64_t time_ns;    // the caller's own time, Unix nanoseconds; kNoTime when the stamp is the time
  std::uint32_t present;   // bit i: field i of the kind's table is there
  std::uint32_t truth;     // bit i: boolean field i is true
  std::uint32_t length;    // bytes of the whole event, this head included
  std::uint16_t kind;      // schema.hpp
  std::uint16_t reserved;  // 0
};
inline constexpr std::int64_t kNoTime = INT64_MIN;

struct SkipRecord {
  std::uint64_t target;  // Position of what follows
  std::array<std::uint8_t, 28> zero;
  std::uint16_t kind;  // kSkipKind
  std::array<std::uint8_t, 26> reserved;
};
inline constexpr std::uint16_t kSkipKind = 0xffff;

static_assert(sizeof(SegmentHeader) == 184 && offsetof(SegmentHeader, segment_id) == 32 && offsetof(SegmentHeader, lane_count) == 48);
static_assert(offsetof(SegmentHeader, data_offset) == 64 && offsetof(SegmentHeader, clock) == 80 &&
              offsetof(SegmentHeader, created_ticks) == 88);
static_assert(offsetof(SegmentHeader, layout_hash) == 104 && offsetof(SegmentHeader, process) == 120);
static_assert(sizeof(SwitchLine) == kLineBytes && sizeof(ProducerLine) == kLineBytes && sizeof(CollectorLine) == kLineBytes);
static_assert(offsetof(ProducerLine, attempted) == 8);
static_assert(offsetof(ProducerAccount, refused) == 32 && offsetof(ProducerAccount, backed_records) == 128);
static_assert(offsetof(ProducerAccount, claimed) == 132 && offsetof(ProducerAccount, thread) == 136);
static_assert(offsetof(CollectorLine, acknowledged_events) == 8 && offsetof(CollectorLine, epoch) == 16);
static_assert(offsetof(CollectorLine, counted_to) == 24 && offsetof(CollectorLine, events_before) == 32);
static_assert(sizeof(LaneControl) == 512 && offsetof(LaneControl, account) == 128 && offsetof(LaneControl, collector) == 384);
static_assert(sizeof(EventHead) == 40 && offsetof(EventHead, time_ns) == 16 && offsetof(EventHead, present) == 24);
static_assert(offsetof(EventHead, length) == 32 && offsetof(EventHead, kind) == kKindOffset);
static_assert(sizeof(SkipRecord) == kRecordBytes && offsetof(SkipRecord, kind) == kKindOffset);
static_assert(kControlOffset + kLanesPerSegment * sizeof(LaneControl) <= kDataOffset);

}  // namespace arbiter::abi
