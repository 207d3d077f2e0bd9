// What flush waits for, and what it answers.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Drain;
using test::OwnDirectory;

namespace {

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};
  bool record() { return producer.record(ThinkingBudgetUsage{.task_id = "task-1", .tokens_used = 1}).recorded(); }
};

// The words of a lane that the collector writes.
struct Acknowledged {
  int directory;
  SegmentReader segment;
  explicit Acknowledged(const OwnDirectory& of)
      : directory(open(of.lanes().c_str(), O_RDONLY | O_DIRECTORY)), segment([&] {
          for (const auto& entry : std::filesystem::directory_iterator(of.lanes()))
            if (auto reader = SegmentReader::attach(directory, entry.path().filename().c_str())) return std::move(*reader);
          FAIL("no segment");
          std::abort();
        }()) {}
  ~Acknowledged() { close(directory); }
  void set(abi::Position position) { segment.lane(0).acknowledge(position, 1); }
  abi::Position published() const { return segment.lane(0).published(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "nothing recorded is all acknowledged, also with a lane, and after refusals") {
  CHECK(producer.flush(0ns));
  CHECK(producer.attach_thread());
  CHECK(producer.flush(0ns));
  CHECK_FALSE(producer.record(ThinkingBudgetUsage{}).recorded());
  CHECK(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "flush is false until the collector has acknowledged the lanes of all threads, and true then") {
  REQUIRE(record());
  std::thread([&] { REQUIRE(record()); }).join();
  Producer other(ProducerOptions{.ring_dir = directory.lanes()});
  CHECK_FALSE(producer.flush(0ns));
  CHECK_FALSE(other.flush(1ms));
  Acknowledged lane0(directory);
  lane0.set(lane0.published());
  CHECK_FALSE(producer.flush(0ns));  // the other thread's is still there
  CHECK(Drain(directory.lanes()).take().size() == 2);
  CHECK(producer.flush(0ns));
  CHECK(other.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "flush waits about as long as it may, and no longer than it must") {
  REQUIRE(record());
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(producer.flush(30ms));
  const auto waited = std::chrono::steady_clock::now() - begin;
  CHECK(waited >= 30ms);
  std::thread collector([&] {
    std::this_thread::sleep_for(20ms);
    CHECK(Drain(directory.lanes()).take().size() == 1);
  });
  CHECK(producer.flush(60s));
  collector.join();
}

TEST_CASE_FIXTURE(Fixture, "what is recorded after the call is not waited for") {
  REQUIRE(record());
  Acknowledged lane0(directory);
  const abi::Position then = lane0.published();
  std::atomic<bool> flushed{false};
  std::thread other([&] { flushed = producer.flush(60s); });
  std::this_thread::sleep_for(20ms);
  REQUIRE(record());
  lane0.set(then);
  other.join();
  CHECK(flushed);
  CHECK_FALSE(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "an acknowledged position that was never published acknowledges nothing") {
  REQUIRE(record());
  Acknowledged lane0(directory);
  lane0.set(abi::Position::at(7, 0));
  CHECK_FALSE(producer.flush(1ms));
  lane0.set({lane0.published().value + 1});
  CHECK_FALSE(producer.flush(0ns));
  lane0.set(lane0.published());
  CHECK(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "a child waits for what it has recorded, not for what its parent has") {
  REQUIRE(record());
  const pid_t child = fork();
  if (child == 0) {
    const bool nothing_yet = producer.flush(0ns);
    const bool recorded = record();
    const bool still_there = !producer.flush(0ns);
    _exit(nothing_yet && recorded && still_there ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK_FALSE(producer.flush(0ns));
}

TEST_CASE_FIXTURE(Fixture, "events in a lane whose file was taken away are never acknowledged, and flush does not wait for them") {
  while (record()) {
  }
  std::filesystem::remove_all(directory.lanes());
  CHECK_FALSE(producer.flush(1ms));
  // The lane notices once it has been full for a second, and the next record claims another.
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!record() && std::chrono::steady_clock::now() < until) {
  }
  REQUIRE(producer.account().lane_full > 0);
  Drain(directory.lanes()).take();
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(producer.flush(60s));
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
}
