// What the workers have done so far: in memory that all processes share, so that the parent can show it and sum it up.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <span>

#include "shm/result.hpp"

namespace arbiter::replay {

// Each counter is added to by the threads of one process and read by the parent; relaxed, since nothing hangs on their order: the last look
// is taken after the process has been waited for.
struct Tally {
  std::atomic<std::uint64_t> lines, recorded, disabled, dropped, refused, bad_lines;
  std::atomic<std::uint64_t> gave_up;  // 1: a worker stopped before the end, and has said why on stderr
};

class Tallies {
 public:
  static Result<Tallies> make(unsigned processes) {
    const std::size_t bytes = processes * sizeof(Tally);
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return system_error("cannot map memory for the counters");
    return Tallies({static_cast<Tally*>(memory), processes});  // zero pages are counters of zero
  }
  Tallies(Tallies&& other) noexcept : all_(std::exchange(other.all_, {})) {}
  Tallies& operator=(Tallies&&) = delete;
  ~Tallies() {
    if (!all_.empty()) ::munmap(all_.data(), all_.size_bytes());
  }

  Tally& operator[](unsigned process) const { return all_[process]; }

  std::uint64_t sum(std::atomic<std::uint64_t> Tally::*counter) const {
    std::uint64_t sum = 0;
    for (const Tally& t : all_) sum += (t.*counter).load(std::memory_order_relaxed);
    return sum;
  }

 private:
  explicit Tallies(std::span<Tally> all) : all_(all) {}
  std::span<Tally> all_;
};

}  // namespace arbiter::replay
