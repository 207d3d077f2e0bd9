#include "collector/detect/causes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "collector/journal/task_filter.hpp"
#include "collector/journal/totals.hpp"

namespace arbiter::detect {

using event::Text;
using event::Values;
using schema::field;

namespace {

constexpr double kExplainsMin = 0.1;                       // of the change: less is not worth a line
constexpr std::int64_t kStatusNs = 15LL * 60'000'000'000;  // changes of status so long before are looked at

const Text* text_of(const Values& v, std::string_view path) {
  const int at = schema::find_field(v.kind, path);
  return at >= 0 && v.has(static_cast<unsigned>(at)) ? &v.text[static_cast<unsigned>(at)] : nullptr;
}

bool of_one_value(std::string_view kind) { return kind != "errorType" && kind != "rule"; }

}  // namespace

void Causes::note(std::string_view kind, std::string value, bool since, bool bad) {
  auto at = values_.find({std::string(kind), value});
  if (at == values_.end()) {
    if (values_.size() >= kValuesMax) value = "(other)";
    at = values_.try_emplace({std::string(kind), std::move(value)}).first;
  }
  (since ? at->second.since : at->second.before) += {1, bad ? 1u : 0u};
}

void Causes::broken_rules(const Values& v, bool since) {
  constexpr unsigned list = field(Kind::constitutional_validation, "validationResult.violations");
  if (!v.has(list)) return;
  for (event::ListReader items(schema::kViolations, v.text[list]); items.next();)
    if (items.has(2)) note("rule", items.text(2).shown(), since, true);
}

void Causes::outcome(const Values& v, std::int64_t time_ns, bool bad) {
  const bool since = time_ns >= about_.since_ns;
  (since ? all_.since : all_.before) += {1, bad ? 1u : 0u};
  if (outcomes_.size() < kTasksMax) outcomes_.push_back({time_ns, bad});
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kBy = {{{"taskType", "taskType"},
                                                                                 {"routingStrategy", "routingDecision.routingStrategy"},
                                                                                 {"policyVersion", "routingDecision.policyVersion"}}};
  for (const auto& [kind, path] : kBy) {
    if (schema::find_field(v.kind, path) < 0) continue;
    const Text* const value = text_of(v, path);
    note(kind, value == nullptr ? std::string() : value->shown(), since, bad);
  }
  if (!bad) return;
  if (const Text* const error = text_of(v, "outcome.errorType")) note("errorType", error->shown(), since, true);
  if (v.kind == Kind::constitutional_validation) broken_rules(v, since);
  const Text* const task = text_of(v, "taskId");
  if (!since || task == nullptr) return;
  // The latest ones: what is going on now.
  if (examples_.size() < kExamplesMax)
    examples_.push_back(task->shown());
  else
    examples_[examples_seen_ % kExamplesMax] = task->shown();
  ++examples_seen_;
}

void Causes::add(const Values& v, std::int64_t time_ns) {
  const Text* const agent = text_of(v, v.kind == Kind::routing_decision ? "selectedAgent" : "agentId");
  const Text* const task = text_of(v, "taskId");
  const std::uint64_t hash = task == nullptr ? 0 : journal::filter_hash(*task);
  if (agent == nullptr ? tasks_.count(hash) == 0 : agent->shown() != about_.agent) return;
  if (task != nullptr && tasks_.size() < kTasksMax) tasks_.insert(hash);
  if (v.kind == Kind::agent_status_change) {
    const Text* const from = text_of(v, "previousStatus");
    const Text* const to = text_of(v, "status");
    changes_.push_back({time_ns, (from == nullptr ? std::string() : from->shown() + " to ") + to->shown()});
    return;
  }
  if (const Text* const type = text_of(v, "taskType"); !about_.task_type.empty() && (type == nullptr || type->shown() != about_.task_type))
    return;
  switch (about_.measure) {
    case Measure::errors:
      if (v.kind == Kind::task_execution) outcome(v, time_ns, !v.flag(journal::field::kSuccess));
      return;
    case Measure::latency_median:
    case Measure::latency_tail: {
      const auto ns = v.kind == Kind::task_execution ? journal::duration_ns(v) : std::nullopt;
      if (ns) outcome(v, time_ns, static_cast<double>(*ns) / 1e6 > about_.limit_ms);
      return;
    }
    case Measure::accuracy: {
      constexpr unsigned passed = field(Kind::evaluation_outcome, "evaluation.passed");
      if (v.kind == Kind::evaluation_outcome && v.has(passed)) outcome(v, time_ns, !v.flag(passed));
      return;
    }
    case Measure::compliance: {
      constexpr unsigned valid = field(Kind::constitutional_validation, "validationResult.valid");
      if (v.kind == Kind::constitutional_validation && v.has(valid)) outcome(v, time_ns, !v.flag(valid));
      return;
    }
    case Measure::overuse: {
      constexpr unsigned rate = field(Kind::thinking_budget_usage, "utilizationRate");
      if (v.kind == Kind::thinking_budget_usage && v.has(rate)) outcome(v, time_ns, v.real(rate) > 1);
      return;
    }
  }
}

std::vector<Cause> Causes::of_status() const {
  std::vector<Cause> causes;
  for (const StatusChange& change : changes_) {
    if (change.time_ns < about_.since_ns - kStatusNs) continue;
    Cause cause{"statusChange", change.what, 0, {}, {}};
    for (const Outcome& o : outcomes_) (o.time_ns < change.time_ns ? cause.baseline : cause.current) += {1, o.bad ? 1u : 0u};
    const double grown = all_.since.share() - all_.before.share();
    if (grown <= 0 || cause.baseline.n == 0 || cause.current.n == 0) continue;
    cause.explained = std::clamp((cause.current.share() - cause.baseline.share()) / grown, 0.0, 1.0);
    causes.push_back(std::move(cause));
  }
  return causes;
}

void Causes::put(Anomaly& anomaly) const {
  anomaly.example_tasks = examples_;
  const double q0 = all_.before.share(), q1 = all_.since.share(), grown = q1 - q0;
  if (grown <= 0 || all_.before.n == 0) return;
  std::map<std::string_view, int> values_of;  // a kind that is the same for all explains nothing
  for (const auto& [name, split] : values_) ++values_of[name.first];
  std::vector<Cause> causes = of_status();
  for (const auto& [name, split] : values_) {
    const auto& [kind, value] = name;
    const auto part = [](const Counts& of, const Counts& all) {
      return all.n == 0 ? 0 : static_cast<double>(of.n) / static_cast<double>(all.n);
    };
    const double w0 = part(split.before, all_.before), w1 = part(split.since, all_.since);
    double explains = 0;
    if (of_one_value(kind)) {
      if (values_of[kind] == 1) continue;
      explains = w1 * (split.since.share() - q0) - w0 * (split.before.share() - q0);
    } else {
      explains = w1 - w0;
    }
    causes.push_back({kind, value, explains / grown, split.before, split.since});
  }
  std::erase_if(causes, [](const Cause& c) { return !(c.explained >= kExplainsMin); });
  std::stable_sort(causes.begin(), causes.end(), [](const Cause& a, const Cause& b) { return a.explained > b.explained; });
  if (causes.size() > kCausesMax) causes.resize(kCausesMax);
  // One value may bring more than the whole, where others got better meanwhile; more than the whole nobody explains.
  for (Cause& cause : causes) cause.explained = std::min(cause.explained, 1.0);
  anomaly.causes = std::move(causes);
}

}  // namespace arbiter::detect
