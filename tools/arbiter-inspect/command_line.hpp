// What arbiter-inspect understands: one description, from which parsing, --help, the man page and the completions follow.
#pragma once

#include <CLI/App.hpp>

#include <memory>
#include <string>
#include <vector>

namespace arbiter::inspect {

struct CommandLine {
  std::vector<std::string> paths, key_files;
  bool json = false, events = false;
};

// `into` takes what is parsed and outlives it.
std::unique_ptr<CLI::App> command_line(CommandLine& into);

}  // namespace arbiter::inspect
