// Which events are retained, block by block, whatever of their windows is in memory.
#include "collector/journal/retained.hpp"

#include <fcntl.h>

#include <functional>

#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

const LaneId kLane = lane(1);
constexpr SegmentKey kKey{1, 2, 3};

using Times = std::function<std::int64_t(std::uint64_t)>;

// One segment, its blocks of one frame or more, one event of each time.
struct Store {
  TempDir dir;
  Segments segments;
  GenericNames names;
  Damage damage;
  Retained retained{segments, names, damage};
  Segment& segment = segments[1];
  std::shared_ptr<File> file;
  std::uint64_t end = 0, frames = 0;

  Store() {
    const auto opened = File::open(dir.path() + "/segment", O_RDWR | O_CREAT);
    must(opened);
    file = *opened;
    segment.index = 1;
    segment.file = std::make_shared<SegmentFile>(SegmentFile{file, kKey, 1, false});
  }
  // A frame behind the last block.
  void extend(Block& block, std::uint64_t events, const Times& time, const EventKey& edge = kBeforeAll,
              Kind kind = Kind::routing_decision) {
    FrameWriter frame;
    Summary summary;
    event::Values v = head(kind, 0, 0);
    for (std::uint64_t i = 0; i < events; ++i) {
      v.stamp = static_cast<std::uint64_t>(time(i));
      v.sequence = v.stamp + 1;
      frame.event(kLane, v);
      if (!(retention_key(kLane, v) < edge)) summary.add(kLane, v, {});
    }
    FramePlace place;
    place.key = kKey;
    place.number = ++frames;
    place.edge = edge;
    const auto bytes = frame.finish(place);
    must(file->write(bytes, end));
    if (block.place.raw_bytes == 0) block.place.offset = end;
    block.place.raw_bytes += static_cast<std::uint32_t>(bytes.size());
    end += bytes.size();
    retained.add(block, summary, edge, frame.body());
  }
  Block& block(std::uint64_t events, const Times& time, Kind kind = Kind::routing_decision) {
    Block& b = segment.blocks.emplace_back(&segment, static_cast<std::uint32_t>(segment.blocks.size()));
    extend(b, events, time, kBeforeAll, kind);
    return b;
  }
  void spoil(const Block& block) { must(file->write(bytes_of("spoilt"), block.place.offset + 200)); }
};

EventKey key(std::int64_t time) { return {time, kLane, static_cast<std::uint64_t>(time) + 1}; }
Times from(std::int64_t first) {
  return [first](std::uint64_t i) { return first + static_cast<std::int64_t>(i); };
}

}  // namespace

TEST_CASE("a block that leaves as a whole is not read, by number or by age: damage in it is nobody's loss") {
  for (const bool by_number : {true, false}) {
    CAPTURE(by_number);
    Store store;
    Block& old = store.block(3, from(10));
    store.block(2, from(20));
    store.spoil(old);
    if (by_number)
      CHECK(store.retained.trim(2) == successor(key(12)));
    else
      CHECK(store.retained.advance(key(20)));
    CHECK(store.retained.events() == 2);
    CHECK(store.retained.totals().of(Kind::routing_decision) == 2);
    CHECK(store.segment.live_events == 2);
    CHECK(store.damage.blocks() == 0);
  }
}

TEST_CASE("a block of which one event is to leave, and that is damaged, leaves, and is counted") {
  Store store;
  Block& old = store.block(3, from(10));
  store.block(2, from(20));
  store.spoil(old);
  store.retained.trim(4);
  CHECK(store.retained.events() == 2);
  CHECK(store.damage.blocks() == 1);
}

TEST_CASE("a block whose file does not hold the events it is said to hold leaves, and is counted as damaged") {
  Store store;
  Block& liar = store.block(3, from(10));
  const BlockPlace empty_handed = store.block(1, from(5)).place;
  store.block(2, from(20));
  liar.place = empty_handed;  // whole, and none of its events is the block's
  store.retained.trim(4);
  CHECK(store.retained.events() == 2);
  CHECK(store.damage.blocks() == 1);
}

TEST_CASE("two events of one key, in two blocks, leave one after the other") {
  Store store;
  Block& a = store.block(1, from(10));
  Block& b = store.block(1, from(10));
  CHECK(store.retained.trim(1) == successor(key(10)));
  CHECK(store.retained.events() == 1);
  CHECK(a.live_events + b.live_events == 1);
  store.retained.trim(0);
  CHECK(store.retained.events() == 0);
  CHECK(a.live_events + b.live_events == 0);
  CHECK(store.damage.blocks() == 0);
}

TEST_CASE("what amends a block's events is held no longer once they are out, where the segment that holds it is still there") {
  Store store;
  Segment& holder = store.segments[2];
  holder.amendments_held = 2;
  Block& block = store.block(3, from(10));
  block.amendments.push({kLane, 0, 11, 2, -1});
  block.amendments.push({kLane, 0, 12, 77, -1});  // segment 77 has gone
  store.retained.drop(block);
  CHECK(holder.amendments_held == 1);
  CHECK(store.retained.events() == 0);
  CHECK(block.amendments.empty());
  store.retained.drop(block);  // nothing is left of it
  CHECK(holder.amendments_held == 1);
}

TEST_CASE("an execution that is given its start while its block's window is open leaves with its duration, and others without") {
  Store store;
  Block& block = store.block(4, from(10), Kind::task_execution);
  store.retained.advance(key(11));
  REQUIRE(block.window != nullptr);
  store.retained.give_duration(block, key(12), 5);
  CHECK(store.retained.totals().joined == 1);
  CHECK(store.retained.totals().duration_ns == 5);
  store.retained.advance(key(12));
  CHECK(store.retained.totals().joined == 1);
  store.retained.advance(key(13));
  CHECK(store.retained.totals().joined == 0);
  CHECK(store.retained.totals().duration_ns == 0);
  CHECK(store.retained.totals().of(Kind::task_execution) == 1);
}

// Blocks of a million events in all, as when clocks of many producers differ by hours. Of a window that had to be cut, the events behind
// the cut are still there: it is read again when the edge comes to them.
TEST_CASE("windows of more than two million events are cut to fit, and yet the events leave in order, each once") {
  Store store;
  constexpr std::uint64_t kEvents[] = {1'048'576, 524'288, 349'525, 8, 262'244};
  constexpr std::size_t kBlocks = std::size(kEvents);
  const auto interleaved = [](std::size_t k) { return [k](std::uint64_t i) { return static_cast<std::int64_t>(i * kBlocks + k); }; };
  std::vector<Block*> blocks;
  std::uint64_t all = 0;
  Block& late = store.block(3, from(std::int64_t{1} << 40));
  for (std::size_t k = 0; k < kBlocks; ++k) blocks.push_back(&store.block(kEvents[k], interleaved(k))), all += kEvents[k];
  all += 3;
  REQUIRE(store.retained.events() == all);

  // One of each but the last: these have room.
  CHECK(store.retained.trim(all - kBlocks + 1) == successor(key(kBlocks - 2)));
  for (std::size_t k = 0; k + 1 < kBlocks; ++k) {
    CAPTURE(k);
    REQUIRE(blocks[k]->window != nullptr);
    CHECK(blocks[k]->window->complete);
    CHECK(blocks[k]->window->entries.size() == kEvents[k]);
  }
  // And one of the last: its window has the room that is left, and the others no more than that.
  CHECK(store.retained.trim(all - kBlocks) == successor(key(kBlocks - 1)));
  constexpr std::size_t kKept = (1 << 20) / kBlocks;
  for (std::size_t k = 0; k < kBlocks; ++k) {
    CAPTURE(k);
    CHECK(blocks[k]->live_events == kEvents[k] - 1);
    CHECK(blocks[k]->next == key(static_cast<std::int64_t>(kBlocks + k)));
    REQUIRE(blocks[k]->window != nullptr);
    CHECK(blocks[k]->window->complete == (k == 3));
    CHECK(blocks[k]->window->entries.size() - blocks[k]->window->head == (k == 3 ? 7 : k == 4 ? kKept - 1 : kKept));
  }
  CHECK(late.window == nullptr);

  // What arrives belongs in the window, behind its cut, or is out: here one of each, in the last block.
  const std::int64_t cut = static_cast<std::int64_t>(kKept * kBlocks);
  const std::int64_t arrived[] = {cut - 5 * kBlocks + 3, cut + 5 * kBlocks + 3, 2};
  store.extend(
      *blocks[4], 3, [&](std::uint64_t i) { return arrived[i]; }, key(5));
  all += 2;
  CHECK(blocks[4]->window->entries.size() - blocks[4]->window->head == kKept);
  // An event behind the cut is given a duration: there is no entry yet to keep it.
  store.retained.give_duration(*blocks[4], key(cut + 5 * kBlocks + 4), 1);
  CHECK(store.retained.totals().joined == 1);

  // Beyond all cuts.
  const std::int64_t edge = cut + 100 * static_cast<std::int64_t>(kBlocks);
  store.retained.advance(key(edge));
  std::uint64_t left = 3;
  for (std::size_t k = 0; k < kBlocks; ++k) {
    const std::uint64_t gone = std::min(kEvents[k], kKept + 100);
    CAPTURE(k);
    CHECK(blocks[k]->live_events == kEvents[k] - gone);
    if (gone != kEvents[k]) CHECK(blocks[k]->next == key(edge + static_cast<std::int64_t>(k)));
    left += kEvents[k] - gone;
  }
  CHECK(store.retained.events() == left);
  CHECK(store.retained.totals().of(Kind::routing_decision) == left);
  CHECK(store.segment.live_events == left);
  CHECK(store.damage.blocks() == 0);
}
