// Looks into the data files of a snapshot, line by line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/verify_manifest.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Read the rows of a file and say what is wrong with the first wrong one ("line 17: is not JSON"), or with all of them together; as
// FormatInfo::check says.
//
// Events: each is an object of the form of event_json.hpp, in the total order, none before the range, no id twice; counts as claimed.
Result<std::string> check_event_rows(const CheckedFile& file, const Claims& claims, std::uint64_t& count);
// Trajectories: each is an object of the form of trajectory.hpp, in the order of task ids, its events of that task and in order; counts as
// claimed. A line may be of any length.
Result<std::string> check_trajectory_rows(const CheckedFile& file, const Claims& claims, std::uint64_t& count);

// Places: runs that add up to the events.
Result<std::string> check_places(const CheckedFile& file, const Claims& claims, std::uint64_t& count);

}  // namespace arbiter::snapshot
