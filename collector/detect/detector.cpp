#include "collector/detect/detector.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "collector/journal/totals.hpp"

namespace arbiter::detect {

using aggregate::kNobody;
using event::Values;
using schema::field;

namespace {

constexpr double kMonthNs = 30.0 * 24 * 3600 * 1e9;
constexpr std::int64_t kLossPauseNs = 300'000'000'000;  // without a loss for so long: it is over
constexpr std::size_t kShares = Detector::kShares;

constexpr Type type_of(Measure measure) {
  switch (measure) {
    case Measure::errors: return Type::error_rate_increase;
    case Measure::accuracy: return Type::accuracy_drop;
    case Measure::compliance: return Type::compliance_drop;
    case Measure::overuse: return Type::token_overuse;
    default: return Type::latency_spike;
  }
}
constexpr std::size_t limit_of(Measure measure) { return static_cast<std::size_t>(measure) - kShares; }

}  // namespace

const RateSeries* Detector::Watched::chart(Measure measure) const {
  const auto i = static_cast<std::size_t>(measure);
  return i < kShares ? shares[i].get() : latency == nullptr ? nullptr : &latency->of(i - kShares);
}

bool Detector::Watched::risen_of(Type type) const {
  for (std::size_t i = 0; i < kMeasures; ++i) {
    if (type_of(static_cast<Measure>(i)) == type && thresholds != nullptr && thresholds->open(static_cast<Measure>(i))) return true;
    const RateSeries* const of = chart(static_cast<Measure>(i));
    if (type_of(static_cast<Measure>(i)) == type && of != nullptr && of->state() == RateSeries::State::risen) return true;
  }
  return false;
}

Detector::Detector(const Options& options, std::function<void(const Finding&)> tell) : options_(options), tell_(std::move(tell)) {}
Detector::~Detector() = default;

Detector::Watched* Detector::watched(bool whole_agent, std::uint32_t number) {
  auto& all = whole_agent ? agents_ : series_;
  if (number == kNobody) return nullptr;
  if (number >= all.size()) all.resize(number + std::size_t{1});
  if (all[number] == nullptr) {
    all[number] = std::make_unique<Watched>();
    all[number]->number = number;
    all[number]->whole_agent = whole_agent;
  }
  return all[number].get();
}

double Detector::spend() const {
  const double charts = static_cast<double>(std::max<std::size_t>(charts_, 1));
  return options_.false_alarms_per_month * (static_cast<double>(kTick) / kMonthNs) / charts / 2;
}

void Detector::set_options(const Options& options) {
  const bool thresholds = options_.thresholds;
  options_ = options;
  options_.thresholds = thresholds;
}

Thresholds* Detector::thresholds_of(Watched& w) const {
  if (!options_.thresholds || !w.whole_agent) return nullptr;
  if (w.thresholds == nullptr) w.thresholds = std::make_unique<Thresholds>();
  return w.thresholds.get();
}

template <class Take>
void Detector::take(bool whole_agent, std::uint32_t number, std::int64_t time_ns, const Take& take) {
  Watched* const w = watched(whole_agent, number);
  if (w == nullptr) return;
  if (time_ns - w->judged_ns >= kTick && w->waits) judge(*w);
  w->time_ns = std::max(w->time_ns, time_ns);
  if (w->judged_ns == 0) w->judged_ns = time_ns;
  take(*w);
  w->waits = true;
  if (!std::exchange(w->listed, true)) to_judge_.push_back(w);
}

void Detector::outcome(aggregate::Whom whom, Measure measure, bool bad, std::int64_t time_ns) {
  const auto add = [&](Watched& w) {
    if (options_.thresholds) {
      if (Thresholds* const thresholds = thresholds_of(w)) thresholds->outcome(measure, bad, w.time_ns);
      return;
    }
    auto& share = w.shares[static_cast<std::size_t>(measure)];
    if (share == nullptr) {
      if (charts_ >= kChartsMax - (w.whole_agent ? 0 : kChartsMax / 4)) return;
      share = std::make_unique<RateSeries>();
      ++charts_;
    }
    share->add(bad);
  };
  take(true, whom.agent, time_ns, add);
  take(false, whom.series, time_ns, add);
}

void Detector::latency(aggregate::Whom whom, double ms, std::int64_t time_ns) {
  const auto add = [&](Watched& w) {
    if (options_.thresholds) {
      if (Thresholds* const thresholds = thresholds_of(w)) thresholds->latency(ms, w.time_ns);
      return;
    }
    if (w.latency == nullptr) {
      if (charts_ >= kChartsMax - (w.whole_agent ? 0 : kChartsMax / 4)) return;
      w.latency = std::make_unique<LatencySeries>();
      charts_ += LatencySeries::kLimits;
    }
    w.latency->add(ms, w.time_ns);
  };
  take(true, whom.agent, time_ns, add);
  take(false, whom.series, time_ns, add);
}

void Detector::utilization(aggregate::Whom whom, double share, std::int64_t time_ns) {
  if (!options_.thresholds) return outcome(whom, Measure::overuse, share > 1, time_ns);
  take(true, whom.agent, time_ns, [&](Watched& w) { thresholds_of(w)->utilization(share, w.time_ns); });
}

void Detector::registered(aggregate::Whom whom, const Values& v, std::int64_t time_ns) {
  if (!options_.thresholds) return;
  constexpr Kind k = Kind::agent_registration;
  const auto metric = [&v](unsigned f) { return v.has(f) ? std::optional(v.real(f)) : std::nullopt; };
  take(true, whom.agent, time_ns, [&](Watched& w) {
    thresholds_of(w)->registered(metric(field(k, "baselineMetrics.latencyMs")), metric(field(k, "baselineMetrics.accuracy")),
                                 metric(field(k, "baselineMetrics.reliability")));
  });
}

void Detector::event(const aggregate::Followed& e) {
  const Values& v = e.values;
  ++losses_.events;
  recorded_ns_ = static_cast<std::int64_t>(v.stamp);
  switch (v.kind) {
    case Kind::task_execution:
      outcome(e.whom, Measure::errors, !v.flag(journal::field::kSuccess), e.time_ns);
      if (const auto ns = journal::duration_ns(v)) latency(e.whom, static_cast<double>(*ns) / 1e6, e.time_ns);
      return;
    case Kind::evaluation_outcome: {
      constexpr unsigned passed = field(Kind::evaluation_outcome, "evaluation.passed");
      if (v.has(passed)) outcome(e.whom, Measure::accuracy, !v.flag(passed), e.time_ns);
      return;
    }
    case Kind::constitutional_validation: {
      constexpr unsigned valid = field(Kind::constitutional_validation, "validationResult.valid");
      if (v.has(valid)) outcome(e.whom, Measure::compliance, !v.flag(valid), e.time_ns);
      return;
    }
    case Kind::thinking_budget_usage: {
      constexpr Kind k = Kind::thinking_budget_usage;
      constexpr unsigned rate = field(k, "utilizationRate"), used = field(k, "tokensUsed"), given = field(k, "tokensAllocated");
      if (v.has(rate))
        utilization(e.whom, v.real(rate), e.time_ns);
      else if (v.has(used) && v.has(given) && v.count(given) != 0)
        utilization(e.whom, static_cast<double>(v.count(used)) / static_cast<double>(v.count(given)), e.time_ns);
      return;
    }
    case Kind::agent_registration: return registered(e.whom, v, e.time_ns);
    case Kind::agent_status_change:
      status(e.whom.agent, v.text[field(Kind::agent_status_change, "status")].bytes() == "offline", e.time_ns);
      return;
    default: return;
  }
}

void Detector::completed(const aggregate::Completed& late) {
  latency(late.whom, static_cast<double>(late.duration_ns) / 1e6, late.time_ns);
}

void Detector::status(std::uint32_t agent, bool offline, std::int64_t time_ns) {
  Watched* const w = watched(true, agent);
  if (w == nullptr || std::exchange(w->offline, offline) == offline) return;
  Finding found{.raised = offline, .type = Type::agent_offline, .number = agent, .detected_ns = time_ns, .recorded_ns = recorded_ns_};
  found.detector = "event";
  found.rise.since_ns = time_ns;
  found.resolution = "recovered";
  tell_(found);
}

void Detector::judge(Watched& w) {
  const std::int64_t now_ns = w.judged_ns = w.time_ns;
  w.waits = false;
  if (w.thresholds != nullptr) return judge_thresholds(w);
  const double each = spend();
  for (std::size_t i = 0; i < kShares; ++i)
    if (w.shares[i] != nullptr) tell(w, static_cast<Measure>(i), w.shares[i]->judge(each, now_ns), *w.shares[i], now_ns);
  if (w.latency == nullptr) return;
  for (std::size_t i = 0; i < LatencySeries::kLimits; ++i)
    tell(w, static_cast<Measure>(kShares + i), w.latency->judge(i, each, now_ns), w.latency->of(i), now_ns);
}

void Detector::judge_thresholds(Watched& w) {
  using Event = Thresholds::Verdict::Event;
  for (const Measure measure : {Measure::errors, Measure::accuracy, Measure::compliance, Measure::overuse, Measure::latency_tail}) {
    const Thresholds::Verdict verdict = w.thresholds->judge(measure, options_.limits, w.time_ns);
    if (verdict.event == Event::none) continue;
    Finding found{.raised = verdict.event == Event::raised,
                  .type = verdict.type,
                  .measure = measure,
                  .number = w.number,
                  .detected_ns = w.time_ns,
                  .recorded_ns = recorded_ns_,
                  .detector = "threshold"};
    found.rise = {verdict.before, verdict.since, verdict.since_ns};
    found.severity = verdict.severity;
    found.baseline = verdict.baseline;
    found.current = verdict.current;
    found.resolution = verdict.event == Event::recovered ? "recovered" : "adopted";
    if (measure == Measure::latency_tail) {
      found.limit_ms = options_.limits.latency_times * verdict.baseline;
      found.baseline_p95_ms = verdict.baseline;
      found.p95_ms = verdict.current;
      found.latest = verdict.since.n;
    }
    tell_(found);
  }
}

void Detector::tell(Watched& w, Measure measure, RateSeries::Event event, const RateSeries& series, std::int64_t now_ns) {
  if (event == RateSeries::Event::none) return;
  const Type type = type_of(measure);
  Finding found{.raised = event == RateSeries::Event::risen,
                .type = type,
                .measure = measure,
                .number = w.number,
                .whole_agent = w.whole_agent,
                .detected_ns = now_ns,
                .recorded_ns = recorded_ns_};
  if (!found.raised) {
    if (w.risen_of(type)) return;  // by another measure
    found.resolution = event == RateSeries::Event::recovered ? "recovered" : "adopted";
    return tell_(found);
  }
  found.rise = series.rise();
  if (type == Type::latency_spike) {
    found.limit_ms = w.latency->limit_ms(limit_of(measure));
    found.baseline_p95_ms = w.latency->limit_ms(LatencySeries::kLimits - 1);
    found.latest = std::min<std::uint64_t>(found.rise.since.n, LatencySeries::kRecent);
    found.p50_ms = w.latency->recent_quantile(0.5, found.latest);
    found.p95_ms = w.latency->recent_quantile(0.95, found.latest);
  }
  tell_(found);
}

void Detector::moment(const aggregate::Moment& moment) {
  now_ns_ = moment.now_ns;
  if (moment.behind) return;  // events bring their own time
  look_for_losses(moment);
  // A step of the clock, either way, is a tick like others.
  if (std::abs(moment.now_ns - swept_ns_) < kTick) return;
  swept_ns_ = moment.now_ns;
  for (Watched* const w : to_judge_) {
    w->listed = false;
    if (w->waits) judge(*w);
  }
  to_judge_.clear();
}

void Detector::look_for_losses(const aggregate::Moment& moment) {
  Losses& l = losses_;
  if (l.known == 0) l.seen = moment.losses, l.known = 1;
  Finding found{
      .type = Type::data_loss, .number = kNobody, .detected_ns = moment.now_ns, .recorded_ns = moment.now_ns, .detector = "event"};
  if (moment.losses > l.seen) {
    if (l.open == 0) l.before = l.seen, l.began_ns = moment.now_ns;
    l.seen = moment.losses;
    l.last_ns = moment.now_ns;
    if (std::exchange(l.open, std::uint8_t{1}) != 0) return;
    const std::uint64_t lost = l.seen - l.before;
    found.rise = {{l.events, 0}, {l.events + lost, lost}, moment.now_ns};
    l.events = 0;
    tell_(found);
  } else if (l.open != 0 && std::abs(moment.now_ns - l.last_ns) > kLossPauseNs) {
    l.open = 0;
    found.raised = false;
    found.resolution = "recovered";
    tell_(found);
  }
}

void Detector::forget(std::vector<std::unique_ptr<Watched>>& of, std::uint32_t number) {
  if (number >= of.size() || of[number] == nullptr) return;
  Watched& w = *of[number];
  to_judge_.erase(std::remove(to_judge_.begin(), to_judge_.end(), &w), to_judge_.end());
  for (const auto& share : w.shares) charts_ -= share == nullptr ? 0u : 1u;
  if (w.latency != nullptr) charts_ -= LatencySeries::kLimits;
  of[number].reset();
}

void Detector::forgotten_series(std::uint32_t series) { forget(series_, series); }
void Detector::forgotten_agent(std::uint32_t agent) { forget(agents_, agent); }

void Detector::cleared() {
  agents_.clear();
  series_.clear();
  to_judge_.clear();
  charts_ = 0;
  losses_ = {};
}

void Detector::each_open(const std::function<void(std::uint32_t, bool, Type)>& each) const {
  if (losses_.open != 0) each(kNobody, true, Type::data_loss);
  for (const auto* const all : {&agents_, &series_})
    for (const auto& w : *all) {
      if (w == nullptr) continue;
      for (std::size_t i = 0; i < std::size(kTypes); ++i)
        if (w->risen_of(static_cast<Type>(i))) each(w->number, w->whole_agent, static_cast<Type>(i));
      if (w->offline) each(w->number, true, Type::agent_offline);
    }
}

void Detector::each_abstaining(const std::function<void(std::uint32_t, bool, Measure)>& each) const {
  for (const auto* const all : {&agents_, &series_})
    for (const auto& w : *all)
      for (std::size_t i = 0; w != nullptr && i < kMeasures; ++i)
        if (const auto* const chart = w->chart(static_cast<Measure>(i));
            chart != nullptr && chart->state() == RateSeries::State::abstaining)
          each(w->number, w->whole_agent, static_cast<Measure>(i));
}

}  // namespace arbiter::detect
