#include "producer/lane.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>
#include <utility>

#include "producer/no_cancel.hpp"
#include "producer/pages.hpp"

namespace arbiter::producer {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

void pause_briefly() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

bool Lane::unlinked() noexcept {
  const std::uint64_t now = coarse_ns();
  if (link_checked_ns == 0) link_checked_ns = now;  // the first time: it has not *stayed* full yet
  if (gone || now - link_checked_ns < kSecondNs) return gone;
  link_checked_ns = now;
  gone = !segment->writer.still_linked();
  return gone;
}

std::byte* Lane::wait_for_room(std::uint32_t records, std::chrono::nanoseconds bound) noexcept {
  constexpr unsigned kSpins = 64;
  constexpr std::uint64_t kNapNs = 100'000;  // a collector that was woken takes a batch in about that time
  const NoCancel uninterrupted;
  const std::uint64_t bound_ns = static_cast<std::uint64_t>(bound.count());
  const std::uint64_t begin = monotonic_ns();
  for (unsigned tries = 0;; ++tries) {
    if (std::byte* const room = writer.reserve(records)) return room;
    const std::uint64_t waited = monotonic_ns() - begin;
    if (waited >= bound_ns || unlinked()) return nullptr;
    if (tries < kSpins) {
      pause_briefly();
      continue;
    }
    if (tries == kSpins) ring_doorbell(directory);
    const timespec nap{0, static_cast<long>(std::min(kNapNs, bound_ns - waited))};
    const int saved_errno = errno;
    nanosleep(&nap, nullptr);
    errno = saved_errno;
  }
}

Lane* Directory::claim(Problem& problem) noexcept {
  for (;;) {
    for (Segment* segment = segments; segment != nullptr; segment = segment->next) {
      if (segment->retired) continue;
      SegmentWriter::Claimed claimed = segment->writer.claim();
      if (claimed.outcome == SegmentWriter::Claim::all_taken) continue;
      if (claimed.outcome == SegmentWriter::Claim::no_memory) {
        problem.say({place.lanes, ": no memory for a lane: ", Problem::of(ENOSPC)});
        return nullptr;
      }
      Lane& lane = segment->lanes[claimed.lane];
      lane.writer = std::move(claimed.writer);
      lane.writer.set_doorbell(ring_doorbell, this);
      lane.writer.set_clock([]() noexcept { return coarse_ns() / 1'000'000; });
      lane.switch_word = &segment->writer.switch_word();
      lane.clock = segment->writer.clock();
      lane.link_checked_ns = 0;
      lane.gone = false;
      lane.segment = segment;
      lane.directory = this;
      lane.index = claimed.lane;
      ++segment->held;
      return &lane;
    }
    SegmentWriter::Failure failure;
    std::optional<SegmentWriter> made =
        SegmentWriter::create(place.lanes.c_str(), says_disabled(place.enabled_file.c_str()), process_clock(), failure);
    auto* const segment = made ? make_in_pages<Segment>(std::move(*made)) : nullptr;
    if (segment == nullptr) {
      if (made) failure = {"memory for a segment", ENOMEM};
      problem.say({place.lanes, ": ", failure.doing, ": ", Problem::of(failure.code)});
      return nullptr;
    }
    Segment** end = &segments;  // at the end: lanes that were used are found first
    while (*end != nullptr) end = &(*end)->next;
    *end = segment;
  }
}

void Directory::release(Lane& lane) noexcept {
  Segment* const segment = lane.segment;
  lane.writer = LaneWriter();
  segment->writer.release(lane.index);
  if (--segment->held == 0 && segment->retired) drop(segment);
}

void Directory::drop(Segment* segment) noexcept {
  add(ended, segment->writer.account());
  if (!all_acknowledged(*segment)) {
    Ended* const left = segment->writer.still_linked() ? make_in_pages<Ended>(std::move(segment->writer), place) : nullptr;
    if (left != nullptr) {
      left->next = unread;
      unread = left;
    } else {
      abandoned = true;
    }
  }
  for (Segment** at = &segments; *at != nullptr; at = &(*at)->next)
    if (*at == segment) {
      *at = segment->next;
      break;
    }
  remove_from_pages(segment);
}

void Directory::give_back(Lane& lane) noexcept {
  Segment& segment = *lane.segment;
  if (segment.held == 1 && (ring(place) || !segment.writer.still_linked())) segment.retired = true;
  release(lane);
  look_at_unread();
}

void Directory::look_at_unread() noexcept {
  for (Ended** at = &unread; *at != nullptr;) {
    Ended* const one = *at;
    const EndedSegment::Fate fate = one->segment.fate();
    if (fate == EndedSegment::Fate::waiting) {
      at = &one->next;
      continue;
    }
    abandoned |= fate == EndedSegment::Fate::lost;
    *at = one->next;
    remove_from_pages(one);
  }
}

LaneReader::Account Directory::account() const noexcept {
  LaneReader::Account sum = ended;
  for (const Segment* segment = segments; segment != nullptr; segment = segment->next) add(sum, segment->writer.account());
  return sum;
}

Directory* directory_at(const Place& place) noexcept {
  for (Directory* d = process_page->directories; d != nullptr; d = d->next)
    if (d->place.lanes == place.lanes) return d;
  for (Directory* d = process_page->directories; d != nullptr; d = d->next)
    for (Segment *s = d->segments, *next = nullptr; s != nullptr; s = next) {
      next = s->next;
      if (s->held == 0 && !s->writer.still_linked()) d->drop(s);
    }
  auto* const made = make_in_pages<Directory>(place);
  if (made == nullptr) return nullptr;
  made->next = process_page->directories;
  process_page->directories = made;
  return made;
}

void add(LaneReader::Account& sum, const LaneReader::Account& more) noexcept {
  sum.attempted += more.attempted;
  for (std::size_t i = 0; i < sum.dropped.size(); ++i) sum.dropped[i] += more.dropped[i];
  for (std::size_t i = 0; i < sum.refused.size(); ++i) sum.refused[i] += more.refused[i];
}

// Opened and closed each time: a descriptor that was kept would be one more that an application may close, and then write into what got its
// number.
bool ring(const Place& place) noexcept {
  if (!place.has_doorbell) return false;
  const NoCancel uninterrupted;
  const int saved_errno = errno;
  bool rung = false;
  const int bell = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bell >= 0) {
    const auto* const address = reinterpret_cast<const sockaddr*>(&place.doorbell);
    rung = sendto(bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, address, sizeof place.doorbell) == 1;
    close(bell);
  }
  errno = saved_errno;
  return rung;
}

void ring_doorbell(void* directory) noexcept { ring(static_cast<const Directory*>(directory)->place); }

}  // namespace arbiter::producer
