#include "tests/bench/modes.hpp"

#include <cstdio>

namespace arbiter::bench {
namespace {

constexpr Mode kModes[] = {
    {"record", "one call: in bursts, into a full lane, paused, disabled, without a lane", "arbiter-bench --rounds 9 record", true, record},
    {"saturated", "one call, back to back, with a consumer that only acknowledges", "arbiter-bench --rounds 9 saturated", true, saturated},
    {"paced", "single calls, 10,000 a second: quantiles", "arbiter-bench --rounds 9 paced", true, paced},
    {"pipeline", "a real collector on one core, from the lane to the statistics", "arbiter-bench pipeline", true, pipeline},
    {"sustained", "a million events a second for a minute, from 4 threads in 2 processes, into fresh segments: lost?",
     "arbiter-bench --seconds 60 --rounds 1 sustained", true, sustained},
    {"lag", "recorded -> in the statistics: idle, and under a million events a second", "arbiter-bench --seconds 30 lag", true, lag},
    {"idle", "what a collector takes of a core while its producers are quiet", "arbiter-bench --seconds 60 idle", true, idle},
    {"memory", "the collector's own at 1 to 100 agents, whether it stays; lanes that are quiet, lanes that burst",
     "arbiter-bench --seconds 3600 --rounds 1 memory", true, memory},
    {"restart", "until a collector with 10 million retained events is ready again", "arbiter-bench restart", true, restart},
    {"disk", "sealed segments against the records in them, random ids, hashed", "arbiter-bench disk", true, disk},
    {"encoders", "the Parquet encoder alone: rows in memory, into a file", "arbiter-bench --rounds 9 encoders", true, encoders},
    {"export", "a million events as every format: pace, memory, in order and scattered, while 200,000 a second are recorded",
     "arbiter-bench --rounds 1 export", true, exports},
    {"figures", "what the figures of agents cost an event, of 100 agents and of 10,000", "arbiter-bench figures", true, figures},
    {"panes", "memory of panes: 1,000 agents of 10 types, everything in every pane", "arbiter-bench --rounds 1 panes", true, panes},
    {"questions", "how long answers take with 10 million retained events", "arbiter-bench --rounds 1 questions", true, questions},
    {"growth", "cost of an event over 1 to 500 producers, 1,000 to 10 million retained events, 10 to 10,000 agents",
     "arbiter-bench --json growth > growth.json", true, growth},
    {"bindings", "one call from Python and Node, by accelerator or addon and without, beside an empty one; needs python3 or node",
     "arbiter-bench --rounds 9 bindings", false, bindings},
    {"compare", "others doing the same work in the same run; needs what tools/bench-setup installs",
     "arbiter-bench --rounds 5 --json compare > compare.json", false, compare},
};

}  // namespace

std::span<const Mode> modes() { return kModes; }

Result<Report> measured(const std::vector<const Mode*>& chosen, Setting setting, int rounds) {
  Report report;
  for (int round = 1; round <= rounds; ++round)
    for (const Mode* mode : chosen) {
      const std::string name(mode->name);
      std::fprintf(stderr, "round %d of %d: %s\n", round, rounds, name.c_str());
      const double before = round_trip_ns();
      setting.far = before > kFarRoundTripNs;
      auto done = mode->measure(setting, report);
      unpin();
      if (!done) return done.error().while_(name);
      report.add(Placement{name, round, before, round_trip_ns()});
    }
  return report;
}

}  // namespace arbiter::bench
