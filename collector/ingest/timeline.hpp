// One time for the collector: turns the ticks that producers stamp events with into Unix nanoseconds, and says what time it is.
//
// It follows the wall clock, but never runs backwards. A difference under a second is slewed away; a step forward is followed at once, and
// remembered: retention stays behind by the step until everything recorded before it is older than any window (a clock step deletes
// nothing); a step back is absorbed by running slower. What was saved of an earlier run is gone on with: a step made while no collector ran
// is one all the same.
//
// Not thread-safe: belongs to the drain's thread.
#pragma once

#include <cstdint>
#include <optional>

#include "shm/abi.hpp"

namespace arbiter::ingest {

// What the clocks say at one moment.
struct ClockReading {
  std::uint64_t tsc = 0;
  std::int64_t monotonic_ns = 0;
  std::int64_t unix_ns = 0;
};
ClockReading read_clocks();

class Timeline {
 public:
  // Takes about 5 ms: the rate of the counter is measured against CLOCK_MONOTONIC_RAW.
  Timeline();
  explicit Timeline(const ClockReading& first, double ns_per_tick);

  // Ticks of `source` as Unix nanoseconds. Ticks that would lie over a minute ahead of the last reading are taken as now, and counted.
  std::int64_t unix_ns(abi::ClockSource source, std::uint64_t ticks);

  // Reads the clocks and brings the timeline in line with them; a few times a second.
  void refresh();
  void refresh(const ClockReading& now);

  std::int64_t now_ns() const;            // as of now
  std::int64_t retention_now_ns() const;  // the same, less the steps forward of the last `kStepMemory`
  std::uint64_t clamped() const { return clamped_; }
  std::uint64_t steps() const { return steps_; }

  static constexpr std::int64_t kAheadMaxNs = 60'000'000'000;
  static constexpr std::int64_t kStepNs = 1'000'000'000;

  // How long a step forward is held against retention: at least the longest window. Set from the configuration.
  void set_step_memory(std::int64_t ns) { step_memory_ns_ = ns; }

  // What the next run has to know.
  struct Saved {
    std::int64_t unix_ns = 0;      // now_ns() at that moment
    std::int64_t lag_ns = 0;       // by which retention stays behind
    std::int64_t lag_left_ns = 0;  // for so long
  };
  Saved saved() const;
  // Goes on from there. `elapsed_ns`: since it was saved, by a clock that nobody sets; nothing: unknown, the machine was started anew. Then
  // the wall clock is believed, and what was held against retention is held as long as was left.
  void resume(const Saved& saved, std::optional<std::int64_t> elapsed_ns);

 private:
  std::int64_t at_tsc(std::uint64_t tsc) const;
  std::int64_t at_monotonic(std::int64_t monotonic_ns) const;
  void set_rate(double rate);

  ClockReading first_;
  ClockReading base_;              // last reading, its unix_ns being the timeline's
  double ns_per_tick_;             // as measured
  double rate_ = 1;                // timeline nanoseconds per nanosecond: off 1 while slewing
  double scale_ = 1;               // timeline nanoseconds per tick
  std::uint64_t ahead_ticks_ = 0;  // as long as kAheadMaxNs
  std::int64_t lag_ns_ = 0;        // steps forward that retention does not follow yet
  std::int64_t lag_until_monotonic_ns_ = 0;
  std::int64_t step_memory_ns_ = 7LL * 24 * 3600 * 1'000'000'000;
  std::uint64_t clamped_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace arbiter::ingest
