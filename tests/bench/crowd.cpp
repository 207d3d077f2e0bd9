#include "tests/bench/crowd.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <thread>
#include <utility>

#include "tests/bench/measure.hpp"

namespace arbiter::bench {

// Of all threads of all processes. Each atomic: release by who writes, acquire by who reads; nothing else hangs on them.
struct Crowd::Shared {
  static constexpr unsigned kThreadsMax = 4'096;
  struct alignas(128) Thread {
    std::atomic<std::uint64_t> recorded{0}, dropped{0};
    std::atomic<bool> quiet{false};
  };
  std::atomic<bool> stop{false};
  Thread threads[kThreadsMax];
};

namespace {

constexpr std::uint64_t kStartNsMax = 60'000'000'000, kWaitNsMax = 600'000'000'000;
constexpr double kEventsAtOnce = 10;  // so seldom a thread wakes up to record

// The part of one thread in a plan.
struct Part {
  double events_per_s;
  std::uint64_t events;
};

// `record`: one event, counted; `stopped`: somebody says so.
template <class Record, class Stopped>
void keep_pace(const Part& part, Record&& record, Stopped&& stopped) {
  const double step_s = part.events_per_s > 0 ? std::clamp(kEventsAtOnce / part.events_per_s, 0.001, 0.1) : 0;
  const std::uint64_t began = now_ns();
  std::uint64_t done = 1;
  while (!stopped() && (part.events == 0 || done < part.events)) {
    std::uint64_t due = 1'000;
    if (part.events_per_s > 0) {
      const auto until_now = static_cast<std::uint64_t>(static_cast<double>(now_ns() - began) / 1e9 * part.events_per_s);
      due = until_now > done ? until_now - done : 0;
    }
    if (part.events != 0) due = std::min(due, part.events - done);
    for (std::uint64_t i = 0; i < due; ++i) record();
    done += due;
    if (step_s > 0) sleep_s(step_s);
  }
}

}  // namespace

Result<Crowd> Crowd::start(const CrowdPlan& plan) {
  Crowd crowd;
  crowd.threads_ = plan.processes * plan.threads;
  if (crowd.threads_ > Shared::kThreadsMax) return Error{"more than " + std::to_string(Shared::kThreadsMax) + " producers"};
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return system_error("shared memory", errno);
  Shared& shared = *(crowd.shared_ = new (memory) Shared);
  const Part part{plan.events_per_s / crowd.threads_, plan.events == 0 ? 0 : std::max<std::uint64_t>(1, plan.events / crowd.threads_)};
  const unsigned agents = std::max(1u, plan.agents / plan.processes);

  // In the child. Who has a pace drops what finds no room, as agents do; who has none waits for room.
  const auto agent = [&](unsigned process, unsigned thread) {
    const unsigned number = process * plan.threads + thread;
    Shared::Thread& mine = shared.threads[number];
    Producer producer({.ring_dir = plan.lanes, .wait_up_to = std::chrono::seconds(plan.events_per_s > 0 ? 0 : 5)});
    Recorder recorder(producer, plan.load, number + 1, process * agents, agents);
    const auto record = [&] {
      std::atomic<std::uint64_t>& count = recorder.record() ? mine.recorded : mine.dropped;
      count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    };
    record();
    keep_pace(part, record, [&] { return shared.stop.load(std::memory_order_acquire); });
    mine.quiet.store(true, std::memory_order_release);
    for (;;) pause();
  };
  for (unsigned process = 0; process < plan.processes; ++process) {
    const pid_t pid = fork();
    if (pid < 0) return system_error("another process", errno);
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (unsigned thread = 1; thread < plan.threads; ++thread) std::thread(agent, process, thread).detach();
      agent(process, 0);
    }
    crowd.processes_.push_back(pid);
  }
  const auto all_begun = [&] {
    return std::all_of(shared.threads, shared.threads + crowd.threads_,
                       [](const Shared::Thread& t) { return t.recorded.load(std::memory_order_acquire) > 0; });
  };
  for (const std::uint64_t began = now_ns(); !all_begun(); sleep_for(std::chrono::milliseconds(1)))
    if (now_ns() - began > kStartNsMax) return Error{"producers could not record their first events: is there room in /dev/shm?"};
  return crowd;
}

Crowd::Crowd(Crowd&& other) noexcept
    : shared_(std::exchange(other.shared_, nullptr)), threads_(other.threads_), processes_(std::exchange(other.processes_, {})) {}

Crowd::~Crowd() {
  for (const pid_t pid : processes_) kill(pid, SIGKILL);
  for (const pid_t pid : processes_) waitpid(pid, nullptr, 0);
  if (shared_ != nullptr) munmap(shared_, sizeof(Shared));
}

Result<void> Crowd::wait() {
  const auto all_quiet = [&] {
    return std::all_of(shared_->threads, shared_->threads + threads_,
                       [](const Shared::Thread& t) { return t.quiet.load(std::memory_order_acquire); });
  };
  for (const std::uint64_t began = now_ns(); !all_quiet(); sleep_for(std::chrono::milliseconds(1)))
    if (now_ns() - began > kWaitNsMax) return Error{"producers did not come to an end"};
  return {};
}

Crowd::Tally Crowd::tally() const {
  Tally all;
  for (unsigned i = 0; i < threads_; ++i) {
    all.recorded += shared_->threads[i].recorded.load(std::memory_order_acquire);
    all.dropped += shared_->threads[i].dropped.load(std::memory_order_acquire);
  }
  return all;
}

Crowd::Tally Crowd::stop() {
  shared_->stop.store(true, std::memory_order_release);
  (void)wait();
  return tally();
}

}  // namespace arbiter::bench
