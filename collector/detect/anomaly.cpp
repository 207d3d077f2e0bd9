#include "collector/detect/anomaly.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace arbiter::detect {
namespace {

namespace json = boost::json;

json::value time_json(std::int64_t ns) { return ns == 0 ? json::value(nullptr) : json::value(std::to_string(ns)); }

template <class Enum, std::size_t N>
std::optional<Enum> named(const std::string_view (&names)[N], std::string_view name) {
  const auto at = std::find(std::begin(names), std::end(names), name);
  if (at == std::end(names)) return {};
  return static_cast<Enum>(at - std::begin(names));
}

// Fields of an object that another may have written; what is missing or of another type is nothing.
struct Reader {
  const json::object& from;
  std::string text(std::string_view key) const {
    const auto* const v = from.if_contains(key);
    return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
  }
  double number(std::string_view key) const {
    const auto* const v = from.if_contains(key);
    return v != nullptr && v->is_number() ? v->to_number<double>() : 0;
  }
  std::uint64_t count(std::string_view key) const {
    const double n = number(key);
    return n >= 0 && n < 1e18 ? static_cast<std::uint64_t>(n) : 0;
  }
  std::int64_t time(std::string_view key) const {
    const std::string digits = text(key);
    std::int64_t ns = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), ns);
    return read.ec == std::errc() && read.ptr == digits.data() + digits.size() && ns > 0 ? ns : 0;
  }
  template <class Visit>
  void each(std::string_view key, const Visit& visit) const {
    const auto* const v = from.if_contains(key);
    if (v == nullptr || !v->is_array()) return;
    for (const json::value& item : v->get_array())
      if (item.is_object()) visit(Reader{item.get_object()});
  }
};

}  // namespace

json::object json_of(const Anomaly& a) {
  json::array evidence, causes, examples;
  for (const Figure& f : a.evidence)
    evidence.push_back({{"figure", f.name},
                        {"baseline", f.baseline},
                        {"current", f.current},
                        {"baselineSamples", f.baseline_samples},
                        {"currentSamples", f.current_samples}});
  for (const Cause& c : a.causes)
    causes.push_back({{"kind", c.kind},
                      {"value", c.value},
                      {"explained", std::round(c.explained * 1000) / 1000},
                      {"baselineBad", c.baseline.bad},
                      {"baselineSamples", c.baseline.n},
                      {"currentBad", c.current.bad},
                      {"currentSamples", c.current.n}});
  for (const std::string& task : a.example_tasks) examples.emplace_back(task);
  return {{"id", a.id},
          {"type", name_of(a.type)},
          {"severity", name_of(a.severity)},
          {"agentId", a.agent},
          {"taskType", a.task_type},
          {"detector", a.detector},
          {"summary", a.summary},
          {"beganAtNs", time_json(a.began_ns)},
          {"detectedAtNs", time_json(a.detected_ns)},
          {"recordedAtNs", time_json(a.recorded_ns)},
          {"resolvedAtNs", time_json(a.resolved_ns)},
          {"resolution", a.resolution},
          {"evidence", std::move(evidence)},
          {"likelyCauses", std::move(causes)},
          {"exampleTaskIds", std::move(examples)}};
}

std::optional<Anomaly> anomaly_of(const json::value& value) {
  if (!value.is_object()) return {};
  const Reader in{value.get_object()};
  const auto type = named<Type>(kTypes, in.text("type"));
  const auto severity = named<Severity>(kSeverityNames, in.text("severity"));
  Anomaly a;
  a.id = in.text("id");
  a.detected_ns = in.time("detectedAtNs");
  if (!type || !severity || a.id.empty() || a.detected_ns == 0) return {};
  a.type = *type;
  a.severity = *severity;
  a.agent = in.text("agentId");
  a.task_type = in.text("taskType");
  a.detector = in.text("detector");
  a.summary = in.text("summary");
  a.began_ns = in.time("beganAtNs");
  a.recorded_ns = in.time("recordedAtNs");
  a.resolved_ns = in.time("resolvedAtNs");
  a.resolution = in.text("resolution");
  in.each("evidence", [&a](const Reader& f) {
    a.evidence.push_back(
        {f.text("figure"), f.number("baseline"), f.number("current"), f.count("baselineSamples"), f.count("currentSamples")});
  });
  in.each("likelyCauses", [&a](const Reader& c) {
    a.causes.push_back({c.text("kind"),
                        c.text("value"),
                        c.number("explained"),
                        {c.count("baselineSamples"), c.count("baselineBad")},
                        {c.count("currentSamples"), c.count("currentBad")}});
  });
  if (const auto* const examples = in.from.if_contains("exampleTaskIds"); examples != nullptr && examples->is_array())
    for (const json::value& task : examples->get_array())
      if (task.is_string()) a.example_tasks.emplace_back(task.get_string());
  return a;
}

}  // namespace arbiter::detect
