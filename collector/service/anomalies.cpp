#include "collector/service/anomalies.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "collector/journal/totals.hpp"
#include "collector/log/log.hpp"
#include "collector/thread.hpp"

namespace arbiter::service {

using detect::Anomaly;
using detect::Finding;
using detect::Measure;
namespace json = boost::json;

namespace {

constexpr double kOutcomesRead = 20'000;  // of those before, about: enough to tell what moved
constexpr std::int64_t kSecond = 1'000'000'000, kReadLeastNs = 30 * kSecond, kReadMostNs = 24 * 3600 * kSecond;
constexpr std::chrono::seconds kReadFor{10};
constexpr std::int64_t kStaleNs = 15 * 60 * kSecond;  // what was recorded so long ago is history, which wakes nobody

std::uint32_t bit(Kind kind) { return 1u << static_cast<unsigned>(kind); }

std::uint32_t kinds_of(Measure measure) {
  const std::uint32_t status = bit(Kind::agent_status_change);
  switch (measure) {
    case Measure::accuracy: return status | bit(Kind::evaluation_outcome) | bit(Kind::task_execution);
    case Measure::compliance: return status | bit(Kind::constitutional_validation);
    case Measure::overuse:
      return status | bit(Kind::thinking_budget_usage) | bit(Kind::task_execution) | bit(Kind::task_start) | bit(Kind::routing_decision);
    default: return status | bit(Kind::task_execution);
  }
}

detect::Detector::Options options_of(const config::Config& config) {
  const auto& a = config.anomalies;
  detect::Detector::Options options;
  options.false_alarms_per_month = static_cast<double>(a.false_alarms_per_month);
  options.thresholds = a.detector == config::DetectorKind::threshold;
  options.limits.latency_times = static_cast<double>(a.latency_percent) / 100;
  options.limits.latency_critical_ms = static_cast<double>(a.latency_critical.count()) / 1e6;
  options.limits.accuracy_points = static_cast<double>(a.accuracy_points);
  options.limits.error_points = static_cast<double>(a.error_points);
  options.limits.compliance_points = static_cast<double>(a.compliance_points);
  return options;
}

}  // namespace

Anomalies::Anomalies(Engine& engine, aggregate::Follower& follower)
    : engine_(engine),
      follower_(follower),
      detector_(options_of(engine.config()),
                [this](const Finding& finding) {
                  {
                    const std::lock_guard lock(mutex_);
                    if (found_.size() >= kFindingsMax) return void(++dropped_);
                    found_.push_back(finding);
                  }
                  wake_.notify_all();
                }),
      alerts_([this] {
        const std::lock_guard lock(book_mutex_);
        return book_.open();
      }),
      book_(engine.config().export_dir + "/anomalies.jsonl") {}

void Anomalies::configure(const config::Config& config) {
  follower_.ask([&](const aggregate::Roster&, const aggregate::Moment&) {
    detector_.set_options(options_of(config));
    return 0;
  });
  alerts_.configure({config.anomalies.hook, config.anomalies.alertmanager, config.anomalies.hook_timeout});
  const std::lock_guard lock(mutex_);
  enabled_ = config.anomalies.enabled;
}

void Anomalies::start() {
  {
    const std::lock_guard lock(book_mutex_);
    complain(book_.load());
  }
  alerts_.start();
  thread_ = std::jthread([this](const std::stop_token& stopping) {
    begin_thread("anomalies", Urgency::whenever);
    run(stopping);
  });
}

void Anomalies::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  alerts_.stop();
}

void Anomalies::run(const std::stop_token& stopping) {
  for (;;) {
    std::optional<Finding> finding;
    bool enabled;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stopping, std::chrono::seconds(1), [this] { return !found_.empty(); });
      enabled = enabled_;
      if (!found_.empty()) {
        finding = found_.front();
        found_.pop_front();
      }
    }
    if (!finding && stopping.stop_requested()) return;
    if (finding && enabled) take(*finding);
    if (!finding && !looked_) let_go_of_unknown();
  }
}

std::optional<Anomalies::Named> Anomalies::name(const Finding& finding) {
  if (finding.number == aggregate::kNobody) return Named{};
  return follower_.ask([&](const aggregate::Roster& roster, const aggregate::Moment&) -> std::optional<Named> {
    Named named;
    std::uint32_t agent = finding.number;
    if (!finding.whole_agent) {
      if (finding.number >= roster.series_size()) return {};
      const auto& series = roster.series(finding.number);
      named.task_type = series.type;
      agent = series.agent;
    }
    if (agent >= roster.agents_size()) return {};  // cleared meanwhile
    named.agent = roster.agent(agent).name;
    return named;
  });
}

void Anomalies::take(const Finding& finding) {
  const auto who = name(finding);
  if (!who) return;
  if (finding.raised) return raise(finding, *who);
  end(finding.type, *who, finding.detected_ns, finding.recorded_ns, finding.resolution);
}

void Anomalies::raise(const Finding& finding, const Named& who) {
  Anomaly anomaly = detect::anomaly_of(finding, who.agent, who.task_type);
  {
    const std::lock_guard lock(book_mutex_);
    if (!book_.news(anomaly)) return;
  }
  if (finding.detector != "event") find_causes(finding, anomaly);
  {
    const std::lock_guard lock(book_mutex_);
    const auto added = book_.add(anomaly);
    if (added && !*added)
      return log::error("anomalies", "{} are open: {} is not kept: {}", AnomalyBook::kOpenMax, anomaly.id, anomaly.summary);
    complain(added ? Result<void>() : Result<void>(added.error()));
  }
  log::warning("anomalies", "{} ({}) {}: {}", name_of(anomaly.type), name_of(anomaly.severity), anomaly.id, anomaly.summary);
  if (finding.recorded_ns > engine_.lately_ns() - kStaleNs) alerts_.tell(anomaly);
}

void Anomalies::end(detect::Type type, const Named& who, std::int64_t now_ns, std::int64_t recorded_ns, std::string_view resolution) {
  std::optional<Anomaly> ended;
  {
    const std::lock_guard lock(book_mutex_);
    Result<void> written;
    if (const Anomaly* const found = book_.end(type, who.agent, who.task_type, now_ns, recorded_ns, resolution, written)) ended = *found;
    complain(written);
  }
  if (!ended) return;
  log::info("anomalies", "{} {} is over ({}): {}", name_of(ended->type), ended->id, resolution, ended->summary);
  if (recorded_ns > engine_.lately_ns() - kStaleNs) alerts_.tell(*ended);
}

void Anomalies::find_causes(const Finding& finding, Anomaly& anomaly) {
  auto view = engine_.mailbox().ask(
      [this]() -> Result<std::shared_ptr<const journal::View>> { return std::shared_ptr<const journal::View>(engine_.journal().view()); });
  if (!view) return;
  const double before = static_cast<double>(std::max<std::uint64_t>(finding.rise.before.n, 1));
  const double span = static_cast<double>(kReadMostNs) * std::min(1.0, kOutcomesRead / before);
  journal::View::Filter filter;
  filter.since_ns = finding.rise.since_ns - std::max(kReadLeastNs, static_cast<std::int64_t>(span));
  filter.kinds = kinds_of(finding.measure);
  detect::Causes causes({finding.measure, anomaly.agent, anomaly.task_type, finding.rise.since_ns, finding.limit_ms});
  const auto until = std::chrono::steady_clock::now() + kReadFor;
  std::uint64_t read = 0;
  (*view)->scan(filter, [&](const journal::StoredEvent& e) {
    causes.add(e.values, e.retention_ns);
    return ++read % 4096 != 0 || std::chrono::steady_clock::now() < until;
  });
  causes.put(anomaly);
}

// Once history has been read: what the book has open and the detector does not know of, as its figures were lost.
void Anomalies::let_go_of_unknown() {
  std::vector<std::string> known;
  const bool behind = follower_.ask([&](const aggregate::Roster& roster, const aggregate::Moment& moment) {
    if (moment.now_ns == 0 || moment.behind) return true;
    detector_.each_open([&](std::uint32_t number, bool whole_agent, detect::Type type) {
      if (number == aggregate::kNobody) return known.push_back(detect::key_of(type, {}, {}));
      const auto* const series = whole_agent ? nullptr : &roster.series(number);
      known.push_back(detect::key_of(type, roster.agent(whole_agent ? number : series->agent).name,
                                     whole_agent ? std::string_view() : std::string_view(series->type)));
    });
    return false;
  });
  if (behind) return;
  {
    const std::lock_guard lock(mutex_);
    if (!found_.empty()) return;
  }
  looked_ = true;
  std::vector<Anomaly> open;
  {
    const std::lock_guard lock(book_mutex_);
    open = book_.open();
  }
  for (const Anomaly& a : open)
    if (std::find(known.begin(), known.end(), detect::key_of(a.type, a.agent, a.task_type)) == known.end())
      end(a.type, {a.agent, a.task_type}, engine_.lately_ns(), engine_.lately_ns(), "gone");
}

void Anomalies::complain(const Result<void>& written) {
  if (!written && !std::exchange(unwritable_, true))
    log::error("anomalies", "{}: anomalies are told, but not kept: mend that", written.error().message);
  if (written) unwritable_ = false;
}

json::object Anomalies::json(const Asked& asked) {
  json::array open, over, abstaining;
  const auto wanted = [&asked](const Anomaly& a) {
    return (asked.type.empty() || name_of(a.type) == asked.type) && (asked.agent.empty() || a.agent == asked.agent);
  };
  {
    const std::lock_guard lock(book_mutex_);
    for (const Anomaly& a : book_.open())
      if (wanted(a)) open.push_back(detect::json_of(a));
    const auto& all = book_.over();
    for (auto a = all.rbegin(); a != all.rend() && !asked.open_only && over.size() < asked.limit; ++a)
      if (wanted(*a)) over.push_back(detect::json_of(*a));
  }
  follower_.ask([&](const aggregate::Roster& roster, const aggregate::Moment&) {
    detector_.each_abstaining([&](std::uint32_t number, bool whole_agent, Measure measure) {
      const std::uint32_t agent = whole_agent ? number : roster.series(number).agent;
      if (!asked.agent.empty() && roster.agent(agent).name != asked.agent) return;
      if (abstaining.size() >= asked.limit) return;
      abstaining.push_back({{"agentId", roster.agent(agent).name},
                            {"taskType", whole_agent ? std::string() : roster.series(number).type},
                            {"measure", detect::name_of(measure)}});
    });
    return 0;
  });
  return {{"open", std::move(open)}, {"resolved", std::move(over)}, {"abstaining", std::move(abstaining)}};
}

Anomalies::Figures Anomalies::figures() {
  Figures figures;
  {
    const std::lock_guard lock(book_mutex_);
    figures.found = book_.found_by_type();
    figures.open.resize(std::size(detect::kTypes));
    for (const Anomaly& a : book_.open()) ++figures.open[static_cast<std::size_t>(a.type)];
  }
  follower_.ask([&](const aggregate::Roster&, const aggregate::Moment&) {
    figures.charts = detector_.charts();
    detector_.each_abstaining([&](std::uint32_t, bool, Measure) { ++figures.abstaining; });
    return 0;
  });
  figures.alerts = alerts_.counts();
  const std::lock_guard lock(mutex_);
  figures.findings_dropped = dropped_;
  return figures;
}

}  // namespace arbiter::service
