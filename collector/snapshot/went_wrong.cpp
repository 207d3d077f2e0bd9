#include "collector/snapshot/went_wrong.hpp"

#include <cstdio>
#include <optional>

#include "collector/journal/totals.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

using schema::field;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

void WentWrong::say(const journal::StoredEvent& e, std::string what) {
  list_.push_back({{"timestamp", time_text(e.time_ns)}, {"what", std::move(what)}, {"eventId", event_id(e.lane, e.values.sequence)}});
}

void WentWrong::execution(const journal::StoredEvent& e) {
  constexpr unsigned error = field(Kind::task_execution, "outcome.errorType"), agent = field(Kind::task_execution, "agentId");
  const event::Values& v = e.values;
  if (!v.flag(journal::field::kSuccess)) say(e, v.text[agent].shown() + " failed" + (v.has(error) ? ": " + v.text[error].shown() : ""));
  if (v.has(journal::field::kStarted))
    ++completions_;
  else
    say(e, "completed, but no start of it is known");
}

void WentWrong::decision(const journal::StoredEvent& e) {
  constexpr unsigned agent = field(Kind::routing_decision, "selectedAgent"), list = field(Kind::routing_decision, "alternativesConsidered");
  const event::Values& v = e.values;
  if (!v.has(list)) return;
  std::optional<double> own, best;
  event::Text better;
  for (event::ListReader items(schema::kAlternatives, v.text[list]); items.next();) {
    if (!items.has(1)) continue;
    if (items.text(0) == v.text[agent]) {
      own = std::max(own.value_or(items.real(1)), items.real(1));
    } else if (!best || items.real(1) > *best) {
      best = items.real(1);
      better = items.text(0);
    }
  }
  if (own && best && *best > *own)
    say(e, v.text[agent].shown() + " was chosen with a score of " + number(*own) + ", while " + better.shown() + " had " + number(*best));
}

void WentWrong::validation(const journal::StoredEvent& e) {
  constexpr unsigned valid = field(Kind::constitutional_validation, "validationResult.valid"),
                     list = field(Kind::constitutional_validation, "validationResult.violations");
  const event::Values& v = e.values;
  std::string violations;
  if (v.has(list))
    for (event::ListReader items(schema::kViolations, v.text[list]); items.next();) {
      violations += violations.empty() ? ": " : ", ";
      if (items.has(0)) violations += items.text(0).shown();
      if (items.has(2)) violations += (items.has(0) ? " against " : "against ") + items.text(2).shown();
    }
  if (!violations.empty() || (v.has(valid) && !v.flag(valid))) say(e, "not compliant" + violations);
}

void WentWrong::budget(const journal::StoredEvent& e) {
  constexpr Kind k = Kind::thinking_budget_usage;
  constexpr unsigned rate = field(k, "utilizationRate"), used = field(k, "tokensUsed"), given = field(k, "tokensAllocated");
  const event::Values& v = e.values;
  const bool counted = v.has(used) && v.has(given) && v.count(given) != 0;
  const double share = v.has(rate) ? v.real(rate) : counted ? static_cast<double>(v.count(used)) / static_cast<double>(v.count(given)) : 0;
  if (share > 1) say(e, "its budget was overused: " + number(100 * share) + " % of it");
}

void WentWrong::add(const journal::StoredEvent& e) {
  const event::Values& v = e.values;
  switch (v.kind) {
    case Kind::task_start:
      ++starts_;
      if (v.flag(field(Kind::task_start, "censored"))) say(e, "started, and let go of: no completion came while starts were kept");
      break;
    case Kind::task_execution: execution(e); break;
    case Kind::routing_decision: decision(e); break;
    case Kind::constitutional_validation: validation(e); break;
    case Kind::thinking_budget_usage: budget(e); break;
    case Kind::model_judgment:
      if (constexpr unsigned all = field(Kind::model_judgment, "allCriteriaPass"); v.has(all) && !v.flag(all))
        say(e, "judged: not all criteria pass");
      break;
    case Kind::evaluation_outcome: {
      constexpr unsigned passed = field(Kind::evaluation_outcome, "evaluation.passed"),
                         score = field(Kind::evaluation_outcome, "evaluation.score");
      if (v.has(passed) && !v.flag(passed)) say(e, "evaluated: not passed" + (v.has(score) ? ", score " + number(v.real(score)) : ""));
      break;
    }
    default: break;
  }
}

boost::json::array WentWrong::list() {
  if (starts_ > completions_)
    list_.push_back({{"timestamp", nullptr},
                     {"what", std::to_string(starts_ - completions_) + " started and not completed so far"},
                     {"eventId", nullptr}});
  return std::move(list_);
}

}  // namespace arbiter::snapshot
