// What a power cut leaves at the end of a journal: raw segments that had been begun, and of which, or of the one before, not all had
// reached the disk. Nothing in them was ever said to be durable; taken together with what is missing they would be a state that never was.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "collector/journal/raw_segment.hpp"

namespace arbiter::journal {

// Index of the first segment that is to be left out, and all behind it with it. Nothing: all that is there fits together, or what is
// missing is damage: it had been synced once.
//   torn         raw segments whose header or table cannot be read
//   synced_upto  everything up to this segment had been synced: it, or one behind it, is sealed, or a checkpoint was made in it
// Error: the system refuses to read.
Result<std::optional<std::uint64_t>> first_unsynced(const std::map<std::uint64_t, OpenedRaw>& raw, const std::set<std::uint64_t>& torn,
                                                    std::uint64_t synced_upto);

}  // namespace arbiter::journal
