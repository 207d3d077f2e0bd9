// Anomalies, as people read them.
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <cstdlib>

#include "collector/detect/anomaly.hpp"
#include "collector/snapshot/time_text.hpp"
#include "tools/arbiterctl/rows.hpp"
#include "tools/arbiterctl/show.hpp"

namespace arbiter::ctl {
namespace {

namespace json = boost::json;
using detect::Anomaly;
using detect::Severity;

const json::array& list(const json::object& object, std::string_view name) {
  static const json::array none;
  const auto* const value = at(object, name);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

void show(std::string& out, const Anomaly& a) {
  const Colour colour = !a.open() ? Colour::none : a.severity >= Severity::high ? Colour::bad : Colour::none;
  const std::string who = a.agent.empty() ? std::string() : ", " + a.agent + (a.task_type.empty() ? "" : " at " + a.task_type);
  heading(out, std::string(name_of(a.type)) + who);
  row(out, "severity", name_of(a.severity), colour);
  row(out, "what", harmless(a.summary));
  row(out, "began, about", snapshot::time_text(a.began_ns));
  row(out, "found", snapshot::time_text(a.detected_ns) + " (" + harmless(a.detector) + ")");
  if (!a.open()) row(out, "over", snapshot::time_text(a.resolved_ns) + " (" + harmless(a.resolution) + ")");
  for (const auto& f : a.evidence)
    row(out, harmless(f.name),
        printed("%.4g, was %.4g (of %s, %s before)", f.current, f.baseline, grouped(f.current_samples).c_str(),
                grouped(f.baseline_samples).c_str()));
  for (const auto& c : a.causes)
    row(out, "moved with it",
        harmless(c.kind) + " " + (c.value.empty() ? "(none)" : harmless(c.value)) +
            printed(": %.0f %% of it; %s of %s, was %s of %s", 100 * c.explained, grouped(c.current.bad).c_str(),
                    grouped(c.current.n).c_str(), grouped(c.baseline.bad).c_str(), grouped(c.baseline.n).c_str()));
  std::string tasks;
  for (const auto& task : a.example_tasks) tasks += (tasks.empty() ? "" : " ") + harmless(task);
  if (!tasks.empty()) row(out, "tasks, such as", tasks);
  row(out, "id", harmless(a.id));
}

}  // namespace

std::string anomalies_text(const json::object& anomalies) {
  std::string out;
  const auto& open = list(anomalies, "open");
  for (const char* const name : {"open", "resolved"})
    for (const auto& item : list(anomalies, name))
      if (const auto anomaly = detect::anomaly_of(item)) show(out, *anomaly);
  if (open.empty()) out += std::string(out.empty() ? "" : "\n") + "nothing is wrong now\n";
  const auto& abstaining = list(anomalies, "abstaining");
  if (abstaining.empty()) return out;
  heading(out, "Not told of, as they change by themselves too much");
  for (const auto& item : abstaining) {
    if (!item.is_object()) continue;
    const auto& of = item.get_object();
    const std::string type = text(at(of, "taskType"));
    row(out, text(at(of, "measure")), text(at(of, "agentId")) + (type.empty() ? "" : " at " + type));
  }
  return out;
}

}  // namespace arbiter::ctl
