// What a start believes of what lies in the directory, and what it goes on from.
#include <xxhash.h>

#include <array>
#include <fstream>
#include <functional>

#include "collector/crypt/stream.hpp"
#include "collector/journal/checkpoint.hpp"
#include "collector/journal/chunk.hpp"
#include "collector/journal/raw_segment.hpp"
#include "collector/journal/sealed_file.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

const LaneId kLane = lane(1);

// A frame with events first..last of the lane, and its cursor.
void frame(Journal& journal, Recorder& recorder, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t n = first; n <= last; ++n)
    put(journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt), &recorder);
  Cursor c;
  c.sequence = c.delivered = last;
  journal.advance(kLane, c);
  must(journal.commit());
}

// Frames of ten events until so many segments are full; then a clean stop, which seals them. Gives the number of events.
std::uint64_t fill(const Options& options, std::uint64_t segments) {
  Recorder recorder;
  const auto journal = open(options, recorder);
  std::uint64_t n = 0;
  for (; journal->statistics().segments <= segments; n += 10) frame(*journal, recorder, n + 1, n + 10);
  must(journal->close());
  return n;
}

std::vector<std::uint64_t> sequences(const Journal& journal) {
  std::vector<std::uint64_t> found;
  journal.view()->scan({}, [&](const StoredEvent& e) {
    found.push_back(e.values.sequence);
    return true;
  });
  return found;
}

std::vector<std::uint64_t> up_to(std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t n = 1; n <= last; ++n) all.push_back(n);
  return all;
}

// Of a checkpoint, encrypted or not.
std::string plain(const std::string& bytes) { return crypt::is_encrypted(bytes) ? *crypt::decrypt_text(test_keys(), bytes) : bytes; }

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void overwrite(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

void flip(const std::string& path, std::uint64_t at) {
  std::string bytes = content(path);
  bytes[at] = static_cast<char>(~bytes[at]);
  overwrite(path, bytes);
}

std::string why_not(const Options& options) {
  Recorder recorder;
  const auto answer = Journal::open(options, recorder);
  REQUIRE(refused(answer));
  return answer.error().message;
}

}  // namespace

TEST_CASE("files are of version 2, and a journal with one of another version is refused by its name and left as it is") {
  for (const bool sealed : {false, true}) {
    CAPTURE(sealed);
    const TempDir dir;
    const Options options = options_in(dir, 64 << 10);
    Recorder recorder;
    {
      const auto journal = open(options, recorder);
      frame(*journal, recorder, 1, 3);
      if (sealed) must(journal->close());
    }
    const std::string path = files(options.directory, sealed ? ".sealed" : ".journal").front();
    const std::string good = content(path);
    std::string bytes = good;
    std::uint32_t version = 0;
    std::memcpy(&version, bytes.data() + 8, sizeof version);
    CHECK(version == 2);
    version = 3;
    std::memcpy(bytes.data() + 8, &version, sizeof version);
    RawHeader raw;
    std::memcpy(&raw, bytes.data(), sizeof raw);
    const std::uint64_t checksum = sealed ? XXH3_64bits(bytes.data(), offsetof(SealedHeader, checksum)) : header_checksum(raw);
    std::memcpy(bytes.data() + 120, &checksum, sizeof checksum);
    overwrite(path, bytes);
    CHECK(why_not(options) == "journal: " + path + ": is of version 3 of the journal: this collector reads version 2");
    CHECK(content(path) == bytes);
    overwrite(path, good);
    recorder = {};
    CHECK(sequences(*open(options, recorder)) == up_to(3));
  }
}

TEST_CASE("a start after a kill replays what lies behind the checkpoint, and no more") {
  struct Counter final : Participant {
    std::vector<std::uint64_t> replayed;
    void save(const std::function<void(std::string_view)>& out) const override { out("state"); }
    bool load(std::string_view bytes) override { return bytes == "state"; }
    void replay(const LaneId&, const event::Values& stored, const EventRef&) override { replayed.push_back(stored.sequence); }
    void replay_clear() override {}
  } participant;
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  Recorder unused;
  {
    const auto journal = open(options, participant);
    frame(*journal, unused, 1, 10);
    must(journal->checkpoint());
    while (!std::filesystem::exists(options.directory + "/checkpoint")) ::usleep(1000);
    frame(*journal, unused, 11, 13);
  }
  const auto journal = open(options, participant);
  CHECK(participant.replayed == std::vector<std::uint64_t>{11, 12, 13});
  CHECK(sequences(*journal) == up_to(13));
}

TEST_CASE("a start after a clean stop replays nothing: the checkpoint is that of the sealed segment's last frame") {
  struct Counter final : Participant {
    std::uint64_t replayed = 0;
    void save(const std::function<void(std::string_view)>& out) const override { out("state"); }
    bool load(std::string_view bytes) override { return bytes == "state"; }
    void replay(const LaneId&, const event::Values&, const EventRef&) override { ++replayed; }
    void replay_clear() override {}
  } participant;
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  Recorder unused;
  {
    const auto journal = open(options, participant);
    frame(*journal, unused, 1, 10);
    must(journal->close());
  }
  REQUIRE(files(options.directory, ".sealed").size() == 1);
  REQUIRE(files(options.directory, ".journal").empty());
  const auto journal = open(options, participant);
  CHECK(participant.replayed == 0);
  CHECK(sequences(*journal) == up_to(10));
}

TEST_CASE("a raw segment that cannot be read, behind one that is sealed, is damage; one that is another by its header never was this one") {
  struct Case {
    std::uint64_t index;  // by its header; 0: that cannot be read either
    const char* ending;
    std::uint64_t damaged;
  };
  for (const Case& c : {Case{0, ".damaged", 1}, Case{1, ".damaged", 1}, Case{9, ".unsynced", 0}}) {
    CAPTURE(c.index);
    const TempDir dir;
    const Options options = options_in(dir, 64 << 10);
    const std::uint64_t n = fill(options, 2);
    const auto first = open_sealed(options.directory + "/" + sealed_name(1), options.link_key, test_keys());
    must(first);
    std::filesystem::remove(first->path);
    RawHeader header{};
    header.magic = kRawMagic;
    header.version = kVersion;
    header.header_bytes = sizeof header;
    header.index = c.index;
    header.checksum = c.index == 0 ? 0 : header_checksum(header);
    const std::string path = options.directory + "/" + raw_name(1);
    overwrite(path, std::string(reinterpret_cast<const char*>(&header), sizeof header) + std::string(4096, 'x'));
    Recorder recorder;
    const auto journal = open(options, recorder);
    CHECK(journal->statistics().damaged_blocks == c.damaged);
    CHECK(files(options.directory, ".journal.damaged").size() == c.damaged);
    CHECK(std::filesystem::exists(path + c.ending));
    CHECK_FALSE(std::filesystem::exists(path));
    std::uint64_t lost = 0;
    for (const ScannedBlock& b : first->scanned.blocks) lost += b.arrived.events;
    CHECK(sequences(*journal).size() == n - lost);
  }
}

TEST_CASE("a lane that is closed is none of the open ones from then on, and is closed once, however often that is said") {
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  Recorder recorder;
  Cursor last;
  {
    const auto journal = open(options, recorder);
    frame(*journal, recorder, 1, 3);
    last = *journal->cursor(kLane);
    journal->close_lane(kLane, last, 2);
    CHECK(journal->lanes().empty());
    journal->close_lane(kLane, last, 7);
    must(journal->commit());
    CHECK(journal->statistics().closed == ClosedLanes(last, 2));
  }
  const auto journal = open(options, recorder);
  CHECK(journal->lanes().empty());
  CHECK(journal->statistics().closed == ClosedLanes(last, 2));
}

TEST_CASE("an age that reaches back to before all time puts nothing out") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.retention.max_age = std::chrono::nanoseconds::max();
  Recorder recorder;
  const auto journal = open(options, recorder);
  frame(*journal, recorder, 1, 3);
  journal->retain(-1'000);
  CHECK(journal->statistics().retained.events() == 3);
  journal->retain(std::numeric_limits<std::int64_t>::min());
  CHECK(journal->statistics().retained.events() == 3);
}

TEST_CASE("a sealed segment under another's name is refused by its name: what it is linked to would be missing") {
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  const std::uint64_t n = fill(options, 1);
  const std::string path = options.directory + "/" + sealed_name(1), other = options.directory + "/" + sealed_name(1'000'000);
  std::filesystem::rename(path, other);
  CHECK(why_not(options) == "journal: " + other + ": is segment 1 by its header: give it its name back");
  std::filesystem::rename(other, path);
  Recorder recorder;
  CHECK(sequences(*open(options, recorder)).size() == n);
}

TEST_CASE("a state of the participant that it cannot read is refused, from wherever it comes, and nothing is changed by that") {
  struct Newer final : Participant {
    void save(const std::function<void(std::string_view)>&) const override {}
    bool load(std::string_view) override { return false; }
    void replay(const LaneId&, const event::Values&, const EventRef&) override {}
    void replay_clear() override {}
  } newer;
  const std::string of_state = ": the state of the open executions in it cannot be read: it is of another version";
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  const std::uint64_t n = fill(options, 1);
  const auto refuses = [&](const std::string& from) {
    const auto answer = Journal::open(options, newer);
    REQUIRE(refused(answer));
    CHECK(answer.error().message == "journal: " + options.directory + "/" + from + of_state);
  };
  refuses("checkpoint");
  std::filesystem::remove(options.directory + "/checkpoint");
  const auto name_of = [](const std::string& path) { return std::filesystem::path(path).filename().string(); };
  const auto raw = files(options.directory, ".journal"), sealed = files(options.directory, ".sealed");
  refuses(name_of(raw.empty() ? sealed.back() : raw.back()));
  for (const std::string& path : raw) std::filesystem::remove(path);
  refuses(name_of(sealed.back()));
  Recorder recorder;
  CHECK(sequences(*open(options, recorder)).size() == n);
}

TEST_CASE("a sealed table that is damaged is gone behind: the one before and the frames since say the same; with none left it is refused") {
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  const std::uint64_t n = fill(options, 3);
  std::filesystem::remove(options.directory + "/checkpoint");
  for (const std::string& path : files(options.directory, ".journal")) std::filesystem::remove(path);
  auto sealed = files(options.directory, ".sealed");
  const auto spoil_table = [&](const std::string& path) {
    const auto opened = open_sealed(path, options.link_key, test_keys());
    must(opened);
    flip(path, opened->table.offset + opened->table.stored_bytes - 12);
  };
  spoil_table(sealed.back());
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    CHECK(recorder.events == n);
    CHECK(sequences(*journal) == up_to(n));
    CHECK(journal->cursor(kLane)->sequence == n);
    CHECK(journal->statistics().damaged_blocks == 1);
    CHECK(journal->statistics().lifetime.totals.events() == n);
  }
  for (const std::string& path : files(options.directory, ".journal")) std::filesystem::remove(path);
  for (std::size_t i = 0; i + 1 < sealed.size(); ++i) spoil_table(sealed[i]);
  CHECK(why_not(options) == "journal: " + options.directory +
                                ": no segment in it has a table that can be read: restore it from a copy, or start on an empty directory");
}

TEST_CASE("a damaged block behind the table that a start goes on from costs its own events") {
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  const std::uint64_t n = fill(options, 2);
  std::filesystem::remove(options.directory + "/checkpoint");
  for (const std::string& path : files(options.directory, ".journal")) std::filesystem::remove(path);
  const auto sealed = files(options.directory, ".sealed");
  const auto last = open_sealed(sealed.back(), options.link_key, test_keys());
  must(last);
  const BlockPlace& place = last->scanned.blocks.front().place;
  flip(sealed.back(), place.offset + place.stored_bytes / 2);
  Recorder recorder;
  const auto journal = open(options, recorder);
  CHECK(recorder.events == n - last->scanned.blocks.front().arrived.events);
  CHECK(journal->statistics().damaged_blocks == 1);
  CHECK(journal->statistics().retained.events() == n);  // by the sums, which are whole
}

TEST_CASE("files that are kept for use are two, of the size of a segment: others go at a start, and what was half written too") {
  const TempDir dir;
  const Options options = options_in(dir, 64 << 10);
  const std::uint64_t n = fill(options, 1);
  const auto spares = [&] {
    std::vector<std::string> found;
    for (const std::string& path : files(options.directory, ""))
      if (std::filesystem::path(path).filename().string().starts_with("spare-")) found.push_back(path);
    return found;
  };
  for (const std::string& path : spares()) std::filesystem::remove(path);
  const bool begins_another = files(options.directory, ".journal").empty();  // in one of the spares
  overwrite(options.directory + "/spare-7", "too short");
  for (int i = 1; i <= 4; ++i) overwrite(options.directory + "/spare-" + std::to_string(i), std::string(options.segment_bytes, 'x'));
  overwrite(options.directory + "/00000000000000000099.journal.tmp", "half written");
  overwrite(options.directory + "/0000000000000000000x.journal", "no number");
  overwrite(options.directory + "/00000000000000000000.sealed", "no segment has the number 0");
  Recorder recorder;
  const auto journal = open(options, recorder);
  CHECK(sequences(*journal).size() == n);
  CHECK(spares().size() == (begins_another ? 1 : 2));
  CHECK_FALSE(std::filesystem::exists(options.directory + "/spare-7"));
  CHECK(files(options.directory, ".tmp").empty());
  CHECK(files(options.directory, "0x.journal").size() == 1);  // not the journal's: left alone
}

TEST_CASE("a checkpoint cut anywhere, changed anywhere, or of another format is none") {
  Checkpoint c;
  c.segment = 7;
  c.key.fill(3);
  c.frame_offset = 128;
  c.table.last_frame = 9;
  c.table.lanes.emplace_back(kLane, Cursor{});
  c.table.anchors.push_back({3, {}});
  c.table.eras.push_back({1, kBeforeAll});
  c.table.lifetime.generic_by_type["x"] = 5;
  c.table.participant = "state";
  const std::string good = encode_checkpoint(c);
  const auto again = decode_checkpoint(good);
  REQUIRE(again.has_value());
  CHECK(again->segment == 7);
  CHECK(again->table.last_frame == 9);
  CHECK(again->table.participant == "state");
  for (std::size_t cut = 0; cut < good.size(); ++cut) REQUIRE_FALSE(decode_checkpoint(good.substr(0, cut)).has_value());
  // With its checksum right, it is still no checkpoint if it says so, or if its table ends too soon.
  const auto sealed = [](std::string bytes) {
    bytes.resize(bytes.size() - 8);
    const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
    return bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  };
  REQUIRE(sealed(good) == good);
  for (const std::size_t at : {std::size_t{0}, std::size_t{8}}) {  // magic, version
    std::string other = good;
    ++other[at];
    CHECK_FALSE(decode_checkpoint(sealed(other)).has_value());
  }
  for (std::size_t cut = 72; cut < good.size(); ++cut) REQUIRE_FALSE(decode_checkpoint(sealed(good.substr(0, cut))).has_value());
}

TEST_CASE("a checkpoint is believed only of the segment it names, and only if the frame it was made at is there") {
  const TempDir dir;
  const Options options = options_in(dir, 1 << 20);
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    frame(*journal, recorder, 1, 10);
    frame(*journal, recorder, 11, 20);
    must(journal->checkpoint());
    while (!std::filesystem::exists(options.directory + "/checkpoint")) ::usleep(1000);
    frame(*journal, recorder, 21, 23);
  }
  const std::string path = options.directory + "/checkpoint", good = plain(content(path));
  const auto of_others = [&](const std::function<void(Checkpoint&)>& change) {
    auto c = decode_checkpoint(good);
    REQUIRE(c.has_value());
    c->table.lanes.clear();  // if it were believed, the lane would be unknown but for the frames behind it
    c->table.lifetime = {};
    change(*c);
    overwrite(path, encode_checkpoint(*c));
    Recorder recorder;
    const auto journal = open(options, recorder);
    return journal->statistics().lifetime.totals.events();
  };
  CHECK(of_others([](Checkpoint&) {}) == 3);  // this one is
  CHECK(of_others([](Checkpoint& c) { c.segment = 2; }) == 23);
  CHECK(of_others([](Checkpoint& c) { c.key[0] ^= 1; }) == 23);
  CHECK(of_others([](Checkpoint& c) { c.frame_checksum ^= 1; }) == 23);
  CHECK(of_others([](Checkpoint& c) { c.frame_offset += 8; }) == 23);
  CHECK(of_others([](Checkpoint& c) { c.frame_offset = 0; }) == 23);
  CHECK(of_others([](Checkpoint& c) { c.table.last_frame = 1; }) == 23);
}

TEST_CASE("a cursor is another as soon as one figure of it is, and all of them come back from the disk") {
  const TempDir dir;
  const Options options = options_in(dir, 1 << 20);
  Cursor cursor;
  const auto figures = [](Cursor& c) {
    return std::array<std::uint64_t*, 10>{&c.position.value, &c.sequence, &c.delivered, &c.quarantined,   &c.rewound,
                                          &c.attempted,      &c.dropped,  &c.refused,   &c.dropped_by[3], &c.refused_by[11]};
  };
  std::uint64_t n = 0;
  for (std::uint64_t* const figure : figures(cursor)) *figure = ++n;
  cursor.stamp_ns = -5;
  for (std::size_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    Cursor other = cursor;
    ++*figures(other)[i];
    CHECK_FALSE(other == cursor);
  }
  Cursor other = cursor;
  ++other.stamp_ns;
  CHECK_FALSE(other == cursor);

  const ClosedLanes closed(cursor, 4);
  for (std::uint64_t ClosedLanes::*const figure : {&ClosedLanes::lanes, &ClosedLanes::delivered, &ClosedLanes::quarantined,
                                                   &ClosedLanes::rewound, &ClosedLanes::attempted, &ClosedLanes::in_flight}) {
    ClosedLanes sum = closed;
    ++(sum.*figure);
    CHECK_FALSE(sum == closed);
  }
  for (const bool by_checkpoint : {false, true}) {
    CAPTURE(by_checkpoint);
    {
      Recorder recorder;
      const auto journal = open(options, recorder);
      if (!by_checkpoint) {
        for (const LaneId& id : {kLane, lane(2)}) journal->open_lane(id, cursor);
        journal->close_lane(lane(2), cursor, 4);
      }
      journal->advance(kLane, cursor);
      must(journal->commit());
      if (by_checkpoint) must(journal->close());
    }
    Recorder recorder;
    const auto journal = open(options, recorder);
    REQUIRE(journal->cursor(kLane) != nullptr);
    CHECK(*journal->cursor(kLane) == cursor);
    CHECK(journal->statistics().closed == closed);
  }
}

TEST_CASE("a frame is no longer than a frame can be, and of whole words, whatever its checksum says") {
  SegmentKey key{};
  FrameWriter writer;
  writer.cursor(kLane, {});
  const auto made = writer.finish({.key = key, .previous = 9, .number = 4, .written_unix_ns = 1});
  std::vector<std::byte> bytes(made.begin(), made.end());
  const auto with_body = [&](std::uint32_t body_bytes) {
    std::memcpy(bytes.data() + offsetof(FrameHeader, body_bytes), &body_bytes, sizeof body_bytes);
    const std::uint64_t checksum = XXH3_64bits_withSeed(bytes.data() + 8, bytes.size() - 8, checksum_seed(key));
    std::memcpy(bytes.data(), &checksum, sizeof checksum);
    return frame_length(bytes, key);
  };
  const auto body = static_cast<std::uint32_t>(bytes.size() - sizeof(FrameHeader));
  CHECK(with_body(body) == bytes.size());
  CHECK_FALSE(with_body(body - 1).has_value());
  CHECK_FALSE(parse_frame(bytes, key).has_value());
  CHECK(with_body(1u << 30) == sizeof(FrameHeader) + (1u << 30));
  CHECK_FALSE(parse_frame(bytes, key).has_value());  // which is not there
  CHECK_FALSE(with_body((1u << 30) + 8).has_value());
}

TEST_CASE("a scan ends where it is told to: within a frame, a block, and for all that is behind") {
  const TempDir dir;
  Options options = options_in(dir, 16 << 10);
  fill(options, 2);
  Recorder recorder;
  const auto journal = open(options, recorder);
  for (const std::uint64_t last : {1u, 10u, 15u}) {
    CAPTURE(last);
    std::uint64_t seen = 0;
    CHECK(journal->view()->scan({}, [&](const StoredEvent&) { return ++seen < last; }).events == last);
    CHECK(seen == last);
  }
}
