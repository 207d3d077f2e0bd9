// Looks into the data files of a snapshot, line by line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "collector/snapshot/verify_manifest.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Reads the rows of an open file and says what is wrong with the first wrong one ("line 17: is not JSON"), or with all of them together;
// empty where nothing is. `rows` is what there was up to there. Error: it could not be read.
//
// Events: each is an object of the form of event_json.hpp, in the total order, none before the range, no id twice; counts as claimed.
Result<std::string> check_event_rows(int fd, bool compressed, const Claims& claims, std::uint64_t& rows);
// Trajectories: each is an object of the form of trajectory.hpp, in the order of task ids, its events of that task and in order; counts as
// claimed. A line may be of any length.
Result<std::string> check_trajectory_rows(int fd, bool compressed, const Claims& claims, std::uint64_t& rows);

}  // namespace arbiter::snapshot
