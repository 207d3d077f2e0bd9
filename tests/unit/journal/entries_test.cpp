// The entries of a frame as they lie there, written and read; and bytes that do not add up, of which nothing is taken.
#include <xxhash.h>

#include "collector/journal/frame.hpp"
#include "collector/journal/index.hpp"
#include "collector/journal/retained.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

const LaneId kLane = lane(3, 2);

template <class T>
T at(std::span<const std::byte> bytes, std::size_t offset) {
  REQUIRE(offset + sizeof(T) <= bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::vector<std::byte> body_of(const FrameWriter& frame) { return {frame.body().begin(), frame.body().end()}; }

template <class T>
void store(std::vector<std::byte>& bytes, std::size_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace

TEST_CASE("each entry says what it is, how many there are in it, and how long it is, and is what it says, field by field") {
  FrameWriter frame;
  Cursor cursor;
  cursor.delivered = 5;
  Link link{};
  link[0] = 9;
  frame.event(kLane, decision(1, 1000));
  frame.event(kLane, decision(2, 1001));
  frame.cursor(kLane, cursor);
  frame.close(kLane, cursor, 7);
  frame.clear(11, 12);
  frame.anchor(13, link);
  const auto body = body_of(frame);
  EntryReader entry(body);
  const auto next = [&](EntryType type, std::uint32_t count, std::size_t bytes) {
    REQUIRE(entry.next());
    CHECK(entry.type() == type);
    CHECK(entry.count() == count);
    CHECK(entry.payload().size() == bytes);
  };
  next(EntryType::events, 2, sizeof(LaneRecord) + 2 * ((event::encoded_bytes(decision(1, 1000)) + 7) / 8 * 8));
  next(EntryType::cursors, 1, sizeof(CursorRecord));
  CHECK(at<CursorRecord>(entry.payload(), 0).delivered == 5);
  next(EntryType::closes, 1, sizeof(CloseRecord));
  CHECK(at<std::uint64_t>(entry.payload(), sizeof(CursorRecord)) == 7);
  next(EntryType::clear, 1, sizeof(ClearRecord));
  CHECK(at<std::uint64_t>(entry.payload(), 0) == 11);
  CHECK(at<std::int64_t>(entry.payload(), 8) == 12);
  next(EntryType::anchor, 1, sizeof(AnchorRecord));
  CHECK(at<std::uint64_t>(entry.payload(), 0) == 13);
  CHECK(at<std::uint8_t>(entry.payload(), 8) == 9);
  CHECK_FALSE(entry.next());
  CHECK(entry.good());
}

TEST_CASE("the entries of a body that is cut are those that are whole, and it is known that there was more") {
  FrameWriter frame;
  frame.clear(1, 2);
  frame.clear(3, 4);
  const auto whole = body_of(frame);
  const std::size_t one = whole.size() / 2;
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    EntryReader entries{std::span(whole).first(cut)};
    std::size_t n = 0;
    while (entries.next()) ++n;
    CAPTURE(cut);
    CHECK(n == cut / one);
    CHECK(entries.good() == (cut % one == 0));
  }
  auto odd = whole;
  store(odd, offsetof(EntryHeader, bytes), std::uint32_t{sizeof(ClearRecord) - 4});
  EntryReader entries(odd);
  CHECK_FALSE(entries.next());
  CHECK_FALSE(entries.good());
}

TEST_CASE("events are read as far as they are whole; one that cannot be decoded is passed over, and one in a cut entry is not there") {
  FrameWriter frame;
  for (std::uint64_t n = 1; n <= 3; ++n) frame.event(kLane, decision(n, 1000));
  const auto body = body_of(frame);
  const auto sequences = [](std::span<const std::byte> bytes) {
    std::vector<std::uint64_t> found;
    each_event(bytes, [&](const LaneId& lane, const event::Values& values) {
      CHECK(lane == kLane);
      found.push_back(values.sequence);
      return true;
    });
    return found;
  };
  CHECK(sequences(body) == std::vector<std::uint64_t>{1, 2, 3});
  const std::size_t first = sizeof(EntryHeader) + sizeof(LaneRecord), each = (body.size() - first) / 3;
  auto changed = body;
  store(changed, first + each + offsetof(abi::EventHead, kind), std::uint16_t{999});
  CHECK(sequences(changed) == std::vector<std::uint64_t>{1, 3});
  // A length that reaches beyond the entry ends it; so does one too short to be a length, at the next event that begins in the middle.
  changed = body;
  store(changed, first + each + offsetof(abi::EventHead, length), std::uint32_t{1 << 20});
  CHECK(sequences(changed) == std::vector<std::uint64_t>{1});
  // More events announced than there are.
  changed = body;
  store(changed, offsetof(EntryHeader, count), std::uint32_t{9});
  CHECK(sequences(changed) == std::vector<std::uint64_t>{1, 2, 3});
  // An entry of events that is too short to name its lane.
  changed.assign(sizeof(EntryHeader) + 8, std::byte{0});
  store(changed, 0, EntryHeader{EntryType::events, 1, 8, 0});
  CHECK(sequences(changed).empty());
}

TEST_CASE("an amendment is one if its entry says so, has room for its record, and for its patch") {
  event::Values patch = head(Kind::task_execution, 0, 0);
  patch.set_time(field::kStarted, 500);
  FrameWriter frame;
  frame.amendment({kLane, 4, 5, 6, {7}}, patch);
  const auto body = body_of(frame);
  const auto parse = [](std::span<const std::byte> bytes) {
    EntryReader entry(bytes);
    REQUIRE(entry.next());
    return parse_amendment(entry);
  };
  const auto good = parse(body);
  REQUIRE(good.has_value());
  CHECK(good->lane() == kLane);
  CHECK(good->record.sequence == 4);
  CHECK(good->patch.size() == event::encoded_bytes(patch));
  auto changed = body;
  store(changed, offsetof(EntryHeader, type), EntryType::clear);
  CHECK_FALSE(parse(changed).has_value());
  changed = body;
  store(changed, sizeof(EntryHeader) + offsetof(AmendmentRecord, patch_bytes), static_cast<std::uint32_t>(body.size()));
  CHECK_FALSE(parse(changed).has_value());
  changed.resize(sizeof(EntryHeader) + sizeof(AmendmentRecord) - 8);
  store(changed, offsetof(EntryHeader, bytes), static_cast<std::uint32_t>(sizeof(AmendmentRecord) - 8));
  CHECK_FALSE(parse(changed).has_value());
}

TEST_CASE("a block is found by its frame; between two blocks, before the first and behind the last there is none") {
  Segments segments;
  const auto segment = [&](std::uint64_t index, std::uint64_t first, std::uint64_t last) -> Segment& {
    Segment& s = segments[index];
    s.index = index, s.first_frame = first, s.last_frame = last;
    return s;
  };
  const auto block = [](Segment& s, std::uint64_t first, std::uint64_t last) {
    Block& b = s.blocks.emplace_back(&s, static_cast<std::uint32_t>(s.blocks.size()));
    b.first_frame = first, b.last_frame = last;
    return &b;
  };
  CHECK(find_block(segments, 1) == nullptr);
  Segment& one = segment(1, 3, 9);
  Block* const a = block(one, 3, 4);
  Block* const b = block(one, 7, 8);  // 5 and 6 are lost, 9 too
  Segment& two = segment(2, 12, 12);
  Block* const c = block(two, 12, 12);
  segment(3, 1, 0);  // none yet
  CHECK(find_block(segments, 3) == a);
  CHECK(find_block(segments, 4) == a);
  CHECK(find_block(segments, 7) == b);
  CHECK(find_block(segments, 12) == c);
  for (const std::uint64_t none : {2u, 5u, 6u, 9u, 10u, 11u, 13u}) {
    CAPTURE(none);
    CHECK(find_block(segments, none) == nullptr);
  }
}

TEST_CASE("the key behind a key differs in its last figure, or carries: into the lane, and into the time") {
  constexpr std::uint64_t kLast = UINT64_MAX;
  LaneId last_lane = kLane;
  last_lane.lane = UINT32_MAX;
  LaneId next_lane = kLane;
  ++next_lane.lane;
  CHECK(successor({5, kLane, 7}) == EventKey{5, kLane, 8});
  CHECK(successor({5, kLane, kLast}) == EventKey{5, next_lane, 0});
  CHECK(successor({5, last_lane, kLast}) == EventKey{6, {}, 0});
}

TEST_CASE("sums are equal if every one of them is") {
  Totals totals;
  totals.add(execution(1, 1000, true, 500), {});
  const auto differs = [&](const auto& change) {
    Totals other = totals;
    CHECK(other == totals);
    change(other);
    return !(other == totals);
  };
  CHECK(differs([](Totals& t) { ++t.events_by_kind[1]; }));
  CHECK(differs([](Totals& t) { t.generic_by_type["x"] = 1; }));
  CHECK(differs([](Totals& t) { ++t.successes; }));
  CHECK(differs([](Totals& t) { ++t.joined; }));
  CHECK(differs([](Totals& t) { ++t.duration_ns; }));
  ClosedLanes closed;
  ClosedLanes other = closed;
  ++other.dropped_by[1];
  CHECK_FALSE(other == closed);
  other = closed;
  ++other.refused_by[11];
  CHECK_FALSE(other == closed);
  CHECK(closed == ClosedLanes());
}

TEST_CASE("what is taken from sums was in them: a word that was not is none, and no sum goes below zero") {
  Totals totals, other;
  totals.add(generic(1, 1000, "deploy"), "deploy");
  other.add(generic(2, 1000, "test"), "test");
  other.add(execution(3, 1000, true, 500), {});
  totals -= other;
  CHECK(totals.generic_by_type.size() == 1);
  CHECK(totals.generic_by_type.at("deploy") == 1);
  CHECK(totals.events() == 0);
  CHECK(totals.successes == 0);
  CHECK(totals.joined == 0);
  CHECK(totals.duration_ns == 0);
}

TEST_CASE("words are registered once, up to 256 of them, and what is said of others is said of (other)") {
  GenericNames names;
  CHECK(names.find("word") == "(other)");
  CHECK(names.name("(other)") == "(other)");
  for (int n = 0; n < 256; ++n) CHECK(names.name("word-" + std::to_string(n)) == "word-" + std::to_string(n));
  CHECK(names.name("word-256") == "(other)");
  CHECK(names.name("word-255") == "word-255");
  CHECK(names.find("word-0") == "word-0");
  CHECK(names.find("word-256") == "(other)");
  event::Values none = head(Kind::generic, 1, 1000);
  CHECK(generic_word(none).empty());
  CHECK(generic_word(decision(1, 1000)).empty());
  CHECK(generic_word(generic(1, 1000, "deploy")) == "deploy");
}

TEST_CASE("an event that lies in an entry of another type is none of the frame's") {
  FrameWriter frame;
  frame.event(kLane, decision(1, 1000));
  auto body = body_of(frame);
  const auto events = [&] {
    int n = 0;
    each_event(body, [&](const LaneId&, const event::Values&) { return ++n != 0; });
    return n;
  };
  CHECK(events() == 1);
  for (const EntryType type : {EntryType::cursors, EntryType::closes, EntryType::amendment, EntryType::clear, EntryType::anchor}) {
    store(body, offsetof(EntryHeader, type), type);
    CHECK(events() == 0);
  }
}
