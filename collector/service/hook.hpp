// Runs a program of the user's with one JSON document on its standard input; bounded in time.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::service {

// `program`: an absolute path; it gets no arguments, no shell, and a process group of its own, of which nothing is left when its time is
// up, or when `stopping` is asked for. Standard output goes nowhere, standard error to the collector's. Error: it cannot be run, it ran too
// long, or did not exit with 0. A program that does not read its input is no error.
Result<void> run_hook(const std::string& program, std::string_view input, std::chrono::nanoseconds limit, const std::stop_token& stopping);

}  // namespace arbiter::service
