// What agents record while the collector is measured: ids that are never the same twice, as real ones are.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "arbiter/producer.hpp"
#include "tests/bench/workload.hpp"

namespace arbiter::bench {

enum class Load : std::uint8_t {
  typical,    // completions, each of a task of its own
  tasks,      // of each task a routing decision, the start, the completion: small, large and typical events
  scattered,  // the same, but each task at some time within the last day: they arrive in any order
};

// Ids of the form of a UUID. Not for anything but measuring: seeded, and fast.
class Ids {
 public:
  explicit Ids(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  void next(std::array<char, 36>& id) {
    constexpr char kHex[] = "0123456789abcdef";
    std::uint64_t bits = 0;
    for (std::size_t i = 0, left = 0; i < id.size(); ++i) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        id[i] = '-';
        continue;
      }
      if (left == 0) {
        bits = random();
        left = 16;
      }
      id[i] = kHex[bits & 15];
      bits >>= 4;
      --left;
    }
  }
  std::uint64_t random() {  // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }

 private:
  std::uint64_t state_;
};

// Records one event after the other, of agents number `first`, `first` + 1, ... in turn.
class Recorder {
 public:
  Recorder(Producer& producer, Load load, std::uint64_t seed, unsigned first, unsigned agents)
      : producer_(producer), load_(load), ids_(seed) {
    char name[40];
    for (unsigned i = 0; i < agents; ++i) {
      std::snprintf(name, sizeof name, "agent-of-many-that-record-here-%05u", (first + i) % 100'000);
      agents_.emplace_back(name);
    }
  }

  bool record() {
    if (load_ == Load::typical || step_ == 0) {
      ids_.next(task_);
      ids_.next(execution_);
      agent_ = (agent_ + 1) % agents_.size();
      if (load_ == Load::scattered) at_ns_ = wall_ns() - static_cast<std::int64_t>(ids_.random() % kDayNs);
    }
    if (load_ == Load::typical) return complete();
    const std::size_t step = step_;
    step_ = (step_ + 1) % 3;
    if (step == 0) return decide();
    if (step == 1)
      return producer_
          .record(TaskStart{
              .execution_id = view(execution_), .task_id = view(task_), .agent_id = agents_[agent_], .task_type = kType, .time = time()})
          .recorded();
    return complete();
  }

 private:
  static constexpr std::string_view kType = "code-review";
  static std::string_view view(const std::array<char, 36>& id) { return {id.data(), id.size()}; }
  std::string_view other(std::size_t n) const { return agents_[(agent_ + n) % agents_.size()]; }
  double share() { return static_cast<double>(ids_.random() >> 44) / (1 << 20); }

  bool decide() {
    const double propensity = share();
    return producer_
        .record(RoutingDecision{.task_id = view(task_),
                                .task_type = kType,
                                .selected_agent = agents_[agent_],
                                .routing_strategy = "multi-armed-bandit",
                                .confidence = share(),
                                .propensity = propensity,
                                .alternatives_considered = {{.agent_id = other(1), .score = share(), .probability = (1 - propensity) / 2},
                                                            {.agent_id = other(2), .score = share(), .probability = (1 - propensity) / 4},
                                                            {.agent_id = other(3), .score = share(), .probability = (1 - propensity) / 4}},
                                .rationale = kRationale,
                                .time = time()})
        .recorded();
  }
  bool complete() {
    const std::uint64_t some = ids_.random();
    return producer_
        .record(TaskExecution{.execution_id = view(execution_),
                              .task_id = view(task_),
                              .agent_id = agents_[agent_],
                              .task_type = kType,
                              .outcome = {.success = some % 10 != 0,
                                          .quality_score = share(),
                                          .efficiency_score = share(),
                                          .tokens_consumed = static_cast<std::uint32_t>(some >> 52)},
                              .time = time()})
        .recorded();
  }
  // Of the task's next event, a second after the one before; the producer's own stamp where the load has no times.
  UnixTimeNs time() {
    if (load_ != Load::scattered) return {};
    at_ns_ += 1'000'000'000;
    return at_ns_;
  }
  static std::int64_t wall_ns() { return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

  static constexpr std::uint64_t kDayNs = 86'400'000'000'000;
  Producer& producer_;
  Load load_;
  Ids ids_;
  std::vector<std::string> agents_;
  std::array<char, 36> task_{}, execution_{};
  std::size_t agent_ = 0, step_ = 0;
  std::int64_t at_ns_ = 0;
};

}  // namespace arbiter::bench
