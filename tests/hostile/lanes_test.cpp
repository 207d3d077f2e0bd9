// What a producer can write into its own segment: positions, lengths, skip records, figures, at every boundary and while it is read.
#include <cstring>
#include <random>
#include <set>

#include "tests/hostile/beside.hpp"

namespace arbiter::test {
namespace {

using abi::Position;

void skip_to(std::byte* at, Position target) {
  abi::SkipRecord record{};
  record.target = target.value;
  record.kind = abi::kSkipKind;
  std::memcpy(at, &record, sizeof record);
}

void set_length(std::byte* at, std::uint32_t length) { std::memcpy(at + offsetof(abi::EventHead, length), &length, sizeof length); }

std::uint64_t quarantined_lanes(Beside& beside) {
  return beside.status().at("drain").as_object().at("quarantinedLanes").to_number<std::uint64_t>();
}

}  // namespace

TEST_CASE("a write position at and beyond every boundary costs its lane alone, which is said once") {
  Beside beside;
  const Position last = Position::at(0, abi::kLaneRecords);
  const Position positions[] = {Position::at(0, 1),
                                Position::at(0, abi::kLaneRecords + 1),
                                Position::at(0, UINT32_MAX),
                                Position::at(1, abi::kLaneRecords + 1),
                                Position::at(2, 0),
                                Position::at(2, 5),
                                Position::at(UINT32_MAX, 0),
                                Position::at(UINT32_MAX, UINT32_MAX),
                                Position::at(1, 0),
                                Position::at(1, abi::kLaneRecords),
                                {last}};
  Hostile bad(beside.place);
  std::vector<LaneWriter> lanes;
  for (const Position position : positions) {
    lanes.push_back(bad.claim());
    for (int i = 0; i < 2; ++i) put(lanes.back());
    REQUIRE(wait_until([&] { return bad.control(static_cast<std::uint32_t>(lanes.size() - 1)).collector.acknowledged_events == 2; }));
    bad.control(static_cast<std::uint32_t>(lanes.size() - 1)).producer.write = position.value;
  }
  // A lane beside them goes on.
  LaneWriter good = bad.claim();
  put(good);
  REQUIRE(wait_until([&] { return quarantined_lanes(beside) == std::size(positions); }));
  put(good);
  beside.check({.quarantined_lanes = std::size(positions), .hostile_events = 2 * std::size(positions) + 2});
  CHECK(beside.lines_with("is impossible: it is read no further") >= 10);  // a message that repeats itself is cut off after ten
  CHECK(beside.lines_with("is impossible: it is read no further") <= std::size(positions));
}

TEST_CASE("backed sizes that lie change nothing") {
  Beside beside;
  Hostile bad(beside.place);
  std::vector<LaneWriter> lanes;
  std::uint32_t n = 0;
  for (const std::uint32_t backed : {1u, 4095u, 4097u, abi::kLaneRecords, abi::kLaneRecords + 1, UINT32_MAX}) {
    lanes.push_back(bad.claim());
    put(lanes.back());
    bad.control(n++).account.backed_records = backed;
    put(lanes.back());
  }
  for (std::uint32_t lane = n; lane < abi::kLanesPerSegment; ++lane) bad.control(lane).account.backed_records = 4096;  // never claimed
  REQUIRE(wait_until([&] { return beside.status().at("lanes").to_number<std::uint64_t>() == abi::kLanesPerSegment + 1; }));
  beside.check({.hostile_events = 2 * n});
}

TEST_CASE("lengths and skip records that lie are bad framing: what came before is kept, what follows is not read") {
  Beside beside;
  Hostile bad(beside.place);
  std::vector<LaneWriter> lanes;
  Position at;  // where the next event would be
  const auto spoil = [&](const std::function<void(std::uint32_t)>& how) {
    lanes.push_back(bad.claim());
    const auto lane = static_cast<std::uint32_t>(lanes.size() - 1);
    put(lanes.back());
    at = lanes.back().position();
    REQUIRE(wait_until([&] { return bad.control(lane).collector.acknowledged_events == 1; }));
    how(lane);
  };
  const auto published = [&](std::uint32_t lane, Position write) { bad.control(lane).producer.write = write.value; };
  for (const std::uint32_t length : {0u, 39u, 65537u, UINT32_MAX})
    spoil([&](std::uint32_t lane) { set_length(bad.record(lane, at.offset()), length), published(lane, Position::at(0, 100)); });
  // An event that goes on where nothing is published.
  spoil([&](std::uint32_t lane) { set_length(bad.record(lane, at.offset()), 6400), published(lane, Position::at(0, 100)); });
  // Skip records: to themselves, backwards, in a circle, nowhere, beyond what is published, and one after the other.
  for (const Position target :
       {Position{0}, Position::at(0, 1), Position::at(0, 5000), Position::at(1, 1), Position::at(2, 0), Position::at(0, 4096)})
    spoil([&](std::uint32_t lane) {
      skip_to(bad.record(lane, at.offset()), target == Position{0} ? at : target);
      published(lane, Position::at(0, 4000));
    });
  spoil([&](std::uint32_t lane) {
    skip_to(bad.record(lane, at.offset()), Position::at(1, 0));
    skip_to(bad.record(lane, 0), Position::at(1, 4096));
    skip_to(bad.record(lane, 4096), Position::at(1, 4096));
    published(lane, Position::at(1, 8000));
  });
  REQUIRE(wait_until([&] { return quarantined_lanes(beside) == lanes.size(); }));
  beside.check({.quarantined_lanes = lanes.size(), .hostile_events = lanes.size()});
}

TEST_CASE("records that change under the reader are whole events or set aside, for as long as it lasts") {
  Beside beside;
  for (int round = 0; round < 6; ++round) {  // since a lane that is caught is read no further
    Hostile bad(beside.place);
    LaneWriter lane = bad.claim();
    std::atomic<bool> stop{false};
    std::thread flipper([&] {
      std::mt19937_64 random(static_cast<std::uint64_t>(round));
      while (!stop) {
        std::byte* const byte = bad.record(0, static_cast<std::uint32_t>(random() % 4096)) + random() % abi::kRecordBytes;
        *static_cast<volatile std::byte*>(byte) = static_cast<std::byte>(random());
      }
    });
    const auto end = std::chrono::steady_clock::now() + 150ms;
    while (std::chrono::steady_clock::now() < end) {
      const std::uint64_t sequence = lane.attempt();
      if (std::byte* const room = lane.reserve(2); room != nullptr) {
        abi::EventHead head{1, sequence, abi::kNoTime, 0, 0, 128, static_cast<std::uint16_t>(sequence % 16), 0};
        std::memcpy(room, &head, sizeof head);
        lane.publish(2);
      } else {
        lane.count_dropped(abi::Drop::lane_full);
      }
    }
    stop = true;
    flipper.join();
    CHECK(beside.collector.running());
  }
  CHECK(wait_until([&] { return beside.status().at("segments").to_number<std::uint64_t>() == 1; }));
  beside.honest.stop();
  const json::object stats = beside.collector.stats();
  // Nothing of the honest kind came from the others, or was lost.
  CHECK(beside.honest.failed() == 0);
  CHECK(stats.at("eventsByType").at("thinking-budget-usage").to_number<std::uint64_t>() == beside.honest.recorded());
  CHECK(stats.at("losses").at("quarantined").to_number<std::uint64_t>() > 100);
  CHECK(fs::file_size(beside.place.state() / "quarantine.jsonl") < 1 << 20);
}

TEST_CASE("a flood of events that are set aside is counted to the event, and costs a bounded number of lines and bytes") {
  Beside beside;
  Hostile bad(beside.place);
  LaneWriter lane = bad.claim();
  constexpr std::uint64_t kFlood = 50'000;
  put(lane, 1);
  for (std::uint64_t i = 0; i < kFlood;) {  // the same sequence again and again
    if (lane.position().value - bad.control(0).collector.acknowledged > 2000) {
      std::this_thread::sleep_for(1ms);
      continue;
    }
    put(lane, 1);
    ++i;
  }
  REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == kFlood + 1; }));
  beside.check({.quarantined_events = kFlood, .hostile_events = 1});
  CHECK(beside.lines_with("is not above the one before") == 1);
  CHECK(read_lines(beside.place.state() / "quarantine.jsonl").size() <= 64);
  // What it cost is that of a batch, not that of an event: the file is opened once.
  CHECK(fs::file_size(beside.place.state() / "quarantine.jsonl") < 64 * 1024);
}

TEST_CASE("figures that lie stay in their lane") {
  Beside beside;
  Hostile bad(beside.place);
  LaneWriter lane = bad.claim();
  for (int i = 0; i < 3; ++i) put(lane);
  REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == 3; }));
  bad.control(0).producer.attempted = UINT64_MAX;
  for (auto& dropped : bad.control(0).account.dropped) dropped = UINT64_MAX / 3;
  for (auto& refused : bad.control(0).account.refused) refused = UINT64_MAX / 5;
  REQUIRE(wait_until([&] { return beside.lines_with("its account went back, or is impossible") == 1; }));
  beside.honest.stop();
  const json::object stats = beside.collector.stats();
  CHECK(stats.at("lifetime").at("attempted").to_number<std::uint64_t>() == beside.honest.recorded() + 3);
  CHECK(stats.at("losses").at("dropped") == 0);
  CHECK(stats.at("losses").at("refused") == 0);
}

}  // namespace arbiter::test
