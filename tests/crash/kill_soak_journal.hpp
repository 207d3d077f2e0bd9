// What a journal that nobody has open says of the lanes that were closed, read from its frames.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"

namespace arbiter::soak {

struct ClosedLane {
  LaneId lane;
  journal::Cursor last;
  std::uint64_t in_flight = 0;
};

struct JournalRead {
  std::vector<ClosedLane> closed;  // by frames behind `after`
  std::uint64_t events = 0;        // in those frames
  std::uint64_t last_frame = 0;
  std::uint64_t raw = 0, sealed = 0;  // files
  std::vector<std::string> wrong;
};
JournalRead read_journal(const std::filesystem::path& directory, std::uint64_t after);

}  // namespace arbiter::soak
