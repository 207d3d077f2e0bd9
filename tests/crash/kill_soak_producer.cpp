#include "tests/crash/kill_soak_producer.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <arbiter/producer.hpp>
#include <cstdio>
#include <deque>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "producer/thread.hpp"
#include "tests/crash/kill_soak_content.hpp"

namespace arbiter::soak {
namespace {

constexpr std::int64_t kOrphanedNs = 10'000'000'000;  // the supervisor has been gone for so long: end

enum class What : std::uint8_t { generic, decision, evaluation, start, completion, refused };

void nap(std::uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  ::nanosleep(&time, nullptr);
}

// One recording thread, of whichever process.
class Recording {
 public:
  Recording(Ledger& ledger, Producer& producer, std::uint64_t number) : ledger_(ledger), producer_(producer), random_(number) {}

  // Until told to stop, or for about so many batches. `forks`: it may make children that record.
  void run(std::uint64_t batches, bool forks) {
    for (; batches > 0 && !stopped(); --batches) {
      const bool down = head().collector_down.load(std::memory_order_acquire) != 0;
      if (one_in(down ? 50 : 1500))
        burst();
      else
        batch(1 + static_cast<std::uint32_t>(random_() % 60));
      if (forks && one_in(60)) fork_one();
    }
  }

 private:
  LedgerHead& head() { return ledger_.head(); }
  bool one_in(std::uint64_t n) { return random_() % n == 0; }
  bool stopped() {
    return head().stop.load(std::memory_order_acquire) != 0 ||
           monotonic_now_ns() - head().alive_ns.load(std::memory_order_acquire) > kOrphanedNs;
  }

  // A chunk for the lane that this thread has. False: none is left.
  bool take_chunk() {
    if (!producer_.attach_thread()) {
      nap(20'000'000);
      return false;
    }
    const std::uint32_t index = head().chunks.fetch_add(1, std::memory_order_acq_rel);
    if (index >= Ledger::kChunksMax) {
      nap(20'000'000);
      return false;
    }
    index_ = index;
    chunk_ = &ledger_.chunk(index);
    const producer::Lane& lane = *producer::this_thread.lane;
    chunk_->lane = {lane.segment->writer.id(), lane.index};
    next_ = 0;
    return true;
  }

  void batch(std::uint32_t events) {
    for (std::uint32_t n = 0; n < events; ++n) attempt(size());
    nap(std::uint64_t{events} * head().pause_ns.load(std::memory_order_acquire));
  }

  // More than a lane can hold, unless the collector is very quick.
  void burst() {
    const bool large = one_in(2);
    const std::uint32_t events =
        large ? 110 + static_cast<std::uint32_t>(random_() % 120) : 700 + static_cast<std::uint32_t>(random_() % 900);
    head().bursting.store(::getpid(), std::memory_order_release);
    for (std::uint32_t n = 0; n < events; ++n) attempt(large ? 40'000 + static_cast<std::uint32_t>(random_() % 25'000) : 8'000);
    head().bursting.store(0, std::memory_order_release);
    nap(std::uint64_t{events} * head().pause_ns.load(std::memory_order_acquire));
  }

  std::uint32_t size() {
    const std::uint64_t which = random_() % 100;
    if (which < 60) return static_cast<std::uint32_t>(random_() % 24);
    if (which < 92) return static_cast<std::uint32_t>(random_() % 300);
    return static_cast<std::uint32_t>(random_() % 5000);
  }

  What choose() {
    const std::uint64_t which = random_() % 100;
    if (which < 3) return What::refused;
    if (which < 45) return What::generic;
    if (which < 60) return What::decision;
    if (which < 82) return What::evaluation;
    if (which < 88) return What::start;
    return What::completion;
  }

  void attempt(std::uint32_t bytes) {
    if ((chunk_ == nullptr || next_ == Chunk::kAttempts) && !take_chunk()) return;
    const Attempt mine{head().epoch.load(std::memory_order_relaxed), index_, next_};
    const What what = choose();
    if (what == What::completion) bytes = std::min(bytes, 200u);
    const Content content = make_content(head().seed, mine, bytes);
    const std::string task = content.task_id();
    const std::string json = "{\"taskId\":\"" + task + "\",\"f\":\"" + content.filling + "\"}";

    chunk_->begun.store(next_ + 1, std::memory_order_release);  // [L1]
    const RecordResult result = call(what, mine, content, task, json);
    auto outcome = soak::Outcome::disabled;
    switch (result.status()) {
      case Status::recorded: outcome = soak::Outcome::recorded; break;
      case Status::dropped: outcome = soak::Outcome::dropped; break;
      case Status::refused: outcome = soak::Outcome::refused; break;
      case Status::disabled: break;
    }
    chunk_->outcome[next_].store(outcome, std::memory_order_release);  // [L2]
    ++next_;

    auto& counted = outcome == Outcome::recorded ? head().recorded : outcome == Outcome::dropped ? head().dropped : head().refused;
    counted.fetch_add(1, std::memory_order_relaxed);
    if (what == What::start && outcome == Outcome::recorded && !is_ours(mine)) offer(mine);
  }

  RecordResult call(What what, const Attempt& mine, const Content& content, const std::string& task, const std::string& json) {
    switch (what) {
      case What::generic:
        return producer_.record(Event{.type = "soak", .data = json, .trace_id = content.trace_id(), .span_id = content.span_id()});
      case What::decision:
        return producer_.record(RoutingDecision{.task_id = task,
                                                .task_type = "soak",
                                                .selected_agent = "agent-" + std::to_string(mine.number % 7),
                                                .confidence = 0.5,
                                                .context = json,
                                                .trace_id = content.trace_id(),
                                                .span_id = content.span_id()});
      case What::evaluation:
        return producer_.record(EvaluationOutcome{.task_id = task,
                                                  .evaluation = {.passed = true, .feedback = content.filling},
                                                  .trace_id = content.trace_id(),
                                                  .span_id = content.span_id()});
      case What::start: {
        const std::string id = execution_id(mine);
        const TaskStart start{.execution_id = id,
                              .task_id = task,
                              .agent_id = "agent",
                              .context = json,
                              .trace_id = content.trace_id(),
                              .span_id = content.span_id()};
        if (run_ || one_in(2)) return producer_.record(start);
        return run_.emplace(producer_.start_task(start)).result();
      }
      case What::completion: return complete(content, task);
      case What::refused: break;
    }
    switch (mine.number % 3) {
      case 0: return producer_.record(RoutingDecision{.task_id = task, .selected_agent = "a", .confidence = 1.5, .context = json});
      case 1: return producer_.record(Event{.type = "soak", .data = "[]", .trace_id = content.trace_id()});
      default: return producer_.record(TaskExecution{.task_id = task, .agent_id = "\xff", .outcome = {.success = true}});
    }
  }

  // Of a start of this thread, which the handle knows all of; of one that somebody else has recorded, in a process that may be dead; or of
  // none.
  RecordResult complete(const Content& content, const std::string& task) {
    const arbiter::Outcome outcome{.success = random_() % 3 != 0, .error_type = content.filling};
    if (run_ && one_in(2)) {
      const RecordResult result = run_->complete(outcome, {.trace_id = content.trace_id(), .span_id = content.span_id()});
      run_.reset();
      return result;
    }
    TaskExecution done{
        .task_id = task, .agent_id = "agent", .outcome = outcome, .trace_id = content.trace_id(), .span_id = content.span_id()};
    std::string id;
    if (const auto start = take_start()) {
      done.execution_id = id = execution_id(*start);
      done.agent_id = "elsewhere";
    } else {
      done.started_at_ns = 1'700'000'000'000'000'000;
    }
    return producer_.record(done);
  }

  bool is_ours(const Attempt& start) const { return run_ && run_->execution_id() == execution_id(start); }

  // Into a place that is free, or left for later. Nobody completes what is in a thread that was killed.
  void offer(const Attempt& start) {
    waiting_.push_back(std::uint64_t{start.chunk} << 32 | std::uint64_t{start.number} << 1 | 1);
    std::uint64_t none = 0;
    if (head().starts[random_() % LedgerHead::kOpenStarts].compare_exchange_strong(none, waiting_.front(), std::memory_order_acq_rel))
      waiting_.pop_front();
  }
  std::optional<Attempt> take_start() {
    std::uint64_t word = head().starts[random_() % LedgerHead::kOpenStarts].exchange(0, std::memory_order_acq_rel);
    if (word == 0 && !waiting_.empty()) {
      word = waiting_.front();
      waiting_.pop_front();
    }
    if (word == 0) return std::nullopt;
    return Attempt{head().epoch.load(std::memory_order_relaxed), static_cast<std::uint32_t>(word >> 32),
                   static_cast<std::uint32_t>(word & 0xffffffff) >> 1};
  }

  void fork_one() {
    std::atomic<pid_t>* room = nullptr;
    for (auto& child : head().children)
      if (child.load(std::memory_order_acquire) == 0) room = &child;
    if (room == nullptr) return;
    const std::uint64_t number = random_();
    if (::fork() != 0) return;  // nobody waits for it: its number is nobody else's until it is reaped by who adopts it
    pid_t none = 0;
    if (!room->compare_exchange_strong(none, ::getpid(), std::memory_order_acq_rel)) ::_exit(0);
    Recording(ledger_, producer_, number).run(5 + number % 60, false);
    room->store(0, std::memory_order_release);
    ::_exit(0);
  }

  Ledger& ledger_;
  Producer& producer_;
  std::mt19937_64 random_;
  Chunk* chunk_ = nullptr;
  std::uint32_t index_ = 0, next_ = 0;
  std::optional<Run> run_;             // started here, not completed
  std::deque<std::uint64_t> waiting_;  // as LedgerHead::starts
};

}  // namespace

int run_producer(const std::filesystem::path& path, std::uint64_t number) {
  Ledger ledger(path, false);
  std::mt19937_64 random(ledger.head().seed * 1'000'003 + number);
  Producer producer(ProducerOptions{.wait_up_to = std::chrono::microseconds(random() % 3 == 0 ? 500 : 0)});
  const auto stopped = [&] { return ledger.head().stop.load(std::memory_order_acquire) != 0; };
  // Threads come and go; a later one goes on in the lane that an earlier one has left.
  const std::uint64_t threads = random() % 3;
  std::vector<std::jthread> others;
  for (std::uint64_t n = 0; n < threads; ++n)
    others.emplace_back([&ledger, &producer, &stopped, seed = random()] {
      std::mt19937_64 own(seed);
      while (!stopped()) std::jthread([&] { Recording(ledger, producer, own()).run(20 + own() % 200, own() % 2 == 0); }).join();
    });
  Recording(ledger, producer, random()).run(~std::uint64_t{0}, true);
  return 0;
}

}  // namespace arbiter::soak
