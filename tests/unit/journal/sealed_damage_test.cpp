// What is read of a sealed segment of which a part is damaged, cut off, or a lie with its checksum right.
#include <fcntl.h>
#include <xxhash.h>

#include <fstream>
#include <functional>

#include "collector/journal/chunk.hpp"
#include "collector/journal/sealed_file.hpp"
#include "collector/journal/table.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

const LaneId kLane = lane(1);
constexpr std::uint64_t kEvents = 60, kAmended = 3;

// One sealed segment of three blocks of twenty events, three events of it amended.
struct SealedJournal {
  TempDir dir;
  Options options;
  std::string path, good;
  Sealed sealed;

  SealedJournal() {
    options.directory = dir.journal();
    options.segment_bytes = 8 << 20;
    options.sync = SyncPolicy::never;
    Recorder recorder;
    {
      const auto journal = test::open(options, recorder);
      event::Values patch = head(Kind::task_execution, 0, 0);
      patch.set_time(field::kStarted, 500);
      const std::string task(50'000, 't');
      for (std::uint64_t n = 1; n <= kEvents; ++n) {
        const EventRef ref = put(*journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt, task), &recorder);
        if (n % 20 == 10) journal->amend(ref, patch);
        must(journal->commit());
      }
      must(journal->close());
    }
    path = files(options.directory, ".sealed").at(0);
    std::ifstream in(path, std::ios::binary);
    good = {std::istreambuf_iterator<char>(in), {}};
    const auto opened = open_sealed(path, options.link_key, test_keys());
    must(opened);
    sealed = *opened;
    REQUIRE(sealed.scanned.blocks.size() == 3);
    REQUIRE(sealed.scanned.amendments.size() == kAmended);
  }
  void put_back(const std::string& bytes) const { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }
  // As it is found with these bytes, by its footer or, without that, by its chunks.
  Sealed found(const std::string& bytes) const {
    put_back(bytes);
    auto opened = open_sealed(path, options.link_key, test_keys());
    must(opened);
    GenericNames names;
    if (opened->footer_lost) rescan(*opened, names);
    return *opened;
  }
  // The same with another footer, its checksum and its link right.
  std::string with_footer(const std::function<void(std::string&)>& change) const {
    SealedTrailer trailer;
    std::memcpy(&trailer, good.data() + good.size() - sizeof trailer, sizeof trailer);
    std::string footer = good.substr(trailer.footer_offset, trailer.footer_bytes);
    change(footer);
    trailer.footer_bytes = footer.size();
    trailer.footer_checksum = XXH3_64bits(footer.data(), footer.size());
    trailer.link = link_of(footer, options.link_key);
    return good.substr(0, trailer.footer_offset) + footer + std::string(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  }
  std::string without_footer() const {
    std::string bytes = good;
    bytes[bytes.size() - sizeof(SealedTrailer) - 20] ^= 1;
    return bytes;
  }
  std::uint64_t footer_offset() const {
    SealedTrailer trailer;
    std::memcpy(&trailer, good.data() + good.size() - sizeof trailer, sizeof trailer);
    return trailer.footer_offset;
  }
  // Of the chunk of amendments: behind the last block.
  std::uint64_t amendments_at() const {
    const BlockPlace& last = sealed.scanned.blocks.back().place;
    return last.offset + last.stored_bytes;
  }
};

std::uint64_t events_of(const Sealed& sealed) {
  std::uint64_t events = 0;
  for (const ScannedBlock& b : sealed.scanned.blocks) events += b.arrived.events;
  return events;
}

std::vector<std::int64_t> durations(const Sealed& sealed) {
  std::vector<std::int64_t> all;
  for (const ScannedAmendment& a : sealed.scanned.amendments) all.push_back(a.duration_ns);
  return all;
}

std::vector<std::byte> frame_of(const FramePlace& place, FrameType type, std::string body) {
  body.resize((body.size() + 7) / 8 * 8);
  FrameHeader header = header_at(place, type, static_cast<std::uint32_t>(body.size()), 0);
  const std::string covered = std::string(view_of(object_bytes(header))).substr(sizeof header.checksum) + body;
  header.checksum = XXH3_64bits_withSeed(covered.data(), covered.size(), checksum_seed(place.key));
  const std::string frame = std::string(view_of(object_bytes(header.checksum))) + covered;
  const auto bytes = std::as_bytes(std::span(frame));
  return {bytes.begin(), bytes.end()};
}

const std::vector<std::int64_t> kDurations{1010 - 500, 1030 - 500, 1050 - 500};

}  // namespace

TEST_CASE_FIXTURE(SealedJournal, "without its footer a segment is what its chunks say, to the block and to the amendment") {
  const Sealed again = found(without_footer());
  CHECK(again.footer_lost);
  CHECK(again.scanned.first_frame == 1);
  CHECK(again.scanned.last_frame == kEvents);
  CHECK(again.scanned.gaps == 0);
  REQUIRE(again.scanned.blocks.size() == 3);
  for (std::size_t n = 0; n < 3; ++n) {
    CHECK(again.scanned.blocks[n].arrived.events == sealed.scanned.blocks[n].arrived.events);
    CHECK(again.scanned.blocks[n].first_frame == sealed.scanned.blocks[n].first_frame);
    CHECK(again.scanned.blocks[n].last_frame == sealed.scanned.blocks[n].last_frame);
    CHECK(again.scanned.blocks[n].place.offset == sealed.scanned.blocks[n].place.offset);
  }
  CHECK(durations(again) == kDurations);
  CHECK(durations(sealed) == kDurations);
}

TEST_CASE_FIXTURE(SealedJournal, "of a segment that is cut off, the blocks before the cut are there, and no other is made up") {
  for (std::size_t n = 0; n < 3; ++n) {
    const BlockPlace& cut = sealed.scanned.blocks[n].place;
    for (const std::uint64_t bytes :
         {cut.offset, cut.offset + sizeof(ChunkHeader) - 1, cut.offset + sizeof(ChunkHeader), cut.offset + cut.stored_bytes - 1}) {
      CAPTURE(n);
      CAPTURE(bytes);
      const Sealed again = found(good.substr(0, bytes));
      CHECK(again.footer_lost);
      CHECK(again.scanned.blocks.size() == n);
      CHECK(events_of(again) == 20 * n);
      CHECK(again.scanned.gaps == 0);
      CHECK(again.scanned.amendments.empty());
    }
  }
  // Nothing but its header, or less than that and a trailer.
  for (const std::size_t bytes : {sizeof(SealedHeader), sizeof(SealedHeader) + sizeof(SealedTrailer) - 1}) {
    const Sealed again = found(good.substr(0, bytes));
    CHECK(again.footer_lost);
    CHECK(events_of(again) == 0);
    CHECK(refused(read_sealed_table(again)));
  }
}

TEST_CASE_FIXTURE(SealedJournal, "a trailer that says its footer lies outside the file has none") {
  for (const std::size_t figure : {offsetof(SealedTrailer, footer_offset), offsetof(SealedTrailer, footer_bytes)}) {
    std::string bytes = good;
    const std::uint64_t beyond = bytes.size() + 1;
    std::memcpy(bytes.data() + bytes.size() - sizeof(SealedTrailer) + figure, &beyond, sizeof beyond);
    const Sealed again = found(bytes);
    CHECK(again.footer_lost);
    CHECK(events_of(again) == kEvents);
  }
}

TEST_CASE_FIXTURE(SealedJournal, "nobody makes room for a table that a footer places outside the file") {
  const std::uint32_t damaged_number = 9;
  std::string lying = with_footer([&](std::string& footer) {
    constexpr std::size_t kTableAt = sizeof(SegmentKey) + 8 + 8 + sizeof(Fingerprint) + 3 * 8 + sizeof(Link);
    const std::uint64_t huge = 0xf000'0000;
    REQUIRE(footer.size() > kTableAt + 16);
    std::memcpy(footer.data() + kTableAt + 8, &huge, sizeof huge);
  });
  std::memcpy(lying.data() + sizeof(SealedHeader) + offsetof(ChunkHeader, number), &damaged_number, sizeof damaged_number);
  const Sealed again = found(lying);
  CHECK(again.footer_lost);
  CHECK(again.table.stored_bytes == 0);
  CHECK_FALSE(read_sealed_table(again).has_value());
}

TEST_CASE_FIXTURE(SealedJournal, "without its footer a damaged block is a gap, its number is kept, and the blocks around it are there") {
  std::string bytes = without_footer();
  bytes[sealed.scanned.blocks[1].place.offset + 100] ^= 1;
  const Sealed again = found(bytes);
  REQUIRE(again.scanned.blocks.size() == 3);
  CHECK(again.scanned.gaps == 1);
  CHECK(again.scanned.blocks[1].arrived.events == 0);
  CHECK(again.scanned.blocks[2].arrived.events == 20);
  CHECK(again.scanned.last_frame == kEvents);
  // One that says it is another block ends the list: nobody knows which the next would be.
  bytes = without_footer();
  const std::uint32_t other = 2;
  std::memcpy(bytes.data() + sealed.scanned.blocks[1].place.offset + offsetof(ChunkHeader, number), &other, sizeof other);
  CHECK(found(bytes).scanned.blocks.size() == 1);
}

TEST_CASE_FIXTURE(SealedJournal, "damaged amendments give nothing, with the footer and without, and cost no event") {
  for (const bool footer : {true, false}) {
    CAPTURE(footer);
    std::string bytes = footer ? good : without_footer();
    bytes[amendments_at() + sizeof(ChunkHeader) + 20] ^= 1;
    const Sealed again = found(bytes);
    CHECK(again.footer_lost == !footer);
    CHECK(events_of(again) == kEvents);
    for (const std::int64_t duration : durations(again)) CHECK(duration <= 0);
    Recorder recorder;
    const auto journal = test::open(options, recorder);
    CHECK(journal->statistics().retained.events() == kEvents);
    CHECK(journal->statistics().retained.joined == 0);
  }
}

TEST_CASE_FIXTURE(SealedJournal, "a footer that says an amendment lies elsewhere, or is cut, gives that one to nobody") {
  // Behind the places of the blocks: so many bytes before the end of the footer, filters left out.
  const std::uint64_t first = sealed.scanned.amendments[0].place.offset;
  const auto lie = [&](std::uint64_t offset, std::uint64_t bytes) {
    return durations(found(with_footer([&](std::string& footer) {
      std::string entry(8, '\0');
      std::memcpy(entry.data(), &first, 8);
      const std::size_t at = footer.find(entry);
      REQUIRE(at != std::string::npos);
      std::memcpy(footer.data() + at, &offset, 8);
      std::memcpy(footer.data() + at + 8, &bytes, 8);
    })));
  };
  const std::uint32_t bytes = sealed.scanned.amendments[0].place.bytes;
  CHECK(lie(first, bytes) == kDurations);
  const std::vector<std::int64_t> without = [] {
    std::vector<std::int64_t> others = kDurations;
    others[0] = ScannedAmendment{}.duration_ns;
    return others;
  }();
  CHECK(lie(0, bytes) == without);
  CHECK(lie(good.size(), bytes) == without);
  CHECK(lie(first, good.size()) == without);
  CHECK(lie(first, bytes - 8) == without);
  CHECK(lie(first, 0) == without);
}

TEST_CASE_FIXTURE(SealedJournal, "a table is one if its chunk holds a frame that is a table, and nothing is cut off of it") {
  REQUIRE(read_sealed_table(sealed).has_value());
  const std::string why = path + ": its table is damaged";
  // In the place of the segment's own, at the end of the file.
  const auto with_table = [&](std::span<const std::byte> raw) {
    std::vector<std::byte> buffer;
    const auto chunk = make_chunk(sealed.file->key, kTableChunk, raw, true, buffer);
    must(chunk);
    put_back(good + std::string(view_of(*chunk)));
    Sealed other = sealed;
    other.table = {good.size(), static_cast<std::uint32_t>(chunk->size()), static_cast<std::uint32_t>(raw.size()), 0, 0};
    const auto file = File::open(path, O_RDONLY);
    must(file);
    other.file = std::make_shared<SegmentFile>(SegmentFile{*file, sealed.file->key, sealed.file->index, true, sealed.file->cipher});
    return read_sealed_table(other);
  };
  FramePlace place;
  place.key = sealed.file->key;
  Table table;
  table.last_frame = 7;
  std::string body = encode_fields(table);
  const TableTrailer trailer{0, XXH3_64bits_withSeed(nullptr, 0, checksum_seed(place.key)), body.size()};
  body.resize(padded(body.size()));
  body += view_of(object_bytes(trailer));
  const auto good_table = with_table(frame_of(place, FrameType::table, body));
  must(good_table);
  CHECK(good_table->last_frame == 7);
  const auto says = [&](const Result<Table>& read) { return read.has_value() ? std::string() : read.error().message; };
  CHECK(says(with_table(frame_of(place, FrameType::events, body))) == why);
  CHECK(says(with_table(std::vector<std::byte>(200))) == why);
  CHECK(says(with_table(frame_of(place, FrameType::table, std::string(16, '\0')))) == why);
  // A state that is not what its sum says, longer than the table, or with more behind it than the fields.
  for (const auto& [field, value] : {std::pair(0u, 8u), {0u, 1u << 30}, {8u, 1u}, {16u, 8u}, {16u, 1u << 30}}) {
    std::string other = body;
    other.replace(other.size() - sizeof trailer + field, sizeof value, view_of(object_bytes(value)));
    CHECK(says(with_table(frame_of(place, FrameType::table, other))) == why);
  }
}
