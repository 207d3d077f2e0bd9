// The producer's half of an exchange: sends events in one of three manners, and measures its calls.
//
//   burst       1,024 events back to back, then a pause until the consumer has them: what a call costs that nothing holds up
//   saturated   back to back for as long as it lasts: what a call costs when the consumer is always at work
//   paced       10,000 a second, each call timed by itself
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

struct Produced {
  std::uint64_t began_ns = 0;
  std::uint64_t calls_ns = 0;  // in the calls; not of paced ones
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;  // calls that found no room, and were made again
  Histogram calls;            // in cycles, without the two readings; paced alone
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
  produced.began_ns = now_ns();
  if (manner == Manner::saturated) {
    for (std::uint64_t i = 0; i < events; ++i) send(i);
    producer.flush();
    produced.calls_ns = now_ns() - produced.began_ns;
  } else if (manner == Manner::burst) {
    for (std::uint64_t i = 0; i < events;) {
      const std::uint64_t before = now_ns();
      for (std::uint64_t k = 0; k < kBurst; ++k) send(i++);
      producer.flush();
      produced.calls_ns += now_ns() - before;
      pause(i);
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
      produced.calls.add(took > nothing ? took - nothing : 0);
      if (i % 100 == 99) producer.flush();
    }
    producer.flush();
  }
  produced.sent = events;
}

}  // namespace exchange
}  // namespace arbiter::bench
