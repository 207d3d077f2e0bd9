#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "collector/detect/anomaly.hpp"
#include "collector/snapshot/time_text.hpp"
#include "tools/arbiterctl/report/page_style.hpp"
#include "tools/arbiterctl/report/report.hpp"
#include "tools/arbiterctl/rows.hpp"

namespace arbiter::ctl {
namespace {

namespace json = boost::json;
using detect::Anomaly;

constexpr std::size_t kPlottedMax = 40;     // agents beside each other, those with most executions
constexpr std::size_t kAnomaliesMax = 100;  // told of one by one; open ones first

// Ids and texts are foreign: nothing in them ends an element or begins one.
std::string escaped(std::string_view foreign) {
  std::string out;
  for (const char c : foreign) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

const json::array& list(const json::object& object, std::string_view path) {
  static const json::array none;
  const auto* const value = at(object, path);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string percent(const json::object& object, std::string_view path) {
  const auto share = real(at(object, path));
  return share ? printed("%.1f %%", 100 * *share) : "–";
}

std::string interval(const json::object& object, std::string_view path) {
  const json::array& ends = list(object, path);
  if (ends.size() != 2) return {};
  return printed("%.1f to %.1f %%", 100 * real(&ends[0]).value_or(0), 100 * real(&ends[1]).value_or(1));
}

std::string latency(const json::object& object, std::string_view path) {
  const auto ms = real(at(object, path));
  if (!ms) return "–";
  if (*ms >= 60'000) return printed("%.3g min", *ms / 60'000);
  return *ms >= 1000 ? printed("%.3g s", *ms / 1000) : printed("%.3g ms", *ms);
}

// "2026-11-30 08:46:06 UTC"
std::string when(const json::object& object, std::string_view path) {
  const auto* const value = at(object, path);
  if (value == nullptr || !value->is_string()) return "–";
  std::string time(std::string_view(value->get_string()).substr(0, 19));
  if (time.size() > 10) time[10] = ' ';
  return escaped(time) + " UTC";
}

void tile(std::string& out, std::string_view label, const std::string& figure, const std::string& beside = {}) {
  out.append("<div><dt>").append(label).append("</dt><dd>").append(figure);
  if (!beside.empty()) out.append("<small>").append(beside).append("</small>");
  out += "</dd></div>\n";
}

void tiles(std::string& out, const json::object& everybody, std::size_t agents, std::size_t open) {
  out += "<dl class=\"tiles\">\n";
  tile(out, "Executions", text(at(everybody, "executions.count")), text(at(everybody, "events")) + " events");
  const std::string range = interval(everybody, "executions.successRate95");
  tile(out, "Success rate", percent(everybody, "executions.successRate"), range.empty() ? range : "95 %: " + range);
  tile(out, "Latency, p50", latency(everybody, "latencyMs.p50"), "p95 " + latency(everybody, "latencyMs.p95"));
  tile(out, "Latency, p99", latency(everybody, "latencyMs.p99"), "most " + latency(everybody, "latencyMs.max"));
  if (real(at(everybody, "evaluation.passRate")))
    tile(out, "Evaluations passed", percent(everybody, "evaluation.passRate"), "of " + text(at(everybody, "evaluation.count")));
  if (real(at(everybody, "compliance.passRate")))
    tile(out, "Compliant", percent(everybody, "compliance.passRate"), "of " + text(at(everybody, "compliance.count")));
  tile(out, "Agents", grouped(agents));
  tile(out, "Anomalies open", "<span class=\"" + std::string(open == 0 ? "good" : "bad") + "\">" + grouped(open) + "</span>");
  out += "</dl>\n";
}

void figure(std::string& out, std::string_view plot, std::string_view caption) {
  out.append("<figure data-plot=\"").append(plot).append("\"><div class=\"plot\"></div><figcaption>");
  out.append(caption).append("</figcaption></figure>\n");
}

void row_of(std::string& out, std::initializer_list<std::string> cells, const char* cell = "td") {
  out += "<tr>";
  for (const std::string& one : cells) out.append("<").append(cell).append(">").append(one).append("</").append(cell).append(">");
  out += "</tr>\n";
}

void agents_table(std::string& out, const json::array& agents) {
  out += "<div class=\"scroll\"><table>\n<thead>";
  row_of(out, {"Agent", "Executions", "Success rate", "95 %", "p50", "p95", "p99", "Available"}, "th");
  out += "</thead><tbody>\n";
  for (const json::value& item : agents) {
    if (!item.is_object()) continue;
    const json::object& a = item.get_object();
    row_of(out, {escaped(text(at(a, "agentId"))), text(at(a, "executions")), percent(a, "successRate"), interval(a, "successRate95"),
                 latency(a, "latencyMs.p50"), latency(a, "latencyMs.p95"), latency(a, "latencyMs.p99"), percent(a, "availability.share")});
  }
  out += "</tbody></table></div>\n";
}

void history_table(std::string& out, const json::array& steps) {
  out += "<details><summary>The figures by time</summary><div class=\"scroll\"><table>\n<thead>";
  row_of(out, {"From", "Executions", "Success rate", "95 %", "p50", "p95", "p99"}, "th");
  out += "</thead><tbody>\n";
  for (const json::value& item : steps) {
    if (!item.is_object()) continue;
    const json::object& s = item.get_object();
    row_of(out, {when(s, "from"), text(at(s, "executions")), percent(s, "successRate"), interval(s, "successRate95"),
                 latency(s, "latencyMs.p50"), latency(s, "latencyMs.p95"), latency(s, "latencyMs.p99")});
  }
  out += "</tbody></table></div></details>\n";
}

void anomaly(std::string& out, const Anomaly& a) {
  const auto time = [](std::int64_t ns) { return when({{"at", snapshot::time_text(ns)}}, "at"); };
  std::string type(name_of(a.type));
  std::replace(type.begin(), type.end(), '_', ' ');
  const std::string who = a.agent.empty() ? std::string() : ": " + escaped(a.agent + (a.task_type.empty() ? "" : " at " + a.task_type));
  out.append("<article class=\"").append(name_of(a.severity)).append("\"><h3>").append(type).append(who).append("</h3>\n");
  out.append("<p>").append(escaped(a.summary)).append("</p>\n<p class=\"faint\">").append(name_of(a.severity));
  out += ", " + time(a.began_ns) + " to " + (a.open() ? "now" : time(a.resolved_ns) + " (" + escaped(a.resolution) + ")") + "</p>\n";
  if (!a.causes.empty()) {
    out += "<p class=\"faint\">What moved with it:</p><ul>\n";
    for (const auto& cause : a.causes)
      out += "<li>" + escaped(cause.kind) + " <b>" + (cause.value.empty() ? "(none)" : escaped(cause.value)) + "</b>" +
             printed(": %.0f %% of it; %s of %s, was %s of %s", 100 * cause.explained, grouped(cause.current.bad).c_str(),
                     grouped(cause.current.n).c_str(), grouped(cause.baseline.bad).c_str(), grouped(cause.baseline.n).c_str()) +
             "</li>\n";
    out += "</ul>\n";
  }
  if (!a.example_tasks.empty()) {
    out += "<p class=\"faint\">Tasks, such as";
    for (const std::string& task : a.example_tasks) out += " <code>" + escaped(task) + "</code>";
    out += "</p>\n";
  }
  out += "</article>\n";
}

// What the plots are drawn from: of the report, only what they show.
json::object plotted(const json::object& report, const std::vector<Anomaly>& anomalies) {
  const auto of = [](const json::value& item, std::string_view path) {
    const auto* const value = at(item.get_object(), path);
    return value == nullptr ? json::value(nullptr) : *value;
  };
  const auto figures = [&](json::object& into, const json::value& item) {
    const json::array& ends = list(item.get_object(), "successRate95");
    into["executions"] = of(item, "executions");
    into["successes"] = of(item, "successes");
    into["rate"] = of(item, "successRate");
    into["low"] = ends.size() == 2 ? ends[0] : nullptr;
    into["high"] = ends.size() == 2 ? ends[1] : nullptr;
    into["p50"] = of(item, "latencyMs.p50");
    into["p95"] = of(item, "latencyMs.p95");
    into["p99"] = of(item, "latencyMs.p99");
  };
  json::array history, agents, shown;
  for (const json::value& item : list(report, "everybody.history")) {
    if (!item.is_object()) continue;
    json::object step{{"from", of(item, "from")}, {"to", of(item, "to")}};
    figures(step, item);
    history.emplace_back(std::move(step));
  }
  for (const json::value& item : list(report, "agents")) {
    if (!item.is_object() || agents.size() == kPlottedMax) continue;
    json::object agent{{"agent", text(at(item.get_object(), "agentId"))}};
    figures(agent, item);
    agents.emplace_back(std::move(agent));
  }
  for (const Anomaly& a : anomalies)
    shown.push_back({{"type", name_of(a.type)},
                     {"severity", name_of(a.severity)},
                     {"agent", a.agent},
                     {"summary", a.summary},
                     {"began", snapshot::time_text(a.began_ns)},
                     {"ended", a.open() ? json::value(nullptr) : json::value(snapshot::time_text(a.resolved_ns))}});
  const auto* const from = at(report, "from");
  const auto* const to = at(report, "asOf");
  const auto* const rate = at(report, "everybody.executions.successRate");
  return {{"from", from == nullptr ? json::value(nullptr) : *from},
          {"to", to == nullptr ? json::value(nullptr) : *to},
          {"overallRate", rate == nullptr ? json::value(nullptr) : *rate},
          {"history", std::move(history)},
          {"agents", std::move(agents)},
          {"anomalies", std::move(shown)}};
}

// JSON inside <script>: no "</script" and no "<!--" can stand in it.
std::string for_script(const json::object& data) {
  std::string out;
  for (const char c : json::serialize(data)) c == '<' ? out += "\\u003c" : out += c;
  return out;
}

}  // namespace

std::string report_page(const json::object& report, std::string_view plots) {
  static const json::object nothing;
  const auto* const found = at(report, "everybody");
  const json::object& everybody = found != nullptr && found->is_object() ? found->get_object() : nothing;
  const json::array& agents = list(report, "agents");
  const json::array& open = list(report, "anomalies.open");
  std::vector<Anomaly> anomalies;
  for (const char* const which : {"anomalies.open", "anomalies.resolved"})
    for (const json::value& item : list(report, which))
      if (auto a = detect::anomaly_of(item); a && anomalies.size() < kAnomaliesMax) anomalies.push_back(std::move(*a));
  const auto* const window = at(report, "window");
  const bool of_window = window != nullptr && window->is_string();
  const std::string span = of_window ? "the last " + escaped(text(window)) : std::string("all that is retained");

  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // The browser is held to it, too: nothing is fetched.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
      "img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Agents over " +
      span + "</title>\n<style>";
  out.append(kPageStyle).append("</style>\n</head>\n<body>\n<header>\n<h1>Agents over ").append(span).append("</h1>\n<p>");
  if (of_window) out += when(report, "from") + " to ";
  out += when(report, "asOf") + "; nothing is missing from " + when(report, "completeFrom") + " on</p>\n</header>\n";
  tiles(out, everybody, agents.size(), open.size());

  if (const json::array& history = list(everybody, "history"); !history.empty()) {
    out += "<h2>How it went</h2>\n";
    figure(out, "success", "Success rate, with 95 % Wilson intervals; shaded where an anomaly was open. UTC.");
    figure(out, "latency", "Latency of executions: p50, p95 and p99, to within 0.8 %. UTC.");
    history_table(out, history);
  }
  out += "<h2>Anomalies</h2>\n";
  if (anomalies.empty()) out += "<p class=\"faint\">None in this span.</p>\n";
  if (of_window && !anomalies.empty()) figure(out, "anomalies", "When each began, about, and when it was over. UTC.");
  for (const Anomaly& a : anomalies) anomaly(out, a);
  out += "<h2>Agents</h2>\n";
  if (agents.empty()) {
    out += "<p class=\"faint\">None in this span.</p>\n";
  } else {
    const std::string of = agents.size() > kPlottedMax ? " The " + grouped(kPlottedMax) + " with most executions." : std::string();
    out += "<div class=\"columns\">\n";
    figure(out, "agents", "Success rate, with 95 % Wilson intervals; dashed: everybody." + of);
    figure(out, "agents-latency", "Latency: p50, p95 and p99." + of);
    out += "</div>\n";
    agents_table(out, agents);
  }
  out += "<footer>Made by arbiterctl report. Numbers are of the events' own time.";
  if (plots.empty()) out += " This arbiterctl was built without npm: tables only.";
  out += "</footer>\n";
  if (!plots.empty()) {
    out.append("<script type=\"application/json\" id=\"report\">").append(for_script(plotted(report, anomalies)));
    out.append("</script>\n<script>").append(plots).append("</script>\n");
  }
  return out += "</body>\n</html>\n";
}

}  // namespace arbiter::ctl
