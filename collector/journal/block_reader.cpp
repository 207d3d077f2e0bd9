#include "collector/journal/block_reader.hpp"

#include "collector/journal/chunk.hpp"

namespace arbiter::journal {

Result<std::span<const std::byte>> read_block(const SegmentFile& file, const BlockPlace& place, std::uint32_t number, BlockBuffer& buffer) {
  if (file.sealed) return read_chunk(file, place, number, buffer);
  if (buffer.raw.size() < place.raw_bytes) buffer.raw.resize(place.raw_bytes);
  const std::span<std::byte> raw(buffer.raw.data(), place.raw_bytes);
  const auto got = file.file->read(raw, place.offset);
  if (!got) return got.error();
  if (*got != raw.size()) return Error{"the file ends before the block does"};
  return std::span<const std::byte>(raw);
}

}  // namespace arbiter::journal
