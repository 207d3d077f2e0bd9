// Memory: the collector's own, at 1 to 100 agents that record 100,000 events a second together, and whether it stays that; and that of
// lanes.
#include <sys/stat.h>

#include <filesystem>
#include <vector>

#include "tests/bench/filled.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/arbiter.hpp"

namespace arbiter::bench {
namespace {

constexpr double kMiB = 1 << 20;
constexpr double kSeconds = 20, kSecondsOfFew = 5;
constexpr double kEventsPerS = 100'000;

// What the files of a directory take of tmpfs.
double backed_mib(const std::string& directory) {
  double bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    struct stat facts {};
    if (stat(file.path().c_str(), &facts) == 0) bytes += static_cast<double>(facts.st_blocks) * 512;
  }
  return bytes / kMiB;
}

struct Watched {
  std::vector<double> mib;  // RssAnon over time
  std::uint64_t lost = 0;
};

Result<Watched> over_time(const Setting& setting, unsigned agents, Load load, double seconds) {
  auto collector = RunningCollector::start(setting, R"({"export": {"interval": null}})");
  if (!collector) return collector.error();
  auto crowd =
      Crowd::start({.lanes = collector->lanes(), .processes = agents, .events_per_s = kEventsPerS, .load = load, .agents = agents});
  if (!crowd) return crowd.error();
  Watched seen;
  const double step = std::min(1.0, seconds / 20);
  for (const std::uint64_t began = now_ns(); static_cast<double>(now_ns() - began) < seconds * 1e9 || seen.mib.size() < 8;) {
    sleep_s(step);
    seen.mib.push_back(static_cast<double>(collector->anonymous_bytes()) / kMiB);
  }
  const Crowd::Tally sent = crowd->stop();
  seen.lost = sent.dropped;
  if (auto all = collector->wait_for(sent.recorded); !all) return all.error();
  return seen;
}

double median_of(const std::vector<double>& values, std::size_t quarter) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(values.size() * quarter / 4);
  const auto end = values.begin() + static_cast<std::ptrdiff_t>(values.size() * (quarter + 1) / 4);
  return spread_of({begin, end}).median;
}

// Whole tasks; and completions alone, each of which waits for a start that never comes, as many as the join keeps.
Result<void> of_collector(const Setting& setting, Report& report) {
  struct Case {
    unsigned agents;
    Load load;
    const char* what;
    bool long_run;
  };
  for (const Case& c : {Case{1, Load::tasks, "1 agent", false}, Case{10, Load::tasks, "10 agents", false},
                        Case{100, Load::typical, "100 agents, completions alone", false}, Case{100, Load::tasks, "100 agents", true}}) {
    const double seconds = c.long_run ? setting.seconds_of(kSeconds) : kSecondsOfFew * std::min(1.0, setting.scale);
    const auto seen = over_time(setting, c.agents, c.load, seconds);
    if (!seen) return seen.error();
    const std::string note = "100,000 events/s for " + std::to_string(static_cast<int>(seconds)) + " s" +
                             (seen->lost == 0 ? "" : ", " + std::to_string(seen->lost) + " lost");
    Row& most = report.add("memory", "the collector's own, at most", c.what, "MiB", spread_of(seen->mib).max);
    most.goal = 64;
    most.note = note;
    if (!c.long_run) continue;
    Row& more = report.add("memory", "last quarter over the second", c.what, "times", median_of(seen->mib, 3) / median_of(seen->mib, 1));
    more.goal = 1.02;
    more.note = note;
  }
  return {};
}

Result<void> of_quiet_lanes(const Setting& setting, Report& report) {
  auto collector = RunningCollector::start(setting, "{}");
  if (!collector) return collector.error();
  auto crowd = Crowd::start({.lanes = collector->lanes(), .processes = 100, .events = 100, .agents = 100});
  if (!crowd) return crowd.error();
  if (auto all = collector->wait_for(100); !all) return all;
  report.add("memory", "tmpfs", "100 quiet producers", "MiB", backed_mib(collector->lanes())).goal = 64;
  return {};
}

Result<void> of_a_burst(const Setting& setting, Report& report) {
  Arbiter<Typical, true> way(setting.memory);
  Arbiter<Typical, true>::Producer producer(way);
  std::uint64_t events = 0;
  while (producer.send(events)) ++events;
  Row& room = report.add("memory", "tmpfs", "a lane that bursts, nobody reading", "MiB", backed_mib(way.lanes));
  room.goal = 4;
  room.goal_is_least = true;
  room.note = "takes " + std::to_string(events) + " typical events";
  return {};
}

}  // namespace

Result<void> memory(const Setting& setting, Report& report) {
  if (auto done = of_collector(setting, report); !done) return done;
  if (auto done = of_quiet_lanes(setting, report); !done) return done;
  return of_a_burst(setting, report);
}

}  // namespace arbiter::bench
