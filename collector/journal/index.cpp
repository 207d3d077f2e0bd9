#include "collector/journal/index.hpp"

#include <algorithm>

#include "collector/journal/retained.hpp"

namespace arbiter::journal {

Block::Block(Segment* of, std::uint32_t n) : segment(of), number(n) {}
Block::~Block() = default;

Block* find_block(Segments& segments, std::uint64_t frame) {
  for (auto it = segments.rbegin(); it != segments.rend(); ++it) {  // nearly always one of the newest
    Segment& s = it->second;
    if (s.first_frame > s.last_frame || frame > s.last_frame) {
      if (s.first_frame <= s.last_frame) return nullptr;
      continue;
    }
    if (frame < s.first_frame) continue;
    const auto block = std::partition_point(s.blocks.begin(), s.blocks.end(), [&](const Block& b) { return b.last_frame < frame; });
    return block != s.blocks.end() && block->first_frame <= frame ? &*block : nullptr;
  }
  return nullptr;
}

}  // namespace arbiter::journal
