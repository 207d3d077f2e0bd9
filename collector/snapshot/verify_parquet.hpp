// Looks into the *.parquet files, as FormatInfo::check says: footer and pages (parquet_reader.hpp), and that no row is missing.
#pragma once

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/verify_manifest.hpp"

namespace arbiter::snapshot {

Result<std::string> check_events_parquet(const CheckedFile& file, const Claims& claims, std::uint64_t& count);
Result<std::string> check_decisions_parquet(const CheckedFile& file, const Claims& claims, std::uint64_t& count);

}  // namespace arbiter::snapshot
