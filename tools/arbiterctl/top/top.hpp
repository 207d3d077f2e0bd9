// `arbiterctl top`: a live picture of a collector.
#pragma once

#include <chrono>
#include <string>

#include "shm/result.hpp"

namespace arbiter::ctl::top {

struct Options {
  std::string socket;
  std::chrono::milliseconds every{2000};
  std::string window = "5m";  // of the agents
};

// Until q, Ctrl-C, SIGTERM or SIGHUP. Error: there is no terminal, or no collector answers at the start.
Result<void> run(const Options& options);

}  // namespace arbiter::ctl::top
