// A small snapshot, the same each time but for when it was made.
#pragma once

#include "tests/fuzz/input.hpp"

namespace arbiter::fuzz {

// Publishes it below `directory`; gives the snapshot's own.
fs::path publish_sample(const fs::path& directory);

}  // namespace arbiter::fuzz
