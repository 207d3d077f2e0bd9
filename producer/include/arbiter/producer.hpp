// The producer: what an agent process records events with.
//
//   #include <arbiter/producer.hpp>
//
//   arbiter::Producer producer;
//   producer.record(arbiter::RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7", .confidence = 0.85});
//   auto run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7"});
//   run.complete({.success = true, .quality_score = 0.9, .tokens_consumed = 1500});
//
// Events go into shared memory, from where the collector (arbiter-collector) takes them. Nothing here throws, blocks or prints. A collector
// need not run: what is recorded before it starts, while it restarts and after it is gone waits in shared memory, as long as there is room.
//
// Any number of threads may use one Producer, and any number of Producers may be used side by side; each thread writes a lane of its own,
// which it takes up with its first record (system calls, a fraction of a millisecond) and gives back when it exits. After fork() parent and
// child both go on recording; the child takes up lanes of its own.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arbiter/events.hpp>
#include <arbiter/fields.hpp>
#include <arbiter/packed.hpp>

#define ARBITER_PUBLIC __attribute__((visibility("default")))

namespace arbiter {

namespace producer {
class Outlet;     // where a producer's events go
struct Internal;  // for other parts of the library
}  // namespace producer

enum class Status : std::uint8_t {
  recorded,  // in shared memory
  disabled,  // recording is switched off: by ARBITER_DISABLE=1 or by the collector's configuration. Not counted as an attempt.
  dropped,   // there was no room for it, or no lane to put it into; counted
  refused,   // the event breaks a rule of events.hpp; counted
};

// What became of a record call.
class ARBITER_PUBLIC RecordResult {
 public:
  RecordResult() = default;

  Status status() const noexcept { return static_cast<Status>(code_ & 0xff); }
  bool recorded() const noexcept { return status() == Status::recorded; }
  explicit operator bool() const noexcept { return recorded(); }

  // If refused: the field that breaks a rule, as exports name it ("outcome.qualityScore"), and the rule ("is out of its range"). The field
  // is empty where the rule is about the event as a whole. If dropped: rule() says why; the strings of such an event were not looked at.
  // Otherwise both are empty.
  std::string_view field() const noexcept;
  std::string_view rule() const noexcept;

 private:
  friend struct producer::Internal;
  std::uint32_t code_ = 0;  // status, rule, field, kind: a byte each, from the lowest. One number, so that it comes back in a register.
};
static_assert(sizeof(RecordResult) <= 8);

// An id that the library made, or a copy of the caller's: 1 to 255 bytes, or empty.
class Id {
 public:
  std::string_view view() const noexcept { return {text_.data(), size_}; }
  operator std::string_view() const noexcept { return view(); }

 private:
  friend struct producer::Internal;
  std::array<char, 40> text_;
  std::uint8_t size_ = 0;
};

// What became of a record call for an event that has an id of its own. If the caller gave none, the library has made one.
class RecordResultWithId : public RecordResult {
 public:
  // The id that the library made: 26 to 40 characters, never given out twice by any process anywhere. Empty if the caller gave an id, or if
  // nothing was recorded and nothing will be: disabled, refused, or in a signal handler that interrupted a record.
  std::string_view made_id() const noexcept { return id_.view(); }

 private:
  friend struct producer::Internal;
  Id id_;
};

namespace producer {
// What Producer::record calls. `wait_up_to`: as ProducerOptions has it. Of the second kind: for events with an id of their own.
ARBITER_PUBLIC RecordResult record(Outlet& outlet, std::chrono::nanoseconds wait_up_to, const packed::Event& event) noexcept;
ARBITER_PUBLIC RecordResultWithId record_with_id(Outlet& outlet, std::chrono::nanoseconds wait_up_to, packed::Event& event) noexcept;
}  // namespace producer

// A task that was started. Holds copies of its ids (no allocation; some 1.3 KiB) and the moment of its start. It may be copied, moved to
// another thread, and completed there or in a child process; it may outlive its Producer.
class ARBITER_PUBLIC Run {
 public:
  Run(const Run& other) noexcept;
  Run& operator=(const Run& other) noexcept;

  // What became of the start. A run whose start was dropped can be completed all the same.
  RecordResult result() const noexcept { return result_; }
  std::string_view execution_id() const noexcept { return id(execution); }
  std::string_view task_id() const noexcept { return id(task); }
  std::string_view agent_id() const noexcept { return id(agent); }
  std::string_view decision_id() const noexcept { return id(decision); }

  // Records the completion (a TaskExecution), with the ids, the decision and the moment of the start. To be called once. Thread-safe and of
  // the cost of Producer::record.
  [[gnu::always_inline]] RecordResult complete(const Outcome& outcome, const Envelope& envelope = {}) const noexcept {
    packed::Packer to(fields::kKind<TaskExecution>);
    pack_start(to);
    fields::each(to, outcome);
    fields::envelope<23>(to, envelope);
    return producer::record(*outlet_, wait_up_to_, to.event());
  }

 private:
  friend struct producer::Internal;
  friend class Producer;
  enum Part : std::uint8_t { execution, decision, task, agent, task_type, parts };
  static constexpr std::size_t kPartBytes = 256;  // one more than an id may have: too long stays too long

  Run() noexcept = default;
  // The fields of the completion that are known since the start.
  template <class To>
  [[gnu::always_inline]] void pack_start(To& to) const noexcept {
    to.template id<0>(id(execution));
    to.template id<1>(id(decision));
    to.template id<2, true>(id(task));
    to.template id<3, true>(id(agent));
    to.template word<4>(id(task_type));
    to.template time<5>(started_at_ns_);
    if (!started_at_ns_) to.template count<6>(started_ticks_);
  }
  std::string_view id(Part part) const noexcept { return {bytes_.data() + begin_[part], size_[part]}; }
  void keep(Part part, std::string_view value) noexcept;

  producer::Outlet* outlet_ = nullptr;
  std::chrono::nanoseconds wait_up_to_{0};
  std::uint64_t started_ticks_ = 0;
  UnixTimeNs started_at_ns_;  // the caller's own time of the start; else started_ticks_ counts
  RecordResult result_;
  std::uint16_t used_ = 0;
  std::array<std::uint16_t, parts> begin_{}, size_{};
  std::array<char, parts * kPartBytes> bytes_;  // filled up to used_
};

// What this process has tried to record into one directory of lanes, all its threads and Producers together, and what became of it:
// attempted == recorded + lane_full + no_lane + reentrant + refused, but for calls that are under way at this moment.
struct Account {
  std::uint64_t attempted = 0;
  std::uint64_t recorded = 0;
  std::uint64_t lane_full = 0;  // dropped: the collector was not fast enough, or there is none
  std::uint64_t no_lane = 0;    // dropped: no lane could be had; problem() says why
  std::uint64_t reentrant = 0;  // dropped: recorded in a signal handler that had interrupted a record of the same thread
  std::uint64_t refused = 0;
};

struct ProducerOptions {
  // The directory of lanes. Empty: the environment variable ARBITER_RING_DIR; else /run/arbiter/lanes if this process may write there; else
  // $XDG_RUNTIME_DIR/arbiter/lanes (without XDG_RUNTIME_DIR: /dev/shm/arbiter-<uid>/lanes) if it exists and is this user's. A directory
  // that is named here or in ARBITER_RING_DIR is made if it is missing (mode 0700, parents too); the others are not.
  std::string_view ring_dir{};

  // Keeps several collectors on one machine apart: with "blue", /run/arbiter-blue/lanes and so on. Letters, digits, '-', '_' and '.'.
  std::string_view instance{};

  // How long a record call may wait for room in a full lane before it drops the event. Zero: not at all.
  std::chrono::nanoseconds wait_up_to{0};
};

class ARBITER_PUBLIC Producer {
 public:
  // Reads the environment (see ProducerOptions; ARBITER_DISABLE=1 makes every call answer "disabled"). Makes no file: that is left to the
  // first record of each thread. Some memory is kept until the process ends; do not make Producers in a loop.
  Producer() noexcept : Producer(ProducerOptions{}) {}
  explicit Producer(const ProducerOptions& options) noexcept;

  // Lanes stay with their threads, which may have other Producers for the same directory (see detach_thread); runs may still be completed.
  ~Producer() = default;
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Records one event: checks it, writes it, publishes it. Allocates nothing, takes no lock, waits for nobody (but see wait_up_to), and
  // makes no system call once the thread's lane exists, other than a non-blocking datagram to the collector at most twice around the ring
  // and the growing of the lane (at most five times in its life). Thread-safe. In a signal handler: safe, but dropped if it interrupted a
  // record.
  [[gnu::always_inline]] RecordResult record(const AgentRegistration& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const AgentStatusChange& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResultWithId record(const RoutingDecision& event) noexcept { return pack_and_record_with_id(event); }
  [[gnu::always_inline]] RecordResultWithId record(const TaskStart& event) noexcept { return pack_and_record_with_id(event); }
  [[gnu::always_inline]] RecordResult record(const TaskExecution& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const ConstitutionalValidation& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const ThinkingBudgetAllocation& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const ThinkingBudgetUsage& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const MinimalityEvaluation& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const ModelJudgment& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const RlTrainingMetrics& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const EvaluationOutcome& event) noexcept { return pack_and_record(event); }
  [[gnu::always_inline]] RecordResult record(const Event& event) noexcept { return pack_and_record(event); }

  // Records a TaskStart and gives the handle that records its completion. Same cost as record, and a copy of the ids.
  Run start_task(const TaskStart& start) noexcept;

  // Claims the calling thread's lane ahead of its first record. False: none could be had now; problem() says why.
  bool attach_thread() noexcept;

  // Gives the calling thread's lane for this directory back ahead of the thread's exit: what it has recorded stays to be collected, and its
  // next record claims a lane again, which may take as long as its first. If no thread of the process holds another lane of the same file,
  // the file is let go of (128 MiB of address space, and the memory that its lanes have), as if the process had ended: the collector
  // removes it when it has read it. While no collector is there to do so, the file stays for the next record of the process. Without a
  // lane, in a child that has not recorded yet, and in a signal handler that interrupted a call of this library: nothing. Takes a lock and
  // makes system calls, a fraction of a millisecond.
  void detach_thread() noexcept;

  // Waits until the collector has acknowledged, which is to say journalled, all that this process has recorded into this directory before
  // the call: by all its threads and Producers. False: not within `timeout` (zero or less: one look), or it never will, because a lane's
  // file was taken away with events in it. What a file held that was let go of by detach_thread counts as acknowledged when the file is
  // gone, unless its directory is gone too: only the collector removes single files, once it has journalled them. Sleeps between looks;
  // other threads' records are not held up. Allocates, takes a lock and makes system calls: not for signal handlers. What was dropped or
  // refused is not waited for: see the account.
  bool flush(std::chrono::nanoseconds timeout) noexcept;

  // For diagnosis. Both take a lock: not for signal handlers.
  Account account() const;
  std::string problem() const;  // why this process last got no lane: "what failed on what: why"; empty if it has one, or has not tried

 private:
  friend struct producer::Internal;
  template <class E>
  [[gnu::always_inline]] RecordResult pack_and_record(const E& event) noexcept {
    packed::Packer to(fields::kKind<E>);
    fields::each(to, event);
    return producer::record(*outlet_, wait_up_to_, to.event());
  }
  template <class E>
  [[gnu::always_inline]] RecordResultWithId pack_and_record_with_id(const E& event) noexcept {
    packed::Packer to(fields::kKind<E>);
    fields::each(to, event);
    return producer::record_with_id(*outlet_, wait_up_to_, to.event());
  }

  producer::Outlet* outlet_;
  std::chrono::nanoseconds wait_up_to_;
};

}  // namespace arbiter
