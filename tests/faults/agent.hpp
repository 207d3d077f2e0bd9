// A real producer process, and the exact account of what became of each of its calls.
//
//   Agent agent(place.lanes());
//   agent.record(1000);                                  // waits until it has made so many more calls
//   ...
//   check_account(collector, {&agent});                  // every event there once and in order, every loss counted
#pragma once

#include <sys/types.h>

#include <arbiter/producer.hpp>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/process/harness.hpp"

namespace arbiter::test {

// How an agent records.
struct Habits {
  std::size_t event_bytes = 64;            // of padding in each event
  std::chrono::microseconds pause{0};      // between two calls
  std::chrono::nanoseconds wait_up_to{0};  // ProducerOptions
};

class Agent {
 public:
  explicit Agent(const fs::path& lanes, Habits habits = {});
  ~Agent();  // SIGKILL
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void record(std::uint64_t calls);  // and waits until they have been made
  void ask(std::uint64_t calls) { page_->wanted.fetch_add(calls, std::memory_order_relaxed); }
  bool done() const { return calls() == page_->wanted.load(std::memory_order_relaxed); }
  void end();                     // lets it exit; what it has recorded stays
  void signal(int number) const;  // SIGSTOP, SIGCONT
  bool running();

  std::uint64_t calls() const { return page_->calls.load(std::memory_order_acquire); }  // that have returned
  std::uint64_t recorded() const { return page_->recorded.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return page_->dropped.load(std::memory_order_relaxed); }
  bool was_recorded(std::uint64_t n) const;  // call number n, from 1
  // As the producer library counts it, after the last call.
  std::uint64_t lane_full() const { return page_->lane_full.load(std::memory_order_relaxed); }
  std::uint64_t no_lane() const { return page_->no_lane.load(std::memory_order_relaxed); }
  std::string problem() const;
  std::uint64_t number() const { return number_; }

  static constexpr std::uint64_t kCallsMax = 1 << 20;

 private:
  // Shared with the child. It alone writes what is not `wanted` or `stop`; `calls` is stored last (release), and read first (acquire).
  struct Page {
    std::atomic<std::uint64_t> wanted{0}, calls{0}, recorded{0}, dropped{0}, lane_full{0}, no_lane{0};
    std::atomic<bool> stop{false};
    std::array<std::atomic<char>, 256> problem{};
    std::array<std::atomic<std::uint64_t>, kCallsMax / 64> recorded_bits{};
  };
  [[noreturn]] void work(const fs::path& lanes, const Habits& habits);
  void note(Producer& producer, const RecordResult& result, std::uint64_t n);

  std::uint64_t number_;
  Page* page_;
  pid_t pid_ = -1;
};

struct AccountOptions {
  std::uint64_t rewound = 0;  // recorded, and taken by a state that is not the present one
};
// Statistics and export say exactly what the agents know: each recorded event is there once, in the order of its calls; losses by reason.
void check_account(Collector& collector, const std::vector<const Agent*>& agents, const AccountOptions& options = {});

}  // namespace arbiter::test
