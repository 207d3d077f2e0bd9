// What the detector finds, in numbers; and the anomaly that it makes, in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/detect/anomaly.hpp"
#include "collector/detect/rate.hpp"

namespace arbiter::detect {

struct Finding {
  bool raised = true;  // else: it is over
  Type type{};
  Measure measure{};             // of the rates and latencies
  std::uint32_t number = 0;      // of the agent or series, as the follower counts them
  bool whole_agent = true;       // of all types of task
  std::int64_t detected_ns = 0;  // time of the events
  std::int64_t recorded_ns = 0;  // when the latest of them was recorded
  std::string_view detector = "sequential";

  // Raised:
  RateDetector::Rise rise;                             // shares of what is bad; `since_ns` where it began
  double limit_ms = 0;                                 // of latencies: that above which they count as bad
  double baseline_p95_ms = 0, p50_ms = 0, p95_ms = 0;  // likewise: before, and of the latest `latest`
  std::uint64_t latest = 0;
  std::optional<Severity> severity;  // of thresholds; else by the size of the change
  double baseline = 0, current = 0;  // of thresholds: the figure itself
  // Over:
  std::string_view resolution;
};

// Without likely causes. `agent`, `task_type`: as shown.
Anomaly anomaly_of(const Finding& found, std::string_view agent, std::string_view task_type);
// "error_rate_increase of agent-7": what may be open once at a time.
std::string key_of(Type type, std::string_view agent, std::string_view task_type);

}  // namespace arbiter::detect
