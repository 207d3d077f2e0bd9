// What belongs to this process and must not reach a child of it.
//
// A child gets a copy of the parent's memory: of a lock that another thread held at that moment, of pointers to lanes that are not mapped
// in the child (MADV_DONTFORK). fork() could be met with pthread_atfork, a raw clone() could not. So whatever says "there is something"
// lies in one page that the kernel clears in every child (MADV_WIPEONFORK): there the child finds no lock taken, no generation, no
// directories, and starts anew. What the old pointers led to is left alone.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "shm/abi.hpp"

namespace arbiter::producer {

struct Directory;

// Attempts without a lane, until they are carried into one. All zeros is none. Relaxed: counts, which order nothing.
struct Waiting {
  std::atomic<std::uint64_t> no_lane, reentrant;
  std::array<std::atomic<std::uint64_t>, abi::kRefusalReasons> refused;
};

struct ProcessPage {
  // Names this process among its ancestors: 0 in one that has not recorded yet, else larger than any of its ancestors'. Whoever holds a
  // pointer from before a fork has the number of then. Relaxed: a thread compares it with what it has itself read before.
  std::atomic<std::uint64_t> generation;
  // Held by claims, by threads that exit or detach, and by diagnosis; never by a record whose thread has its lane. All zeros is an unlocked
  // mutex.
  pthread_mutex_t lock;
  // Of producers that have nothing of their own here: nothing was claimed yet, or there is no memory for it.
  Waiting waiting;
  Directory* directories;  // guarded by `lock`
};

// Never null: before the first Producer is made, a page that stays empty.
extern constinit ProcessPage* process_page;

// Makes the page, once. Called by every Producer, before anything else.
void make_process_page() noexcept;

// The clock that this process stamps with. Set by make_process_page.
abi::ClockSource process_clock() noexcept;

// Holds the page's lock. Gives the process its generation if it has none yet.
class ProcessLock {
 public:
  ProcessLock() noexcept;
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;
};

}  // namespace arbiter::producer
