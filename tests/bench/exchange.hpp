// One producer process, one consumer process, one way between them, in one of three manners (produce.hpp).
//
// A Way is what is compared:
//   explicit Way(const std::string& directory);  in the parent: makes what both sides need
//   struct Producer { explicit Producer(Way&); bool send(std::uint64_t i); void flush(); };  send: false if there was no room
//   struct Consumer { explicit Consumer(Way&); std::uint64_t take(); };                      events taken; waits for none, or briefly
//   static constexpr bool kOwnProcesses   true: it brings threads or daemons of its own along: nothing is pinned
//   static constexpr bool kTakeWaits      true: take() sleeps until there is something, so that nobody else need
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <string>

#include "shm/result.hpp"
#include "tests/bench/produce.hpp"

namespace arbiter::bench {

struct Exchanged {
  std::uint64_t events = 0;
  double ns_per_event = 0;            // in the calls
  double warm_ns_per_event = 0;       // in those before, which warm up
  double p50 = 0, p99 = 0, p999 = 0;  // of single calls, ns, without the two readings of the clock; paced only
  double max = 0;
  double events_per_s = 0;  // from the first call that is measured until the consumer had the last
  std::uint64_t lost = 0;
  double round_trip_ns = 0;  // of a cache line, the larger of before and after
};

namespace exchange {

inline constexpr unsigned kSecondsMax = 120;

// What the two processes tell each other and the parent. Every atomic: release by who writes it, acquire by who waits for it.
struct Shared {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false}, sent_all{false};
  alignas(128) std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> ended_ns{0};  // the producer leaves when it is set: what it made stays until it is read
  alignas(128) Produced produced;
};

// A child process. Dies with this one, and after kSecondsMax; killed and reaped once, by whoever comes first.
class Child {
 public:
  template <class Work>
  Child(int processor, Work&& work) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(kSecondsMax);
    if (processor >= 0) pin(processor);
    work();
    _exit(0);
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool running() { return !reaped(WNOHANG); }
  bool ended_well() {
    reaped(0);
    return WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
  }

 private:
  bool reaped(int options) {
    if (pid_ > 0 && waitpid(pid_, &status_, options) == pid_) pid_ = -1;
    return pid_ <= 0;
  }
  pid_t pid_;
  int status_ = 1;
};

template <class Consumer>
void consume(Consumer& consumer, Shared& shared, Manner manner, bool take_waits) {
  std::uint64_t taken = 0, idle_since = 0;
  for (;;) {
    if (const std::uint64_t got = consumer.take(); got != 0) {
      taken += got;
      shared.taken.store(taken, std::memory_order_release);
      idle_since = 0;
    } else if (shared.sent_all.load(std::memory_order_acquire)) {
      if (taken >= shared.produced.sent) break;
      const std::uint64_t now = now_ns();  // what does not come any more is lost
      if (idle_since == 0) idle_since = now;
      if (now - idle_since > 1'500'000'000) break;
    }
    // Who chases the writer slows both down.
    if (!take_waits) sleep_for(std::chrono::microseconds(manner == Manner::paced ? 1'000 : 100));
  }
  shared.ended_ns.store(idle_since != 0 ? idle_since : now_ns(), std::memory_order_release);
}

// What calls came to, from what was counted.
inline Exchanged summed_up(const Produced& produced, Manner manner, std::uint64_t taken, std::uint64_t ended_ns) {
  Exchanged o;
  o.events = produced.sent;
  o.lost = produced.sent - std::min(produced.sent, taken);
  const double rate = cycles_per_ns();
  if (manner == Manner::paced) {
    o.p50 = produced.calls.quantile(0.5) / rate;
    o.p99 = produced.calls.quantile(0.99) / rate;
    o.p999 = produced.calls.quantile(0.999) / rate;
    o.max = static_cast<double>(produced.calls.max()) / rate;
  } else {
    o.ns_per_event = static_cast<double>(produced.calls_ns) / static_cast<double>(produced.sent - produced.warm);
    o.warm_ns_per_event = static_cast<double>(produced.warm_ns) / static_cast<double>(produced.warm);
  }
  o.events_per_s = static_cast<double>(taken - std::min(taken, produced.warm)) * 1e9 / static_cast<double>(ended_ns - produced.began_ns);
  return o;
}

}  // namespace exchange

template <class Way>
Result<Exchanged> exchanged(const std::string& directory, Manner manner, std::uint64_t events) {
  using exchange::Child;
  using exchange::Shared;
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return system_error("shared memory", errno);
  auto& shared = *new (memory) Shared;
  cycles_per_ns(), cycles_of_nothing();
  const double before = round_trip_ns();
  Result<Exchanged> outcome = Exchanged{};
  {
    Way way(directory);
    const auto wait_for_go = [&] {
      shared.ready.fetch_add(1, std::memory_order_release);
      while (!shared.go.load(std::memory_order_acquire)) sleep_for(std::chrono::microseconds(50));
    };
    const auto wait_for_taken = [&](std::uint64_t sent) {
      const std::uint64_t until = now_ns() + 50'000'000;
      while (shared.taken.load(std::memory_order_acquire) < sent && now_ns() < until) sleep_for(std::chrono::microseconds(100));
    };
    Child consumer(Way::kOwnProcesses ? -1 : 1, [&] {
      typename Way::Consumer c(way);
      wait_for_go();
      exchange::consume(c, shared, manner, Way::kTakeWaits);
    });
    while (shared.ready.load(std::memory_order_acquire) < 1 && consumer.running()) sleep_for(std::chrono::milliseconds(1));
    Child producer(Way::kOwnProcesses ? -1 : 0, [&] {
      typename Way::Producer p(way);
      wait_for_go();
      exchange::produce(p, shared.produced, manner, events, wait_for_taken);
      shared.sent_all.store(true, std::memory_order_release);
      while (shared.ended_ns.load(std::memory_order_acquire) == 0) sleep_for(std::chrono::milliseconds(1));
    });
    while (shared.ready.load(std::memory_order_acquire) < 2 && producer.running()) sleep_for(std::chrono::milliseconds(1));
    shared.go.store(true, std::memory_order_release);
    if (!consumer.ended_well())
      outcome = Error{"the consumer did not end well"};  // nor will the producer, which waits for it: ~Child
    else if (!producer.ended_well())
      outcome = Error{"the producer did not end well"};
  }
  const double after = round_trip_ns();
  if (outcome) {
    outcome = exchange::summed_up(shared.produced, manner, shared.taken.load(std::memory_order_acquire),
                                  shared.ended_ns.load(std::memory_order_acquire));
    outcome->round_trip_ns = std::max(before, after);
  }
  munmap(memory, sizeof(Shared));
  return outcome;
}

}  // namespace arbiter::bench
