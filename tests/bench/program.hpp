// Another program, run to its end.
#pragma once

#include <string>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::bench {

// What it writes to stdout. Error: it could not be started, or did not exit with 0: with what it said on stderr.
// `environment`: "NAME=value", beside this program's own.
Result<std::string> output_of(const std::vector<std::string>& command, const std::vector<std::string>& environment = {});

// The path of a program, looked for as a shell does. Empty: there is none.
std::string found_program(const std::string& name);

}  // namespace arbiter::bench
