// A producer process for tests that kill: records what plan.hpp says, and notes in the ledger what each call answered.
//
//   crash_producer LEDGER mixed SLOT CALLS      threads that overflow, wait, come and go; ends by itself
//   crash_producer LEDGER short SLOT CALLS      two threads, CALLS calls each; ends by itself
//   crash_producer LEDGER endless SLOT CALLS    the same, then slowly on and on until it is killed
//   crash_producer LEDGER quiet SLOT CALLS      the same, then nothing until it is killed
//   crash_producer LEDGER paced SLOT CALLS      one thread; a call each time the test moves `stage` on by one; ends by itself
//   crash_producer LEDGER wiped SLOT CALLS      one thread that fills its lane and goes on until it has another; then CALLS calls
//   crash_producer LEDGER hostile SLOT CALLS    as `short`, and writes four events into lanes that no library would have written
//
// SLOT is the first slot of the ledger that it may use.
#include <unistd.h>

#include <arbiter/producer.hpp>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "shm/segment.hpp"
#include "tests/crash/plan.hpp"

namespace {

using namespace arbiter;
using namespace arbiter::crash;

class Recording {
 public:
  Recording(Ledger& ledger, std::uint32_t slot) : ledger_(ledger), slot_(ledger.slots[slot]), number_(slot) {}

  bool room() const { return n_ < kCallsMax; }
  Answer next(Producer& producer) {
    slot_.begun.store(++n_, std::memory_order_release);
    const Answer answer = answer_of(record(producer, call_of(ledger_, number_, n_)));
    slot_.answer[n_].store(answer, std::memory_order_relaxed);
    slot_.ended.store(n_, std::memory_order_release);
    return answer;
  }

 private:
  static Answer answer_of(const RecordResult& result) {
    switch (result.status()) {
      case Status::recorded: return Answer::recorded;
      case Status::disabled: return Answer::disabled;
      case Status::refused: return Answer::refused;
      case Status::dropped: break;
    }
    return result.rule().find("full") != std::string_view::npos ? Answer::full : Answer::no_lane;
  }

  RecordResult record(Producer& producer, const Call& call) {
    const std::string filling = filling_of(call), task = task_of(call);
    switch (call.what) {
      case What::decision:
        return producer.record(RoutingDecision{.decision_id = "d-" + task,
                                               .task_id = task,
                                               .selected_agent = "agent",
                                               .confidence = 0.5,
                                               .rationale = filling,
                                               .time = call.time_ns});
      case What::evaluation:
        return producer.record(EvaluationOutcome{
            .task_id = task, .agent_id = "agent", .evaluation = {.passed = call.success, .feedback = filling}, .time = call.time_ns});
      case What::generic:
        return producer.record(
            Event{.type = "filling", .data = R"({"taskId":")" + task + R"(","filling":")" + filling + "\"}", .time = call.time_ns});
      case What::start: {
        const std::string context = R"({"filling":")" + filling + "\"}";
        run_ = std::make_unique<Run>(producer.start_task(
            {.execution_id = "x-" + task, .task_id = task, .agent_id = "agent", .context = context, .time = call.time_ns}));
        return run_->result();
      }
      case What::complete:
        if (by_handle(call)) return run_->complete({.success = call.success}, {.time = call.time_ns});
        return producer.record(TaskExecution{
            .execution_id = "x-" + task, .task_id = task, .agent_id = "agent", .outcome = {.success = call.success}, .time = call.time_ns});
      case What::refused:
        return producer.record(RoutingDecision{.task_id = task, .selected_agent = "agent", .confidence = 2.0, .time = call.time_ns});
    }
    std::abort();
  }

  Ledger& ledger_;
  Slot& slot_;
  std::uint32_t number_, n_ = 0;
  std::unique_ptr<Run> run_;
};

void calls(Recording& recording, Producer& producer, std::uint32_t n) {
  for (; n > 0 && recording.room(); --n) recording.next(producer);
}

// Everything that a producer can meet. `heavy`: that many large events before the collector comes; 0: until some are dropped.
void mixed(Ledger& ledger, std::uint32_t slot, std::uint32_t heavy) {
  constexpr std::uint32_t kThreads = 4, kAtOnce = 18;
  Producer producer, patient({.wait_up_to = std::chrono::seconds(10)});
  std::barrier recorded(kThreads, [&]() noexcept { ledger.stage.store(1, std::memory_order_release); });
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Recording recording(ledger, slot + t);
      if (t == 0) {
        std::uint32_t full = 0;
        for (std::uint32_t n = 0; heavy != 0 ? n < heavy : full < 3 && recording.room(); ++n)
          if (recording.next(producer) == Answer::full) ++full;
      } else {
        calls(recording, producer, 60);
      }
      recorded.arrive_and_wait();
      calls(recording, patient, t == 0 ? 20 : t == 1 ? 700 : 200);
    });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  slot += kThreads;
  // In lanes that were used before; then more threads at a time than a segment has lanes.
  std::thread([&] {
    Recording recording(ledger, slot);
    calls(recording, patient, 50);
  }).join();
  ++slot;
  std::barrier here(kAtOnce);
  for (std::uint32_t t = 0; t < kAtOnce; ++t)
    threads.emplace_back([&, t] {
      Recording recording(ledger, slot + t);
      calls(recording, patient, 3);
      here.arrive_and_wait();
      calls(recording, patient, 3);
    });
  for (std::thread& thread : threads) thread.join();
  ledger.stage.store(2, std::memory_order_release);
}

enum class Then : std::uint8_t { end, slowly_on, hold };

void two_threads(Ledger& ledger, std::uint32_t slot, std::uint32_t n, Then then) {
  Producer patient({.wait_up_to = std::chrono::seconds(10)});
  std::barrier recorded(2, [&]() noexcept { ledger.stage.store(1, std::memory_order_release); });
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      Recording recording(ledger, slot + t);
      calls(recording, patient, n);
      recorded.arrive_and_wait();
      if (then == Then::end) return;
      while (then == Then::slowly_on && recording.room())
        recording.next(patient), std::this_thread::sleep_for(std::chrono::milliseconds(1));
      for (;;) ::pause();
    });
  for (std::thread& thread : threads) thread.join();
}

void paced(Ledger& ledger, std::uint32_t slot, std::uint32_t n) {
  Producer patient({.wait_up_to = std::chrono::seconds(10)});
  Recording recording(ledger, slot);
  for (std::uint32_t i = 1; i <= n; ++i) {
    while (ledger.stage.load(std::memory_order_acquire) < i) std::this_thread::sleep_for(std::chrono::microseconds(100));
    recording.next(patient);
  }
}

// Fills a lane, finds its file gone, and goes on in another.
void wiped(Ledger& ledger, std::uint32_t slot, std::uint32_t n) {
  Producer producer;
  Recording recording(ledger, slot);
  for (std::uint32_t full = 0; full < 3;) full += recording.next(producer) == Answer::full;
  ledger.stage.store(1, std::memory_order_release);
  while (recording.room() && recording.next(producer) != Answer::recorded) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  calls(recording, producer, n);
}

// One lane whose events cannot be: of no kind there is, and with a sequence that was there before. One whose framing cannot be.
void bad_lanes() {
  const char* const directory = std::getenv("ARBITER_RING_DIR");
  auto segment = SegmentWriter::create(directory, false).value();
  const auto put = [](LaneWriter& lane, const abi::EventHead& head) {
    lane.attempt();
    std::memcpy(lane.reserve(1), &head, sizeof head);
    lane.publish(1);
  };
  auto events = segment.claim(), framing = segment.claim();
  put(events.writer, {.sequence = 1, .time_ns = abi::kNoTime, .length = sizeof(abi::EventHead), .kind = 99});
  put(events.writer, {.sequence = 1, .time_ns = abi::kNoTime, .length = sizeof(abi::EventHead), .kind = 98});
  put(framing.writer, {.sequence = 1, .time_ns = abi::kNoTime, .length = 7, .kind = 1});
  put(framing.writer, {.sequence = 2, .time_ns = abi::kNoTime, .length = 7, .kind = 1});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: crash_producer LEDGER mixed|short|endless|quiet|paced|wiped|hostile SLOT CALLS\n", stderr);
    return 2;
  }
  Ledger& ledger = map_ledger(argv[1]);
  const std::string_view mode = argv[2];
  const auto slot = static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10));
  const auto n = static_cast<std::uint32_t>(std::strtoul(argv[4], nullptr, 10));
  if (mode == "mixed")
    mixed(ledger, slot, n);
  else if (mode == "paced")
    paced(ledger, slot, n);
  else if (mode == "wiped")
    wiped(ledger, slot, n);
  else
    two_threads(ledger, slot, n, mode == "endless" ? Then::slowly_on : mode == "quiet" ? Then::hold : Then::end);
  if (mode == "hostile") bad_lanes();
  return 0;
}
