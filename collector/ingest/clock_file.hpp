// The timeline's memory between two runs of the collector: one line in the state directory.
//
//   arbiter-clock 1 <boot id> <time name space> <boot-time clock, ns> <timeline, Unix ns> <lag, ns> <lag left, ns>
//
// Within one boot of the machine the boot-time clock, which nobody can set, says how much time has really passed since. The file is
// replaced by rename and not synced: that is for kills. After a power cut it may be some seconds old, which costs nothing, or gone: then
// steps made before are forgotten.
#pragma once

#include <string>

#include "collector/ingest/timeline.hpp"
#include "shm/result.hpp"

namespace arbiter::ingest {

// Goes on from what is saved there, if it can be read.
void resume(Timeline& timeline, const std::string& path);
Result<void> save(const Timeline& timeline, const std::string& path);

}  // namespace arbiter::ingest
