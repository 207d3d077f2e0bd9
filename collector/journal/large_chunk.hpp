// The chunk of a segment's table, which may be many times a block: compressed from file to file, a piece in memory at a time. What comes
// of it is what make_chunk gives.
#pragma once

#include "collector/journal/file.hpp"
#include "collector/journal/format.hpp"

namespace arbiter::journal {

struct LargeChunk {
  std::uint32_t stored_bytes = 0;  // header and padding included
  Link hash{};                     // of those bytes
};
// The `raw_bytes` at `raw_offset` of `from`, as a chunk at `offset` of `to`. Error of code 0: they are not there.
Result<LargeChunk> write_large_chunk(const SegmentKey& key, std::uint32_t number, const File& from, std::uint64_t raw_offset,
                                     std::uint32_t raw_bytes, const File& to, std::uint64_t offset);

}  // namespace arbiter::journal
