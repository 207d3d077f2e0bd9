// A chunk of a sealed segment is what was written, or it is damaged: zstd alone would take a changed literal for another text.
#include "collector/journal/chunk.hpp"

#include <fcntl.h>

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
