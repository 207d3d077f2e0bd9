#include "collector/journal/large_chunk.hpp"

#include <sodium.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "collector/journal/chunk.hpp"
#include "collector/journal/frame.hpp"
#include "collector/journal/xxh3.hpp"

namespace arbiter::journal {
namespace {

constexpr std::size_t kPiece = 256 << 10;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeContext>;

template <class T>
Owned<T> owned(T* made) {
  if (made == nullptr) throw std::bad_alloc();
  return Owned<T>(made);
}

// Calls take(piece, last) with `bytes` of the file, a piece at a time.
template <class Take>
Result<void> each_piece(const File& file, std::uint64_t offset, std::uint64_t bytes, Take&& take) {
  std::vector<std::byte> piece(std::min<std::uint64_t>(kPiece, bytes));
  while (true) {
    const std::span<std::byte> part = std::span(piece).first(std::min<std::uint64_t>(kPiece, bytes));
    const auto got = file.read(part, offset);
    if (!got) return got.error();
    if (*got != part.size()) return Error{"the file ends before the block does"};
    offset += part.size(), bytes -= part.size();
    if (const auto taken = take(std::span<const std::byte>(part), bytes == 0); !taken) return taken;
    if (bytes == 0) return {};
  }
}

// As one zstd frame that says how long it is. Returns its bytes.
Result<std::uint64_t> compress(const File& from, std::uint64_t raw_offset, std::uint32_t raw_bytes, const File& to, std::uint64_t offset) {
  const auto context = owned(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kChunkLevel);
  ZSTD_CCtx_setPledgedSrcSize(context.get(), raw_bytes);
  std::vector<std::byte> out(kPiece);
  std::uint64_t written = 0;
  const auto done = each_piece(from, raw_offset, raw_bytes, [&](std::span<const std::byte> piece, bool last) -> Result<void> {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    while (true) {
      ZSTD_outBuffer into{out.data(), out.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context.get(), &into, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) return Error{std::string("compressing: ") + ZSTD_getErrorName(left)};
      if (const auto put = to.write(std::span(out).first(into.pos), offset + written); !put) return put;
      written += into.pos;
      if (last ? left == 0 : in.pos == in.size) return {};
    }
  });
  if (!done) return done.error();
  return written;
}

}  // namespace

Result<LargeChunk> write_large_chunk(const SegmentKey& key, std::uint32_t number, const File& from, std::uint64_t raw_offset,
                                     std::uint32_t raw_bytes, const File& to, std::uint64_t offset) {
  const std::uint64_t body = offset + sizeof(ChunkHeader);
  const auto compressed = compress(from, raw_offset, raw_bytes, to, body);
  if (!compressed) return compressed.error();
  const std::uint64_t stored = padded(*compressed), zero = 0;
  const auto padding = object_bytes(zero).first(stored - *compressed);
  if (const auto put = to.write(padding, body + *compressed); !put) return put.error();

  ChunkHeader header{kChunkMagic, number, raw_bytes, static_cast<std::uint32_t>(*compressed), 0};
  const auto checksum = owned(XXH3_createState());
  XXH3_64bits_reset_withSeed(checksum.get(), checksum_seed(key));
  XXH3_64bits_update(checksum.get(), &header, sizeof header);
  const auto sum = [&](std::span<const std::byte> piece, bool) {
    XXH3_64bits_update(checksum.get(), piece.data(), piece.size());
    return Result<void>();
  };
  if (const auto read = each_piece(to, body, stored, sum); !read) return read.error();
  header.checksum = XXH3_64bits_digest(checksum.get());
  if (const auto put = to.write(object_bytes(header), offset); !put) return put.error();

  LargeChunk chunk;
  chunk.stored_bytes = static_cast<std::uint32_t>(sizeof header + stored);
  crypto_generichash_state hash;
  crypto_generichash_init(&hash, nullptr, 0, chunk.hash.size());
  const auto add = [&](std::span<const std::byte> piece, bool) {
    crypto_generichash_update(&hash, reinterpret_cast<const unsigned char*>(piece.data()), piece.size());
    return Result<void>();
  };
  if (const auto read = each_piece(to, offset, chunk.stored_bytes, add); !read) return read.error();
  crypto_generichash_final(&hash, chunk.hash.data(), chunk.hash.size());
  return chunk;
}

}  // namespace arbiter::journal
