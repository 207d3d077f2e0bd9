// Once a thread has its lane, a record allocates nothing and makes no system call.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "producer/values.hpp"
#include "tests/unit/producer/drained.hpp"
#include "tests/unit/producer/in_child.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using test::Drain;
using test::OwnDirectory;

namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> allocations{0};

}  // namespace

// In front of the C library's own, for this program.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* malloc(std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(number, bytes);
}
void* realloc(void* at, std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(at, bytes);
}
}

namespace {

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};
  const std::string text = std::string(1000, 't') + "ä";
  const Alternative alternatives[2] = {{.agent_id = "agent-7", .score = 1, .probability = 0.5, .reason = text}, {.agent_id = "agent-8"}};
  const std::string_view capabilities[2] = {"search", "write"};
  const Violation violations[1] = {{.severity = "low", .message = text}};
  const Score scores[1] = {{"style", 1}};
  event::Values values;

  Fixture() {
    values.kind = Kind::thinking_budget_usage;
    values.set_text(0, std::string_view("task-1"));
  }

  // Each kind, refusals, made ids, runs. Below the middle of a lane's first memory, so that neither doorbell nor growth is due.
  int all() {
    int bad = 0;
    const auto expect = [&](const RecordResult& result, Status status) { bad += result.status() != status; };
    const auto ok = [&](const RecordResult& result) { expect(result, Status::recorded); };
    ok(producer.record(AgentRegistration{.agent_id = "a", .capabilities = capabilities, .baseline_metrics = {.latency_ms = 1}}));
    ok(producer.record(AgentStatusChange{.agent_id = "a", .status = "busy", .reason = text}));
    ok(producer.record(RoutingDecision{.task_id = "t",
                                       .selected_agent = "a",
                                       .context = R"({"a": [1, {"b": "c"}], "d": 1.5e3})",
                                       .alternatives_considered = alternatives}));
    ok(producer.record(TaskStart{.task_id = "t", .agent_id = "a"}));
    ok(producer.record(TaskExecution{.task_id = "t", .agent_id = "a", .outcome = {.success = true}}));
    ok(producer.record(ConstitutionalValidation{.task_id = "t", .agent_id = "a", .validation_result = {.violations = violations}}));
    ok(producer.record(ThinkingBudgetAllocation{.task_id = "t", .allocated_tokens = 1}));
    ok(producer.record(ThinkingBudgetUsage{.task_id = "t", .trace_id = "0123456789abcdef0123456789abcdef"}));
    ok(producer.record(MinimalityEvaluation{.task_id = "t", .minimality_factor = 0.5}));
    ok(producer.record(ModelJudgment{.task_id = "t", .criteria_scores = scores}));
    ok(producer.record(RlTrainingMetrics{.average_reward = -1}));
    ok(producer.record(EvaluationOutcome{.task_id = "t", .evaluation = {.passed = true}}));
    ok(producer.record(Event{.type = "any", .data = R"({"k": null})"}));
    ok(producer.start_task({.task_id = "t", .agent_id = "a"}).complete({.success = true}));
    ok(producer::record(producer, values));
    expect(producer.record(ThinkingBudgetUsage{}), Status::refused);
    expect(producer.record(Event{.type = "any", .data = "{"}), Status::refused);
    expect(producer.record(RoutingDecision{.task_id = "t", .selected_agent = "a", .confidence = 2}), Status::refused);
    return bad;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "no record allocates") {
  REQUIRE(producer.attach_thread());
  counting = true;
  const int bad = all();
  counting = false;
  CHECK(bad == 0);
  CHECK(allocations == 0);
  // The count counts.
  counting = true;
  std::free(std::malloc(1));
  counting = false;
  CHECK(allocations == 1);
}

TEST_CASE_FIXTURE(Fixture, "no record makes a system call") {
  // Not seccomp's strict mode: it takes the time-stamp counter away as well.
  sock_filter only_exit[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog filter{4, only_exit};
  const auto without_system_calls = [&](const auto& body) {
    return test::in_child([&] {
      if (!producer.attach_thread()) return 3;
      if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return 4;
      syscall(SYS_exit, body());
      return 5;
    });
  };
  CHECK(without_system_calls([&] { return all(); }) == 0);
  // The filter filters.
  CHECK(without_system_calls([&] { return static_cast<int>(syscall(SYS_getppid)); }) == 128 + SIGSYS);
}
