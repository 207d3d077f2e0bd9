// Scans of raw segments on other processors, while a start does what only it can do: where sealing was far behind there are many.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <thread>
#include <vector>

#include "collector/journal/scan.hpp"

namespace arbiter::journal {

class RawScans {
 public:
  struct Wanted {
    std::uint64_t index;
    RawSegment segment;
    std::uint64_t last_frame_before;
    Reach reach;
  };
  // `names`: those that events in these segments may have.
  RawScans(std::vector<Wanted> wanted, const GenericNames& names);

  // Does what nobody has begun, and waits for the others. By index; once.
  std::map<std::uint64_t, Result<ScannedSegment>> finish();

 private:
  void scan();

  const std::vector<Wanted> wanted_;
  const GenericNames names_;
  std::vector<Result<ScannedSegment>> scans_;  // as they are wanted
  std::atomic<std::size_t> next_{0};           // relaxed: whoever takes a number has it alone, and finish() joins
  std::vector<std::jthread> helpers_;          // the last: they are joined before what they use goes
};

}  // namespace arbiter::journal
