// What the library keeps for each thread: the lanes it holds, and what its ids are made from.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "producer/lane.hpp"
#include "producer/process.hpp"

namespace arbiter::producer {

struct Thread {
  // `lane` is for `outlet`, if `generation` is still the process's: two compares find the lane of a thread that stays with one Producer.
  std::uint64_t generation;
  Outlet* outlet;
  Lane* lane;
  // 1 while a record, a claim or an exit is under way: a signal handler that finds it so must not touch the lane. Relaxed, with signal
  // fences: only this thread reads and writes it.
  std::atomic<std::uint32_t> busy;
  Lane* lanes;  // all that this thread holds, one for each outlet

  // Ids: random characters, drawn once by each thread of each process, and a count.
  static constexpr std::size_t kIdPrefixChars = 24;
  std::array<char, kIdPrefixChars> id_prefix;
  std::uint64_t ids_made;
  std::uint64_t id_generation;  // whose prefix it is; 0: none yet

  // Writes an id that nobody else has to `out`, 26 to 40 characters; gives their number.
  std::size_t make_id(char* out) noexcept;
  // Draws the random characters, if that is still to be done: a system call.
  void draw_ids() noexcept;
  // Sees to it that the lanes are given back when the thread exits.
  void release_at_exit() noexcept;
};

// Initial-exec: one instruction away, also in the shared library, and safe to reach in a signal handler. Zeros until used, and no
// destructor: no guard is asked on the way to it.
extern constinit thread_local Thread this_thread __attribute__((tls_model("initial-exec")));

// For what holds the process's lock other than a record call: a handler that interrupts it must not wait for that lock.
class Busy {
 public:
  explicit Busy(Thread& thread) noexcept : thread_(thread), before_(thread.busy.exchange(1, std::memory_order_relaxed)) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~Busy() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_.busy.store(before_, std::memory_order_relaxed);
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Thread& thread_;
  const std::uint32_t before_;
};

}  // namespace arbiter::producer
