// Recovers what a power cut has left, and says what is wrong with it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/crash/power_truth.hpp"

namespace arbiter::power {

// A directory with `state` and `exports` in it, which is changed. Everything is held against the truth: nothing promised is lost, what is
// there is there once, cursors and accounts are those of exactly the events that are there, snapshots are whole.
std::vector<std::string> recover_and_check(const std::filesystem::path& directory, const Truth& truth);

// The snapshots alone.
std::vector<std::string> check_exports(const std::filesystem::path& exports, const Truth& truth);

}  // namespace arbiter::power
