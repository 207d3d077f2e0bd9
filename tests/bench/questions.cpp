// How long a collector that retains ten million events takes to answer for agents, windows, and one task among all; by way of its socket,
// everything recorded before in the answer.
#include "tests/bench/filled.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

constexpr double kEvents = 10e6;
constexpr double kTaskMsMost = 100;
constexpr unsigned kAgents = 100;

// A task with all that may go wrong, under a name of its own.
Result<void> record_task(RunningCollector& collector, const std::string& task) {
  Producer producer({.ring_dir = collector.lanes(), .wait_up_to = std::chrono::seconds(5)});
  const auto run = [&](bool success) {
    auto started = producer.start_task({.task_id = task, .agent_id = kAgent, .task_type = "code-review"});
    return started.complete({.success = success, .error_type = success ? "" : "timeout"}).recorded();
  };
  const bool all = producer.record(RoutingDecision{.task_id = task, .selected_agent = kAgent}).recorded() && run(false) && run(true) &&
                   producer.record(EvaluationOutcome{.task_id = task, .agent_id = kAgent, .evaluation = {.passed = true}}).recorded();
  if (!all) return Error{"a task could not be recorded"};
  return {};
}

}  // namespace

Result<void> questions(const Setting& setting, Report& report) {
  const std::uint64_t events = setting.count_of(kEvents);
  auto collector = RunningCollector::start(setting, kRetainAll);
  if (!collector) return collector.error();
  const char* const when[] = {"the oldest", "in the middle", "the newest"};
  for (const char* name : when) {
    if (auto recorded = record_task(*collector, name); !recorded) return recorded;
    if (name == when[2]) break;
    if (auto filled = fill(*collector, events / 2, Load::tasks, kAgents); !filled) return filled;
  }
  if (auto sealed = collector->wait_until_sealed(); !sealed) return sealed;
  const std::string retained = std::to_string(events) + " events";
  const auto timed = [&](const std::string& question, const std::string& what, auto&& ask) -> Result<double> {
    const std::uint64_t began = now_ns();
    const auto answer = ask();
    if (!answer) return answer.error();
    const double ms = static_cast<double>(now_ns() - began) / 1e6;
    Row& row = report.add("questions", question, what, "ms", ms);
    if (question.starts_with("task")) row.goal = kTaskMsMost;
    return ms;
  };
  for (const char* name : when) {
    const auto ms = timed("task, among " + retained, name, [&] { return collector->ask().task(name); });
    if (!ms) return ms.error();
  }
  for (const char* window : {"5m", "1h", "24h", "7d"}) {
    client::ProfilesFilter filter;
    filter.window = window;
    if (auto ms = timed("stats --window", window, [&] { return collector->ask().window_stats(filter); }); !ms) return ms.error();
    if (auto ms = timed("agents --window, of 100", window, [&] { return collector->ask().agents(filter); }); !ms) return ms.error();
  }
  client::ProfilesFilter one;
  one.agent = kAgent;
  if (auto ms = timed("agents NAME", "7d", [&] { return collector->ask().agents(one); }); !ms) return ms.error();
  return {};
}

}  // namespace arbiter::bench
