#include "tests/faults/agent.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <new>
#include <random>
#include <thread>

namespace arbiter::test {
namespace {

std::uint64_t number(const json::object& o, std::string_view key) {
  const json::value* const found = o.if_contains(key);
  return found == nullptr ? 0 : found->to_number<std::uint64_t>();
}

}  // namespace

Agent::Agent(const fs::path& lanes, Habits habits) {
  static std::uint64_t agents = 0;
  number_ = ++agents;
  void* const at = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(at != MAP_FAILED);
  page_ = new (at) Page;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  work(lanes, habits);
}

void Agent::work(const fs::path& lanes, const Habits& habits) {
  const std::string directory = lanes;
  std::string padding(habits.event_bytes, ' ');
  std::mt19937_64 random(number_);
  Producer producer({.ring_dir = directory, .wait_up_to = habits.wait_up_to});
  for (std::uint64_t n = 1; n <= kCallsMax; ++n) {
    while (n > page_->wanted.load(std::memory_order_relaxed)) {
      if (page_->stop.load(std::memory_order_relaxed)) ::_exit(0);
      std::this_thread::sleep_for(1ms);
    }
    for (char& c : padding) c = static_cast<char>('A' + random() % 26);  // what a disk is filled with must not compress
    const std::string data = "{\"agent\":" + std::to_string(number_) + ",\"n\":" + std::to_string(n) + ",\"padding\":\"" + padding + "\"}";
    note(producer, producer.record(Event{.type = "fault", .data = data}), n);
    if (habits.pause.count() != 0) std::this_thread::sleep_for(habits.pause);
  }
  ::_exit(0);
}

void Agent::note(Producer& producer, const RecordResult& result, std::uint64_t n) {
  const bool recorded = result.recorded();
  if (recorded) page_->recorded_bits[n / 64].fetch_or(std::uint64_t{1} << n % 64, std::memory_order_relaxed);
  (recorded ? page_->recorded : page_->dropped).fetch_add(1, std::memory_order_relaxed);
  if (n == page_->wanted.load(std::memory_order_relaxed)) {
    const Account account = producer.account();
    page_->lane_full.store(account.lane_full, std::memory_order_relaxed);
    page_->no_lane.store(account.no_lane, std::memory_order_relaxed);
    const std::string problem = producer.problem();
    for (std::size_t i = 0; i < page_->problem.size(); ++i)
      page_->problem[i].store(i < problem.size() ? problem[i] : '\0', std::memory_order_relaxed);
  }
  page_->calls.store(n, std::memory_order_release);
}

Agent::~Agent() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::munmap(page_, sizeof(Page));
}

void Agent::record(std::uint64_t calls) {
  ask(calls);
  REQUIRE_MESSAGE(wait_until([&] { return done() || !running(); }), "an agent did not get on: " << this->calls() << " calls made");
  REQUIRE_MESSAGE(done(), "an agent has died");
}

void Agent::end() {
  page_->stop.store(true, std::memory_order_relaxed);
  REQUIRE(wait_until([&] { return !running(); }));
}

void Agent::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool Agent::running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  pid_ = -1;
  CHECK_MESSAGE((WIFEXITED(status) && WEXITSTATUS(status) == 0), "an agent ended with wait status " << status);
  return false;
}

bool Agent::was_recorded(std::uint64_t n) const {
  return (page_->recorded_bits[n / 64].load(std::memory_order_relaxed) >> n % 64 & 1) != 0;
}

std::string Agent::problem() const {
  std::string text;
  for (const auto& c : page_->problem)
    if (const char letter = c.load(std::memory_order_relaxed); letter != '\0') text += letter;
  return text;
}

void check_account(Collector& collector, const std::vector<const Agent*>& agents, const AccountOptions& options) {
  std::uint64_t calls = 0, recorded = 0, lane_full = 0, no_lane = 0;
  std::map<std::uint64_t, const Agent*> by_number;
  for (const Agent* agent : agents) {
    by_number[agent->number()] = agent;
    calls += agent->calls(), recorded += agent->recorded(), lane_full += agent->lane_full(), no_lane += agent->no_lane();
    CHECK(agent->calls() == agent->recorded() + agent->dropped());
    CHECK(agent->dropped() == agent->lane_full() + agent->no_lane());
  }
  const json::object stats = collector.stats();
  const json::object& losses = stats.at("losses").as_object();
  const json::object& by_reason = losses.at("droppedByReason").as_object();
  CHECK(number(stats, "retainedEvents") == recorded - options.rewound);
  CHECK(number(stats.at("lifetime").as_object(), "attempted") == calls);
  CHECK(number(losses, "stateRewound") == options.rewound);
  CHECK(number(losses, "dropped") == lane_full + no_lane);
  CHECK(number(by_reason, "laneFull") == lane_full);
  CHECK(number(by_reason, "noLane") == no_lane);
  for (const char* none : {"refused", "quarantined", "inFlightAtKill"}) CHECK_MESSAGE(number(losses, none) == 0, none);

  std::map<std::uint64_t, std::uint64_t> last;  // call number, by agent
  std::uint64_t found = 0, strange = 0, out_of_order = 0;
  for (const json::object& event : read_lines(collector.snapshot() / "events.jsonl.zst")) {
    const json::object& data = event.at("data").as_object();
    const std::uint64_t agent = number(data, "agent"), n = number(data, "n");
    ++found;
    const auto known = by_number.find(agent);
    if (known == by_number.end() || n == 0 || n > Agent::kCallsMax || !known->second->was_recorded(n)) ++strange;
    // Each agent is one thread with one lane, its stamps never go back: so its events come in order, and one that came twice would not.
    if (n <= last[agent]) ++out_of_order;
    last[agent] = n;
  }
  CHECK(found == recorded - options.rewound);
  CHECK(strange == 0);
  CHECK(out_of_order == 0);
}

}  // namespace arbiter::test
