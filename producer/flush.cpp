// Waiting until the collector has what was recorded. Nothing of this is on the record path, and nothing there waits for it: the positions
// are read from shared memory, under the process's lock for some microseconds at a time.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <vector>

#include "producer/no_cancel.hpp"
#include "producer/outlet.hpp"
#include "producer/thread.hpp"
#include "shm/clock.hpp"

namespace arbiter::producer {
namespace {

// A lane that the collector has not read up to where it stood when flush was called. By the segment's id: its memory may be another's by
// the next look.
struct Behind {
  SegmentId segment;
  std::uint32_t lane;
  abi::Position target;
};

// Has the collector acknowledged the lane up to `target`? Its word is in memory that it may write: a position that has not been published
// yet acknowledges nothing.
bool acknowledged(const SegmentWriter& segment, std::uint32_t lane, abi::Position target) noexcept {
  const abi::Position said_untrusted = segment.acknowledged_untrusted(lane);
  return said_untrusted >= target && said_untrusted <= segment.published(lane);
}

std::vector<Behind> lanes_behind(const Directory& directory) {
  std::vector<Behind> behind;
  for (const Segment* s = directory.segments; s != nullptr; s = s->next)
    for (std::uint32_t lane = 0; lane < abi::kLanesPerSegment; ++lane) {
      const abi::Position target = s->writer.published(lane);
      if (!acknowledged(s->writer, lane, target)) behind.push_back({s->writer.id(), lane, target});
    }
  for (const Ended* e = directory.unread; e != nullptr; e = e->next) behind.push_back({e->segment.id(), 0, {}});
  return behind;
}

// Takes out what has been acknowledged by now. A segment that is gone is among the unread ones, or went with nothing in it, or with
// events that are lost: `abandoned` knows.
void look_again(const Directory& directory, std::vector<Behind>& behind) {
  std::erase_if(behind, [&](const Behind& b) {
    for (const Segment* s = directory.segments; s != nullptr; s = s->next)
      if (s->writer.id() == b.segment) return acknowledged(s->writer, b.lane, b.target);
    for (const Ended* e = directory.unread; e != nullptr; e = e->next)
      if (e->segment.id() == b.segment) return false;
    return true;
  });
}

}  // namespace

bool Directory::all_acknowledged(const Segment& segment) noexcept {
  for (std::uint32_t lane = 0; lane < abi::kLanesPerSegment; ++lane)
    if (!acknowledged(segment.writer, lane, segment.writer.published(lane))) return false;
  return true;
}

bool Outlet::flush(std::chrono::nanoseconds timeout) noexcept {
  constexpr std::uint64_t kFirstNapNs = 50'000, kLongestNapNs = 5'000'000;
  const NoCancel uninterrupted;
  const int saved_errno = errno;
  const std::uint64_t begin = monotonic_ns();
  const std::uint64_t at_most = static_cast<std::uint64_t>(std::max<std::int64_t>(timeout.count(), 0));
  std::vector<Behind> behind;
  bool done = false, never = false;
  std::uint64_t nap = kFirstNapNs;
  for (bool first = true;; first = false) {
    {
      const Busy busy(this_thread);
      const ProcessLock lock;
      const Session* const s = session();
      Directory* const directory = s == nullptr ? nullptr : s->directory;
      if (directory == nullptr) {
        done = true;  // nothing was recorded here; in a child that was forked meanwhile, too
      } else {
        directory->look_at_unread();
        try {
          if (first)
            behind = lanes_behind(*directory);
          else
            look_again(*directory, behind);
          never = directory->abandoned;
          done = behind.empty();
        } catch (...) {
          never = true;  // no memory to remember what is to be waited for
        }
        if (first && !done && !never) ring_doorbell(directory);
      }
    }
    const std::uint64_t waited = monotonic_ns() - begin;
    if (done || never || waited >= at_most) break;
    const std::uint64_t ns = std::min(nap, at_most - waited);
    const timespec sleep{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    nanosleep(&sleep, nullptr);
    nap = std::min(nap + nap / 2, kLongestNapNs);
  }
  errno = saved_errno;
  return done && !never;
}

}  // namespace arbiter::producer
