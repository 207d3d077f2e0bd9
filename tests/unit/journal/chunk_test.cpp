// A chunk of a sealed segment is what was written, or it is damaged: zstd alone would take a changed literal for another text.
#include "collector/journal/chunk.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <xxhash.h>

#include <functional>

#include "collector/journal/frame.hpp"
#include "collector/journal/large_chunk.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

constexpr SegmentKey kKey{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr std::uint32_t kNumber = 5;

struct Written {
  TempDir dir;
  std::vector<std::byte> chunk;
  BlockPlace place;
  SegmentFile file;

  // Bytes that cannot be compressed: zstd stores them as they are.
  explicit Written(std::size_t bytes, bool compressed) {
    std::mt19937_64 random(3);
    std::vector<std::byte> raw(bytes);
    for (std::byte& b : raw) b = static_cast<std::byte>(random());
    std::vector<std::byte> buffer;
    const auto made = make_chunk(kKey, compressed ? kNumber : kAmendmentsChunk, raw, compressed, buffer);
    must(made);
    chunk.assign(made->begin(), made->end());
    place.stored_bytes = static_cast<std::uint32_t>(chunk.size());
    place.raw_bytes = static_cast<std::uint32_t>(bytes);
    const auto opened = File::open(dir.path() + "/chunk", O_RDWR | O_CREAT);
    must(opened);
    file = {*opened, kKey, 1, true};
    put(chunk);
  }
  void put(const std::vector<std::byte>& bytes) const { must(file.file->write(bytes, 0)); }
  bool readable(std::uint32_t number, const SegmentKey& key = kKey) const {
    BlockBuffer buffer;
    SegmentFile as = file;
    as.key = key;
    return read_chunk(as, place, number, buffer).has_value();
  }
};

}  // namespace

TEST_CASE("a chunk with any bit of it changed is damaged, also where zstd would not notice") {
  for (const bool compressed : {true, false}) {
    const Written written(301, compressed);
    const std::uint32_t number = compressed ? kNumber : kAmendmentsChunk;
    REQUIRE(written.readable(number));
    for (std::size_t bit = 0; bit < 8 * written.chunk.size(); ++bit) {
      CAPTURE(bit);
      auto changed = written.chunk;
      changed[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      written.put(changed);
      REQUIRE_FALSE(written.readable(number));
    }
    written.put(written.chunk);
    CHECK(written.readable(number));
  }
}

TEST_CASE("a chunk of another segment, or of another block, is not taken for this one") {
  const Written written(301, true);
  SegmentKey other = kKey;
  other[15] ^= 1;
  CHECK_FALSE(written.readable(kNumber, other));
  CHECK_FALSE(written.readable(kNumber + 1));
}

TEST_CASE("a chunk is of the place that names it, or damaged: a file that ends before it, other sizes, other bytes inside") {
  const Written written(301, true);
  const auto why = [&](const BlockPlace& place) {
    BlockBuffer buffer;
    const auto read = read_chunk(written.file, place, kNumber, buffer);
    REQUIRE(refused(read));
    CHECK(read.error().code == 0);
    return read.error().message;
  };
  BlockPlace place = written.place;
  place.offset = 8;
  CHECK(why(place) == "the file ends before the block does");
  place = written.place;
  place.stored_bytes = sizeof(ChunkHeader) - 1;
  CHECK(why(place) == "the file ends before the block does");
  place = written.place;
  ++place.raw_bytes;
  CHECK(why(place) == "the block is damaged");
  // A checksum that is right over something that zstd cannot read, or that is of another length.
  const auto forged = [&](const std::function<void(std::vector<std::byte>&)>& change) {
    std::vector<std::byte> bytes = written.chunk;
    change(bytes);
    std::memset(bytes.data() + offsetof(ChunkHeader, checksum), 0, sizeof(std::uint64_t));
    const std::uint64_t checksum = XXH3_64bits_withSeed(bytes.data(), bytes.size(), checksum_seed(kKey));
    std::memcpy(bytes.data() + offsetof(ChunkHeader, checksum), &checksum, sizeof checksum);
    written.put(bytes);
  };
  forged([](auto&) {});
  CHECK(written.readable(kNumber));
  forged([](auto& bytes) { bytes[sizeof(ChunkHeader)] ^= std::byte{1}; });  // zstd's magic
  CHECK(why(written.place) == "the block is damaged");
  forged(
      [](auto& bytes) { bytes[sizeof(ChunkHeader) + 8] = bytes[sizeof(ChunkHeader) + 9] = std::byte{0xff}; });  // its first block's header
  CHECK(why(written.place) == "the block is damaged");
  const std::uint32_t stored = 5;
  forged([&](auto& bytes) { std::memcpy(bytes.data() + offsetof(ChunkHeader, stored_bytes), &stored, sizeof stored); });
  CHECK(why(written.place) == "the block is damaged");
}

TEST_CASE("what lies at an offset is a chunk only if it says so, and is no larger than a block can be") {
  const Written written(301, true);
  const auto found = look_at_chunk(written.file, 0);
  REQUIRE(found.has_value());
  CHECK(found->first == kNumber);
  CHECK(found->second.stored_bytes == written.place.stored_bytes);
  CHECK(found->second.raw_bytes == 301);
  CHECK_FALSE(look_at_chunk(written.file, 8).has_value());
  CHECK_FALSE(look_at_chunk(written.file, written.chunk.size() - 8).has_value());
  const std::uint32_t too_large = kFrameBodyMax + 1;
  for (const std::size_t at : {offsetof(ChunkHeader, raw_bytes), offsetof(ChunkHeader, stored_bytes)}) {
    auto bytes = written.chunk;
    std::memcpy(bytes.data() + at, &too_large, sizeof too_large);
    written.put(bytes);
    CHECK_FALSE(look_at_chunk(written.file, 0).has_value());
  }
}

TEST_CASE("a chunk that is made from file to file, in pieces, is read and hashed as any other") {
  for (const std::uint32_t bytes : {0u, 1u, 4096u, 256u << 10, (256u << 10) + 1, 1'000'003u})
    for (const bool random : {true, false}) {
      CAPTURE(bytes);
      CAPTURE(random);
      const TempDir dir;
      std::mt19937_64 numbers(5);
      std::vector<std::byte> raw(bytes);
      for (std::byte& b : raw) b = static_cast<std::byte>(random ? numbers() : 7);
      const auto from = File::open(dir.path() + "/from", O_RDWR | O_CREAT), to = File::open(dir.path() + "/to", O_RDWR | O_CREAT);
      must((*from)->write(raw, 100));
      const auto made = write_large_chunk(kKey, kTableChunk, **from, 100, bytes, **to, 50);
      must(made);
      BlockBuffer buffer;
      const BlockPlace place{50, made->stored_bytes, bytes, 0, 0};
      const auto read = read_chunk({*to, kKey, 1, true}, place, kTableChunk, buffer);
      must(read);
      CHECK(std::equal(raw.begin(), raw.end(), read->begin(), read->end()));
      std::vector<unsigned char> stored(made->stored_bytes);
      must((*to)->read(std::as_writable_bytes(std::span(stored)), 50));
      Link hash{};
      crypto_generichash(hash.data(), hash.size(), stored.data(), stored.size(), nullptr, 0);
      CHECK(hash == made->hash);
      CHECK(*(*to)->size() == 50 + made->stored_bytes);
      const auto short_of = write_large_chunk(kKey, kTableChunk, **from, 100, bytes + 1, **to, 50);
      REQUIRE_FALSE(short_of.has_value());
      CHECK(short_of.error().message == "the file ends before the block does");
      CHECK(short_of.error().code == 0);
    }
}
