#include "collector/detect/finding.hpp"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>

namespace arbiter::detect {
namespace {

constexpr double kCriticalMs = 5000;

std::uint64_t hash(std::string_view text, std::uint64_t seed) {  // FNV-1a: names, not secrets
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

std::string id_of(std::string_view key, std::int64_t began_ns) {
  char text[24];
  std::snprintf(text, sizeof text, "%016" PRIx64, hash(std::to_string(began_ns), hash(key, 0xcbf29ce484222325)));
  return text;
}

Severity severity_of_points(double points) {
  return points > 20 ? Severity::critical : points > 10 ? Severity::high : points > 3 ? Severity::medium : Severity::low;
}

Severity severity_of(const Finding& found) {
  if (found.severity) return *found.severity;
  switch (found.type) {
    case Type::agent_offline: return Severity::high;
    case Type::data_loss: {
      const double lost = found.rise.since.share();
      return lost > 0.05 ? Severity::critical : lost > 0.01 ? Severity::high : lost > 0.001 ? Severity::medium : Severity::low;
    }
    case Type::latency_spike: {
      if (found.p95_ms > kCriticalMs && found.p95_ms > 2 * found.baseline_p95_ms) return Severity::critical;
      const double times = found.baseline_p95_ms > 0 ? found.p95_ms / found.baseline_p95_ms : 1;
      return times > 3 ? Severity::critical : times > 2 ? Severity::high : times > 1.3 ? Severity::medium : Severity::low;
    }
    default: return severity_of_points(100 * (found.rise.since.share() - found.rise.before.share()));
  }
}

// How the measure is spoken of: the name of its figure, and of the outcomes that it counts.
struct Words {
  std::string_view figure, what;
  bool of_good;  // the figure is the share of what is good
};
constexpr Words words_of(Measure measure) {
  switch (measure) {
    case Measure::errors: return {"errorRate", "of its executions fail", false};
    case Measure::accuracy: return {"accuracy", "of its evaluations are passed", true};
    case Measure::compliance: return {"complianceRate", "of its validations are passed", true};
    case Measure::overuse: return {"overuseRate", "of its budgets are overused", false};
    case Measure::latency_median:
    case Measure::latency_tail: break;
  }
  return {"shareAboveLimit", "of its executions are slower", false};
}

// The share of what is bad; thresholds may have it from a registration.
double share_before(const Finding& found) { return found.detector == "threshold" ? found.baseline : found.rise.before.share(); }

std::string summary_of(const Finding& found, const Anomaly& a) {
  const std::string who = a.agent.empty() ? "the collector" : "agent " + a.agent + (a.task_type.empty() ? "" : " at " + a.task_type);
  char text[160];
  if (found.type == Type::agent_offline) return who + " went offline";
  const auto n = static_cast<unsigned long long>(found.rise.since.n);
  if (found.type == Type::data_loss) {
    std::snprintf(text, sizeof text, "%llu events were dropped, refused or quarantined",
                  static_cast<unsigned long long>(found.rise.since.bad));
    return text;
  }
  if (found.detector == "threshold" && (found.type == Type::latency_spike || found.type == Type::token_overuse)) {
    const bool latency = found.type == Type::latency_spike;
    std::snprintf(text, sizeof text,
                  latency ? ": p95 of the last %llu is %.0f ms, was %.0f ms" : ": the last %llu budgets are used %.2f times, were %.2f", n,
                  found.current, found.baseline);
    return who + text;
  }
  const Words words = words_of(found.measure);
  const double was = share_before(found), is = found.rise.since.share();
  std::snprintf(text, sizeof text, ": %.1f %% of the last %llu, %.1f %% of the %llu before, %s", 100 * (words.of_good ? 1 - is : is), n,
                100 * (words.of_good ? 1 - was : was), static_cast<unsigned long long>(found.rise.before.n),
                std::string(words.what).c_str());
  std::string summary = who + text;
  if (found.type == Type::latency_spike) {
    std::snprintf(text, sizeof text, " than %.0f ms", found.limit_ms);
    summary += text;
  }
  return summary;
}

}  // namespace

std::string key_of(Type type, std::string_view agent, std::string_view task_type) {
  std::string key(name_of(type));
  key.append(1, '\n').append(agent).append(1, '\n').append(task_type);
  return key;
}

Anomaly anomaly_of(const Finding& found, std::string_view agent, std::string_view task_type) {
  Anomaly a;
  a.type = found.type;
  a.agent = agent;
  a.task_type = found.whole_agent ? std::string_view() : task_type;
  a.severity = severity_of(found);
  a.detector = found.detector;
  a.began_ns = found.rise.since_ns;
  a.detected_ns = found.detected_ns;
  a.recorded_ns = found.recorded_ns;
  a.id = id_of(key_of(a.type, a.agent, a.task_type), a.began_ns);
  a.summary = summary_of(found, a);
  const Counts &before = found.rise.before, &since = found.rise.since;
  if (found.type == Type::data_loss) {
    a.evidence.push_back({"lostEvents", 0, static_cast<double>(since.bad), before.n, since.n});
  } else if (found.type != Type::agent_offline) {
    const bool by_value = found.detector == "threshold" && (found.type == Type::latency_spike || found.type == Type::token_overuse);
    if (found.type == Type::token_overuse && by_value)
      a.evidence.push_back({"utilization", found.baseline, found.current, before.n, since.n});
    if (by_value && found.type == Type::latency_spike) {
      a.evidence.push_back({"latencyP95Ms", found.baseline_p95_ms, found.p95_ms, before.n, found.latest});
      return a;
    }
    const Words words = words_of(found.measure);
    const auto figure = [&words](double bad) { return words.of_good ? 1 - bad : bad; };
    a.evidence.push_back({std::string(words.figure), figure(share_before(found)), figure(since.share()), before.n, since.n});
  }
  if (found.type == Type::latency_spike) {
    a.evidence.push_back({"limitMs", found.limit_ms, found.limit_ms, before.n, since.n});
    a.evidence.push_back({"latencyP95Ms", found.baseline_p95_ms, found.p95_ms, before.n, found.latest});
  }
  return a;
}

}  // namespace arbiter::detect
