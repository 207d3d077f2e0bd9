// What an event costs the collector, over the number of producers, of events retained, and of agents: one line each, at a pace that is the
// same at every point.
#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "tests/bench/filled.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

constexpr double kSeconds = 4, kSettleSeconds = 0.5;
constexpr double kEventsPerS = 300'000;

struct Point {
  unsigned producers = 1;
  std::uint64_t retained = 0;  // 0: what the usual configuration retains, from nothing
  unsigned agents = 100;
};

struct Cost {
  double all_ns = 0;    // processor time of all the collector's threads, an event
  double drain_ns = 0;  // of the drain's
  std::uint64_t lost = 0;
};

std::string config_of(const Point& point) {
  if (point.retained == 0) return R"({"export": {"interval": null}})";
  return R"({"export": {"interval": null}, "retention": {"max_age": null, "max_bytes": null, "max_events": )" +
         std::to_string(point.retained) + "}}";
}

double drain_s(const RunningCollector& collector) {
  const auto threads = collector.cpu_s_by_thread();
  const auto drain = threads.find("drain");
  return drain == threads.end() ? 0 : drain->second;
}

Result<Cost> cost_at(const Setting& setting, const Point& point) {
  auto collector = RunningCollector::start(setting, config_of(point));
  if (!collector) return collector.error();
  if (point.retained != 0)
    if (auto filled = fill(*collector, point.retained, Load::tasks, point.agents); !filled) return filled.error();
  // What was filled in is not what the events to come cost: its sealing is over first.
  if (auto sealed = collector->wait_until_sealed(); !sealed) return sealed.error();
  auto crowd = Crowd::start({.lanes = collector->lanes(),
                             .processes = point.producers,
                             .events_per_s = kEventsPerS,
                             .load = Load::tasks,
                             .agents = std::max(point.agents, point.producers)});
  if (!crowd) return crowd.error();
  sleep_s(kSettleSeconds);
  const auto first = collector->delivered();
  const double all_before = collector->cpu_s(), drain_before = drain_s(*collector);
  sleep_s(kSeconds * std::min(1.0, std::max(0.1, setting.scale)));
  if (first)
    if (auto more = collector->wait_for(*first + 1); !more) return more.error();
  const auto last = collector->delivered();
  const double all = collector->cpu_s() - all_before, drain = drain_s(*collector) - drain_before;
  if (!first) return first.error();
  if (!last) return last.error();
  const auto events = static_cast<double>(*last - *first);
  return Cost{all * 1e9 / events, drain * 1e9 / events, crowd->stop().dropped};
}

struct Line {
  std::string axis;
  std::vector<double> at;
  Point (*point)(double at);
};

// At less than the usual scale the ends of the lines are left out: the first two points always stay.
std::vector<double> up_to(std::vector<double> at, double most) {
  while (at.size() > 2 && at.back() > most) at.pop_back();
  return at;
}

}  // namespace

Result<void> growth(const Setting& setting, Report& report) {
  const Line lines[] = {
      {"producers", up_to({1, 10, 50, 100, 250, 500}, 500 * setting.scale),
       [](double n) { return Point{.producers = static_cast<unsigned>(n)}; }},
      {"retained events", up_to({1e3, 1e4, 1e5, 1e6, 1e7}, 1e7 * setting.scale),
       [](double n) { return Point{.retained = static_cast<std::uint64_t>(n)}; }},
      {"agents", up_to({10, 100, 1'000, 10'000}, 1e4 * setting.scale), [](double n) { return Point{.agents = static_cast<unsigned>(n)}; }},
  };
  for (const Line& line : lines) {
    double least = std::numeric_limits<double>::max(), most = 0;
    for (const double at : line.at) {
      const auto cost = cost_at(setting, line.point(at));
      if (!cost) return cost.error().while_(std::to_string(static_cast<std::uint64_t>(at)) + " " + line.axis);
      const std::string of = std::to_string(static_cast<std::uint64_t>(at));
      Row& row = report.add("growth", "an event's cost over " + line.axis, of, "ns", cost->all_ns);
      row.at = at;
      if (cost->lost != 0) row.note = std::to_string(cost->lost) + " lost besides";
      report.add("growth", "the drain's part of it over " + line.axis, of, "ns", cost->drain_ns).at = at;
      least = std::min(least, cost->all_ns);
      most = std::max(most, cost->all_ns);
    }
    report.add("growth", "dearest over cheapest", line.axis, "times", most / least).goal = 1.5;
  }
  return {};
}

}  // namespace arbiter::bench
