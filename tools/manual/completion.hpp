// Completion for shells, from the description of the command line that --help comes from.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace arbiter::manual {

std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);

}  // namespace arbiter::manual
