// What arbiter-collector understands: one description of its options, from which parsing, --help, the man page and the completions follow.
#pragma once

#include <CLI/App.hpp>

#include <memory>
#include <string>

#include "collector/config/load.hpp"

namespace arbiter {

struct CommandLine {
  config::Options options;
  bool check = false, print = false;
  std::string embedded;  // its directory; empty: it is not
};

// `into` takes what is parsed and outlives it.
std::unique_ptr<CLI::App> command_line(CommandLine& into);

}  // namespace arbiter
