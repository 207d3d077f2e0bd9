// Each thread has a lane of its own, for as long as it lives.
#include <doctest/doctest.h>
#include <pthread.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <barrier>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Drain;
using test::OwnDirectory;
using test::Recorded;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  OwnDirectory directory;
  std::unique_ptr<Producer> producer = std::make_unique<Producer>(ProducerOptions{.ring_dir = directory.lanes()});

  bool record(std::string_view task) { return producer->record(ThinkingBudgetUsage{.task_id = task}).recorded(); }
  unsigned lanes_held() {
    Drain drain(directory.lanes());
    unsigned held = 0;
    for (std::size_t s = 0; s < drain.segments(); ++s)
      for (std::uint32_t i = 0; i < drain.segment(s).lane_count(); ++i) held += drain.segment(s).lane(i).claimed();
    return held;
  }
};

using Lane = std::pair<std::string, std::uint32_t>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "forty threads at once have forty lanes, in three segments") {
  constexpr int kThreads = 40, kEach = 200;
  std::barrier together(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        const std::string task = "task-" + std::to_string(t);
        for (int i = 0; i < kEach; ++i) {
          if (i == 1) together.arrive_and_wait();  // all hold their lane
          if (!record(task)) MESSAGE("dropped");
        }
        together.arrive_and_wait();  // nobody gives a lane back before all are done
      });
  }
  Drain drain(directory.lanes());
  CHECK(drain.segments() == 3);
  std::map<Lane, std::set<std::string>> tasks;
  std::map<Lane, std::uint64_t> last;
  const auto all = drain.take();
  CHECK(all.size() == kThreads * kEach);
  for (const Recorded& r : all) {
    const Lane lane{r.segment, r.lane};
    tasks[lane].insert(r.text("taskId"));
    REQUIRE(r.values.sequence == ++last[lane]);
  }
  CHECK(tasks.size() == kThreads);
  for (const auto& [lane, of_lane] : tasks) CHECK(of_lane.size() == 1);
  CHECK(producer->account().recorded == kThreads * kEach);
  CHECK(lanes_held() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the lane of a thread that exited serves the next, and its sequence goes on") {
  for (int i = 0; i < 100; ++i) std::jthread([&] { record("task-1"); });
  const auto all = Drain(directory.lanes()).take();
  REQUIRE(all.size() == 100);
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].segment == all[0].segment);
    REQUIRE(all[i].lane == 0);
    REQUIRE(all[i].values.sequence == i + 1);
  }
  CHECK(lanes_held() == 0);
}

TEST_CASE_FIXTURE(Fixture, "attach_thread claims the lane, and the first record finds it") {
  std::jthread([&] {
    CHECK(producer->attach_thread());
    CHECK(lanes_held() == 1);
    CHECK(producer->attach_thread());
    CHECK(record("task-1"));
    CHECK(lanes_held() == 1);
  }).join();
  CHECK(lanes_held() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a producer may go while threads hold lanes, and another may come") {
  std::barrier step(3);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      record("first");
      step.arrive_and_wait();  // both have recorded
      step.arrive_and_wait();  // the producer is gone and another is there
      record("second");
    });
  step.arrive_and_wait();
  producer.reset();
  producer = std::make_unique<Producer>(ProducerOptions{.ring_dir = directory.lanes()});
  step.arrive_and_wait();
  threads.clear();
  const auto all = Drain(directory.lanes()).take();
  CHECK(all.size() == 4);
  CHECK(producer->account().recorded == 4);
  CHECK(directory.names().size() == 1);
  CHECK(lanes_held() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a producer may go before its threads exit") {
  std::barrier step(2);
  std::jthread thread([&] {
    record("task-1");
    step.arrive_and_wait();
    step.arrive_and_wait();
  });
  step.arrive_and_wait();
  producer.reset();
  CHECK(lanes_held() == 1);
  step.arrive_and_wait();
  thread.join();
  CHECK(lanes_held() == 0);
}

namespace {
Fixture* recording_late = nullptr;
struct Late {
  ~Late() { recording_late->record("in a thread_local's destructor"); }
};
thread_local Late late;
}  // namespace

TEST_CASE_FIXTURE(Fixture, "records in the destructors of a thread that exits are kept, and the lane is given back after all") {
  recording_late = this;
  pthread_key_t key;
  REQUIRE(pthread_key_create(&key, [](void*) { recording_late->record("in a key's destructor"); }) == 0);
  std::jthread([&] {
    static_cast<void>(&late);
    pthread_setspecific(key, this);
    record("in the thread");
  }).join();
  pthread_key_delete(key);
  std::set<std::string> tasks;
  for (const Recorded& r : Drain(directory.lanes()).take()) tasks.insert(r.text("taskId"));
  CHECK(tasks == std::set<std::string>{"in the thread", "in a thread_local's destructor", "in a key's destructor"});
  CHECK(lanes_held() == 0);
}

TEST_CASE("one thread may record with many producers") {
  std::vector<std::unique_ptr<OwnDirectory>> directories;
  std::vector<std::unique_ptr<Producer>> producers;
  for (int i = 0; i < 5; ++i) {
    directories.push_back(std::make_unique<OwnDirectory>());
    producers.push_back(std::make_unique<Producer>(ProducerOptions{.ring_dir = directories.back()->lanes()}));
  }
  for (int round = 0; round < 10; ++round)
    for (auto& producer : producers) REQUIRE(producer->record(ThinkingBudgetUsage{.task_id = "task-1"}));
  for (auto& directory : directories) {
    const auto all = Drain(directory->lanes()).take();
    REQUIRE(all.size() == 10);
    for (const Recorded& r : all) REQUIRE(r.lane == all[0].lane);
  }
}

TEST_CASE_FIXTURE(Fixture, "threads record while a collector drains, and every event arrives once and whole") {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kEach = 20'000;
  std::atomic<int> running{kThreads};
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const std::string task = "task-" + std::to_string(t);
      const std::string reason(static_cast<std::size_t>(t) * 100, 'r');
      for (std::uint64_t i = 0; i < kEach; ++i)
        producer->record(AgentStatusChange{.agent_id = task, .status = "busy", .reason = reason, .time = static_cast<std::int64_t>(i)});
      running.fetch_sub(1);
    });
  Drain drain(directory.lanes());
  std::map<std::string, std::int64_t> last;
  std::uint64_t events = 0;
  const auto take = [&] {
    for (const Recorded& r : drain.take()) {
      const std::string task = r.text("agentId");
      auto [at, first] = last.try_emplace(task, -1);
      REQUIRE(r.values.time_ns > at->second);
      at->second = r.values.time_ns;
      REQUIRE(r.text("reason") == std::string(static_cast<std::size_t>(task.back() - '0') * 100, 'r'));
      ++events;
    }
  };
  while (running.load() > 0) take();
  threads.clear();
  take();
  const Account account = producer->account();
  CHECK(account.attempted == kThreads * kEach);
  CHECK(account.recorded == events);
  CHECK(account.recorded + account.lane_full == account.attempted);
}

TEST_CASE_FIXTURE(Fixture, "producers made by many threads at once are the same producer") {
  constexpr int kThreads = 8;
  std::barrier together(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        together.arrive_and_wait();
        Producer own(ProducerOptions{.ring_dir = directory.lanes()});
        own.record(ThinkingBudgetUsage{.task_id = "task-1"});
      });
  }
  CHECK(directory.names().size() == 1);
  CHECK(Drain(directory.lanes()).take().size() == kThreads);
  CHECK(producer->account().recorded == kThreads);
}
