// What becomes of attempts when there is no room, no lane, no directory, or nothing is to be recorded.
#include <doctest/doctest.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "producer/call.hpp"
#include "producer/values.hpp"
#include "shm/clock.hpp"
#include "tests/unit/producer/bell.hpp"
#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Bell;
using test::Drain;
using test::OwnDirectory;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};
};

const ThinkingBudgetUsage kSmall{.task_id = "task-1", .tokens_used = 1};

RecordResult record_until(Producer& producer, Status wanted) {
  for (int i = 0; i < 10'000'000; ++i)
    if (const RecordResult result = producer.record(kSmall); result.status() == wanted) return result;
  FAIL("never");
  return {};
}

// Claims are tried again after a second.
template <class Done>
bool within_seconds(int seconds, Done done) {
  for (int i = 0; i < seconds * 100; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a full lane drops the newest and counts it; when there is room again, recording goes on") {
  const RecordResult full = record_until(producer, Status::dropped);
  CHECK(full.rule() == "the lane is full");
  CHECK(full.field().empty());
  for (int i = 0; i < 99; ++i) CHECK(producer.record(kSmall).status() == Status::dropped);
  const Account account = producer.account();
  CHECK(account.lane_full == 100);
  CHECK(account.attempted == account.recorded + 100);
  // 8 MiB of records, less the place of a skip record.
  CHECK(account.recorded > abi::kLaneRecords - 10);
  CHECK(account.recorded < abi::kLaneRecords);

  Drain drain(directory.lanes());
  CHECK(drain.take().size() == account.recorded);
  CHECK(producer.record(kSmall));
  CHECK(drain.one().values.sequence == account.attempted + 1);
  CHECK(drain.dropped(abi::Drop::lane_full) == 100);
}

TEST_CASE_FIXTURE(Fixture, "on a full lane too a number out of its range is refused, not dropped; strings are not looked at any more") {
  record_until(producer, Status::dropped);
  CHECK(producer.record(ThinkingBudgetUsage{.task_id = "task-1", .utilization_rate = -1}).status() == Status::refused);
  CHECK(producer.record(ThinkingBudgetUsage{.task_id = "\xff"}).status() == Status::dropped);
  CHECK(producer.account().lane_full == 2);
  CHECK(producer.account().refused == 1);
}

TEST_CASE_FIXTURE(Fixture, "an event in the form of the table is dropped by a full lane, and is no attempt while recording is off") {
  event::Values values;
  values.kind = Kind::thinking_budget_usage;
  values.set_text(schema::field(Kind::thinking_budget_usage, "taskId"), std::string_view("task-1"));
  CHECK(producer::record(producer, values));
  record_until(producer, Status::dropped);
  const std::uint64_t attempted = producer.account().attempted;
  CHECK(producer::record(producer, values).rule() == "the lane is full");
  CHECK(producer.account().attempted == attempted + 1);
  CHECK(producer.account().lane_full == 2);
  Drain drain(directory.lanes());
  CHECK(drain.take().size() == attempted - 1);
  drain.segment(0).set_disabled(true);
  CHECK(producer::record(producer, values).status() == Status::disabled);
  CHECK(producer.account().attempted == attempted + 1);
}

TEST_CASE_FIXTURE(Fixture, "a lane that is read at once is backed further while it goes round within 50 ms") {
  Drain drain(directory.lanes());
  const auto grown = [&] { return drain.segment(0).lane(0).backed_records() > abi::kLaneRecordsMin; };
  for (int laps = 0; laps < 300; ++laps)  // on a slow machine one of them may take longer
    for (std::uint32_t records = 0; records < abi::kLaneRecordsMin; records += 200) {
      for (int i = 0; i < 100; ++i) REQUIRE(producer.record(kSmall));
      drain.take();
      if (grown()) return;
    }
  FAIL("never grown");
}

TEST_CASE("records of handlers that interrupted before there was a lane are carried into it, and counted once each") {
  OwnDirectory directory;
  std::ofstream(directory.lanes() + "/file") << "x";
  Producer nowhere(ProducerOptions{.ring_dir = directory.lanes() + "/file/lanes"});
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  producer::Internal::outlet(producer).count_reentrant(nullptr);  // of the process: nothing of the producer is there yet
  producer::Internal::outlet(nowhere).count_reentrant(nullptr);
  CHECK(nowhere.record(kSmall).rule() == "no lane could be had");
  producer::Internal::outlet(nowhere).count_reentrant(nullptr);  // of the producer, until it gets a lane
  CHECK(nowhere.account().reentrant == 1);
  CHECK(producer.record(kSmall));
  CHECK(producer.account().reentrant == 2);
  fs::remove(directory.lanes() + "/file");
  CHECK(within_seconds(20, [&] { return nowhere.record(kSmall).recorded(); }));
  CHECK(nowhere.account().reentrant == 1);
  CHECK(nowhere.account().recorded == 1);
}

TEST_CASE("a producer that may wait gets its event in as soon as there is room") {
  OwnDirectory directory;
  Producer hasty(ProducerOptions{.ring_dir = directory.lanes()});
  Producer patient(ProducerOptions{.ring_dir = directory.lanes(), .wait_up_to = 20s});
  record_until(hasty, Status::dropped);
  std::jthread collector([&] {
    std::this_thread::sleep_for(50ms);
    Drain(directory.lanes()).take();
  });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(patient.record(kSmall));
  const auto waited = std::chrono::steady_clock::now() - begin;
  CHECK(waited >= 40ms);
  CHECK(waited < 15s);
  CHECK(hasty.account().lane_full == 1);
}

TEST_CASE("a producer that may wait waits no longer than it may") {
  OwnDirectory directory;
  Producer patient(ProducerOptions{.ring_dir = directory.lanes(), .wait_up_to = 50ms});
  for (int i = 0; patient.record(kSmall); ++i) REQUIRE(i < 1'000'000);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(patient.record(kSmall).status() == Status::dropped);
  const auto waited = std::chrono::steady_clock::now() - begin;
  CHECK(waited >= 50ms);
  CHECK(waited < 10s);
}

TEST_CASE_FIXTURE(Fixture, "attempts without a lane are counted, and carried into the lane that comes later") {
  fs::remove(directory.lanes());
  std::ofstream(directory.lanes()) << "in the way";
  for (int i = 0; i < 7; ++i) {
    const RecordResult result = producer.record(kSmall);
    CHECK(result.status() == Status::dropped);
    CHECK(result.rule() == "no lane could be had");
  }
  CHECK(producer.record(ThinkingBudgetUsage{}).status() == Status::refused);
  CHECK(producer.record(Event{.type = "any", .data = "{"}).status() == Status::refused);
  CHECK_FALSE(producer.attach_thread());
  CHECK(producer.problem() == "making " + directory.lanes() + ": " + directory.lanes() + ": Not a directory");
  CHECK(producer.account().no_lane == 7);
  CHECK(producer.account().refused == 2);
  CHECK(producer.account().attempted == 9);

  fs::remove(directory.lanes());
  std::uint64_t more = 0;
  REQUIRE(within_seconds(5, [&] { return producer.record(kSmall) ? true : (++more, false); }));
  CHECK(producer.problem().empty());
  Drain drain(directory.lanes());
  const auto r = drain.one();
  const LaneReader::Account account = drain.account();
  CHECK(account.dropped[static_cast<std::size_t>(abi::Drop::no_lane)] == 7 + more);
  CHECK(account.refused[static_cast<std::size_t>(abi::Refusal::missing)] == 1);
  CHECK(account.refused[static_cast<std::size_t>(abi::Refusal::bad_json)] == 1);
  CHECK(account.attempted == 7 + more + 2 + 1);
  CHECK(producer.account().attempted == account.attempted);
  CHECK(producer.account().recorded == 1);
}

TEST_CASE("without a claim, a second passes before the next") {
  OwnDirectory directory;
  fs::remove(directory.lanes());
  std::ofstream(directory.lanes()) << "in the way";
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  const std::uint64_t begin = coarse_ns();  // the library's own clock here: another may be some milliseconds ahead of it
  CHECK_FALSE(producer.record(kSmall));
  fs::remove(directory.lanes());
  REQUIRE(within_seconds(5, [&] { return producer.record(kSmall).recorded(); }));
  CHECK(coarse_ns() - begin >= 1'000'000'000);
}

TEST_CASE_FIXTURE(Fixture, "a lane that stays full notices that its directory was wiped, and goes on in a new one") {
  record_until(producer, Status::dropped);
  const std::uint64_t before = producer.account().attempted;
  fs::remove_all(directory.lanes());
  const auto wiped = std::chrono::steady_clock::now();
  fs::create_directory(directory.lanes());
  REQUIRE(within_seconds(10, [&] {
    for (int i = 0; i < 32; ++i)
      if (producer.record(kSmall)) return true;
    return false;
  }));
  CHECK(std::chrono::steady_clock::now() - wiped >= 900ms);  // full for a moment is no reason to look
  Drain drain(directory.lanes());
  CHECK(drain.segments() == 1);
  CHECK(drain.take().size() == 1);
  CHECK(producer.account().attempted > before);  // those of the lane that is gone still count here
}

TEST_CASE_FIXTURE(Fixture, "while the collector has recording switched off, calls say so and are no attempts") {
  CHECK(producer.record(kSmall));
  Drain drain(directory.lanes());
  REQUIRE(drain.take().size() == 1);
  drain.segment(0).set_disabled(true);
  CHECK(producer.record(kSmall).status() == Status::disabled);
  CHECK(producer.record(RoutingDecision{}).status() == Status::disabled);
  CHECK(producer.record(RoutingDecision{}).made_id().empty());
  const Run run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7"});
  CHECK(run.result().status() == Status::disabled);
  CHECK(run.complete({.success = true}).status() == Status::disabled);
  CHECK(producer.account().attempted == 1);
  CHECK(drain.take().empty());

  drain.segment(0).set_disabled(false);
  CHECK(run.complete({.success = true}));  // its start is not there, but when it was is known
  const test::Recorded r = drain.one();
  CHECK(r.values.sequence == 2);
  CHECK(r.count("startedTicks") <= r.values.stamp);
}

TEST_CASE("a new segment takes the switch from the file beside the directory") {
  OwnDirectory directory;
  std::ofstream(directory.lanes() + ".enabled") << "0\n";
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  CHECK(producer.record(kSmall).status() == Status::disabled);
  CHECK(producer.account().attempted == 0);
}

TEST_CASE("ARBITER_DISABLE=1 switches recording off and leaves no trace") {
  OwnDirectory directory;
  setenv("ARBITER_DISABLE", "1", 1);
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  unsetenv("ARBITER_DISABLE");
  CHECK(producer.record(kSmall).status() == Status::disabled);
  CHECK_FALSE(producer.attach_thread());
  CHECK(producer.start_task({.task_id = "t", .agent_id = "a"}).complete({.success = true}).status() == Status::disabled);
  CHECK(directory.names().empty());
  CHECK(producer.account().attempted == 0);
  CHECK(producer.problem() == "recording is switched off by ARBITER_DISABLE");
}

TEST_CASE("producers for the same directory share a segment, for different ones do not") {
  OwnDirectory one, two;
  Producer a(ProducerOptions{.ring_dir = one.lanes()});
  Producer b(ProducerOptions{.ring_dir = one.lanes() + "/"});
  Producer c(ProducerOptions{.ring_dir = two.lanes()});
  for (int i = 0; i < 3; ++i) {
    CHECK(a.record(kSmall));
    CHECK(b.record(kSmall));
    CHECK(c.record(kSmall));
  }
  CHECK(one.names().size() == 1);
  CHECK(two.names().size() == 1);
  const auto both = Drain(one.lanes()).take();
  CHECK(both.size() == 6);
  for (const test::Recorded& r : both) CHECK(r.lane == 0);  // and of a segment, a thread's lane
  CHECK(Drain(two.lanes()).take().size() == 3);
  CHECK(a.account().recorded == 6);
  CHECK(c.account().recorded == 3);
}

TEST_CASE("a producer that waits for room rings the doorbell, once") {
  OwnDirectory directory;
  Producer hasty(ProducerOptions{.ring_dir = directory.lanes()});
  Producer patient(ProducerOptions{.ring_dir = directory.lanes(), .wait_up_to = 30ms});
  record_until(hasty, Status::dropped);
  Bell bell(directory);
  CHECK(hasty.record(kSmall).status() == Status::dropped);
  CHECK(bell.rings() == 0);
  CHECK(patient.record(kSmall).status() == Status::dropped);
  CHECK(bell.rings() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the doorbell rings when the lane is half full, and not before") {
  std::optional<Bell> bell(directory);
  const auto rings = [&] { return bell->rings(); };
  // An event of this size is two records; the middle of the first 256 KiB is at record 2,048.
  for (int i = 0; i < 1000; ++i) REQUIRE(producer.record(kSmall));
  const std::size_t each = Drain(directory.lanes()).take().front().bytes().size() > 64 ? 2 : 1;
  CHECK(rings() == 0);
  for (std::size_t i = 1000; i < 4000 / each; ++i) REQUIRE(producer.record(kSmall));
  CHECK(rings() <= 1);
  record_until(producer, Status::dropped);
  const int until_full = rings();
  CHECK(until_full >= 1);
  CHECK(until_full <= 2 * 6);  // twice for each size that the lane has had
  bell.reset();
  record_until(producer, Status::dropped);  // nobody there: nothing happens
}

TEST_CASE("a directory whose name leaves no room for a doorbell's is recorded into all the same") {
  OwnDirectory directory;
  const std::string deep = directory.lanes() + "/" + std::string(100, 'd');
  Producer producer(ProducerOptions{.ring_dir = deep});
  CHECK(producer.record(kSmall));
  CHECK(record_until(producer, Status::dropped).rule() == "the lane is full");
  CHECK(Drain(deep).take().size() == producer.account().recorded);
}
