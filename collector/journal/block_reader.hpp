// Reading the frames of a block back, raw or sealed.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "collector/journal/frame.hpp"
#include "collector/journal/index.hpp"

namespace arbiter::journal {

// Room that is used again for one block after the other.
struct BlockBuffer {
  std::vector<std::byte> stored, raw;
};

// The bytes of the block's frames, in `buffer`. Error: cannot be read, or is not what was written.
Result<std::span<const std::byte>> read_block(const SegmentFile& file, const BlockPlace& place, std::uint32_t number, BlockBuffer& buffer);

// The bytes of so many frames of a raw segment, from this offset on, likewise. Those of an encrypted one are decrypted, up to the first
// that is damaged: what follows is then no frame.
Result<std::span<const std::byte>> read_frames(const SegmentFile& file, std::uint64_t offset, std::size_t bytes, BlockBuffer& buffer);

// The frame at the start of what these give.
inline std::optional<Frame> next_frame(std::span<const std::byte> bytes, const SegmentFile& file) {
  return parse_frame(bytes, file.key, file.sealed || file.cipher != nullptr);
}

// Reads the block and calls visit(frame) for each of its frames, in order; visit returns false to stop. Error of code 0: the block is
// damaged; what comes before the damage has been visited. Another: the system refuses to read it, now.
template <class Visit>
Result<void> each_frame(const SegmentFile& file, const BlockPlace& place, std::uint32_t number, BlockBuffer& buffer, Visit&& visit) {
  const auto bytes = read_block(file, place, number, buffer);
  if (!bytes) return bytes.error();
  auto left = *bytes;
  while (!left.empty()) {
    const auto frame = next_frame(left, file);
    if (!frame) return Error{"a frame is damaged"};
    left = left.subspan(frame->bytes());
    if (!visit(*frame)) break;
  }
  return {};
}

}  // namespace arbiter::journal
