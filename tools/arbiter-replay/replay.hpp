// Deals the lines of an input to processes and threads, which record them through the producer library.
//
// Every worker reads the whole file and takes the lines whose index is its own modulo the number of workers: no queue between them, and the
// same line always goes to the same worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shm/result.hpp"

namespace arbiter::replay {

struct Options {
  std::string input;
  std::string ring_dir;  // empty: where the producer library looks
  std::string instance;
  unsigned processes = 1;
  unsigned threads = 1;        // in each process
  std::optional<double> rate;  // lines a second, over all workers; none: as fast as there is room
  bool original_time = true;   // events carry the input's times; else the tracker stamps them
  std::uint64_t repeat = 1;    // how often the whole input is recorded
  double wait_seconds = 60;    // for room in a full lane, before giving up
};

// What became of the input, over all workers.
struct Outcome {
  std::uint64_t lines = 0;      // taken from the input, repetitions included
  std::uint64_t recorded = 0;   // events
  std::uint64_t disabled = 0;   // events not recorded because recording is switched off
  std::uint64_t dropped = 0;    // events there was no room for
  std::uint64_t refused = 0;    // events that break a rule; reported on stderr, with their line
  std::uint64_t bad_lines = 0;  // lines that are neither a run nor an event; reported on stderr
  double seconds = 0;

  bool complete() const { return dropped == 0 && refused == 0 && bad_lines == 0; }
};

// Error: the input could not be read, a lane could not be had, or a worker died.
Result<Outcome> run(const Options& options);

}  // namespace arbiter::replay
