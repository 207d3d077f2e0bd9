// What an attached collector takes of a core while nobody records.
#include "tests/bench/filled.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {

Result<void> idle(const Setting& setting, Report& report) {
  constexpr double kSeconds = 10, kSettleSeconds = 2;
  for (const unsigned producers : {1u, 100u}) {
    auto collector = RunningCollector::start(setting, "{}");
    if (!collector) return collector.error();
    auto crowd = Crowd::start({.lanes = collector->lanes(), .processes = producers, .events = producers, .agents = producers});
    if (!crowd) return crowd.error();
    if (auto all = collector->wait_for(producers); !all) return all;
    sleep_s(kSettleSeconds);
    const std::uint64_t began = now_ns();
    const double before = collector->cpu_s();
    sleep_s(setting.seconds_of(kSeconds));
    const double used = collector->cpu_s() - before;
    const double took = static_cast<double>(now_ns() - began) / 1e9;
    report
        .add("idle", "attached and idle", std::to_string(producers) + (producers == 1 ? " quiet producer" : " quiet producers"),
             "% of a core", 100 * used / took)
        .goal = 0.2;
  }
  return {};
}

}  // namespace arbiter::bench
