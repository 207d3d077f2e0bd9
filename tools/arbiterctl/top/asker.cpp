#include "tools/arbiterctl/top/asker.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tools/arbiterctl/client.hpp"

namespace arbiter::ctl::top {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLookMax{2};  // for an answer: then it is said that there is none, and asked again
// Profiles are counted from the retained events each time: they may take a tenth of the collector's time for such questions, not more.
constexpr int kAgentsPause = 9;
constexpr std::chrono::seconds kAgentsEvery{5};

Result<Look> look(client::Client& collector) {
  auto status = collector.ask("GET", "/v1/status", {}, kLookMax);
  if (!status) return status.error();
  const auto metrics = collector.request("GET", "/metrics", {}, kLookMax);
  if (!metrics) return metrics.error();
  return Look{Clock::now(), std::move(*status), Samples(metrics->body)};
}

}  // namespace

Asker::Asker(std::string socket, std::chrono::milliseconds every, std::string window, int told)
    : socket_(std::move(socket)), told_(told), every_(every), window_(std::move(window)) {
  // Signals are for the thread that has the terminal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Asker::~Asker() {
  thread_.request_stop();
  thread_.join();
}

void Asker::every(std::chrono::milliseconds every) {
  const std::lock_guard lock(mutex_);
  every_ = every;
  wake_.notify_all();
}

void Asker::window(const std::string& window) {
  const std::lock_guard lock(mutex_);
  window_ = window;
  again_ = true;
  wake_.notify_all();
}

Asker::News Asker::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

void Asker::run(const std::stop_token& stopping) {
  client::Client collector(socket_);
  Clock::time_point agents_due = Clock::now();
  while (!stopping.stop_requested()) {
    const Clock::time_point began = Clock::now();
    auto seen = look(collector);
    std::string window;
    {
      const std::lock_guard lock(mutex_);
      news_.trouble = seen ? std::string() : seen.error().message;
      if (seen) news_.look = std::move(*seen);
      window = window_;
      if (std::exchange(again_, false)) agents_due = began;
    }
    const std::uint64_t one = 1;
    if (write(told_, &one, sizeof one) < 0) return;  // never: it counts
    if (seen && Clock::now() >= agents_due) {
      const Clock::time_point asked = Clock::now();
      client::ProfilesFilter filter;
      filter.window = window;
      auto agents = collector.agents(filter);
      agents_due = Clock::now() + std::max<Clock::duration>(kAgentsEvery, kAgentsPause * (Clock::now() - asked));
      const std::lock_guard lock(mutex_);
      if (agents) news_.agents = std::move(*agents), news_.window = window;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, stopping, began + every_, [&] { return again_ || Clock::now() >= began + every_; });
  }
}

}  // namespace arbiter::ctl::top
