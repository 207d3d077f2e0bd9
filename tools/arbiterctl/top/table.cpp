#include "tools/arbiterctl/top/table.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "tools/arbiterctl/rows.hpp"

namespace arbiter::ctl::top {
namespace {

namespace json = boost::json;

constexpr std::array<Column, 7> kAgents = {
    {{"runs", 8}, {"ok", 7}, {"95%", 12}, {"p50 ms", 9}, {"p95 ms", 9}, {"chosen", 8}, {"agent", 0, false}}};
constexpr std::array<Column, 8> kProducers = {
    {{"fill", 6}, {"ev/s", 8}, {"lanes", 6}, {"events", 8}, {"dropped", 8}, {"pid", 8}, {"uid", 6}, {"process", 0, false}}};

Cell figure(const json::object& object, std::string_view path, const char* format, double scale = 1) {
  const auto value = real(at(object, path));
  if (!value) return {"-", std::nullopt};
  return {printed(format, scale * *value), *value};
}
Cell count(const json::object& object, std::string_view path) {
  const auto value = real(at(object, path));
  return value ? Cell{short_number(*value), *value} : Cell{"-", std::nullopt};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool before(const Cell& a, const Cell& b, bool falling) {
  if (a.number.has_value() != b.number.has_value()) return a.number.has_value();
  if (a.number) return falling ? *a.number > *b.number : *a.number < *b.number;
  return falling ? a.text > b.text : a.text < b.text;
}

// By segment, the figure under `path` of each producer.
std::map<std::string, double, std::less<>> by_segment(const json::object& status, std::string_view path) {
  std::map<std::string, double, std::less<>> figures;
  const auto* list = at(status, "producers");
  if (list == nullptr || !list->is_array()) return figures;
  for (const auto& item : list->get_array())
    if (item.is_object()) figures[text(at(item.get_object(), "segment"))] = real(at(item.get_object(), path)).value_or(0);
  return figures;
}

}  // namespace

std::string short_number(double number) {
  constexpr std::array<const char*, 5> units = {"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (std::abs(number) >= 999.5 && unit + 1 < units.size()) number /= 1000, ++unit;
  if (unit == 0) return number < 10 && number != std::floor(number) ? printed("%.1f", number) : printed("%.0f", number);
  return printed(number < 9.995 ? "%.2f%s" : number < 99.95 ? "%.1f%s" : "%.0f%s", number, units[unit]);
}

std::string bytes(double number) {
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (number >= 1024 && unit + 1 < units.size()) number /= 1024, ++unit;
  return printed(unit == 0 ? "%.0f %s" : "%.1f %s", number, units[unit]);
}

std::string seconds(double number) {
  if (number < 1e-3) return printed("%.3g us", number * 1e6);
  return number < 1 ? printed("%.3g ms", number * 1e3) : printed("%.3g s", number);
}

std::vector<const Row*> chosen(const Table& table, const Order& how) {
  const std::string wanted = lower(how.filter);
  std::vector<const Row*> rows;
  for (const Row& row : table.rows)
    if (wanted.empty() || lower(row.back().text).find(wanted) != std::string::npos) rows.push_back(&row);
  const std::size_t column = std::min(how.sorted_by, table.columns.size() - 1);
  std::stable_sort(rows.begin(), rows.end(), [&](const Row* a, const Row* b) { return before((*a)[column], (*b)[column], how.falling); });
  return rows;
}

Table agents_table(const json::object& answer) {
  Table table{"agents", kAgents, {}};
  const auto* list = at(answer, "agents");
  if (list == nullptr || !list->is_array()) return table;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& agent = item.get_object();
    Cell success = figure(agent, "successRate", "%.1f%%", 100);
    Cell interval{"-", std::nullopt};
    if (const auto* ends = at(agent, "successRate95"); ends != nullptr && ends->is_array() && ends->get_array().size() == 2) {
      const double low = real(&ends->get_array()[0]).value_or(0), high = real(&ends->get_array()[1]).value_or(1);
      interval = {printed("%.1f-%.1f", 100 * low, 100 * high), low};
    }
    table.rows.push_back({count(agent, "executions"),
                          success,
                          interval,
                          figure(agent, "latencyMs.p50", "%.1f"),
                          figure(agent, "latencyMs.p95", "%.1f"),
                          count(agent, "chosen"),
                          {text(at(agent, "agentId")), std::nullopt}});
  }
  return table;
}

Table producers_table(const json::object& status, const json::object* before, double seconds) {
  Table table{"producers", kProducers, {}};
  const auto* list = at(status, "producers");
  if (list == nullptr || !list->is_array()) return table;
  const auto events_before = before != nullptr ? by_segment(*before, "delivered") : std::map<std::string, double, std::less<>>();
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& producer = item.get_object();
    Cell fill = figure(producer, "fill", "%.0f%%", 100);
    if (fill.number.value_or(0) > 0.5) fill.colour = *fill.number > 0.8 ? Colour::bad : Colour::doubtful;
    Cell rate{"-", std::nullopt};
    if (const auto was = events_before.find(text(at(producer, "segment"))); was != events_before.end() && seconds > 0) {
      const double grown = std::max(0.0, real(at(producer, "delivered")).value_or(0) - was->second) / seconds;
      rate = {short_number(grown), grown};
    }
    Cell dropped = count(producer, "dropped");
    if (dropped.number.value_or(0) > 0) dropped.colour = Colour::bad;
    std::string name = text(at(producer, "process"));
    if (text(at(producer, "ended")) == "yes") name += " (ended)";
    if (text(at(producer, "quarantined")) == "yes") name += " (quarantined)";
    table.rows.push_back({fill,
                          rate,
                          count(producer, "lanes"),
                          count(producer, "delivered"),
                          dropped,
                          {digits(at(producer, "pid")), real(at(producer, "pid"))},
                          {digits(at(producer, "uid")), real(at(producer, "uid"))},
                          {name, std::nullopt}});
  }
  return table;
}

}  // namespace arbiter::ctl::top
