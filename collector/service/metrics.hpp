// GET /metrics: the collector in Prometheus' text format. Names and units by its conventions: base units, _total for what only grows,
// times of day as Unix seconds. What is labelled is of a bounded number: kinds, reasons, outcomes; never ids.
#pragma once

#include <cstdint>
#include <string>

#include "collector/aggregate/follower.hpp"
#include "collector/meter.hpp"
#include "collector/service/anomalies.hpp"
#include "collector/service/engine.hpp"

namespace arbiter::service {

// What only the service knows of itself.
struct ExportFigures {
  Meter duration_ns{kLongTimes};  // of those published
  std::uint64_t published = 0, failed = 0;
  bool last_failed = false;
  std::int64_t failing_since_ns = 0;
  std::int64_t newest_unix_ns = 0;  // when the newest snapshot was published, by this run or one before; 0: none is known
  std::uint64_t newest_events = 0, newest_bytes = 0;
};
struct ConfigurationFigures {
  bool last_taken = true;                 // the file as it was when it was last read, at start or by SIGHUP
  std::int64_t taken_unix_ns = 0;         // when one was last taken over, `config set` included
  std::int64_t refused_unix_ns = 0;       // since when it has been refused
  std::uint64_t waiting_for_restart = 0;  // keys that differ from what the last file said
};

std::string metrics_text(Engine& engine);  // on the drain's thread
std::string metrics_text(const ExportFigures& exports, const ConfigurationFigures& configuration);
std::string metrics_text(const Anomalies::Figures& anomalies);
std::string metrics_text(const aggregate::Follower::Counts& followed, std::uint64_t committed_frame);  // of the figures of agents

}  // namespace arbiter::service
