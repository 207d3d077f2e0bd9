// The modes of arbiter-bench, a file each: each measures once, and adds what it saw to the report. Error: it could not be measured.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/result.hpp"
#include "tests/bench/report.hpp"

namespace arbiter::bench {

struct Setting {
  std::string directory{};  // private, on the file system of --dir
  std::string memory{};     // private, on tmpfs: lanes
  std::string bin{};        // where arbiter-collector is
  double scale = 1;         // how much is measured, as a share of the usual
  double seconds = 0;       // how long what takes time by itself goes on; 0: the mode's usual, scaled
  bool far = false;         // where the host had the processors when this mode's part of the round began

  double seconds_of(double usual) const { return seconds > 0 ? seconds : usual * scale; }
  std::uint64_t count_of(double usual) const { return static_cast<std::uint64_t>(std::max(1.0, usual * scale)); }
  std::string placed(std::string what) const { return std::move(what) + (far ? ", far" : ", near"); }
};

struct Mode {
  std::string_view name;
  std::string_view what;
  std::string_view example;
  bool by_default;  // measured when no mode is named
  Result<void> (*measure)(const Setting&, Report&);
};
std::span<const Mode> modes();

// All those modes, in turn, so many times. What it is about is said on stderr.
Result<Report> measured(const std::vector<const Mode*>& chosen, Setting setting, int rounds);

Result<void> record(const Setting& setting, Report& report);
Result<void> saturated(const Setting& setting, Report& report);
Result<void> paced(const Setting& setting, Report& report);
Result<void> pipeline(const Setting& setting, Report& report);
Result<void> sustained(const Setting& setting, Report& report);
Result<void> lag(const Setting& setting, Report& report);
Result<void> idle(const Setting& setting, Report& report);
Result<void> memory(const Setting& setting, Report& report);
Result<void> restart(const Setting& setting, Report& report);
Result<void> disk(const Setting& setting, Report& report);
Result<void> encoders(const Setting& setting, Report& report);
Result<void> exports(const Setting& setting, Report& report);
Result<void> figures(const Setting& setting, Report& report);
Result<void> panes(const Setting& setting, Report& report);
Result<void> questions(const Setting& setting, Report& report);
Result<void> growth(const Setting& setting, Report& report);
Result<void> bindings(const Setting& setting, Report& report);
Result<void> compare(const Setting& setting, Report& report);

}  // namespace arbiter::bench
