// A collector that retains a given number of events.
#pragma once

#include "tests/bench/crowd.hpp"
#include "tests/bench/running_collector.hpp"

namespace arbiter::bench {

// Nothing leaves by itself, and nothing is exported meanwhile.
inline constexpr const char* kRetainAll =
    R"({"retention": {"max_age": null, "max_events": null, "max_bytes": null}, "export": {"interval": null}})";

// Records so many events as fast as the collector takes them, and returns when they are in its statistics.
inline Result<void> fill(RunningCollector& collector, std::uint64_t events, Load load, unsigned agents = 100) {
  const auto before = collector.delivered();
  if (!before) return before.error();
  auto crowd = Crowd::start({.lanes = collector.lanes(), .events = events, .load = load, .agents = agents});
  if (!crowd) return crowd.error();
  if (auto done = crowd->wait(); !done) return done;
  return collector.wait_for(*before + crowd->tally().recorded);
}

}  // namespace arbiter::bench
