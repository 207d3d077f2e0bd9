#include "tools/arbiter-replay/replay.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "tools/arbiter-replay/lines.hpp"
#include "tools/arbiter-replay/tally.hpp"
#include "tools/arbiter-replay/worker.hpp"

namespace arbiter::replay {
namespace {

using Clock = std::chrono::steady_clock;

// In a process of its own; its exit status.
int work(const Options& options, Tally& tally, unsigned process, Clock::time_point start) {
  Producer producer({.ring_dir = options.ring_dir,
                     .instance = options.instance,
                     .wait_up_to = std::chrono::nanoseconds(static_cast<std::int64_t>(options.wait_seconds * 1e9))});
  const unsigned workers = options.processes * options.threads;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < options.threads; ++t)
    threads.emplace_back([&, t] {
      // Dealt round the processes first, so that each has its share of any few lines.
      if (!Worker(options, producer, tally, t * options.processes + process, workers, start).run())
        tally.gave_up.store(1, std::memory_order_relaxed);
    });
  for (std::thread& t : threads) t.join();
  return 0;
}

void show_progress(const Tallies& tallies, Clock::time_point start) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (seconds < 2) return;
  std::fprintf(stderr, "\rarbiter-replay: %llu lines, %llu events, %.0f s ", static_cast<unsigned long long>(tallies.sum(&Tally::lines)),
               static_cast<unsigned long long>(tallies.sum(&Tally::recorded)), seconds);
}

}  // namespace

Result<Outcome> run(const Options& options) {
  if (const auto readable = Lines::open(options.input); !readable) return readable.error();
  auto tallies = Tallies::make(options.processes);
  if (!tallies) return tallies.error();
  const Clock::time_point start = Clock::now();
  const pid_t parent = ::getpid();
  std::vector<pid_t> children;
  for (unsigned p = 0; p < options.processes; ++p) {
    const pid_t child = ::fork();
    if (child < 0) {
      const Error error = system_error("cannot start a process");
      for (const pid_t c : children) ::kill(c, SIGKILL), ::waitpid(c, nullptr, 0);
      return error;
    }
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // who stops the replay stops all of it
      if (::getppid() != parent) ::_exit(1);
      ::_exit(work(options, (*tallies)[p], p, start));
    }
    children.push_back(child);
  }

  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  bool died = false;
  for (const pid_t child : children) {
    int status = 0;
    while (::waitpid(child, &status, terminal ? WNOHANG : 0) == 0) {
      show_progress(*tallies, start);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    died |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  }
  if (terminal && Clock::now() - start > std::chrono::seconds(2)) std::fputs("\r\033[K", stderr);
  if (died) return Error{"a producer process died: not everything was recorded"};
  if (tallies->sum(&Tally::gave_up) > 0 && tallies->sum(&Tally::dropped) == 0) return Error{"gave up: not everything was recorded"};
  return Outcome{.lines = tallies->sum(&Tally::lines),
                 .recorded = tallies->sum(&Tally::recorded),
                 .disabled = tallies->sum(&Tally::disabled),
                 .dropped = tallies->sum(&Tally::dropped),
                 .refused = tallies->sum(&Tally::refused),
                 .bad_lines = tallies->sum(&Tally::bad_lines),
                 .seconds = std::chrono::duration<double>(Clock::now() - start).count()};
}

}  // namespace arbiter::replay
