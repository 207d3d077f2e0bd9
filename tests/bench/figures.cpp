// What the figures of agents, and the watch over them, cost an event: a collector that has one processor for everything, as in
// pipeline.cpp, without windows and anomalies and with them, of 100 agents and of 10,000; whole tasks (a decision, a start, a completion
// each), ids hashed.
#include <atomic>
#include <thread>

#include "tests/bench/load.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/running_collector.hpp"

namespace arbiter::bench {
namespace {

constexpr double kSeconds = 8;
constexpr double kNs = 1e9;
constexpr double kDearerMax = 1.25;  // the pipeline with figures over the pipeline without

struct Cost {
  double pipeline_ns = 0;  // of wall time, on one processor, for an event
  double follower_ns = 0;  // of the follower's processor time
};

Result<Cost> cost(const Setting& setting, unsigned agents, bool figures) {
  std::string config = R"({"retention": {"max_age": null, "max_events": null, "max_bytes": "256MiB"}, "export": {"interval": null})";
  config += figures ? "}" : R"(, "windows": [], "anomalies": {"enabled": false}})";
  auto collector = RunningCollector::start(setting, config, 1);
  if (!collector) return collector.error();
  std::atomic<bool> done{false};  // relaxed: nothing hangs on it
  std::thread agent([&] {
    pin(0);
    Producer producer({.ring_dir = collector->lanes(), .wait_up_to = std::chrono::seconds(5)});
    Recorder recorder(producer, Load::tasks, 1, 0, agents);
    while (!done.load(std::memory_order_relaxed)) recorder.record();
  });
  sleep_s(kSeconds / 4 * setting.scale);
  const auto first = collector->delivered();
  const std::uint64_t began = now_ns();
  const auto cpu_began = collector->cpu_s_by_thread();
  sleep_s(kSeconds * setting.scale);
  const auto last = collector->delivered();
  const double took = static_cast<double>(now_ns() - began);
  auto cpu = collector->cpu_s_by_thread();
  done = true;
  agent.join();
  if (!first || !last || *first == *last) return Error{"the collector did not answer"};
  const auto events = static_cast<double>(*last - *first);
  const double follower = figures ? cpu["follow"] - (cpu_began.contains("follow") ? cpu_began.at("follow") : 0) : 0;
  return Cost{took / events, follower * kNs / events};
}

}  // namespace

Result<void> figures(const Setting& setting, Report& report) {
  for (const unsigned agents : {100u, 10'000u}) {
    const auto without = cost(setting, agents, false);
    if (!without) return without.error();
    const auto with = cost(setting, agents, true);
    if (!with) return with.error();
    const std::string what = std::to_string(agents) + " agents";
    report.add("figures", "pipeline, one core, without figures", what, "ns/event", without->pipeline_ns);
    report.add("figures", "pipeline, one core, with figures", what, "ns/event", with->pipeline_ns);
    report.add("figures", "the follower's own time", what, "ns/event", with->follower_ns);
    report.add("figures", "with over without", what, "times", with->pipeline_ns / without->pipeline_ns).goal = kDearerMax;
  }
  return {};
}

}  // namespace arbiter::bench
