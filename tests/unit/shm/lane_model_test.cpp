// Writer and reader against the model of a queue: every event once, in order, byte for byte, whatever the sizes and whoever is slow.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>

#include "lane_in_memory.hpp"

using namespace arbiter;
using abi::Position;
using test::LaneInMemory;
using test::Sizes;

namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kScale = 1;
#else
constexpr std::uint64_t kScale = 4;
#endif

// The collector's side: reads events, checks them against what was recorded, acknowledges late.
struct Collector {
  LaneReader lane;
  Sizes sizes;
  std::vector<std::byte> buffer = std::vector<std::byte>(LaneReader::kBufferBytesMin);
  Position cursor;
  std::uint64_t events = 0;
  std::uint64_t last_sequence = 0;

  // Copies once. False: something was not as it was recorded.
  bool copy() {
    const LaneReader::Copied got = lane.copy(cursor, buffer);
    if (got.fault != LaneReader::Fault::none || got.next < cursor) return false;
    std::uint32_t walked = 0;
    for (const std::span<const std::byte> event : EventWalk(std::span(buffer).first(got.bytes))) {
      const std::uint64_t sequence = test::sequence_of(event);
      if (sequence <= last_sequence || !test::is_event(event, sequence, sizes.length(sequence))) return false;
      last_sequence = sequence;
      ++walked;
    }
    if (walked != got.events) return false;
    cursor = got.next;
    events += got.events;
    return true;
  }
  void acknowledge() { lane.acknowledge(cursor, events); }
};

// What a run went through, seen from the positions.
struct Path {
  std::uint32_t laps = 0, jumps = 0, drops = 0;
};

struct Pace {
  const char* name;
  Sizes sizes;
  unsigned writes_max;     // events in a burst
  unsigned copies_max;     // copies after it
  unsigned silent_one_in;  // the collector stays away for a long time, once in so many bursts
};

Path run_interleaved(const Pace& pace, std::uint64_t seed, std::uint64_t attempts) {
  LaneInMemory memory;
  LaneWriter writer = memory.writer();
  Collector collector{memory.reader(), pace.sizes, std::vector<std::byte>(LaneReader::kBufferBytesMin), {}, 0, 0};
  std::mt19937_64 random(seed);
  std::deque<std::uint64_t> model;  // sequences recorded and not yet read
  Path path;
  unsigned silent = 0;
  while (writer.attempted() < attempts) {
    for (std::uint64_t burst = random() % pace.writes_max + 1; burst != 0; --burst) {
      const Position before = writer.position();
      if (test::record(writer, pace.sizes)) {
        model.push_back(writer.attempted());
        const Position after = writer.position();
        const std::uint32_t records = records_for(pace.sizes.length(writer.attempted()));
        path.laps += after.lap() != before.lap();
        path.jumps += after.lap() == before.lap() && after.offset() != before.offset() + records;
      } else {
        ++path.drops;
      }
    }
    if (silent == 0 && random() % pace.silent_one_in == 0) silent = 400;
    if (silent != 0 && --silent != 0) continue;
    for (std::uint64_t copies = random() % (pace.copies_max + 1); copies != 0; --copies) {
      const std::uint64_t events = collector.events, last = collector.last_sequence;
      if (!collector.copy()) FAIL("not what was recorded, after event " << last);
      for (std::uint64_t n = collector.events - events; n != 0; --n) {
        if (model.empty()) FAIL("read more than was recorded");
        const std::uint64_t expected = model.front();
        model.pop_front();
        if (n == 1 && expected != collector.last_sequence) FAIL("read " << collector.last_sequence << " for " << expected);
      }
      if (random() % 4 != 0) collector.acknowledge();
    }
  }
  while (!model.empty()) {
    const std::uint64_t events = collector.events;
    if (!collector.copy()) FAIL("not what was recorded");
    if (collector.events == events) FAIL("events that never come");
    for (std::uint64_t n = collector.events - events; n != 0; --n) model.pop_front();
  }
  CHECK(collector.cursor == collector.lane.published());
  CHECK(collector.events + path.drops == collector.lane.account().attempted);
  CHECK(collector.lane.account().dropped[0] == path.drops);
  CHECK(memory.backed_bytes() == std::size_t{writer.backed_records()} * 64);
  return path;
}

}  // namespace

TEST_CASE("in any interleaving every event is read once, in order, byte for byte, and the account is exact") {
  const Pace paces[] = {
      {"small, read along", {1, 200, 5000}, 40, 3, 1000}, {"mixed, now and then silent", {2, 600, 50}, 60, 3, 60},
      {"large, read slowly", {3, 60000, 2}, 6, 4, 200},   {"one size that fills the edge exactly", {4, 41, 1u << 30}, 3000, 4, 30},
      {"always behind", {5, 3000, 30}, 300, 2, 1u << 30}, {"whole events of one record", {6, 64, 1u << 30}, 500, 2, 100},
  };
  Path all;
  for (const Pace& pace : paces) {
    for (std::uint64_t seed = 1; seed <= 2 * kScale; ++seed) {
      INFO(pace.name, ", seed ", seed);
      const Path path = run_interleaved(pace, seed, pace.sizes.usual_max > 10000 ? 6000 : 60000);
      all.laps += path.laps, all.jumps += path.jumps, all.drops += path.drops;
    }
  }
  // The runs went where it is difficult.
  CHECK(all.laps > 60 * kScale);
  CHECK(all.jumps > 2 * kScale);
  CHECK(all.drops > 1000 * kScale);
}

TEST_CASE("a writing and a reading thread: every event that was recorded is read once, in order, byte for byte") {
  for (const Sizes sizes : {Sizes{11, 300, 400}, Sizes{12, 20000, 5}, Sizes{13, 64, 1u << 30}}) {
    LaneInMemory memory;
    const std::uint64_t attempts = (sizes.usual_max > 1000 ? 5000 : 100000) * kScale;
    std::uint64_t recorded = 0;
    std::atomic<bool> done{false};
    std::thread producer([&] {
      LaneWriter writer = memory.writer();
      for (std::uint64_t i = 0; i < attempts; ++i) {
        if (test::record(writer, sizes))
          ++recorded;
        else
          std::this_thread::yield();
      }
      done.store(true, std::memory_order_release);  // pairs with the acquire below: `recorded` is final
    });
    Collector collector{memory.reader(), sizes, std::vector<std::byte>(LaneReader::kBufferBytesMin), {}, 0, 0};
    bool good = true;
    for (unsigned i = 0; good; ++i) {
      const bool last = done.load(std::memory_order_acquire);
      const Position before = collector.cursor;
      good = collector.copy();
      // Away for a while at times, so that the lane fills, grows and is jumped.
      if (i % 64 < 48) collector.acknowledge();
      if (i % 512 == 100) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      if (collector.cursor == before) {
        if (last) break;
        collector.acknowledge();
        std::this_thread::yield();
      }
    }
    producer.join();
    REQUIRE(good);
    CHECK(collector.events == recorded);
    const LaneReader::Account account = collector.lane.account();
    CHECK(account.attempted == attempts);
    CHECK(account.dropped_total() == attempts - recorded);
    CHECK(account.refused_total() == 0);
  }
}

TEST_CASE("while a lane is written its account never shows more ends than attempts, and no event whose attempt is not counted") {
  LaneInMemory memory;
  const Sizes sizes{21, 200, 1u << 30};
  std::atomic<bool> done{false};
  std::thread producer([&] {
    LaneWriter writer = memory.writer();
    for (std::uint64_t i = 0; i < 50000 * kScale; ++i) {
      if (i % 7 == 0) {
        writer.attempt();
        writer.count_refused(abi::Refusal::not_finite);
      } else {
        test::record(writer, sizes);
      }
    }
    done.store(true);
  });
  Collector collector{memory.reader(), sizes, std::vector<std::byte>(LaneReader::kBufferBytesMin), {}, 0, 0};
  bool good = true;
  while (good && !done.load()) {
    good = collector.copy();
    const LaneReader::Account account = collector.lane.account();
    good = good && collector.events + account.dropped_total() + account.refused_total() <= account.attempted;
    collector.acknowledge();
  }
  producer.join();
  CHECK(good);
}
