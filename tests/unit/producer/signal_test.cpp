// A record in a signal handler that interrupted a record of the same thread is a counted drop; any other one is recorded.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include <arbiter/producer.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using test::Drain;
using test::OwnDirectory;
using test::Recorded;

namespace {

Producer* in_handler = nullptr;
std::atomic<std::uint64_t> handler_recorded{0}, handler_dropped{0}, handler_other{0};
const ThinkingBudgetUsage kFromHandler{.task_id = "from the handler"};

void record_in_handler() {
  const RecordResult result = in_handler->record(kFromHandler);
  if (result)
    ++handler_recorded;
  else if (result.status() == Status::dropped && result.rule() == "recorded in a signal handler that interrupted a record")
    ++handler_dropped;
  else
    ++handler_other;
}

class Handler {
 public:
  Handler(int number, void (*handler)(int), Producer& producer) : number_(number) {
    in_handler = &producer;
    handler_recorded = handler_dropped = handler_other = 0;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, &before_);
  }
  ~Handler() { sigaction(number_, &before_, nullptr); }

 private:
  int number_;
  struct sigaction before_ {};
};

}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose handlers of faults come first

namespace {
void* page = nullptr;
}

TEST_CASE("a handler that runs in the middle of a record has its own record dropped, and the interrupted one is whole") {
  OwnDirectory directory;
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  REQUIRE(producer.attach_thread());
  page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(page, 'r', 4096);
  const std::string_view reason(static_cast<const char*>(page), 4096);
  const Handler handler(
      SIGSEGV,
      [](int) {
        record_in_handler();
        mprotect(page, 4096, PROT_READ);
      },
      producer);
  for (int i = 0; i < 3; ++i) {
    mprotect(page, 4096, PROT_NONE);  // reading the reason, in the middle of the record, is the signal
    CHECK(producer.record(AgentStatusChange{.agent_id = "agent-7", .status = "busy", .reason = reason}));
  }
  CHECK(handler_dropped == 3);
  CHECK(handler_recorded + handler_other == 0);
  Drain drain(directory.lanes());
  const auto all = drain.take();
  REQUIRE(all.size() == 3);
  for (const Recorded& r : all) CHECK(r.text("reason") == reason);
  CHECK(drain.dropped(abi::Drop::reentrant) == 3);
  CHECK(drain.account().attempted == 6);
  const Account account = producer.account();
  CHECK(account.reentrant == 3);
  CHECK(account.attempted == 6);
  CHECK(account.recorded == 3);
  munmap(page, 4096);
}

#endif

TEST_CASE("a handler that interrupts anything else records like anybody") {
  OwnDirectory directory;
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  const Handler handler(
      SIGUSR1, [](int) { record_in_handler(); }, producer);
  raise(SIGUSR1);  // the first record of the thread: it claims its lane in the handler
  CHECK(producer.record(ThinkingBudgetUsage{.task_id = "from the thread"}));
  raise(SIGUSR1);
  CHECK(handler_recorded == 2);
  CHECK(Drain(directory.lanes()).take().size() == 3);
}

TEST_CASE("with a timer's signals all the time, every attempt is accounted for and every event is whole") {
  OwnDirectory directory;
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  const Handler handler(
      SIGALRM, [](int) { record_in_handler(); }, producer);
  const itimerval often{{0, 100}, {0, 100}}, never{};
  REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);

  const std::string reason(3000, 'r');
  std::uint64_t recorded = 0, dropped = 0, delivered = 0;
  Drain drain(directory.lanes());
  const auto take = [&] {
    for (const Recorded& r : drain.take()) {
      ++delivered;
      if (r.kind() == Kind::thinking_budget_usage)
        REQUIRE(r.text("taskId") == "from the handler");
      else
        REQUIRE(r.text("reason") == reason);
    }
  };
  const auto until = std::chrono::steady_clock::now() + 20s;
  while ((handler_dropped < 20 || handler_recorded < 20) && std::chrono::steady_clock::now() < until) {
    for (int i = 0; i < 1000; ++i) {
      const RecordResult result = producer.record(AgentStatusChange{.agent_id = "agent-7", .status = "busy", .reason = reason});
      result ? ++recorded : ++dropped;
    }
    take();
  }
  REQUIRE(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  take();
  CHECK(handler_dropped >= 20);
  CHECK(handler_recorded >= 20);
  CHECK(delivered == recorded + handler_recorded);
  const Account account = producer.account();
  CHECK(account.recorded == delivered);
  CHECK(account.reentrant == handler_dropped);
  CHECK(account.lane_full == dropped + handler_other);
  CHECK(account.attempted == account.recorded + account.lane_full + account.reentrant);
  CHECK(drain.account().attempted == account.attempted);
}

TEST_CASE("signals that interrupt claims and exits of threads do no harm, and what they attempt is counted") {
  OwnDirectory directory;
  Producer producer(ProducerOptions{.ring_dir = directory.lanes()});
  const Handler handler(
      SIGALRM, [](int) { record_in_handler(); }, producer);
  const itimerval often{{0, 50}, {0, 50}}, never{};
  REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  std::uint64_t recorded = 0;
  for (int i = 0; i < 200; ++i) {
    // Signals go to any thread that does not block them: this one waits in join, the other claims, records and exits.
    sigset_t alarm, before;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    std::thread thread([&] { recorded += producer.record(ThinkingBudgetUsage{.task_id = "from the thread"}).recorded(); });
    pthread_sigmask(SIG_BLOCK, &alarm, &before);
    thread.join();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  REQUIRE(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  CHECK(recorded == 200);
  const Account account = producer.account();
  CHECK(account.recorded == 200 + handler_recorded);
  CHECK(account.reentrant == handler_dropped);
  CHECK(handler_other == 0);
  CHECK(Drain(directory.lanes()).take().size() == account.recorded);
}
