// Agents that record as fast as the collector takes it, into one that has one processor for everything: drain, checks, anonymisation, join,
// journal, statistics, and whatever its other threads do.
#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/bench/load.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/running_collector.hpp"
#include "tests/bench/workload.hpp"

namespace arbiter::bench {
namespace {

constexpr double kSeconds = 8;
// The journal goes around in what it has, and has been around before anything is measured: old events leave, and their segments are
// written again.
constexpr const char* kRetention = R"("retention": {"max_age": null, "max_events": null, "max_bytes": "256MiB"})";

struct Pace {
  double events_per_s = 0;        // of wall time
  double drain_events_per_s = 0;  // of the drain's own processor time
};

Result<Pace> pace(const Setting& setting, bool anonymized, bool random_ids) {
  auto collector = RunningCollector::start(
      setting, std::string("{") + kRetention + R"(, "anonymization": {"enabled": )" + (anonymized ? "true" : "false") + "}}", 1);
  if (!collector) return collector.error();
  std::atomic<bool> done{false};  // relaxed: nothing hangs on it
  std::thread agent([&] {
    pin(0);
    Producer producer({.ring_dir = collector->lanes(), .wait_up_to = std::chrono::seconds(5)});
    const Typical same_ids{producer};
    Recorder recorder(producer, Load::typical, 1, 0, 100);
    for (std::uint64_t i = 0; !done.load(std::memory_order_relaxed); ++i) random_ids ? recorder.record() : same_ids.record(i);
  });
  sleep_s(kSeconds / 4 * setting.scale);
  const auto first = collector->delivered();
  const std::uint64_t began = now_ns();
  const auto cpu_began = collector->cpu_s_by_thread();
  sleep_s(kSeconds * setting.scale);
  if (first)
    if (auto more = collector->wait_for(*first + 1); !more) return more.error();
  const auto last = collector->delivered();
  const double took = static_cast<double>(now_ns() - began) / 1e9;
  const auto cpu = collector->cpu_s_by_thread();
  done = true;
  agent.join();
  if (!first || !last) return Error{"the collector did not answer"};
  const auto events = static_cast<double>(*last - *first);
  double drain = 0;
  for (const auto& [name, seconds] : cpu)
    if (name == "drain") drain = seconds - (cpu_began.contains(name) ? cpu_began.at(name) : 0);
  return Pace{events / took, drain > 0 ? events / drain : 0};
}

}  // namespace

// Once with the ids that every mode has, whose look-ups always hit; once with ids that are never the same twice, and starts that never
// come, which is the dearest there is: what waits for its start has to be kept, and let go.
Result<void> pipeline(const Setting& setting, Report& report) {
  struct Case {
    const char* what;
    bool anonymized, random_ids;
  };
  for (const Case& c :
       {Case{"typical", false, false}, {"typical, anonymised", true, false}, {"typical, anonymised, random ids", true, true}}) {
    const auto seen = pace(setting, c.anonymized, c.random_ids);
    if (!seen) return seen.error();
    const std::string what = setting.placed(c.what);
    Row& row = report.add("pipeline", "pipeline, one core", what, "million/s", seen->events_per_s / 1e6);
    row.goal = c.anonymized ? 3 : 5;
    row.goal_is_least = true;
    report.add("pipeline", "pipeline, the drain's own time", what, "million/s", seen->drain_events_per_s / 1e6);
  }
  return {};
}

}  // namespace arbiter::bench
