// Looks into the data files of a snapshot, line by line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/verify_manifest.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Read the rows of files and say what is wrong with the first wrong one ("line 17: is not JSON"), or with all of them together, as RowCheck
// says. Claims stay while they are used.
//
// Events: each is an object of the form of event_json.hpp, in the total order (of its side), on the right side of the split, none before
// the range, no id twice; counts as claimed.
std::unique_ptr<RowCheck> check_event_rows(const Claims& claims);
// Trajectories: each is an object of the form of trajectory.hpp, in the order of task ids (of its side), on the right
// side of the split, its events of that task and in order; counts as
// claimed. A line may be of any length.
std::unique_ptr<RowCheck> check_trajectory_rows(const Claims& claims);

// Places: runs that add up to the events.
std::unique_ptr<RowCheck> check_places(const Claims& claims);

}  // namespace arbiter::snapshot
