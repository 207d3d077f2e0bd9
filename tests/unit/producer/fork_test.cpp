// A child process starts anew, however it came to be.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "tests/unit/producer/drained.hpp"
#include "tests/unit/producer/in_child.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Drain;
using test::in_child;
using test::OwnDirectory;
using test::Recorded;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};

  bool record(std::string_view task) { return producer.record(ThinkingBudgetUsage{.task_id = task}).recorded(); }

  // Tasks by segment, in the order of recording.
  std::map<std::string, std::vector<std::string>> tasks() {
    std::map<std::string, std::vector<std::string>> all;
    for (const Recorded& r : Drain(directory.lanes()).take()) all[r.segment].push_back(r.text("taskId"));
    return all;
  }
};

int in_raw_clone(const std::function<int()>& body) {
  std::fflush(nullptr);
  const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) {
    alarm(30);
    _exit(body());
  }
  int status = 0;
  while (waitpid(static_cast<pid_t>(child), &status, 0) != child) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Whether the kernel takes a page away from children of which no library knows.
bool kernel_wipes() {
  const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const page = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const bool wipes = madvise(page, bytes, MADV_WIPEONFORK) == 0;
  munmap(page, bytes);
  return wipes;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "after fork the child records into a segment of its own, and the parent goes on in its") {
  REQUIRE(record("before"));
  CHECK(in_child([&] { return record("child-1") && record("child-2") ? 0 : 1; }) == 0);
  REQUIRE(record("after"));
  const auto all = tasks();
  REQUIRE(all.size() == 2);
  std::set<std::vector<std::string>> lists;
  for (const auto& [segment, list] : all) lists.insert(list);
  CHECK(lists == std::set<std::vector<std::string>>{{"before", "after"}, {"child-1", "child-2"}});
  CHECK(producer.account().attempted == 2);
}

TEST_CASE_FIXTURE(Fixture, "after a raw clone too, of which no library knows") {
  if (!kernel_wipes()) return;
  REQUIRE(record("before"));
  CHECK(in_raw_clone([&] { return record("child") && producer.account().attempted == 1 ? 0 : 1; }) == 0);
  REQUIRE(record("after"));
  CHECK(tasks().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a child of a child is a process of its own again") {
  REQUIRE(record("parent"));
  CHECK(in_child([&] {
          if (!record("child")) return 1;
          return in_child([&] { return record("grandchild") && producer.account().attempted == 1 ? 0 : 2; });
        }) == 0);
  CHECK(tasks().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a child whose parent never recorded is no different") {
  CHECK(in_child([&] { return record("child") ? 0 : 1; }) == 0);
  REQUIRE(record("parent"));
  CHECK(tasks().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a child that records nothing makes no segment") {
  REQUIRE(record("parent"));
  CHECK(in_child([] { return 0; }) == 0);
  CHECK(tasks().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a run that was started in the parent can be completed in the child") {
  const Run run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7"});
  CHECK(in_child([&] { return run.complete({.success = true}).recorded() ? 0 : 1; }) == 0);
  const auto all = Drain(directory.lanes()).take();
  REQUIRE(all.size() == 2);
  const Recorded& start = all[all[0].kind() == Kind::task_start ? 0 : 1];
  const Recorded& end = all[all[0].kind() == Kind::task_start ? 1 : 0];
  CHECK(start.segment != end.segment);
  CHECK(end.text("executionId") == start.text("executionId"));
  CHECK(end.count("startedTicks") == start.values.stamp);
}

TEST_CASE_FIXTURE(Fixture, "parent and child never make the same id") {
  for (int i = 0; i < 3; ++i) producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7"});
  for (int child = 0; child < 3; ++child)
    CHECK(in_child([&] {
            for (int i = 0; i < 10; ++i) producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7"});
            return 0;
          }) == 0);
  for (int i = 0; i < 10; ++i) producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7"});
  std::set<std::string> ids;
  for (const Recorded& r : Drain(directory.lanes()).take()) ids.insert(r.text("decisionId"));
  CHECK(ids.size() == 43);
}

TEST_CASE_FIXTURE(Fixture, "what the parent counted without a lane is not carried by the child") {
  fs::remove(directory.lanes());
  std::ofstream(directory.lanes()) << "in the way";
  for (int i = 0; i < 5; ++i) CHECK_FALSE(record("lost"));
  fs::remove(directory.lanes());
  CHECK(in_child([&] { return record("child") && producer.account().no_lane == 0 && producer.account().attempted == 1 ? 0 : 1; }) == 0);
  while (!record("parent")) std::this_thread::sleep_for(10ms);
  CHECK(producer.account().no_lane >= 5);
  Drain drain(directory.lanes());
  CHECK(drain.dropped(abi::Drop::no_lane) == producer.account().no_lane);
}

#if !defined(__SANITIZE_THREAD__)  // its run time cannot fork while other threads run
TEST_CASE_FIXTURE(Fixture, "a child takes no lock that another thread held when it was forked") {
  REQUIRE(record("parent"));
  std::atomic<bool> stop{false};
  // Three threads that hold the process's lock nearly all the time: claims of new threads, and their exits.
  std::vector<std::jthread> busy;
  for (int i = 0; i < 3; ++i)
    busy.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) std::jthread([&] { record("thread"); });
    });
  int failures = 0;
  for (int i = 0; i < 100; ++i) failures += in_child([&] { return record("child") ? 0 : 1; }) != 0;
  stop = true;
  busy.clear();
  CHECK(failures == 0);
  std::size_t children = 0;
  for (const auto& [segment, list] : tasks()) children += list == std::vector<std::string>{"child"};
  CHECK(children == 100);
}
#endif

TEST_CASE_FIXTURE(Fixture, "a child may have threads of its own, and leave by exit") {
  REQUIRE(record("parent"));
  CHECK(in_child([&] {
          for (int i = 0; i < 3; ++i) std::jthread([&] { record("thread"); });
          if (!record("child")) return 1;
          const Account account = producer.account();
          return account.recorded == 4 ? 0 : 2;
        }) == 0);
  CHECK(producer.account().recorded == 1);
}
