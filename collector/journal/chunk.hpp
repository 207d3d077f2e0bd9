// The pieces that a sealed segment is made of: each can be read, and checked, by itself.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/format.hpp"

namespace arbiter::journal {

inline constexpr int kChunkLevel = 1;  // of zstd: 3 makes files a twentieth smaller in twice the time

// Header, stored bytes and padding, in `buffer`. With a cipher a block is encrypted; the two other chunks are made of what is already.
Result<std::span<const std::byte>> make_chunk(const SegmentKey& key, std::uint32_t number, std::span<const std::byte> raw, bool compressed,
                                              std::vector<std::byte>& buffer, const crypt::Cipher* cipher = nullptr);

// The raw bytes, in `buffer`. Error: it cannot be read, is not this chunk, or is damaged.
Result<std::span<const std::byte>> read_chunk(const SegmentFile& file, const BlockPlace& place, std::uint32_t number, BlockBuffer& buffer);

// By the header at this offset, not checked any further: its number, and where it lies.
std::optional<std::pair<std::uint32_t, BlockPlace>> look_at_chunk(const SegmentFile& file, std::uint64_t offset);

}  // namespace arbiter::journal
