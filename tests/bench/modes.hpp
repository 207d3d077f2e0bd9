// One function for each mode of arbiter-bench: measures once, and adds what it saw to the report. Error: it could not be measured.
#pragma once

#include <functional>
#include <string>

#include "shm/result.hpp"
#include "tests/bench/report.hpp"

namespace arbiter::bench {

struct Setting {
  std::string directory;  // private, on the file system of --dir
  std::string memory;     // private, on tmpfs: lanes
  std::string bin;        // where arbiter-collector is
  double scale = 1;       // how long, as a share of the usual
};

Result<void> record(const Setting& setting, Report& report);
Result<void> saturated(const Setting& setting, Report& report);
Result<void> paced(const Setting& setting, Report& report);
Result<void> pipeline(const Setting& setting, Report& report);

}  // namespace arbiter::bench
