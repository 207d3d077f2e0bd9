#include "collector/journal/block_reader.hpp"

#include <algorithm>

#include "collector/journal/chunk.hpp"
#include "collector/journal/encryption.hpp"

namespace arbiter::journal {
namespace {

void decrypt_frames(std::span<std::byte> left, const SegmentFile& file) {
  while (!left.empty()) {
    const auto frame = parse_frame(left, file.key);
    const bool good =
        frame && (frame->header.type == FrameType::table ||
                  decrypt_body(left.subspan(sizeof(FrameHeader), frame->body.size()), file.key, frame->header.number, *file.cipher));
    if (!good) {
      std::fill(left.begin(), left.end(), std::byte{0});
      return;
    }
    left = left.subspan(frame->bytes());
  }
}

}  // namespace

Result<std::span<const std::byte>> read_block(const SegmentFile& file, const BlockPlace& place, std::uint32_t number, BlockBuffer& buffer) {
  if (file.sealed) return read_chunk(file, place, number, buffer);
  return read_frames(file, place.offset, place.raw_bytes, buffer);
}

Result<std::span<const std::byte>> read_frames(const SegmentFile& file, std::uint64_t offset, std::size_t bytes, BlockBuffer& buffer) {
  if (buffer.raw.size() < bytes) buffer.raw.resize(bytes);
  const std::span<std::byte> raw(buffer.raw.data(), bytes);
  const auto got = file.file->read(raw, offset);
  if (!got) return got.error();
  if (*got != raw.size()) return Error{"the file ends before the block does"};
  if (file.cipher != nullptr) decrypt_frames(raw, file);
  return std::span<const std::byte>(raw);
}

}  // namespace arbiter::journal
