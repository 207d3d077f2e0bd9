// How far an export has come, for who looks on from another thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace arbiter::snapshot {

// Each event is taken once in each stage: read, written, and put into a trajectory where there are some. All three are written by the
// exporting thread alone and read by any; they are figures for people: nothing else is made visible by them (relaxed).
struct Progress {
  std::atomic<std::uint64_t> events{0};  // to be exported; while they are read, at most so many
  std::atomic<std::uint64_t> stages{0};  // 0: no export is under way
  std::atomic<std::uint64_t> done{0};    // events, over all stages

  void begin(std::uint64_t events_max, std::uint64_t all_stages) {
    events.store(events_max, std::memory_order_relaxed);
    done.store(0, std::memory_order_relaxed);
    stages.store(all_stages, std::memory_order_relaxed);
  }
  void read_all(std::uint64_t exported) { events.store(exported, std::memory_order_relaxed); }
  void step() { done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  void end() { stages.store(0, std::memory_order_relaxed); }

  // 0 to 1; 0 as well where no export is under way.
  double share() const {
    const auto all =
        static_cast<double>(events.load(std::memory_order_relaxed)) * static_cast<double>(stages.load(std::memory_order_relaxed));
    return all > 0 ? std::min(1.0, static_cast<double>(done.load(std::memory_order_relaxed)) / all) : 0;
  }
};

}  // namespace arbiter::snapshot
