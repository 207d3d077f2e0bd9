// Looks into a Parquet file of ours that anybody may have written: its footer, and page by page what the footer says of it.
#pragma once

#include <cstdint>
#include <string>

#include "shm/result.hpp"

namespace arbiter::snapshot::parquet {

// What is wrong with the file, or nothing; `rows`: as its footer says. Every page is found where the footer says, decompressed, and its
// levels and values are counted. Error: it could not be read. Memory: a footer and a page, each of at most 256 MiB.
Result<std::string> check_file(int fd, std::uint64_t bytes, std::uint64_t& rows);

}  // namespace arbiter::snapshot::parquet
