#include "tests/bench/report.hpp"

#include <algorithm>
#include <cstdio>

namespace arbiter::bench {
namespace {

std::string number(double value) {
  char text[32];
  const double size = value < 0 ? -value : value;
  const char* const format = size >= 100'000            ? "%.4g"
                             : size >= 100              ? "%.0f"
                             : size >= 10               ? "%.1f"
                             : size >= 0.1 || size == 0 ? "%.2f"
                                                        : "%.2g";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

bool met(const Row& row) {
  const double value = spread_of(row.values).median;
  return row.goal_is_least ? value >= *row.goal : value <= *row.goal;
}

std::string goal(const Row& row) {
  if (!row.goal) return "";
  return (row.goal_is_least ? ">= " : "<= ") + number(*row.goal) + (met(row) ? "" : "  missed");
}

std::string padded(const std::string& text, std::size_t width) { return text + std::string(width - std::min(width, text.size()), ' '); }
std::string before(const std::string& text, std::size_t width) { return std::string(width - std::min(width, text.size()), ' ') + text; }

}  // namespace

Row& Report::add(const std::string& mode, const std::string& measure, const std::string& what, const std::string& unit, double value) {
  auto row =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.mode == mode && r.measure == measure && r.what == what; });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), Row{.mode = mode, .measure = measure, .what = what, .unit = unit, .values = {}});
  row->values.push_back(value);
  return *row;
}

std::string Report::table() const {
  std::size_t measure = 8, what = 4;
  for (const Row& row : rows_) {
    measure = std::max(measure, row.measure.size());
    what = std::max(what, row.what.size());
  }
  const auto line = [&](const Row& row, const std::string& median, const std::string& least, const std::string& most,
                        const std::string& goal) {
    std::string text = padded(row.measure, measure + 2) + padded(row.what, what) + before(median, 11) + before(least, 11) +
                       before(most, 11) + "  " + padded(row.unit, 13) + padded(goal, 18) + row.note;
    text.resize(text.find_last_not_of(' ') + 1);
    return text + '\n';
  };
  std::string text =
      line(Row{.mode = {}, .measure = "measure", .what = "of", .unit = "unit", .values = {}}, "median", "least", "most", "goal");
  for (const Row& row : rows_) {
    const Spread s = spread_of(row.values);
    text += line(row, number(s.median), number(s.min), number(s.max), goal(row));
  }
  text += "\nround trip of a cache line between the processors, before and after (far: over " + number(kFarRoundTripNs) + " ns):\n";
  for (const Placement& p : placements_)
    text += "  " + padded(p.mode, 12) + "round " + std::to_string(p.round) + "  " + number(p.before_ns) + "  " + number(p.after_ns) + '\n';
  return text;
}

boost::json::object Report::to_json() const {
  boost::json::array rows, placements;
  for (const Row& row : rows_) {
    const Spread s = spread_of(row.values);
    boost::json::object o{{"mode", row.mode},   {"measure", row.measure}, {"of", row.what}, {"unit", row.unit},
                          {"median", s.median}, {"min", s.min},           {"max", s.max},   {"rounds", row.values.size()}};
    if (row.at) o["at"] = *row.at;
    if (row.goal) o["goal"] = boost::json::object{{row.goal_is_least ? "atLeast" : "atMost", *row.goal}, {"met", met(row)}};
    if (!row.note.empty()) o["note"] = row.note;
    rows.push_back(std::move(o));
  }
  for (const Placement& p : placements_)
    placements.push_back({{"mode", p.mode}, {"round", p.round}, {"roundTripNs", {p.before_ns, p.after_ns}}});
  return {{"rows", std::move(rows)}, {"placements", std::move(placements)}};
}

}  // namespace arbiter::bench
