// Follows the journal, off the drain's thread, and hands what is committed on to the observers: each event once, in the order of the
// journal, and each start that came after its completion.
//
//   drain ─commit→ journal ─since(frame)→ follower: whom is it about? ─→ observers: panes, detectors
//                                             └── checkpoint: roster, executions without a start, observers, up to frame N
//
// Invariants:
//   1. What the observers hold is a function of the frames up to place().frame, and of nothing else.
//   2. A checkpoint has its name only when the frames that it covers are on stable storage: a journal that a power cut has shortened is
//      never behind it.
//   3. A checkpoint of another journal, of before a clear, or that cannot be read is as good as none: the journal is read from its
//      beginning, as far as it reaches, and complete_from says from when on nothing is missing.
//
// The drain's thread is asked for what came (one question for each turn in which there is something) and does nothing else for this.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collector/aggregate/observer.hpp"
#include "collector/aggregate/orphans.hpp"
#include "collector/aggregate/roster.hpp"
#include "collector/crypt/cipher.hpp"
#include "collector/journal/increment.hpp"
#include "shm/result.hpp"

namespace arbiter::aggregate {

class Follower {
 public:
  struct Times {
    std::int64_t now_ns, kept_ns;  // see Moment
  };
  // What the follower asks of the collector; from its own thread.
  struct Source {
    std::function<std::uint64_t()> committed;  // number of the last frame; asked often, must cost nothing
    std::function<Result<journal::Increment>(std::uint64_t frame)> since;
    std::function<bool(std::uint64_t frame)> durable;  // waits until that frame is on stable storage; false: it will not be
    std::function<Times()> times;
    std::function<void(const std::string&)> warn;
  };
  struct Options {
    std::string checkpoint;  // path
    crypt::Keyring keys;     // it is encrypted with the one to write with
    std::uint64_t agents_max = 10'000;
    std::uint64_t orphans_max = 100'000;
    std::chrono::nanoseconds keep = std::chrono::hours(24 * 8);  // agents and types without an event for as long are forgotten
    std::chrono::milliseconds checkpoint_every{60'000};
  };

  Follower(Source source, Options options);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  void add(Observer& observer);  // before load(); it outlives this
  void load();                   // the checkpoint, if there is one to go on from
  void start();                  // follows, on a thread of its own; nothing where there are no observers
  void stop();                   // the thread ends; twice is once
  // After stop(), once nothing is committed any more: what is left, and the last checkpoint.
  void finish(const std::function<journal::Increment(std::uint64_t frame)>& since);

  // Waits until everything up to this frame has been handed on. Error: it has not been for a long time.
  Result<void> reach(std::uint64_t frame);

  // Runs ask(roster, moment) while nothing is handed on.
  template <class Ask>
  auto ask(Ask&& ask) {
    const std::unique_lock lock = this->lock();
    return ask(std::as_const(roster_), std::as_const(moment_));
  }
  void set_limits(std::uint64_t agents_max, std::uint64_t orphans_max);

  struct Counts {
    std::uint64_t frame = 0;           // handed on up to here
    std::uint64_t events = 0;          // handed on since the start
    std::uint64_t missing_frames = 0;  // that were gone or damaged when they were to be read
    std::uint64_t agents = 0, series = 0, overflowed = 0, orphans = 0;
    std::uint64_t checkpoint_frame = 0, checkpoint_bytes = 0;  // of the newest one
    std::uint64_t late_lost = 0;                               // late starts whose execution was let go
  };
  Counts counts() const;

 private:
  // Whoever asks goes before the next frame: the follower, which takes the lock again and again, waits behind next_.
  std::unique_lock<std::mutex> lock() {
    const std::lock_guard turn(next_);
    return std::unique_lock(mutex_);
  }
  void run(const std::stop_token& stopping);
  bool turn();  // takes what came; false: nothing did, or it could not be read
  void take(const journal::Increment& increment);
  void take_frame(const journal::Frame& frame);
  void take_event(const LaneId& lane, const event::Values& values, std::uint64_t frame);
  void take_amendment(const journal::AmendmentView& amendment, std::uint64_t frame);
  void tell_moment(bool behind);
  void expire();
  void forget_all();
  bool load_from(std::string_view bytes);
  void checkpoint();
  void drop_checkpoint();

  Source source_;
  Options options_;
  std::vector<Observer*> observers_;

  std::mutex next_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_, reached_;
  // Under mutex_:
  Roster roster_;
  Orphans orphans_;
  journal::Place place_;
  journal::Increment::Facts facts_;  // as last seen
  std::int64_t complete_from_ns_ = 0;
  Moment moment_;
  Counts counts_;
  bool wanted_ = false;  // somebody waits for a frame
  // place_ and facts_ are written by the follower's thread alone, which reads them without the lock.

  journal::BlockBuffer buffer_;
  std::optional<std::uint64_t> saved_frame_;  // of the checkpoint that is there
  bool warned_ = false;
  std::chrono::steady_clock::time_point checkpoint_due_{}, expire_due_{};
  std::jthread thread_;
};

}  // namespace arbiter::aggregate
