#include "tools/arbiterctl/report/report.hpp"

#include <boost/json/array.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "collector/detect/anomaly.hpp"
#include "collector/snapshot/time_text.hpp"
#include "tools/arbiterctl/rows.hpp"
#include "tools/arbiterctl/show.hpp"

namespace arbiter::ctl {
namespace {

namespace json = boost::json;

std::optional<std::int64_t> time_at(const json::object& object, std::string_view path) {
  const auto* const value = at(object, path);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return snapshot::parse_time_or_ms(std::string_view(value->get_string()));
}

// Those that had ended before the window are not of it.
json::array within(const json::value* list, std::optional<std::int64_t> from_ns) {
  json::array kept;
  if (list == nullptr || !list->is_array()) return kept;
  for (const json::value& item : list->get_array())
    if (const auto a = detect::anomaly_of(item); a && (a->open() || !from_ns || a->resolved_ns >= *from_ns)) kept.push_back(item);
  return kept;
}

}  // namespace

Result<json::object> report(client::Client& collector, const client::ProfilesFilter& asked) {
  auto agents = collector.agents(asked);
  if (!agents) return agents.error();
  // The same window for both: who names none is told of another where the longest is empty.
  client::ProfilesFilter same = asked;
  if (const auto* window = at(*agents, "window"); window != nullptr)
    same.window = window->is_string() ? std::string(window->get_string()) : "retained";
  auto everybody = collector.window_stats(same);
  if (!everybody) return everybody.error();
  client::AnomaliesFilter latest;
  latest.limit = 1000;
  auto anomalies = collector.anomalies(latest);
  if (!anomalies) return anomalies.error();
  const auto from_ns = time_at(*everybody, "from");
  json::object whole;
  for (const char* name : {"window", "from", "asOf", "completeFrom"}) {
    whole[name] = (*everybody)[name];
    everybody->erase(name);
  }
  whole["everybody"] = std::move(*everybody);
  whole["agents"] = std::move((*agents)["agents"]);
  whole["anomalies"] = {{"open", within(at(*anomalies, "open"), from_ns)},
                        {"resolved", within(at(*anomalies, "resolved"), from_ns)},
                        {"abstaining", (*anomalies)["abstaining"]}};
  return whole;
}

std::string report_text(const json::object& report) {
  json::object everybody, agents, anomalies;
  for (const char* name : {"window", "from", "asOf", "completeFrom"})
    if (const auto* value = at(report, name)) everybody[name] = *value;
  if (const auto* value = at(report, "everybody"); value != nullptr && value->is_object())
    for (const auto& [name, figure] : value->get_object()) everybody[name] = figure;
  if (const auto* value = at(report, "agents")) agents["agents"] = *value;
  if (const auto* value = at(report, "anomalies"); value != nullptr && value->is_object()) anomalies = value->get_object();
  return profile_text(everybody) + "\n" + agents_text(agents) + "\n" + anomalies_text(anomalies);
}

std::string plots_script() {
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (unknown) return {};
  std::ifstream file(program.parent_path().parent_path() / "share/arbiter/report-plots.js", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace arbiter::ctl
