// One producer process, one consumer process, one way between them, in one of three manners:
//
//   burst       1,024 events back to back, then a pause until the consumer has them: what a call costs that nothing holds up
//   saturated   back to back for as long as it lasts: what a call costs when the consumer is always at work
//   paced       10,000 a second, each call timed by itself
//
// A Way is what is compared:
//   explicit Way(const std::string& directory);  in the parent: makes what both sides need
//   struct Producer { explicit Producer(Way&); bool send(std::uint64_t i); void flush(); };  send: false if there was no room
//   struct Consumer { explicit Consumer(Way&); std::uint64_t take(); };                      events taken; waits for none, or briefly
//   static constexpr bool kOwnProcesses   true: it brings threads or daemons of its own along: nothing is pinned
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <string>

#include "shm/result.hpp"
#include "tests/bench/measure.hpp"

namespace arbiter::bench {

enum class Manner : std::uint8_t { burst, saturated, paced };

struct Exchanged {
  std::uint64_t events = 0;
  double ns_per_event = 0;            // in the calls
  double p50 = 0, p99 = 0, p999 = 0;  // of single calls, ns, without the two readings of the clock; paced only
  double max = 0;
  double events_per_s = 0;  // from the first call until the consumer had the last
  std::uint64_t lost = 0;
  double round_trip_ns = 0;  // of a cache line, the larger of before and after
};

namespace exchange {

inline constexpr std::uint64_t kBurst = 1'024;
inline constexpr std::uint64_t kPacedPerSecond = 10'000;
inline constexpr unsigned kSecondsMax = 120;

// What the two processes tell each other and the parent. Every atomic: release by who writes it, acquire by who waits for it.
struct Shared {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false}, sent_all{false};
  alignas(128) std::atomic<std::uint64_t> taken{0};
  alignas(128) std::uint64_t began_ns = 0, calls_ns = 0, sent = 0, refused = 0;
  std::uint64_t ended_ns = 0;
  Histogram calls;  // in cycles
};

struct Backoff {
  unsigned tries = 0;
  void wait() {
    if (++tries < 4'096)
      sched_yield();
    else
      sleep_for(std::chrono::microseconds(50));
  }
};

template <class Producer>
void produce(Producer& producer, Shared& shared, Manner manner, std::uint64_t events) {
  const auto send = [&](std::uint64_t i) {
    for (Backoff backoff; !producer.send(i); backoff.wait()) ++shared.refused;
  };
  shared.began_ns = now_ns();
  if (manner == Manner::saturated) {
    for (std::uint64_t i = 0; i < events; ++i) send(i);
    producer.flush();
    shared.calls_ns = now_ns() - shared.began_ns;
  } else if (manner == Manner::burst) {
    for (std::uint64_t i = 0; i < events;) {
      const std::uint64_t before = now_ns();
      for (std::uint64_t k = 0; k < kBurst; ++k) send(i++);
      producer.flush();
      shared.calls_ns += now_ns() - before;
      const std::uint64_t until = now_ns() + 50'000'000;
      while (shared.taken.load(std::memory_order_acquire) < i && now_ns() < until) sleep_for(std::chrono::microseconds(100));
    }
  } else {
    const auto step = static_cast<std::uint64_t>(cycles_per_ns() * 1e9 / static_cast<double>(kPacedPerSecond));
    const std::uint64_t nothing = cycles_of_nothing();
    std::uint64_t next = cycles();
    for (std::uint64_t i = 0; i < events; ++i, next += step) {
      while (cycles() < next) {
      }
      const std::uint64_t before = cycles();
      send(i);
      const std::uint64_t took = cycles() - before;
      shared.calls.add(took > nothing ? took - nothing : 0);
      if (i % 100 == 99) producer.flush();
    }
    producer.flush();
  }
  shared.sent = events;
}

template <class Consumer>
void consume(Consumer& consumer, Shared& shared, Manner manner) {
  std::uint64_t taken = 0, idle_since = 0;
  for (;;) {
    if (const std::uint64_t got = consumer.take(); got != 0) {
      taken += got;
      shared.taken.store(taken, std::memory_order_release);
      idle_since = 0;
    } else if (shared.sent_all.load(std::memory_order_acquire)) {
      if (taken >= shared.sent) break;
      const std::uint64_t now = now_ns();  // what does not come any more is lost
      if (idle_since == 0) idle_since = now;
      if (now - idle_since > 1'500'000'000) break;
    }
    sleep_for(std::chrono::microseconds(manner == Manner::paced ? 1'000 : 100));  // who chases the writer slows both down
  }
  shared.ended_ns = idle_since != 0 ? idle_since : now_ns();
}

}  // namespace exchange

template <class Way>
Result<Exchanged> exchanged(const std::string& directory, Manner manner, std::uint64_t events) {
  using exchange::Shared;
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return system_error("shared memory", errno);
  auto& shared = *new (memory) Shared;
  cycles_per_ns(), cycles_of_nothing();
  const double before = round_trip_ns();
  Result<Exchanged> outcome = Exchanged{};
  {
    Way way(directory);
    const auto child = [](int processor, auto&& work) {
      const pid_t pid = fork();
      if (pid != 0) return pid;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      alarm(exchange::kSecondsMax);
      if (!Way::kOwnProcesses) pin(processor);
      work();
      _exit(0);
    };
    const auto wait_for_go = [&] {
      shared.ready.fetch_add(1, std::memory_order_release);
      while (!shared.go.load(std::memory_order_acquire)) sleep_for(std::chrono::microseconds(50));
    };
    const pid_t consumer = child(1, [&] {
      typename Way::Consumer c(way);
      wait_for_go();
      exchange::consume(c, shared, manner);
    });
    while (shared.ready.load(std::memory_order_acquire) < 1 && waitpid(consumer, nullptr, WNOHANG) == 0)
      sleep_for(std::chrono::milliseconds(1));
    const pid_t producer = child(0, [&] {
      typename Way::Producer p(way);
      wait_for_go();
      exchange::produce(p, shared, manner, events);
      shared.sent_all.store(true, std::memory_order_release);
      while (shared.ended_ns == 0 && getppid() != 1) sleep_for(std::chrono::milliseconds(1));  // its lanes stay until they are read
    });
    while (shared.ready.load(std::memory_order_acquire) < 2 && waitpid(producer, nullptr, WNOHANG) == 0)
      sleep_for(std::chrono::milliseconds(1));
    shared.go.store(true, std::memory_order_release);
    for (const pid_t pid : {consumer, producer}) {
      int status = 0;
      waitpid(pid, &status, 0);
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        kill(producer, SIGKILL);
        outcome = Error{std::string(pid == consumer ? "the consumer" : "the producer") + " did not end well"};
      }
    }
  }
  const double after = round_trip_ns();
  if (outcome) {
    Exchanged& o = *outcome;
    o.events = shared.sent;
    o.lost = shared.sent - std::min(shared.sent, shared.taken.load(std::memory_order_acquire));
    const double rate = cycles_per_ns();
    if (manner == Manner::paced) {
      o.p50 = shared.calls.quantile(0.5) / rate;
      o.p99 = shared.calls.quantile(0.99) / rate;
      o.p999 = shared.calls.quantile(0.999) / rate;
      o.max = static_cast<double>(shared.calls.max()) / rate;
    } else {
      o.ns_per_event = static_cast<double>(shared.calls_ns) / static_cast<double>(shared.sent);
    }
    o.events_per_s = static_cast<double>(shared.taken) * 1e9 / static_cast<double>(shared.ended_ns - shared.began_ns);
    o.round_trip_ns = std::max(before, after);
  }
  munmap(memory, sizeof(Shared));
  return outcome;
}

}  // namespace arbiter::bench
