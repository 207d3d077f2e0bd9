// Completion for shells, from the tree of commands that --help comes from.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace arbiter::ctl {

std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);

}  // namespace arbiter::ctl
