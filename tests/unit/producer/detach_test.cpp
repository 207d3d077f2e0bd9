// A thread gives its lane back before it exits, and the last one its segment.
#include <doctest/doctest.h>
#include <sys/time.h>
#include <unistd.h>
#include <arbiter/producer.hpp>

#include <barrier>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "tests/unit/producer/bell.hpp"
#include "tests/unit/producer/drained.hpp"
#include "tests/unit/producer/in_child.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Bell;
using test::Drain;
using test::OwnDirectory;

namespace fs = std::filesystem;

namespace {

bool record(Producer& producer, std::string_view task = "task-1") {
  return producer.record(ThinkingBudgetUsage{.task_id = task}).recorded();
}

struct Fixture {
  OwnDirectory directory;
  std::optional<Bell> bell{directory};  // there is a collector, by all that can be seen of one
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};

  ~Fixture() { producer.detach_thread(); }

  // Of this directory's segments, by the kernel's word, which calls them by what they had when they were opened: no name.
  std::size_t mapped() const {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find(directory.lanes() + "/#") != std::string::npos;
    return count;
  }
  // As the collector does when all of it is journalled.
  void remove_files() const {
    for (const std::string& name : directory.names()) fs::remove(directory.lane(name));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the last thread that gives its lane back lets go of the segment, with what is in it") {
  REQUIRE(record(producer));
  Drain drain(directory.lanes());
  REQUIRE(drain.segments() == 1);
  CHECK(mapped() == 1);
  CHECK(drain.segment(0).owner_alive());

  producer.detach_thread();
  CHECK(mapped() == 0);
  CHECK_FALSE(drain.segment(0).owner_alive());
  CHECK_FALSE(drain.segment(0).lane(0).claimed());
  CHECK(drain.one().text("taskId") == "task-1");
  CHECK(bell->rings() == 1);  // the collector hears of it

  producer.detach_thread();  // without a lane: nothing
  CHECK(bell->rings() == 0);
  CHECK(directory.names().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the next record claims a lane again, and the account goes on") {
  for (int round = 0; round < 3; ++round) {
    REQUIRE(record(producer));
    CHECK_FALSE(producer.record(ThinkingBudgetUsage{}).recorded());
    producer.detach_thread();
    CHECK(producer.account().recorded == static_cast<std::uint64_t>(round) + 1);
    CHECK(producer.account().refused == static_cast<std::uint64_t>(round) + 1);
    CHECK(producer.account().attempted == 2 * static_cast<std::uint64_t>(round) + 2);
  }
  CHECK(mapped() == 0);
  CHECK(directory.names().size() == 3);
  CHECK(Drain(directory.lanes()).take().size() == 3);
  CHECK(producer.attach_thread());
  CHECK(mapped() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a segment stays while another thread has a lane of it, and the lane serves the next") {
  std::barrier step(2);
  std::jthread other([&] {
    record(producer, "other");
    step.arrive_and_wait();  // both have recorded
    step.arrive_and_wait();  // this thread has detached
    record(producer, "other");
    producer.detach_thread();
    step.arrive_and_wait();
  });
  record(producer);
  step.arrive_and_wait();
  producer.detach_thread();
  CHECK(mapped() == 1);
  CHECK(record(producer));
  CHECK(directory.names().size() == 1);
  producer.detach_thread();
  step.arrive_and_wait();
  step.arrive_and_wait();
  CHECK(mapped() == 0);
  CHECK(producer.account().recorded == 4);
  CHECK(Drain(directory.lanes()).take().size() == 4);
}

TEST_CASE_FIXTURE(Fixture, "a lane is given back of this producer's directory alone, and its other producers have the same lane") {
  OwnDirectory elsewhere;
  const Bell bell_there(elsewhere);
  Producer same(ProducerOptions{.ring_dir = directory.lanes()}), there(ProducerOptions{.ring_dir = elsewhere.lanes()});
  REQUIRE(record(producer));
  REQUIRE(record(there));
  REQUIRE(record(same));
  same.detach_thread();
  CHECK(mapped() == 0);
  CHECK(record(there));
  CHECK(elsewhere.names().size() == 1);
  CHECK(Drain(elsewhere.lanes()).take().size() == 2);
  CHECK(record(producer));
  CHECK(producer.account().recorded == 3);
  there.detach_thread();
}

TEST_CASE_FIXTURE(Fixture, "while no collector is there, the segment stays for the next record, so that nothing fills up") {
  bell.reset();
  fs::remove(directory.lanes() + ".doorbell");
  for (int round = 0; round < 20; ++round) {
    REQUIRE(record(producer));
    producer.detach_thread();
    CHECK(directory.names().size() == 1);
    CHECK(mapped() == 1);
  }
  CHECK_FALSE(producer.flush(0ns));
  Drain drain(directory.lanes());
  CHECK(drain.take().size() == 20);
  CHECK(drain.segment(0).owner_alive());
  CHECK(producer.flush(0ns));

  bell.emplace(directory);  // one has come, and the next time it goes
  REQUIRE(record(producer));
  producer.detach_thread();
  CHECK(mapped() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a collector that does not look at its doorbell is none: segments do not pile up before it") {
  for (int round = 0; round < 2000 && mapped() == 0; ++round) {
    REQUIRE(record(producer));
    producer.detach_thread();
  }
  const std::size_t files = directory.names().size();
  CHECK(mapped() == 1);
  for (int round = 0; round < 5; ++round) {
    REQUIRE(record(producer));
    producer.detach_thread();
  }
  CHECK(directory.names().size() == files);
}

TEST_CASE_FIXTURE(Fixture, "flush waits for what a segment held that was let go of, until it is acknowledged or the file is gone") {
  REQUIRE(record(producer));
  producer.detach_thread();
  CHECK_FALSE(producer.flush(1ms));
  SUBCASE("acknowledged") {
    Drain drain(directory.lanes());
    std::thread collector([&] {
      std::this_thread::sleep_for(20ms);
      CHECK(drain.take().size() == 1);
    });
    CHECK(producer.flush(60s));
    collector.join();
  }
  SUBCASE("removed by the collector, which has all of it by then") {
    std::thread collector([&] {
      std::this_thread::sleep_for(20ms);
      remove_files();
    });
    CHECK(producer.flush(60s));
    collector.join();
  }
  SUBCASE("acknowledged, and something else is not") {
    CHECK(Drain(directory.lanes()).take().size() == 1);
    REQUIRE(record(producer));
    CHECK_FALSE(producer.flush(0ns));
    remove_files();
    CHECK_FALSE(producer.flush(0ns));  // the file of a lane that is held: never
    return;
  }
  CHECK(producer.flush(0ns));
  REQUIRE(record(producer));
  CHECK_FALSE(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "flush that is under way waits on for a segment that is let go of meanwhile") {
  std::barrier step(2);
  std::jthread other([&] {
    record(producer);
    step.arrive_and_wait();
    std::this_thread::sleep_for(10ms);
    producer.detach_thread();
  });
  step.arrive_and_wait();
  CHECK_FALSE(producer.flush(50ms));
  other.join();
  CHECK(mapped() == 0);
  CHECK(Drain(directory.lanes()).take().size() == 1);
  CHECK(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "an acknowledged position that was never published is none of an ended segment either") {
  REQUIRE(record(producer));
  Drain drain(directory.lanes());
  REQUIRE(drain.segments() == 1);
  producer.detach_thread();
  const abi::Position published = drain.segment(0).lane(0).published();
  drain.segment(0).lane(0).acknowledge({published.value + 1}, 1);
  CHECK_FALSE(producer.flush(0ns));
  fs::resize_file(directory.lane(directory.names()[0]), 4096);
  CHECK_FALSE(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "what went with its directory is lost, and flush says so at once and for ever") {
  REQUIRE(record(producer));
  SUBCASE("let go of before") {
    producer.detach_thread();
    fs::remove_all(directory.lanes());
  }
  SUBCASE("let go of after, which needs no collector") {
    bell.reset();
    fs::remove_all(directory.lanes());
    producer.detach_thread();
  }
  CHECK(mapped() == 0);
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(producer.flush(60s));
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  REQUIRE(record(producer));
  CHECK(Drain(directory.lanes()).take().size() == 1);
  CHECK_FALSE(producer.flush(0ns));
  CHECK(producer.account().recorded == 2);
}

TEST_CASE("a segment whose threads have ended and whose file is gone goes when the process takes up another directory") {
  for (const bool held : {false, true}) {
    Fixture first;
    std::jthread([&] { record(first.producer); }).join();
    if (held) record(first.producer);
    CHECK(first.mapped() == 1);
    fs::remove_all(first.directory.lanes());
    Fixture second;
    record(second.producer);
    CHECK(first.mapped() == (held ? 1 : 0));
    CHECK(first.producer.account().recorded == (held ? 2 : 1));
    CHECK_FALSE(first.producer.flush(0ns));
    CHECK(second.mapped() == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "a child has no lane of its parent's to give back, and its own goes as any other") {
  REQUIRE(record(producer));
  CHECK(test::in_child([&] {
          producer.detach_thread();
          const bool recorded = record(producer, "child");
          const bool two = directory.names().size() == 2;
          producer.detach_thread();
          return recorded && two && mapped() == 0 && producer.account().recorded == 1 ? 0 : 1;
        }) == 0);
  CHECK(mapped() == 1);
  CHECK(record(producer));
  CHECK(producer.account().recorded == 2);
  CHECK(Drain(directory.lanes()).take().size() == 3);
}

namespace {
Fixture* in_handler = nullptr;
}

TEST_CASE_FIXTURE(Fixture, "a handler may detach: its thread's lane goes, and a claim, an exit or a record that it interrupted is whole") {
  in_handler = this;
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { in_handler->producer.detach_thread(); };
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, &before);
  REQUIRE(record(producer));
  raise(SIGALRM);
  CHECK(mapped() == 0);

  const itimerval often{{0, 200}, {0, 200}}, never{};
  REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  std::uint64_t recorded = 1;
  std::set<std::string> names;
  std::size_t taken = Drain(directory.lanes()).take().size();
  remove_files();
  const std::string task(200, 't');
  const auto until = std::chrono::steady_clock::now() + 500ms;
  while (std::chrono::steady_clock::now() < until) {
    for (int i = 0; i < 50; ++i) {
      recorded += record(producer, task);
      bell->rings();
    }
    producer.detach_thread();
    Drain drain(directory.lanes());
    const std::size_t segments = drain.segments();
    std::size_t ended = 0;
    for (std::size_t i = 0; i < segments; ++i) ended += !drain.segment(i).owner_alive();
    for (const test::Recorded& r : drain.take()) {
      REQUIRE(r.text("taskId") == task);
      ++taken;
    }
    REQUIRE(ended == segments);
    remove_files();
  }
  REQUIRE(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  sigaction(SIGALRM, &before, nullptr);
  CHECK(taken == recorded);
  CHECK(producer.account().recorded == recorded);
  CHECK(producer.flush(0ns));
}
