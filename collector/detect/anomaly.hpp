// What an operator is told: what got worse, whose, since when, on what evidence, and what moved with it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/detect/rate.hpp"

namespace arbiter::detect {

enum class Type : std::uint8_t {
  latency_spike,
  accuracy_drop,
  error_rate_increase,
  token_overuse,
  agent_offline,
  compliance_drop,
  data_loss,
};
inline constexpr std::string_view kTypes[] = {"latency_spike",   "accuracy_drop", "error_rate_increase", "token_overuse", "agent_offline",
                                              "compliance_drop", "data_loss"};
constexpr std::string_view name_of(Type type) { return kTypes[static_cast<std::size_t>(type)]; }

enum class Severity : std::uint8_t { low, medium, high, critical };
inline constexpr std::string_view kSeverityNames[] = {"low", "medium", "high", "critical"};
constexpr std::string_view name_of(Severity severity) { return kSeverityNames[static_cast<std::size_t>(severity)]; }

// What is measured of each series: shares of what is bad.
enum class Measure : std::uint8_t { errors, accuracy, compliance, overuse, latency_median, latency_tail };
inline constexpr std::string_view kMeasureNames[] = {"errorRate",   "accuracy",      "complianceRate",
                                                     "overuseRate", "latencyMedian", "latencyP95"};
inline constexpr std::size_t kMeasures = std::size(kMeasureNames);
constexpr std::string_view name_of(Measure measure) { return kMeasureNames[static_cast<std::size_t>(measure)]; }

// A figure before and since.
struct Figure {
  std::string name;  // "errorRate", "latencyP95Ms", ...
  double baseline = 0, current = 0;
  std::uint64_t baseline_samples = 0, current_samples = 0;
};

// One of the things that moved with it.
struct Cause {
  std::string kind;      // "taskType", "routingStrategy", "rule", "errorType", "statusChange"
  std::string value;     // "" where none was given
  double explained = 0;  // share of the change
  Counts baseline, current;
};

struct Anomaly {
  std::string id;  // the same for the same anomaly, whoever finds it, however often
  Type type{};
  Severity severity{};
  std::string agent, task_type;  // as exports show them; empty: all
  std::string detector;          // "sequential", "threshold", "event"
  std::int64_t began_ns = 0;     // where the change likeliest was
  std::int64_t detected_ns = 0;
  std::int64_t recorded_ns = 0;  // when the latest of the events that say so was recorded; once it is over, of those that say that
  std::int64_t resolved_ns = 0;  // 0: it is open
  std::string resolution;        // "recovered", "adopted" (what it is like now), "gone"
  std::string summary;           // in a sentence
  std::vector<Figure> evidence;
  std::vector<Cause> causes;               // what explains most, first
  std::vector<std::string> example_tasks;  // ids as exports show them

  bool open() const { return resolved_ns == 0; }
};

boost::json::object json_of(const Anomaly& anomaly);
// Nothing: it is not what json_of makes.
std::optional<Anomaly> anomaly_of(const boost::json::value& value);

}  // namespace arbiter::detect
