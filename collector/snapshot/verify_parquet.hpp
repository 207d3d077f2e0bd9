// Looks into the *.parquet files, as FormatInfo::check says: footer and pages (parquet_reader.hpp), and that no row is missing.
#pragma once

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/verify_manifest.hpp"

namespace arbiter::snapshot {

std::unique_ptr<RowCheck> check_events_parquet(const Claims& claims);
std::unique_ptr<RowCheck> check_decisions_parquet(const Claims& claims);

}  // namespace arbiter::snapshot
