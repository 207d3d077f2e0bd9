// The producer's half of an exchange: sends events in one of three manners, and measures its calls.
//
//   burst       1,024 events back to back, then a pause until the consumer has them: what a call costs that nothing holds up
//   saturated   back to back for as long as it lasts: what a call costs when the consumer is always at work
//   paced       10,000 a second, each call timed by itself
//
// Bursts and saturation begin with events that are counted by themselves: until memory has been touched once, and has grown to what it will
// be, a call costs the kernel's part as well.
#pragma once

#include <sched.h>

#include <chrono>
#include <cstdint>

#include "tests/bench/measure.hpp"

namespace arbiter::bench {

enum class Manner : std::uint8_t { burst, saturated, paced };

namespace exchange {

inline constexpr std::uint64_t kBurst = 1'024;
inline constexpr std::uint64_t kPacedPerSecond = 10'000;

inline constexpr std::uint64_t kWarmEvents = 128 * kBurst;  // around a lane while it grows to its largest, and once more

struct Produced {
  std::uint64_t began_ns = 0;  // of those that are not to warm up
  std::uint64_t calls_ns = 0;  // in the calls; not of paced ones
  std::uint64_t warm = 0;      // events to warm up
  std::uint64_t warm_ns = 0;   // in their calls
  std::uint64_t sent = 0;      // with them
  std::uint64_t refused = 0;   // calls that found no room, and were made again
  Histogram calls;             // in cycles, without the two readings; paced alone
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

// `Producer`: bool send(std::uint64_t i), false if there was no room; void flush(). `pause(sent)`: after a burst.
template <class Producer, class Pause>
void produce(Producer& producer, Produced& produced, Manner manner, std::uint64_t events, Pause&& pause) {
  const auto send = [&](std::uint64_t i) {
    for (Backoff backoff; !producer.send(i); backoff.wait()) ++produced.refused;
  };
  const auto bursts = [&](std::uint64_t from, std::uint64_t to) {
    std::uint64_t in_calls_ns = 0;
    for (std::uint64_t i = from; i < to;) {
      const std::uint64_t before = now_ns();
      for (std::uint64_t k = 0; k < kBurst; ++k) send(i++);
      producer.flush();
      in_calls_ns += now_ns() - before;
      pause(i);
    }
    return in_calls_ns;
  };
  if (manner != Manner::paced) {
    produced.warm = kWarmEvents;
    produced.warm_ns = bursts(0, kWarmEvents);
    events += kWarmEvents;
  }
  produced.began_ns = now_ns();
  if (manner == Manner::saturated) {
    for (std::uint64_t i = kWarmEvents; i < events; ++i) send(i);
    producer.flush();
    produced.calls_ns = now_ns() - produced.began_ns;
  } else if (manner == Manner::burst) {
    produced.calls_ns = bursts(kWarmEvents, events);
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
      produced.calls.add(took > nothing ? took - nothing : 0);
      if (i % 100 == 99) producer.flush();
    }
    producer.flush();
  }
  produced.sent = events;
}

}  // namespace exchange
}  // namespace arbiter::bench
