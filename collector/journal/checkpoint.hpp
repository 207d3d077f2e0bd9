// The state at one frame: a start from there reads no frame before it. Worth nothing once a newer segment, and so a newer table, exists.
//
//   u64 magic, u32 version, u32 0, u64 segment, SegmentKey, u64 offset of that frame in the raw segment (0: sealed, or no frame yet), u64
//   its checksum, the fields of the table, the participant's state, u64 XXH3-64
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/journal/table.hpp"

namespace arbiter::journal {

struct Checkpoint {
  std::uint64_t segment = 0;
  SegmentKey key{};
  std::uint64_t frame_offset = 0;  // in the raw segment; 0: it is sealed, or there is no frame behind the table
  std::uint64_t frame_checksum = 0;
  Table table;  // its last_frame is that frame
};

std::string encode_checkpoint(const Checkpoint& checkpoint);
std::optional<Checkpoint> decode_checkpoint(std::string_view bytes);  // nothing: it is damaged, or of another version

}  // namespace arbiter::journal
