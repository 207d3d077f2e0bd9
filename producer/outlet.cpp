#include "producer/outlet.hpp"

#include <cerrno>
#include <new>

#include "producer/no_cancel.hpp"
#include "producer/pages.hpp"
#include "producer/process.hpp"
#include "producer/thread.hpp"
#include "shm/clock.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::producer {
namespace {

constexpr std::uint64_t kRetryNs = 1'000'000'000;

// All outlets of the process and of its ancestors, newest first; never taken from. Release when one is put in, acquire when it is walked.
constinit std::atomic<Outlet*> outlets{nullptr};

// The interrupting handler of `set` sees either no lane or all of it.
void remember(Thread& thread, Outlet* outlet, Lane* lane) noexcept {
  thread.outlet = nullptr;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.lane = lane;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.outlet = outlet;
}

// Takes it out of the thread's list.
void forget(Thread& thread, Lane& lane) noexcept {
  remember(thread, nullptr, nullptr);
  for (Lane** at = &thread.lanes; *at != nullptr; at = &(*at)->next)
    if (*at == &lane) {
      *at = lane.next;
      break;
    }
}

Outlet* without_memory() noexcept {
  alignas(Outlet) static std::byte storage[sizeof(Outlet)];  // never destroyed: records are made until the very end
  static Outlet* const outlet = [] {
    Places none;
    none.unknown = true;
    return new (storage) Outlet(std::move(none));
  }();
  return outlet;
}

}  // namespace

Outlet* Outlet::find_or_make(const ProducerOptions& options) noexcept {
  try {
    Places wanted = places(options);
    for (Outlet* o = outlets.load(std::memory_order_acquire); o != nullptr; o = o->next_)
      if (o->places_ == wanted) return o;
    auto* const made = new Outlet(std::move(wanted));
    made->next_ = outlets.load(std::memory_order_relaxed);
    // Two threads may both make one for the same places. They share directory and segments all the same.
    while (!outlets.compare_exchange_weak(made->next_, made, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return made;
  } catch (...) {
    return without_memory();
  }
}

Session* Outlet::session() const noexcept {
  Session* const s = session_.load(std::memory_order_acquire);
  return s != nullptr && s->generation == process_page->generation.load(std::memory_order_relaxed) ? s : nullptr;
}

Session* Outlet::make_session() noexcept {
  if (Session* const s = session()) return s;
  auto* const made = make_in_pages<Session>(process_page->generation.load(std::memory_order_relaxed));
  if (made != nullptr) session_.store(made, std::memory_order_release);
  return made;
}

Lane* Outlet::lane_of(Thread& thread) noexcept {
  if (off()) return nullptr;
  const std::uint64_t process = process_page->generation.load(std::memory_order_relaxed);
  if (process == 0 || thread.generation != process) {  // its lanes, if it has any, are a parent's
    remember(thread, nullptr, nullptr);
    thread.lanes = nullptr;
  }
  for (Lane* lane = thread.lanes; lane != nullptr; lane = lane->next)
    if (lane->outlet == this) {
      remember(thread, this, lane);
      return lane;
    }
  const Session* const s = session();
  if (s != nullptr && coarse_ns() < s->retry_at_ns.load(std::memory_order_relaxed)) return nullptr;
  return claim(thread);
}

Lane* Outlet::claim(Thread& thread) noexcept {
  const NoCancel uninterrupted;
  const int saved_errno = errno;
  const ProcessLock lock;
  thread.generation = process_page->generation.load(std::memory_order_relaxed);
  Session* const s = make_session();
  Lane* const lane = s == nullptr ? nullptr : try_claim(*s);
  if (lane != nullptr) {
    lane->outlet = this;
    ARBITER_TESTPOINT("claim.had");
    lane->next = thread.lanes;
    thread.lanes = lane;
    thread.release_at_exit();
    thread.draw_ids();
    remember(thread, this, lane);
    carry(*s, *lane);  // last: a handler that interrupts this counts in the lane by now
  }
  errno = saved_errno;
  return lane;
}

Lane* Outlet::try_claim(Session& s) noexcept {
  // Another thread may have failed while this one waited for the lock.
  const std::uint64_t now = coarse_ns();
  if (now < s.retry_at_ns.load(std::memory_order_relaxed)) return nullptr;
  Lane* lane = nullptr;
  if (const Place* const place = find_lanes(places_, s.problem)) {
    if (Directory* const directory = directory_at(*place)) {
      s.directory = directory;
      lane = directory->claim(s.problem);
    } else {
      s.problem.say({"memory for a directory: ", Problem::of(ENOMEM)});
    }
  }
  if (lane != nullptr) {
    s.problem.clear();
  } else {
    s.retry_at_ns.store(now + kRetryNs, std::memory_order_relaxed);  // only now: threads that find it set do not even try
  }
  return lane;
}

void Outlet::carry(Session& s, Lane& lane) noexcept {
  for (Waiting* const from : {&s.waiting, &process_page->waiting}) {
    if (const std::uint64_t attempts = from->no_lane.exchange(0, std::memory_order_relaxed)) lane.writer.carry_no_lane(attempts);
    for (std::size_t rule = 0; rule < from->refused.size(); ++rule)
      lane.writer.carry_refused(static_cast<abi::Refusal>(rule), from->refused[rule].exchange(0, std::memory_order_relaxed));
    ARBITER_TESTPOINT("claim.carried");
    for (std::uint64_t n = from->reentrant.exchange(0, std::memory_order_relaxed); n != 0; --n) lane.writer.count_reentrant();
  }
}

void Outlet::replace(Thread& thread, Lane& lane) noexcept {
  const NoCancel uninterrupted;
  const int saved_errno = errno;
  forget(thread, lane);
  {
    const ProcessLock lock;
    lane.segment->retired = true;
    ARBITER_TESTPOINT("lane.retired");
    lane.directory->release(lane);
  }
  errno = saved_errno;
}

void Outlet::detach(Thread& thread) noexcept {
  if (thread.busy.load(std::memory_order_relaxed) != 0) return;
  const Busy busy(thread);
  if (thread.generation != process_page->generation.load(std::memory_order_relaxed)) return;  // a parent's lanes
  Lane* lane = thread.lanes;
  while (lane != nullptr && lane->outlet != this) lane = lane->next;
  if (lane == nullptr) return;
  const NoCancel uninterrupted;
  const int saved_errno = errno;
  forget(thread, *lane);
  {
    const ProcessLock lock;
    lane->directory->give_back(*lane);
  }
  errno = saved_errno;
}

Waiting& Outlet::waiting() const noexcept {
  Session* const s = session();
  return s != nullptr ? s->waiting : process_page->waiting;
}

void Outlet::count_no_lane() noexcept { waiting().no_lane.fetch_add(1, std::memory_order_relaxed); }

void Outlet::count_refused(abi::Refusal rule) noexcept {
  waiting().refused[static_cast<std::size_t>(rule)].fetch_add(1, std::memory_order_relaxed);
}

void Outlet::count_reentrant(Lane* lane) noexcept {
  if (lane != nullptr)
    lane->writer.count_reentrant();
  else
    waiting().reentrant.fetch_add(1, std::memory_order_relaxed);
}

Account Outlet::account() noexcept {
  const Busy busy(this_thread);
  const ProcessLock lock;
  Account sum;
  const Session* const s = session();
  if (s == nullptr) return sum;
  LaneReader::Account lanes;
  if (s->directory != nullptr) lanes = s->directory->account();
  sum.lane_full = lanes.dropped[static_cast<std::size_t>(abi::Drop::lane_full)];
  sum.no_lane = lanes.dropped[static_cast<std::size_t>(abi::Drop::no_lane)];
  sum.reentrant = lanes.dropped[static_cast<std::size_t>(abi::Drop::reentrant)];
  sum.refused = lanes.refused_total();
  sum.recorded = lanes.attempted - lanes.dropped_total() - sum.refused;
  // What waits to be carried.
  sum.no_lane += s->waiting.no_lane.load(std::memory_order_relaxed);
  sum.reentrant += s->waiting.reentrant.load(std::memory_order_relaxed);
  for (const auto& refused : s->waiting.refused) sum.refused += refused.load(std::memory_order_relaxed);
  sum.attempted = sum.recorded + sum.lane_full + sum.no_lane + sum.reentrant + sum.refused;
  return sum;
}

std::string Outlet::problem() {
  if (off()) return "recording is switched off by ARBITER_DISABLE";
  Problem copy;
  {
    const Busy busy(this_thread);
    const ProcessLock lock;
    if (const Session* const s = session()) copy = s->problem;
  }
  return std::string(copy.text());
}

}  // namespace arbiter::producer
