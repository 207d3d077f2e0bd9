// Looks into the files of decisions.
#pragma once

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/verify_manifest.hpp"

namespace arbiter::snapshot {

// As RowCheck says.
//
// decisions.dsjson: each line is a labelled example of the form of decisions_dsjson.cpp; with what the manifest says was left out they are
// all decisions.
std::unique_ptr<RowCheck> check_dsjson_rows(const Claims& claims);
// decisions.npy: a header of npy.hpp, and as many rows behind it as it says, which are all decisions.
std::unique_ptr<RowCheck> check_npy_rows(const Claims& claims);

}  // namespace arbiter::snapshot
