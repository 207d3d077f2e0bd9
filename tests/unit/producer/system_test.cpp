// What the system refuses while a thread gets its lane: an attempt that is counted, in words, errno left alone, and made up for a second
// later.
#include <doctest/doctest.h>
#include <sys/un.h>
#include <arbiter/producer.hpp>

#include <chrono>
#include <deque>
#include <filesystem>
#include <iterator>
#include <new>
#include <set>
#include <string>
#include <thread>

#include "producer/values.hpp"
#include "tests/unit/producer/drained.hpp"
#include "tests/unit/producer/in_child.hpp"
#include "tests/unit/refused_calls.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Drain;
using test::in_child;
using test::OwnDirectory;
using test::Refused;

namespace {
std::atomic<bool> no_heap{false};
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (no_heap) throw std::bad_alloc();
  if (void* const at = std::malloc(bytes)) return at;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace {

struct Fixture {
  OwnDirectory directory;
  Producer producer{ProducerOptions{.ring_dir = directory.lanes()}};
};

const ThinkingBudgetUsage kSmall{.task_id = "task-1", .tokens_used = 1};

std::ptrdiff_t descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

struct Case {
  const char* call;
  int nth, code;
  const char* problem;  // behind the directory
};

}  // namespace

// First: later the process has its key.
TEST_CASE_FIXTURE(Fixture, "a process without keys for its threads keeps the lanes of those that exit until it ends itself") {
  CHECK(in_child([&] {
          int lanes = 0;
          const Refused refused("pthread_key_create", EAGAIN, 1, true);
          for (int thread = 0; thread < 3; ++thread) std::thread([&] { lanes += producer.record(kSmall).recorded(); }).join();
          return lanes;
        }) == 3);
  Drain drain(directory.lanes());
  std::set<std::uint32_t> lanes;
  for (const test::Recorded& r : drain.take()) lanes.insert(r.lane);
  CHECK(lanes == std::set<std::uint32_t>{0, 1, 2});
  CHECK(drain.account().attempted == 3);
}

TEST_CASE(
    "an attempt whose claim the system refuses is counted, says at what, leaves errno and descriptors alone; a second later all is well") {
  const Case cases[] = {
      {"mmap", 2, ENOMEM, "memory for a directory: Cannot allocate memory"},
      {"mmap", 3, ENOMEM, ": memory for a segment's name: Cannot allocate memory"},
      {"mmap", 4, ENOMEM, ": mapping a segment: Cannot allocate memory"},
      {"mmap", 5, ENOMEM, ": memory for a segment: Cannot allocate memory"},
      {"madvise", 3, EFAULT, ": no memory for a lane: No space left on device"},
      {"open", 2, ENFILE, ": making a segment: Too many open files in system"},  // the first is the word that switches off
      {"getrandom", 1, EPERM, ": a random number for a segment: Operation not permitted"},
  };
  constexpr std::size_t count = std::size(cases);
  OwnDirectory directories[count];
  const std::ptrdiff_t open_before = descriptors();
  std::deque<Producer> producers;  // which do not move
  for (std::size_t i = 0; i < count; ++i) {
    const Case& c = cases[i];
    CAPTURE(c.call);
    CAPTURE(c.nth);
    Producer& producer = producers.emplace_back(ProducerOptions{.ring_dir = directories[i].lanes()});
    {
      const Refused refused(c.call, c.code, c.nth);
      errno = 55;
      CHECK(producer.record(kSmall).rule() == "no lane could be had");
      CHECK(errno == 55);
      REQUIRE(refused.call() != nullptr);
    }
    CHECK(descriptors() == open_before);
    CHECK(producer.problem() == (c.problem[0] == ':' ? directories[i].lanes() : "") + c.problem);
    CHECK(producer.account().attempted == 1);
    CHECK(producer.account().no_lane == 1);
  }
  std::this_thread::sleep_for(1100ms);
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(cases[i].call);
    CAPTURE(cases[i].nth);
    CHECK(producers[i].record(kSmall));
    CHECK(producers[i].problem().empty());
    Drain drain(directories[i].lanes());
    CHECK(drain.take().size() == 1);
    CHECK(drain.account().attempted == 2);
    CHECK(drain.dropped(abi::Drop::no_lane) == 1);
    CHECK(producers[i].account().attempted == 2);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "without a lane an event that breaks a rule is refused all the same, and carried as that, whichever way it comes") {
  event::Values bad;
  bad.kind = Kind::thinking_budget_usage;
  {
    const Refused refused("open", EACCES, 1, true);
    CHECK(producer.record(ThinkingBudgetUsage{}).status() == Status::refused);
    CHECK(producer::record(producer, bad).status() == Status::refused);
    bad.set_text(0, std::string_view("task-1"));
    CHECK(producer::record(producer, bad).status() == Status::dropped);
  }
  CHECK(producer.account().refused == 2);
  CHECK(producer.account().no_lane == 1);
  std::this_thread::sleep_for(1100ms);
  CHECK(producer::record(producer, bad).status() == Status::recorded);
  Drain drain(directory.lanes());
  CHECK(drain.refused(abi::Refusal::missing) == 2);
  CHECK(drain.dropped(abi::Drop::no_lane) == 1);
  CHECK(drain.account().attempted == 4);
}

TEST_CASE("a producer for whose places there is no memory records nothing, counts it, says why, and ends nothing") {
  OwnDirectory directory;
  const std::string lanes = directory.lanes();
  no_heap = true;
  Producer producer(ProducerOptions{.ring_dir = lanes});
  no_heap = false;
  CHECK(producer.record(kSmall).status() == Status::dropped);
  CHECK(producer.record(ThinkingBudgetUsage{}).status() == Status::refused);
  CHECK(producer.account().no_lane == 1);
  CHECK(producer.account().refused == 1);
  CHECK(producer.account().attempted == 2);
  CHECK(producer.problem() == "there was no memory for this producer when it was made: make another");
  CHECK(directory.names().empty());
}

TEST_CASE_FIXTURE(Fixture, "without random numbers the ids of threads differ all the same") {
  std::set<std::string> ids;
  const auto make = [&] {
    const Refused refused("getrandom", EAGAIN, directory.names().empty() ? 2 : 1, true);  // the first is the segment's
    for (int i = 0; i < 100; ++i) {
      const auto result = producer.record(RoutingDecision{.task_id = "task-1", .selected_agent = "agent-7"});
      if (result.recorded()) ids.emplace(result.made_id());
    }
    CHECK(std::string_view(refused.call()) == "getrandom");
  };
  for (int thread = 0; thread < 10; ++thread) std::thread(make).join();
  CHECK(ids.size() == 1000);
}

TEST_CASE_FIXTURE(Fixture, "a doorbell that cannot be rung is left, and the lane fills on; errno too") {
  const int bell = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory.lanes() + ".doorbell").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(bell, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const Refused refused("socket", EMFILE, 1, true);
  errno = 55;
  int recorded = 0;
  for (int i = 0; i < 100'000; ++i) recorded += producer.record(kSmall).recorded();
  CHECK(errno == 55);
  CHECK(recorded == 100'000);
  CHECK(std::string_view(refused.call()) == "socket");
  char rung;
  CHECK(recv(bell, &rung, 1, 0) < 0);
  close(bell);
}

TEST_CASE_FIXTURE(Fixture, "without a page to count in, attempts are counted for the process and carried into the first lane that is had") {
  event::Values bad;
  bad.kind = Kind::thinking_budget_usage;
  {
    const Refused refused("mmap", ENOMEM, 1, true);
    CHECK(producer.record(kSmall).rule() == "no lane could be had");
    CHECK(producer.record(ThinkingBudgetUsage{}).status() == Status::refused);
    CHECK(producer::record(producer, bad).status() == Status::refused);
    CHECK_FALSE(producer.attach_thread());
  }
  CHECK(producer.account().attempted == 0);  // so far it is nobody's
  CHECK(producer.problem().empty());
  CHECK(producer.record(kSmall));
  CHECK(producer.account().attempted == 4);
  Drain drain(directory.lanes());
  CHECK(drain.dropped(abi::Drop::no_lane) == 1);
  CHECK(drain.refused(abi::Refusal::missing) == 2);
  CHECK(drain.take().size() == 1);
}
