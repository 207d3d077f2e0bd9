// Exports of a million events, end to end: from the question to the collector until the snapshot is on stable storage under its name.
#include <atomic>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/bench/filled.hpp"
#include "tests/bench/lag.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

constexpr double kEvents = 1e6, kSeconds = 15;
constexpr double kMiB = 1 << 20;
constexpr double kOfferedPerS = 200'000;
constexpr const char* kConfig =
    R"({"retention": {"max_age": null, "max_events": null, "max_bytes": null}, "export": {"interval": null, "keep": 1}})";

struct Wanted {
  const char* format;
  double goal;  // events per second; 0: none
};
constexpr Wanted kWanted[] = {{"events.jsonl", 600'000},     {"events.jsonl.zst", 400'000}, {"events.parquet", 0},
                              {"trajectories.jsonl.zst", 0}, {"decisions.dsjson.zst", 0},   {"decisions.npy", 0},
                              {"decisions.parquet", 0}};

std::vector<std::string> all_formats() {
  std::vector<std::string> all;
  for (const Wanted& wanted : kWanted) all.emplace_back(wanted.format);
  return all;
}

// The most that the collector takes of memory for its own while this is there.
class MemoryWatch {
 public:
  explicit MemoryWatch(const RunningCollector& collector)
      : thread_([this, &collector](const std::stop_token& done) {
          while (!done.stop_requested()) {
            most_ = std::max<std::uint64_t>(most_, collector.anonymous_bytes());
            sleep_for(std::chrono::milliseconds(2));
          }
        }) {}
  double most_mib() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return static_cast<double>(most_.load()) / kMiB;
  }

 private:
  std::atomic<std::uint64_t> most_{0};
  std::jthread thread_;
};

struct Exported {
  double seconds = 0, cpu_s = 0;
  std::uint64_t events = 0, bytes = 0, rows = 0;  // bytes and rows of the first file
};

Result<Exported> exported(RunningCollector& collector, const std::vector<std::string>& formats) {
  const std::uint64_t began = now_ns();
  const double cpu = collector.cpu_s();
  const auto made = collector.ask().export_snapshot({}, formats);
  if (!made) return made.error();
  Exported out;
  out.seconds = static_cast<double>(now_ns() - began) / 1e9;
  out.cpu_s = collector.cpu_s() - cpu;
  const auto& manifest = made->at("manifest");
  out.events = manifest.at("events").at("total").to_number<std::uint64_t>();
  const auto& file = manifest.at("files").at(0);
  out.bytes = file.at("bytes").to_number<std::uint64_t>();
  out.rows = file.at("rows").to_number<std::uint64_t>();
  return out;
}

Result<RunningCollector> filled(const Setting& setting, Load load, int processor) {
  auto collector = RunningCollector::start(setting, kConfig, processor);
  if (!collector) return collector;
  if (auto ok = fill(*collector, setting.count_of(kEvents), load); !ok) return ok.error();
  if (auto ok = collector->wait_until_sealed(); !ok) return ok.error();
  return collector;
}

// Completions alone make lines of about 600 bytes: the two formats of lines, which have a goal. Else every format, one after the other;
// with one processor for the whole collector.
Result<void> alone(const Setting& setting, Report& report, Load load, const std::string& arrived) {
  const Pinned elsewhere(0);
  auto collector = filled(setting, load, 1);
  if (!collector) return collector.error();
  for (const Wanted& wanted : kWanted) {
    if (load == Load::typical && wanted.goal == 0) continue;
    MemoryWatch memory(*collector);
    const auto made = exported(*collector, {wanted.format});
    if (!made) return made.error();
    const std::string what = std::string(wanted.format) + ", " + arrived;
    Row& pace = report.add("export", "events exported", what, "/s", static_cast<double>(made->events) / made->seconds);
    if (wanted.goal > 0 && load == Load::typical) pace.goal = wanted.goal, pace.goal_is_least = true;
    pace.note = std::to_string(made->rows) + " rows of " + std::to_string(made->bytes / std::max<std::uint64_t>(1, made->rows)) +
                " bytes; " + std::to_string(static_cast<int>(100 * made->cpu_s / made->seconds)) + "% of the processor";
    report.add("export", "memory of the collector, at most", what, "MiB", memory.most_mib()).goal = 200;
  }
  if (load == Load::typical) return {};
  MemoryWatch memory(*collector);
  const auto made = exported(*collector, all_formats());
  if (!made) return made.error();
  report.add("export", "events exported", "all of these, " + arrived, "/s", static_cast<double>(made->events) / made->seconds);
  report.add("export", "memory of the collector, at most", "all of these, " + arrived, "MiB", memory.most_mib()).goal = 200;
  return {};
}

// All formats again and again, while agents record.
Result<void> beside_recording(const Setting& setting, Report& report) {
  auto collector = filled(setting, Load::tasks, -1);
  if (!collector) return collector.error();
  auto crowd = Crowd::start({.lanes = collector->lanes(), .processes = 2, .threads = 2, .events_per_s = kOfferedPerS, .agents = 100});
  if (!crowd) return crowd.error();
  std::atomic<bool> done{false};  // relaxed: nothing hangs on it
  std::uint64_t exports = 0;
  Result<void> failed;
  std::thread exporter([&] {
    do {
      if (auto made = exported(*collector, all_formats()); !made) failed = made.error();
      ++exports;
    } while (!done.load(std::memory_order_relaxed) && failed);
  });
  const auto seen = lags(collector->lanes(), setting.seconds_of(kSeconds), 0.002);
  done = true;
  const Crowd::Tally sent = crowd->stop();  // first: what they record while the last export is made makes that one longer
  exporter.join();
  if (!failed) return failed;
  if (!seen) return seen.error();
  if (auto all = collector->wait_for(sent.recorded); !all) return all;
  const std::string what = "200,000 a second, exporting all formats";
  Row& p99 = report.add("export", "recorded -> in the statistics, p99", what, "ms", seen->quantile(0.99) / 1e6);
  p99.goal = 10;
  p99.note = std::to_string(exports) + " exports of a million events and more";
  Row& lost = report.add("export", "lost", what, "events", static_cast<double>(sent.dropped));
  lost.goal = 0;
  lost.note = "of " + std::to_string(sent.recorded + sent.dropped);
  return {};
}

}  // namespace

Result<void> exports(const Setting& setting, Report& report) {
  if (auto ok = alone(setting, report, Load::typical, "lines of 600 bytes"); !ok) return ok;
  if (auto ok = alone(setting, report, Load::tasks, "in order"); !ok) return ok;
  if (auto ok = alone(setting, report, Load::scattered, "scattered"); !ok) return ok;
  return beside_recording(setting, report);
}

}  // namespace arbiter::bench
