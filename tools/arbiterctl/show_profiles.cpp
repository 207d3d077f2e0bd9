// Profiles of agents, as people read them.
#include <boost/json/array.hpp>

#include "tools/arbiterctl/rows.hpp"
#include "tools/arbiterctl/show.hpp"

namespace arbiter::ctl {
namespace {

namespace json = boost::json;

// "36.00 % (363 of 1,014), 95 %: 33.0 to 39.0 %"
void rate(std::string& out, const json::object& object, std::string_view label, std::string_view share, std::string_view yes,
          std::string_view of, std::string_view interval) {
  const auto value = real(at(object, share));
  if (!value) return;
  std::string words = printed("%.2f %%", 100 * *value) + " (" + text(at(object, yes)) + " of " + text(at(object, of)) + ")";
  if (const auto* ends = at(object, interval); ends != nullptr && ends->is_array() && ends->get_array().size() == 2)
    words +=
        printed(", 95 %%: %.1f to %.1f %%", 100 * real(&ends->get_array()[0]).value_or(0), 100 * real(&ends->get_array()[1]).value_or(1));
  row(out, label, words);
}

void span(std::string& out, const json::object& object) {
  static constexpr std::array<Row, 4> times = {
      {{"window", "window"}, {"from", "from"}, {"as of", "asOf"}, {"complete from", "completeFrom"}}};
  for (const auto& [label, path] : times)
    if (const auto* value = at(object, path); value != nullptr && !value->is_null()) row(out, label, text(value));
}

// A measure that nothing is known of has no row.
struct Measure {
  std::string_view label, path;
  const char* format = "%.4g";
};
constexpr std::array<Measure, 26> kMeasures = {{{"latency, mean", "latencyMs.mean", "%.1f ms"},
                                                {"  least", "latencyMs.min", "%.1f ms"},
                                                {"  p50", "latencyMs.p50", "%.1f ms"},
                                                {"  p95", "latencyMs.p95", "%.1f ms"},
                                                {"  p99", "latencyMs.p99", "%.1f ms"},
                                                {"  most", "latencyMs.max", "%.1f ms"},
                                                {"quality", "qualityScore.mean"},
                                                {"efficiency", "efficiencyScore.mean"},
                                                {"evaluation score", "evaluation.score.mean"},
                                                {"tokens, mean", "tokens.consumed.mean", "%.0f"},
                                                {"cost, mean", "costUsd.mean", "%.4f USD"},
                                                {"budget used, mean", "budget.meanUtilization"},
                                                {"compliance score", "compliance.score.mean"},
                                                {"minimality", "minimality.factor.mean"},
                                                {"similarity of syntax", "minimality.astSimilarity.mean"},
                                                {"scaffolding penalty", "minimality.scaffoldingPenalty.mean"},
                                                {"lines changed, mean", "minimality.linesChanged.mean"},
                                                {"judges' score", "judgments.score.mean"},
                                                {"judges' confidence", "judgments.confidence.mean"},
                                                {"routing confidence", "routing.confidence.mean"},
                                                {"times chosen", "routing.chosen", "%.0f"},
                                                {"  another scored higher", "routing.alternativeScoredHigher", "%.0f"},
                                                {"budgets overused", "budget.overused", "%.0f"},
                                                {"available, share of time", "availability.share"},
                                                {"time between failures", "availability.meanTimeBetweenFailuresS", "%.1f s"},
                                                {"time to recover", "availability.meanTimeToRecoverS", "%.1f s"}}};

void measures(std::string& out, const json::object& profile) {
  rate(out, profile, "successes", "executions.successRate", "executions.successes", "executions.count", "executions.successRate95");
  rate(out, profile, "evaluations passed", "evaluation.passRate", "evaluation.passed", "evaluation.count", "evaluation.passRate95");
  rate(out, profile, "compliant", "compliance.passRate", "compliance.passed", "compliance.count", "compliance.passRate95");
  for (const auto& [label, path, format] : kMeasures)
    if (const auto value = real(at(profile, path)); value && (*value != 0 || !path.starts_with("routing.")))
      row(out, label, printed(format, *value));
}

void trends(std::string& out, const json::object& profile) {
  const auto* list = at(profile, "trends");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return;
  heading(out, "Trends");
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& trend = item.get_object();
    const std::string direction = text(at(trend, "direction")), points = text(at(trend, "points")) + " points";
    if (direction == "-") {
      row(out, text(at(trend, "measure")), "too few to say: " + points);
      continue;
    }
    const Colour colour = direction == "improving" ? Colour::good : direction == "declining" ? Colour::bad : Colour::none;
    row(out, text(at(trend, "measure")),
        direction +
            printed(", %+.4g an hour, confidence %.3f, ", real(at(trend, "perHour")).value_or(0),
                    real(at(trend, "confidence")).value_or(0)) +
            points,
        colour);
  }
}

}  // namespace

std::string profile_text(const json::object& profile) {
  std::string out;
  const auto* agent = at(profile, "agentId");
  heading(out, agent == nullptr ? std::string("In this span") : "Agent " + text(agent));
  span(out, profile);
  row(out, "events", text(at(profile, "events")));
  measures(out, profile);
  trends(out, profile);
  const auto* types = at(profile, "byTaskType");
  if (types == nullptr || !types->is_array()) return out;
  for (const auto& item : types->get_array()) {
    if (!item.is_object()) continue;
    const auto* type = at(item.get_object(), "taskType");
    heading(out, type == nullptr || type->is_null() ? std::string("Of no type") : "Type " + text(type));
    measures(out, item.get_object());
  }
  return out;
}

std::string agents_text(const json::object& agents) {
  std::string out;
  heading(out, "Agents");
  span(out, agents);
  const auto* list = at(agents, "agents");
  if (list == nullptr || !list->is_array()) return out;
  if (list->get_array().empty()) {
    row(out, "agents", "none in this window; --window retained looks through all that is retained");
    return out;
  }
  out += "\n  " + printed("%10s %10s %9s %14s %14s  ", "executions", "successes", "rate", "p50 ms", "p95 ms") + "agent\n";
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& agent = item.get_object();
    const auto figure = [&](std::string_view path, const char* format, double scale = 1) {
      const auto value = real(at(agent, path));
      return value ? printed(format, scale * *value) : std::string("-");
    };
    out += "  " + printed("%10s %10s %9s %14s %14s  ", text(at(agent, "executions")).c_str(), text(at(agent, "successes")).c_str(),
                          figure("successRate", "%.2f %%", 100).c_str(), figure("latencyMs.p50", "%.1f").c_str(),
                          figure("latencyMs.p95", "%.1f").c_str());
    out += text(at(agent, "agentId")) + "\n";
  }
  return out;
}

}  // namespace arbiter::ctl
