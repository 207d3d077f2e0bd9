// What arbiter-replay understands: one description, from which parsing, --help, the man page and the completions follow.
#pragma once

#include <CLI/App.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "tools/arbiter-replay/replay.hpp"

namespace arbiter::replay {

struct CommandLine {
  Options options;  // but for what follows
  std::string time = "original";
  double rate = 0;  // 0: as fast as there is room
  std::uint64_t sample = 0;
  bool json = false;
};

// `into` takes what is parsed and outlives it.
std::unique_ptr<CLI::App> command_line(CommandLine& into);

}  // namespace arbiter::replay
