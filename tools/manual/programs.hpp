// The programs that are installed, with what their man pages say besides their command lines; and the page of the configuration.
#pragma once

#include <CLI/App.hpp>

#include <functional>
#include <string>

#include "tools/manual/page.hpp"

namespace arbiter::manual {

// Calls `with` for each program. The command lines live as long as the call.
void for_each_program(const std::function<void(const CLI::App&, const Page&)>& with);

inline constexpr const char* kConfigurationName = "arbiter-collector.json";
inline constexpr int kConfigurationSection = 5;
std::string configuration_page();  // every key, from the table that parsing follows

}  // namespace arbiter::manual
