// Where a producer's events go: what was asked for when the Producer was made, and what this process has there.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "arbiter/producer.hpp"
#include "producer/lane.hpp"
#include "producer/place.hpp"
#include "producer/process.hpp"
#include "shm/abi.hpp"

namespace arbiter::producer {

struct Thread;

// What one process keeps for an outlet. A child leaves its parent's alone and makes its own.
struct Session {
  explicit Session(std::uint64_t process) : generation(process) {}
  const std::uint64_t generation;
  Waiting waiting{};
  // Monotonic: no claim is tried before. Relaxed: a second try is checked again under the lock.
  std::atomic<std::uint64_t> retry_at_ns{0};
  // Guarded by the process's lock.
  Directory* directory = nullptr;  // null: not found yet
  Problem problem;
};

// Lives until the process ends: threads' handles and runs point to it. Producers that ask for the same share one.
class Outlet {
 public:
  // Never null. Without memory for one, it is an outlet that never finds a lane, counts, and says why.
  static Outlet* find_or_make(const ProducerOptions& options) noexcept;

  explicit Outlet(Places p) : places_(std::move(p)) {}

  bool off() const noexcept { return places_.disabled; }

  // The calling thread's lane; claims one if it has none and it is time to try. Null: there is none.
  Lane* lane_of(Thread& thread) noexcept;
  // Lets go of a lane whose file is gone. The thread's next record claims another.
  void replace(Thread& thread, Lane& lane) noexcept;
  // Gives the thread's lane back, if it has one. Nothing in a signal handler that interrupted this library.
  void detach(Thread& thread) noexcept;

  // Attempts of a thread that has no lane.
  void count_no_lane() noexcept;
  void count_refused(abi::Refusal rule) noexcept;
  // A record in a signal handler that interrupted one of the same thread; `lane` is that thread's, if it has one.
  void count_reentrant(Lane* lane) noexcept;

  bool flush(std::chrono::nanoseconds timeout) noexcept;  // flush.cpp
  Account account() noexcept;
  std::string problem();

 private:
  Session* session() const noexcept;  // this process's, or null
  Session* make_session() noexcept;   // under the lock; null: no memory
  Waiting& waiting() const noexcept;
  Lane* claim(Thread& thread) noexcept;
  Lane* try_claim(Session& session) noexcept;  // under the lock
  void carry(Session& session, Lane& lane) noexcept;

  const Places places_;
  std::atomic<Session*> session_{nullptr};  // release when made, acquire when read: its fields
  Outlet* next_ = nullptr;                  // all outlets; never changes once it is in the list
};

}  // namespace arbiter::producer
