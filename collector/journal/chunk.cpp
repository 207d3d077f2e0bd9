#include "collector/journal/chunk.hpp"

#include <zstd.h>

#include <cstring>

#include "collector/journal/encryption.hpp"
#include "collector/journal/frame.hpp"
#include "collector/journal/xxh3.hpp"

namespace arbiter::journal {
namespace {

std::uint64_t checksum(std::span<const std::byte> chunk, const SegmentKey& key) {
  return XXH3_64bits_withSeed(chunk.data(), chunk.size(), checksum_seed(key));
}

}  // namespace

Result<std::span<const std::byte>> make_chunk(const SegmentKey& key, std::uint32_t number, std::span<const std::byte> raw, bool compressed,
                                              std::vector<std::byte>& buffer, const crypt::Cipher* cipher) {
  std::size_t stored = raw.size();
  if (compressed) {
    const std::size_t gap = cipher != nullptr && number < kAmendmentsChunk ? crypt::kOverhead : 0;
    buffer.resize(sizeof(ChunkHeader) + gap + ZSTD_compressBound(raw.size()) + 8);
    const std::span<std::byte> room = std::span(buffer).subspan(sizeof(ChunkHeader) + gap);
    stored = ZSTD_compress(room.data(), room.size(), raw.data(), raw.size(), kChunkLevel);
    if (ZSTD_isError(stored) != 0) return Error{std::string("compressing: ") + ZSTD_getErrorName(stored)};
    if (gap != 0)
      encrypt_part(room.first(stored), key, SealedPart::block, number, *cipher,
                   std::span(buffer).subspan(sizeof(ChunkHeader), gap + stored));
    stored += gap;
  } else {
    buffer.resize(sizeof(ChunkHeader) + stored + 8);
    if (stored != 0) std::memcpy(buffer.data() + sizeof(ChunkHeader), raw.data(), stored);
  }
  const std::span<std::byte> chunk = std::span(buffer).first(sizeof(ChunkHeader) + padded(stored));
  std::memset(chunk.data() + sizeof(ChunkHeader) + stored, 0, padded(stored) - stored);
  ChunkHeader header{kChunkMagic, number, static_cast<std::uint32_t>(raw.size()), static_cast<std::uint32_t>(stored), 0};
  std::memcpy(chunk.data(), &header, sizeof header);
  header.checksum = checksum(chunk, key);
  std::memcpy(chunk.data(), &header, sizeof header);
  return std::span<const std::byte>(chunk);
}

Result<std::span<const std::byte>> read_chunk(const SegmentFile& file, const BlockPlace& place, std::uint32_t number, BlockBuffer& buffer) {
  if (buffer.stored.size() < place.stored_bytes) buffer.stored.resize(place.stored_bytes);
  const std::span<std::byte> chunk(buffer.stored.data(), place.stored_bytes);
  const auto got = file.file->read(chunk, place.offset);
  if (!got) return got.error();
  ChunkHeader header{};
  if (*got != chunk.size() || chunk.size() < sizeof header) return Error{"the file ends before the block does"};
  std::memcpy(&header, chunk.data(), sizeof header);
  std::memset(chunk.data() + offsetof(ChunkHeader, checksum), 0, sizeof header.checksum);
  if (header.magic != kChunkMagic || header.number != number || header.checksum != checksum(chunk, file.key) ||
      header.raw_bytes != place.raw_bytes || sizeof header + padded(header.stored_bytes) != chunk.size())
    return Error{"the block is damaged"};
  auto stored = chunk.subspan(sizeof header, header.stored_bytes);
  if (file.cipher != nullptr && number != kTableChunk) {
    const bool amendments = number == kAmendmentsChunk;
    if (!(amendments ? decrypt_body(stored, file.key, 0, *file.cipher)
                     : decrypt_part(stored, file.key, SealedPart::block, number, *file.cipher)))
      return Error{"the block is damaged, or was changed"};
    if (!amendments) stored = stored.subspan(crypt::kOverhead);
  }
  if (number == kAmendmentsChunk) return std::span<const std::byte>(stored);
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != place.raw_bytes) return Error{"the block is damaged"};
  if (buffer.raw.size() < place.raw_bytes) buffer.raw.resize(place.raw_bytes);
  if (ZSTD_decompress(buffer.raw.data(), place.raw_bytes, stored.data(), stored.size()) != place.raw_bytes)
    return Error{"the block is damaged"};
  return std::span<const std::byte>(buffer.raw.data(), place.raw_bytes);
}

std::optional<std::pair<std::uint32_t, BlockPlace>> look_at_chunk(const SegmentFile& file, std::uint64_t offset) {
  ChunkHeader header{};
  const auto got = file.file->read(std::as_writable_bytes(std::span<ChunkHeader, 1>(&header, 1)), offset);
  if (!got || *got != sizeof header || header.magic != kChunkMagic || header.raw_bytes > kFrameBodyMax ||
      header.stored_bytes > kFrameBodyMax)
    return std::nullopt;
  BlockPlace place;
  place.offset = offset;
  place.stored_bytes = static_cast<std::uint32_t>(sizeof header + padded(header.stored_bytes));
  place.raw_bytes = header.raw_bytes;
  return std::pair(header.number, place);
}

}  // namespace arbiter::journal
