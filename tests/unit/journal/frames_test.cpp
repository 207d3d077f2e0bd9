// Where the journal ends: torn frames, frames of a file's former life, frames behind a hole.
#include <xxhash.h>

#include <fstream>

#include "collector/journal/raw_segment.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

Cursor at(std::uint64_t sequence) {
  Cursor c;
  c.sequence = c.delivered = c.attempted = sequence;
  c.position.value = sequence * 5;
  return c;
}

// A frame with events first..last of a lane, and its cursor.
void frame(Journal& journal, Recorder& recorder, const LaneId& id, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t n = first; n <= last; ++n)
    put(journal, id, execution(n, static_cast<std::int64_t>(1000 + n), n % 2 == 0, static_cast<std::int64_t>(1000)), &recorder);
  journal.advance(id, at(last));
  must(journal.commit());
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

struct Span {
  std::uint64_t begin, end;
};
// Where the frames behind the table lie.
std::vector<Span> frames_of(const std::string& path) {
  const auto opened = open_raw_segment(path, test_keys());
  must(opened);
  const RawSegment& s = opened->segment;
  FrameStream frames(s, s.end, s.size, s.previous);
  std::vector<Span> found;
  while (frames.next()) found.push_back({frames.offset(), frames.next_offset()});
  return found;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void overwrite(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

}  // namespace

TEST_CASE("an event that has grown beyond what a lane takes is read as any other") {
  TempDir dir;
  Options options;
  options.keys = test_keys();
  options.directory = dir.journal();
  Recorder recorder;
  auto journal = open(options, recorder);
  const std::string text(40'000, 'a'), context = "{\"x\":\"" + text + "\"}";  // hashes in place of ids can make it as large
  event::Values grown;
  grown.kind = Kind::routing_decision;
  grown.sequence = 1;
  grown.stamp = 1'000'000'000;
  for (const char* name : {"decisionId", "taskId", "selectedAgent"})
    grown.set_text(static_cast<unsigned>(schema::find_field(grown.kind, name)), std::string_view("id"));
  grown.set_text(schema::field(Kind::routing_decision, "rationale"), std::string_view(text));
  grown.set_text(schema::field(Kind::routing_decision, "context"), std::string_view(context));
  REQUIRE(event::encoded_bytes(grown) > abi::kEventBytesMax);
  put(*journal, lane(1), grown, &recorder);
  put(*journal, lane(1), generic(2, 1'000'000'000, "small", "{}"), &recorder);
  journal->advance(lane(1), at(2));
  must(journal->commit());
  CHECK(sequences(*journal) == up_to(2));
  must(journal->close());
  Recorder again;
  CHECK(sequences(*open(options, again)) == up_to(2));
}

TEST_CASE("a last frame torn at any byte is not there, and what was before it is") {
  const TempDir dir;
  const Options options = options_in(dir, 16 << 10);
  const LaneId id = lane(1);
  Recorder before;
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    frame(*journal, recorder, id, 1, 3);
    frame(*journal, recorder, id, 4, 5);
    before = recorder;
    frame(*journal, recorder, id, 6, 9);
  }
  const std::string path = files(options.directory, ".journal").back();
  const std::string whole = content(path);
  const Span last = frames_of(path).back();
  for (std::uint64_t cut = last.begin; cut < last.end; ++cut)
    for (const bool truncated : {true, false}) {
      CAPTURE(cut);
      std::string torn = whole.substr(0, cut);
      if (!truncated) torn += static_cast<char>(~whole[cut]) + std::string(whole.size() - cut - 1, '\0');
      overwrite(path, torn);
      Recorder recorder;
      const auto journal = open(options, recorder);
      REQUIRE(recorder == before);
      REQUIRE(*journal->cursor(id) == at(5));
      REQUIRE(sequences(*journal) == up_to(5));
      REQUIRE(journal->statistics().damaged_blocks == 0);
      REQUIRE(journal->committed_frame() == 2);
      // and the journal goes on from there
      frame(*journal, recorder, id, 6, 6);
      REQUIRE(sequences(*journal) == up_to(6));
    }
  overwrite(path, whole);
  Recorder recorder;
  CHECK(sequences(*open(options, recorder)) == up_to(9));
}

TEST_CASE("a last frame with any bit of it changed is not there") {
  const TempDir dir;
  const Options options = options_in(dir, 16 << 10);
  const LaneId id = lane(1);
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    frame(*journal, recorder, id, 1, 3);
    frame(*journal, recorder, id, 4, 4);
  }
  const std::string path = files(options.directory, ".journal").back();
  const std::string whole = content(path);
  const Span last = frames_of(path).back();
  for (std::uint64_t at_byte = last.begin; at_byte < last.end; ++at_byte) {
    std::string changed = whole;
    changed[at_byte] = static_cast<char>(changed[at_byte] ^ 1 << at_byte % 8);
    overwrite(path, changed);
    Recorder recorder;
    REQUIRE(sequences(*open(options, recorder)) == up_to(3));
  }
}

TEST_CASE("the fields of a table with any bit of them changed are not taken, whether its state is read along or not") {
  const TempDir dir;
  const Options options = options_in(dir, 16 << 10);
  {
    Recorder recorder;
    frame(*open(options, recorder), recorder, lane(1), 1, 3);
  }
  const std::string path = files(options.directory, ".journal").back(), whole = content(path);
  const auto opened = look_at_raw_segment(path, test_keys());
  must(opened);
  const std::uint64_t begin = sizeof(RawHeader), end = opened->segment.end;
  TableTrailer trailer;
  std::memcpy(&trailer, &whole[end - sizeof trailer], sizeof trailer);
  const std::uint64_t fields = end - sizeof trailer - trailer.fields_bytes;  // some zeros of padding are within
  std::uint64_t changed_bytes = 0;
  for (std::uint64_t at_byte = begin; at_byte < end; ++at_byte) {
    if (at_byte >= begin + sizeof(FrameHeader) && at_byte < fields) continue;
    std::string changed = whole;
    changed[at_byte] = static_cast<char>(changed[at_byte] ^ 1 << at_byte % 8);
    overwrite(path, changed);
    REQUIRE_FALSE(look_at_raw_segment(path, test_keys()).has_value());
    REQUIRE_FALSE(open_raw_segment(path, test_keys()).has_value());
    ++changed_bytes;
  }
  CHECK(changed_bytes > sizeof(FrameHeader) + sizeof trailer);
}

TEST_CASE("a frame says which segment it is of: another's is refused by its header, and one that lies by its checksum") {
  SegmentKey key{};
  key.fill(7);
  SegmentKey other = key;
  other[3] ^= 1;  // in the half that the header names
  FrameWriter writer;
  writer.cursor(lane(1), at(3));
  const auto frame = writer.finish({.key = key, .previous = 9, .number = 4, .written_unix_ns = 1});
  std::vector<std::byte> bytes(frame.begin(), frame.end());
  REQUIRE(parse_frame(bytes, key).has_value());
  CHECK(frame_length(bytes, key) == bytes.size());
  CHECK_FALSE(frame_length(bytes, other).has_value());
  CHECK_FALSE(parse_frame(bytes, other).has_value());
  CHECK_FALSE(parse_frame(bytes, other, true).has_value());  // however trusted
  // One that names the other segment, and has its checksum right under the key of this one.
  std::memcpy(bytes.data() + offsetof(FrameHeader, segment), other.data(), sizeof(std::uint64_t));
  const std::uint64_t checksum = XXH3_64bits_withSeed(bytes.data() + 8, bytes.size() - 8, checksum_seed(key));
  std::memcpy(bytes.data(), &checksum, sizeof checksum);
  CHECK_FALSE(parse_frame(bytes, key).has_value());
  // The other half of the key counts too.
  other = key;
  other[12] ^= 1;
  CHECK(frame_length(frame, other).has_value());
  CHECK_FALSE(parse_frame(frame, other).has_value());
}

TEST_CASE("frames of a file's former life are not taken for the next ones") {
  const TempDir dir;
  Options options = options_in(dir, 32 << 10);
  options.retention.max_events = 20;
  const LaneId id = lane(1);
  std::uint64_t sequence = 0, recycled = 0;
  Recorder recorder;
  auto journal = open(options, recorder);
  for (int round = 0; round < 400; ++round) {
    frame(*journal, recorder, id, sequence + 1, sequence + 5);
    sequence += 5;
    journal->retain(1'000'000);
    must(journal->commit());
    recycled += files(options.directory, "spare-0").size();
    if (round % 7 != 0) continue;
    journal.reset();
    const Recorder expected = recorder;
    recorder = {};
    journal = open(options, recorder);
    REQUIRE(recorder == expected);
    REQUIRE(*journal->cursor(id) == at(sequence));
    journal->retain(1'000'000);
    const auto found = sequences(*journal);
    REQUIRE(found.size() == std::min<std::uint64_t>(20, sequence));
    REQUIRE(found.back() == sequence);
  }
  CHECK(recycled > 100);
  // The test means something: the newest file does hold old frames behind its own.
  const std::string path = files(options.directory, ".journal").back();
  const std::string bytes = content(path);
  const std::uint64_t end = frames_of(path).empty() ? 0 : frames_of(path).back().end;
  std::uint64_t stale = 0;
  for (std::size_t i = end; i + 4 <= bytes.size(); i += 8) stale += bytes.compare(i, 4, "AFRM") == 0;
  CHECK(stale > 0);
}

TEST_CASE("a frame behind one that was lost is not there, even when the lost one's place is taken by one of the same length") {
  // As after a power cut: of the last frames, the one in the middle has not reached the disk.
  const TempDir dir;
  const Options options = options_in(dir, 1 << 20);
  const LaneId id = lane(1);
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    for (std::uint64_t n = 1; n <= 5; ++n) frame(*journal, recorder, id, n, n);
  }
  const std::string path = files(options.directory, ".journal").back();
  std::string bytes = content(path);
  const auto spans = frames_of(path);
  REQUIRE(spans.size() == 5);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(spans[2].begin), bytes.begin() + static_cast<std::ptrdiff_t>(spans[2].end), '\0');
  overwrite(path, bytes);
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    CHECK(sequences(*journal) == up_to(2));
    frame(*journal, recorder, id, 3, 3);
  }
  CHECK(frames_of(path).size() == 3);
  Recorder recorder;
  const auto journal = open(options, recorder);
  CHECK(sequences(*journal) == up_to(3));
  CHECK(*journal->cursor(id) == at(3));
}

TEST_CASE("what a power cut left of segments that were not synced yet is recovered up to the first thing that is missing") {
  const TempDir dir;
  Options options = options_in(dir, 16 << 10);
  options.sync = SyncPolicy::never;
  const LaneId id = lane(1);
  std::uint64_t n = 0;
  Recorder recorder, expected;
  {
    const auto journal = open(options, recorder);
    std::filesystem::create_directory(options.directory + "/" + sealed_name(1) + ".tmp");  // nothing is sealed
    while (files(options.directory, ".journal").size() < 3) ++n, frame(*journal, recorder, id, n, n);
    ++n, frame(*journal, recorder, id, n, n);
  }
  std::filesystem::remove(options.directory + "/" + sealed_name(1) + ".tmp");
  std::uint64_t last = n, damaged = 0;
  const auto raw = files(options.directory, ".journal");
  SUBCASE("the table of the newest") {
    overwrite(raw[2], content(raw[2]).substr(0, 200)), last = frames_of(raw[0]).size() + frames_of(raw[1]).size();
  }
  SUBCASE("a frame of the one before") {
    std::string bytes = content(raw[0]);
    bytes[frames_of(raw[0])[10].begin + 200] ^= 1;
    overwrite(raw[0], bytes), last = 10;
  }
  SUBCASE("the new header of a file that was used before") {
    overwrite(raw[2], content(raw[0])), last = frames_of(raw[0]).size() + frames_of(raw[1]).size();
  }
  SUBCASE("nothing: the process was killed, and the power stayed on") {}
  SUBCASE("but after a sync it is damage, and costs no more than itself") {
    std::string header = content(raw[2]);
    SegmentKey key;
    std::memcpy(key.data(), header.data() + offsetof(RawHeader, key), key.size());
    const std::uint64_t word = settled_word(key);
    std::memcpy(header.data() + offsetof(RawHeader, settled), &word, sizeof word);
    overwrite(raw[2], header);
    std::string bytes = content(raw[0]);
    bytes[frames_of(raw[0])[10].begin + 200] ^= 1;
    overwrite(raw[0], bytes), damaged = 1;
  }
  Recorder again;
  const auto journal = open(options, again);
  CHECK(journal->committed_frame() == last);
  CHECK(journal->cursor(id)->delivered == last);
  auto events = up_to(last);
  if (damaged != 0) events.erase(events.begin() + 10);
  CHECK(sequences(*journal) == events);
  CHECK(journal->statistics().damaged_blocks == damaged);
  CHECK(journal->statistics().lifetime.totals.events() == last);
  frame(*journal, again, id, last + 1, last + 1);  // and the journal goes on from there
  CHECK(sequences(*journal).back() == last + 1);
}

TEST_CASE("a checkpoint has its name only when the frames it knows of are synced, whatever the policy") {
  for (const SyncPolicy policy : {SyncPolicy::never, SyncPolicy::interval}) {
    const TempDir dir;
    Options options = options_in(dir, 1 << 20);
    options.sync = policy;
    options.sync_interval = std::chrono::hours(1);
    Recorder recorder;
    const auto journal = open(options, recorder);
    frame(*journal, recorder, lane(1), 1, 3);
    frame(*journal, recorder, lane(1), 4, 5);
    const std::uint64_t durable = journal->durable_frame();
    CHECK(durable < 2);
    must(journal->checkpoint());
    while (!std::filesystem::exists(options.directory + "/checkpoint")) ::usleep(1000);
    CHECK(journal->durable_frame() == 2);
  }
}

TEST_CASE("what was there before a start is synced by it, each segment after those before it") {
  const TempDir dir;
  Options options = options_in(dir, 16 << 10);
  const LaneId id = lane(1);
  Recorder recorder;
  std::uint64_t n = 0;
  {
    const auto journal = open(options, recorder);
    std::filesystem::create_directory(options.directory + "/" + sealed_name(1) + ".tmp");  // nothing is sealed
    while (files(options.directory, ".journal").size() < 3) ++n, frame(*journal, recorder, id, n, n);
  }
  const auto settled = [&] {
    std::vector<bool> all;
    for (const std::string& path : files(options.directory, ".journal")) {
      const RawHeader h = open_raw_segment(path, test_keys())->segment.header;
      all.push_back(h.settled == settled_word(h.key));
    }
    return all;
  };
  CHECK(settled() == std::vector<bool>{false, false, false});
  options.sync = SyncPolicy::every_frame;
  Recorder again;
  const auto journal = open(options, again);
  while (journal->durable_frame() < journal->committed_frame()) ::usleep(1000);
  CHECK(settled() == std::vector<bool>{true, true, true});
}

TEST_CASE("a damaged frame in a segment that is not the last costs that frame alone") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.sync = SyncPolicy::interval;
  options.sync_interval = std::chrono::milliseconds(1);
  const LaneId id = lane(1);
  std::string first;
  std::uint64_t n = 0;
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    first = files(options.directory, ".journal").front();
    // Sealing is held off by a directory in its way, so that the segment is still raw when it is damaged.
    std::filesystem::create_directory(options.directory + "/" + sealed_name(1) + ".tmp");
    while (files(options.directory, ".journal").size() < 3) ++n, frame(*journal, recorder, id, n, n);
    ++n, frame(*journal, recorder, id, n, n);
    while (journal->durable_frame() < journal->committed_frame()) ::usleep(1000);  // so that it is no power cut that took it
  }
  const auto spans = frames_of(first);
  std::string bytes = content(first);
  bytes[spans[10].begin + 200] ^= 1;
  overwrite(first, bytes);
  std::filesystem::remove(options.directory + "/" + sealed_name(1) + ".tmp");
  Recorder recorder;
  const auto journal = open(options, recorder);
  auto expected = up_to(n);
  expected.erase(expected.begin() + 10);
  CHECK(sequences(*journal) == expected);
  CHECK(journal->statistics().damaged_blocks == 1);
  CHECK(journal->statistics().last_failure.find("damaged") != std::string::npos);
  CHECK(*journal->cursor(id) == at(n));
  CHECK(journal->statistics().lifetime.totals.events() == n);
}

TEST_CASE("any damage to any file is survived: the journal opens with an error or with what is left") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  const LaneId id = lane(1);
  std::uint64_t n = 0;
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    for (; journal->statistics().sealed < 2; ++n) frame(*journal, recorder, id, n + 1, n + 1), journal->retain(1);
    event::Values patch = head(Kind::task_execution, 0, 0);
    patch.set_text(schema::field(Kind::task_execution, "routingDecision.routingStrategy"), std::string_view("random"));
    for (std::uint64_t i = 0; i < 3; ++i)
      journal->amend({id, 1 + i, static_cast<std::int64_t>(1001 + i), static_cast<std::int64_t>(1001 + i), {1 + i}}, patch);
    must(journal->commit());
    must(journal->checkpoint());
    for (int i = 0; i < 20; ++i, ++n) frame(*journal, recorder, id, n + 1, n + 1);
  }
  const std::string saved = dir.path() + "/saved";
  std::filesystem::copy(options.directory, saved, std::filesystem::copy_options::recursive);
  std::mt19937_64 random(7);
  std::uint64_t opened = 0;
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    std::filesystem::remove_all(options.directory);
    std::filesystem::copy(saved, options.directory, std::filesystem::copy_options::recursive);
    std::vector<std::string> all = files(options.directory, "");
    const std::string victim = all[random() % all.size()];
    std::string bytes = content(victim);
    if (bytes.empty()) continue;
    switch (random() % 4) {
      case 0: bytes.resize(random() % bytes.size()); break;
      case 1:
        for (int i = 0; i < 4; ++i) bytes[random() % std::min<std::size_t>(bytes.size(), 400)] ^= static_cast<char>(1 + random() % 255);
        break;
      case 2:
        for (int i = 0; i < 20; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
        break;
      case 3:
        for (int i = 0; i < 4; ++i)
          bytes[bytes.size() - 1 - random() % std::min<std::size_t>(bytes.size(), 2000)] ^= static_cast<char>(1 + random() % 255);
        break;
    }
    overwrite(victim, bytes);
    Recorder recorder;
    auto journal = Journal::open(options, recorder);
    if (!journal) {
      CHECK(!journal.error().message.empty());
      continue;
    }
    ++opened;
    const auto found = sequences(**journal);
    CHECK(found.size() <= n);
    CHECK(std::is_sorted(found.begin(), found.end()));
    CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
    (*journal)->retain(1'000'000);
    const std::uint64_t next = (*journal)->cursor(id) == nullptr ? 1 : (*journal)->cursor(id)->sequence + 1;
    frame(**journal, recorder, id, next, next);
    CHECK(sequences(**journal).back() == next);
  }
  CHECK(opened > 300);
}
