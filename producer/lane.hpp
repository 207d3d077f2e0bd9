// A thread's hold on one lane, and the segments of this process that lanes come from.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "producer/place.hpp"
#include "producer/problem.hpp"
#include "producer/process.hpp"
#include "shm/abi.hpp"
#include "shm/clock.hpp"
#include "shm/lane_writer.hpp"
#include "shm/segment.hpp"

namespace arbiter::producer {

class Outlet;
struct Directory;
struct Segment;

// Touched by its thread alone while the thread holds it; a line pair of its own.
struct alignas(abi::kLineBytes) Lane {
  LaneWriter writer;
  const std::atomic<std::uint32_t>* switch_word = nullptr;  // SwitchLine::disabled
  std::uint64_t last_ticks = 0;
  abi::ClockSource clock{};

  std::uint32_t disabled_calls = 0;
  std::uint32_t full_calls = 0;
  std::uint64_t link_checked_ns = 0;  // monotonic, when the file was last seen linked
  bool gone = false;                  // it was not
  Outlet* outlet = nullptr;
  Directory* directory = nullptr;
  Segment* segment = nullptr;
  std::uint32_t index = 0;
  Lane* next = nullptr;  // of the same thread, for another outlet

  // Now; never earlier than the last stamp.
  std::uint64_t stamp() noexcept {
    const std::uint64_t now = ticks(clock);
    last_ticks = now > last_ticks ? now : last_ticks;
    return last_ticks;
  }

  bool disabled() const noexcept { return switch_word->load(std::memory_order_relaxed) != 0; }

  // Is the file gone from its directory? Looks at most once a second, and not in the first.
  bool unlinked() noexcept;

  // Room for an event, waiting for it up to `bound`; nullptr if there was none.
  std::byte* wait_for_room(std::uint32_t records, std::chrono::nanoseconds bound) noexcept;
};

// One segment file of this process. Guarded by the process's lock but for what its lanes' threads write.
struct Segment {
  explicit Segment(SegmentWriter made) : writer(std::move(made)) {}
  SegmentWriter writer;
  std::array<Lane, abi::kLanesPerSegment> lanes{};
  std::uint32_t held = 0;  // lanes that threads hold
  bool retired = false;    // its file is gone, or a thread has given the last lane of it back: no more claims; it goes with the last lane
  Segment* next = nullptr;
};

// A segment of this process that is gone before the collector had read all of it, and may still do so.
struct Ended {
  Ended(SegmentWriter&& gone, const Place& place) noexcept : segment(std::move(gone), place.lanes.c_str()) {}
  EndedSegment segment;
  Ended* next = nullptr;
};

// A lanes directory, and what this process has there. Guarded by the process's lock.
struct Directory {
  explicit Directory(const Place& at) : place(at) {}
  const Place& place;  // of an outlet, which stays
  Segment* segments = nullptr;
  LaneReader::Account ended;  // of segments that are gone
  Ended* unread = nullptr;    // of those, the ones that the collector is to read yet
  bool abandoned = false;     // one of them went with events that the collector never will read
  Directory* next = nullptr;

  // A lane for the calling thread; null and the problem if none is to be had. Makes a segment if all lanes are taken.
  Lane* claim(Problem& problem) noexcept;
  void release(Lane& lane) noexcept;
  void drop(Segment* segment) noexcept;  // of which no thread holds a lane
  // The same, and lets go of the segment, as the end of the process would, if no thread holds another lane of it. Not while no collector
  // is there: the next claim takes it up again, and nothing fills up with segments that nobody takes away.
  void give_back(Lane& lane) noexcept;
  // Looks at what became of `unread`.
  void look_at_unread() noexcept;
  LaneReader::Account account() const noexcept;
  static bool all_acknowledged(const Segment& segment) noexcept;  // flush.cpp
};

// What this process has in the directory of that name. Null: no memory. Under the process's lock. One that is new is when the others'
// segments are dropped whose threads have ended and whose files are gone: who goes from directory to directory keeps none of them.
Directory* directory_at(const Place& place) noexcept;

void add(LaneReader::Account& sum, const LaneReader::Account& more) noexcept;

// Rings the collector's doorbell: one datagram that nobody waits for. False: nobody is there, or he has many of them to look at.
bool ring(const Place& place) noexcept;
// The same for a lane's writer. `directory` is a Directory.
void ring_doorbell(void* directory) noexcept;

}  // namespace arbiter::producer
