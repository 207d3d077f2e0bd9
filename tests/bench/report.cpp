#include "tests/bench/report.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <thread>

namespace arbiter::bench {
namespace {

std::string number(double value) {
  char text[32];
  const char* const format = value >= 100'000 ? "%.4g" : value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

bool met(const Row& row) {
  const double value = spread_of(row.values).median;
  return row.goal_is_least ? value >= row.goal : value <= row.goal;
}

std::string goal(const Row& row) {
  if (row.goal == 0) return "";
  return (row.goal_is_least ? ">= " : "<= ") + number(row.goal) + (met(row) ? "" : "  missed");
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

}  // namespace

Row& Report::add(const std::string& mode, const std::string& measure, const std::string& what, const std::string& unit, double value) {
  auto row =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.mode == mode && r.measure == measure && r.what == what; });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), Row{mode, measure, what, unit, {}, 0, false, {}});
  row->values.push_back(value);
  return *row;
}

const Row* Report::find(const std::string& measure, const std::string& what) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.measure == measure && r.what == what; });
  return row == rows_.end() ? nullptr : &*row;
}

std::string Report::table() const {
  std::string text;
  char line[256];
  std::snprintf(line, sizeof line, "%-34s %-30s %10s %10s %10s  %-8s %s\n", "measure", "of", "median", "least", "most", "unit", "goal");
  text += line;
  for (const Row& row : rows_) {
    const Spread s = spread_of(row.values);
    std::snprintf(line, sizeof line, "%-34s %-30s %10s %10s %10s  %-8s %s%s%s\n", row.measure.c_str(), row.what.c_str(),
                  number(s.median).c_str(), number(s.min).c_str(), number(s.max).c_str(), row.unit.c_str(), goal(row).c_str(),
                  row.note.empty() ? "" : "  ", row.note.c_str());
    text += line;
  }
  return text;
}

boost::json::object Report::to_json() const {
  boost::json::array rows;
  for (const Row& row : rows_) {
    const Spread s = spread_of(row.values);
    boost::json::object o{{"mode", row.mode},   {"measure", row.measure}, {"of", row.what}, {"unit", row.unit},
                          {"median", s.median}, {"min", s.min},           {"max", s.max},   {"rounds", row.values.size()}};
    if (row.goal != 0) o["goal"] = boost::json::object{{row.goal_is_least ? "atLeast" : "atMost", row.goal}, {"met", met(row)}};
    if (!row.note.empty()) o["note"] = row.note;
    rows.push_back(std::move(o));
  }
  return {{"machine", machine()}, {"rows", std::move(rows)}};
}

boost::json::object machine() {
  utsname name{};
  uname(&name);
  return {
    {"processor", processor()}, {"processors", std::thread::hardware_concurrency()},
        {"kernel", std::string(name.sysname) + " " + name.release}, {"compiler", __VERSION__},
#if defined(NDEBUG)
        {"build", "optimised"},
#else
        {"build", "with assertions"},
#endif
        {"cyclesPerNs", cycles_per_ns()}, {
      "roundTripNs", round_trip_ns()
    }
  };
}

}  // namespace arbiter::bench
