// The producer's part of kill_soak: a process that records until it is told to stop, or killed.
#pragma once

#include <cstdint>
#include <filesystem>

namespace arbiter::soak {

// `number` makes this process's choices differ from those of the others. Returns the exit status.
int run_producer(const std::filesystem::path& ledger, std::uint64_t number);

}  // namespace arbiter::soak
