// A record allocates nothing; once its thread has a lane, it makes no system call either.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

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
  allocations = 0;
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

TEST_CASE_FIXTURE(Fixture, "the first record does not allocate either: it may come from a handler that interrupted malloc") {
  counting = true;
  allocations = 0;
  const bool recorded = producer.record(ThinkingBudgetUsage{.task_id = "task-1"}).recorded();
  counting = false;
  CHECK(recorded);
  CHECK(allocations == 0);
  // Nor one that finds no directory.
  std::ofstream(directory.lanes() + "/file") << "x";
  Producer nowhere(ProducerOptions{.ring_dir = directory.lanes() + "/file/lanes"});
  counting = true;
  const RecordResult lost = nowhere.record(ThinkingBudgetUsage{.task_id = "task-1"});
  counting = false;
  CHECK(lost.status() == Status::dropped);
  CHECK(allocations == 0);
}

TEST_CASE_FIXTURE(Fixture, "the first record of a thread fits on a signal handler's small stack") {
  constexpr std::size_t stack_bytes = 8192;  // SIGSTKSZ, as long as that was a number
  auto* const pages = static_cast<std::byte*>(mmap(nullptr, 2 * stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(mprotect(pages, stack_bytes, PROT_NONE) == 0);
  static Fixture* fixture;
  static bool recorded;
  fixture = this;
  recorded = false;
  std::thread([&] {
    stack_t small{}, before{};
    small.ss_sp = pages + stack_bytes;
    small.ss_size = stack_bytes;
    sigaltstack(&small, &before);
    struct sigaction action {
    }, old{};
    action.sa_flags = SA_ONSTACK;
    action.sa_handler = [](int) { recorded = fixture->producer.record(ThinkingBudgetUsage{.task_id = "task-1"}).recorded(); };
    sigaction(SIGUSR1, &action, &old);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &old, nullptr);
    sigaltstack(&before, nullptr);
  }).join();
  munmap(pages, 2 * stack_bytes);
  CHECK(recorded);
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
