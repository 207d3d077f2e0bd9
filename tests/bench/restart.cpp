// How long a collector that retains ten million events takes to be ready again: after it was killed while the
// sealing of what had come too fast was behind, after it was killed with all of it sealed, and after it was told to stop.
#include "tests/bench/filled.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

constexpr double kEvents = 10e6;

std::string said(std::uint64_t events) {
  return events % 1'000'000 == 0 ? std::to_string(events / 1'000'000) + " million events" : std::to_string(events) + " events";
}

// Ready again, with all that was there; and how long it then takes to answer for it.
Result<void> ready_again(RunningCollector& collector, std::uint64_t events, const char* after, Report& report) {
  if (auto ready = collector.restart(); !ready) return ready;
  const std::uint64_t asked = now_ns();
  const auto stats = collector.ask().stats();
  const double answered_ms = static_cast<double>(now_ns() - asked) / 1e6;
  if (!stats) return stats.error();
  const auto retained = stats->at("retainedEvents").to_number<std::uint64_t>();
  if (retained != events) return Error{"of " + std::to_string(events) + " events " + std::to_string(retained) + " are there"};
  const std::string what = said(events) + ", " + after;
  report.add("restart", "ready again", what, "ms", static_cast<double>(collector.ready_after_ns()) / 1e6).goal = 1'000;
  report.add("restart", "statistics answered", what, "ms", answered_ms);
  return {};
}

}  // namespace

Result<void> restart(const Setting& setting, Report& report) {
  const std::uint64_t events = setting.count_of(kEvents);
  auto collector = RunningCollector::start(setting, kRetainAll);
  if (!collector) return collector.error();
  if (auto filled = fill(*collector, events, Load::tasks); !filled) return filled;
  collector->kill();
  if (auto done = ready_again(*collector, events, "killed while sealing is behind", report); !done) return done;
  if (auto sealed = collector->wait_until_sealed(); !sealed) return sealed;
  collector->kill();
  if (auto done = ready_again(*collector, events, "killed", report); !done) return done;
  collector->stop();
  return ready_again(*collector, events, "stopped", report);
}

}  // namespace arbiter::bench
