// A million events a second for a minute, from four threads in two processes, with lanes and a configuration as they come, but that nothing
// leaves: so every segment of the journal is a fresh one, whose pages the kernel has to find.
#include <filesystem>

#include "tests/bench/filled.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

constexpr double kEventsPerS = 1'010'000;  // a little more, so that a million is there when all is counted
constexpr double kSeconds = 60;
constexpr double kDiskBytesPerEvent = 300;

}  // namespace

Result<void> sustained(const Setting& setting, Report& report) {
  const double seconds = setting.seconds_of(kSeconds);
  const double needed = seconds * kEventsPerS * kDiskBytesPerEvent;
  const auto space = std::filesystem::space(setting.directory);
  if (static_cast<double>(space.available) < needed)
    return Error{"needs " + std::to_string(static_cast<int>(needed / 1e9) + 1) + " GB in " + setting.directory +
                 ": name another directory with --dir, or take fewer --seconds"};
  auto collector = RunningCollector::start(setting, kRetainAll);
  if (!collector) return collector.error();
  const double cpu_before = collector->cpu_s();
  const std::uint64_t began = now_ns();
  auto crowd = Crowd::start(
      {.lanes = collector->lanes(), .processes = 2, .threads = 2, .events_per_s = kEventsPerS, .load = Load::typical, .agents = 100});
  if (!crowd) return crowd.error();
  sleep_s(seconds);
  const auto in_time = collector->delivered();
  const double took = static_cast<double>(now_ns() - began) / 1e9;
  const double cpu = collector->cpu_s() - cpu_before;
  if (!in_time) return in_time.error();
  const Crowd::Tally sent = crowd->stop();
  if (auto all = collector->wait_for(sent.recorded); !all) return all;
  const auto delivered = collector->delivered();
  if (!delivered) return delivered.error();

  const std::string what = "4 threads, 2 processes";
  const std::string note = std::to_string(static_cast<int>(took)) + " s, random ids, anonymised";
  Row& lost = report.add("sustained", "lost at a million a second", what, "events", static_cast<double>(sent.dropped));
  lost.goal = 0;
  lost.note = note;
  Row& rate = report.add("sustained", "sustained into fresh segments", what, "million/s", static_cast<double>(*in_time) / took / 1e6);
  rate.goal = 1;
  rate.goal_is_least = true;
  rate.note = note;
  report.add("sustained", "account off by", what, "events", static_cast<double>(*delivered) - static_cast<double>(sent.recorded)).goal = 0;
  report.add("sustained", "the collector's processor time", what, "cores", cpu / took);
  return {};
}

}  // namespace arbiter::bench
