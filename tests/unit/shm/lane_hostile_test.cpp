// A producer that writes anything anywhere: the reader stays in the lane, ends, and says what is wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>

#include "lane_in_memory.hpp"

using namespace arbiter;
using abi::Position;
using test::LaneInMemory;
using Fault = LaneReader::Fault;

namespace {

#if defined(__SANITIZE_THREAD__)
constexpr int kTries = 2000;
#else
constexpr int kTries = 20000;
#endif

struct Lane : LaneInMemory {
  std::vector<std::byte> buffer = std::vector<std::byte>(LaneReader::kBufferBytesMin);

  LaneReader::Copied copy(Position from, Position write) {
    control().producer.write.store(write.value);
    return reader().copy(from, buffer);
  }
  void event(std::uint32_t offset, std::uint64_t sequence, std::uint32_t length) { test::fill_event(at(offset), sequence, length); }
  void head_length(std::uint32_t offset, std::uint32_t length) { std::memcpy(at(offset) + 32, &length, 4); }
  void skip(std::uint32_t offset, Position target) {
    abi::SkipRecord record{};
    record.target = target.value;
    record.kind = abi::kSkipKind;
    std::memcpy(at(offset), &record, sizeof record);
  }
};

constexpr Position at(std::uint32_t lap, std::uint32_t offset) { return Position::at(lap, offset); }

}  // namespace

TEST_CASE("a write position that cannot follow the cursor is a bad position, and nothing is read") {
  Lane lane;
  struct {
    Position from, write;
  } const bad[] = {
      {at(0, 10), at(0, 9)},             // behind
      {at(1, 0), at(0, 131072)},         // a lap behind
      {at(0, 0), at(0, 131073)},         // outside the lane
      {at(0, 0), at(1, 131073)},         //
      {at(0, 0), at(2, 0)},              // two laps ahead
      {at(0, 5), at(UINT32_MAX, 0)},     //
      {at(0, 0), Position{UINT64_MAX}},  //
      {at(0, 131073), at(1, 0)},         // a cursor that is none
      {at(UINT32_MAX, 7), at(0, 8)},     // a lap that ran over
      {at(0, UINT32_MAX), at(1, 0)},     //
  };
  for (const auto& [from, write] : bad) {
    const LaneReader::Copied got = lane.copy(from, write);
    CHECK(got.fault == Fault::bad_position);
    CHECK(got.next == from);
    CHECK(got.events == 0);
    CHECK(got.bytes == 0);
  }
  CHECK(lane.copy(at(3, 9), at(3, 9)).fault == Fault::none);
}

TEST_CASE("a head's length that cannot be is bad framing; what lies before it is read") {
  for (const std::uint32_t length : {0u, 1u, 39u, 65537u, 0x80000000u, UINT32_MAX}) {
    Lane lane;
    lane.event(0, 1, 100);
    lane.event(2, 2, 40);
    lane.event(3, 3, 40);
    lane.head_length(3, length);
    const LaneReader::Copied got = lane.copy(at(0, 0), at(0, 50));
    CHECK(got.fault == Fault::bad_framing);
    CHECK(got.events == 2);
    CHECK(got.bytes == 192);
    CHECK(got.next == at(0, 3));
    CHECK(test::is_event(std::span(lane.buffer).first(100), 1, 100));
    CHECK(test::is_event(std::span(lane.buffer).subspan(128, 40), 2, 40));
  }
}

TEST_CASE("an event that goes on where nothing is published is bad framing") {
  Lane lane;
  lane.event(0, 1, 640);
  CHECK(lane.copy(at(0, 0), at(0, 9)).fault == Fault::bad_framing);
  CHECK(lane.copy(at(0, 0), at(0, 10)).fault == Fault::none);
  lane.event(131071, 1, 64);
  lane.head_length(131071, 65);  // past the lane's end
  CHECK(lane.copy(at(0, 131071), at(1, 5)).fault == Fault::bad_framing);
}

TEST_CASE("a lap that reaches the lane's end without a skip record is bad framing") {
  Lane lane;
  lane.event(131071, 1, 64);
  const LaneReader::Copied got = lane.copy(at(0, 131071), at(1, 5));
  CHECK(got.fault == Fault::bad_framing);
  CHECK(got.events == 1);
  CHECK(got.next == at(0, 131072));
  CHECK(lane.copy(at(0, 131072), at(1, 5)).fault == Fault::bad_framing);
}

TEST_CASE("skip records are followed to the next lap and to a doubling ahead") {
  Lane lane;
  lane.event(4000, 1, 64);
  lane.skip(4001, at(1, 0));
  lane.event(0, 2, 64);
  lane.skip(1, at(1, 4096));
  lane.event(4096, 3, 64);
  const LaneReader::Copied got = lane.copy(at(0, 4000), at(1, 4097));
  CHECK(got.fault == Fault::none);
  CHECK(got.events == 3);
  CHECK(got.bytes == 192);
  CHECK(got.next == at(1, 4097));
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(test::is_event(std::span(lane.buffer).subspan(64 * i, 64), i + 1, 64));
}

TEST_CASE("a skip record's target that is none is bad framing") {
  const Position bad[] = {
      at(0, 4001),           // itself
      at(0, 4000),           // backwards
      at(0, 0),              //
      at(0, 4097),           // no doubling
      at(0, 5000),           //
      at(0, 2048),           // a power of two, but no doubling, and backwards
      at(0, 131072),         // the lane's end
      at(0, 262144),         // outside
      at(1, 1),              // a lap starts at 0
      at(1, 4096),           //
      at(2, 0),              // two laps
      Position{UINT64_MAX},  //
  };
  for (const Position target : bad) {
    Lane lane;
    lane.event(4000, 1, 64);
    lane.skip(4001, target);
    const LaneReader::Copied got = lane.copy(at(0, 4000), at(1, 8192));
    CHECK(got.fault == Fault::bad_framing);
    CHECK(got.events == 1);
    CHECK(got.next == at(0, 4001));
  }
}

TEST_CASE("a skip record to where nothing is published is bad framing") {
  Lane lane;
  lane.skip(100, at(0, 4096));
  CHECK(lane.copy(at(0, 100), at(0, 101)).fault == Fault::bad_framing);
  CHECK(lane.copy(at(0, 100), at(0, 4096)).fault == Fault::bad_framing);  // it comes with an event behind it
  lane.skip(100, at(1, 0));
  CHECK(lane.copy(at(0, 100), at(1, 0)).fault == Fault::bad_framing);
  CHECK(lane.copy(at(0, 100), at(0, 4000)).fault == Fault::bad_framing);
}

TEST_CASE("every record a skip record: it ends") {
  Lane lane;
  for (std::uint32_t i = 0; i < abi::kLaneRecords; ++i) {
    const std::uint32_t doubling = std::max(abi::kLaneRecordsMin, std::bit_ceil(i + 1));
    lane.skip(i, doubling < abi::kLaneRecords ? at(1, doubling) : at(2, 0));
  }
  const LaneReader::Copied got = lane.copy(at(1, 0), at(2, 131072));
  CHECK(got.fault == Fault::bad_framing);
  CHECK(got.events == 0);
}

TEST_CASE("an event that does not fit into the rest of the buffer is left for the next copy, whole") {
  Lane lane;
  std::uint32_t offset = 0;
  for (std::uint64_t i = 1; i <= 5; ++i, offset += 625) lane.event(offset, i, 40000);
  LaneReader::Copied got = lane.copy(at(0, 0), at(0, offset));
  CHECK(got.events == 3);
  CHECK(got.bytes == 120000);
  CHECK(got.next == at(0, 3 * 625));
  got = lane.copy(got.next, at(0, offset));
  CHECK(got.events == 2);
  CHECK(got.next == at(0, offset));
  CHECK(test::is_event(std::span(lane.buffer).first(40000), 4, 40000));
}

TEST_CASE("the largest events, back to back across the doublings, are read whole") {
  Lane lane;
  std::uint32_t offset = 0;
  for (std::uint64_t i = 1; offset + 1023 <= 131072; ++i, offset += 1023) lane.event(offset, i, 1023 * 64);
  Position cursor;
  std::uint64_t events = 0;
  while (cursor != at(0, offset)) {
    const LaneReader::Copied got = lane.copy(cursor, at(0, offset));
    REQUIRE(got.fault == Fault::none);
    REQUIRE(got.events > 0);
    for (const auto event : EventWalk(std::span(lane.buffer).first(got.bytes))) REQUIRE(test::is_event(event, ++events, 1023 * 64));
    cursor = got.next;
  }
  CHECK(events == 128);
}

TEST_CASE("with anything in the records and any positions it ends, inside the lane and the buffer, and makes progress or says why not") {
  std::mt19937_64 random(5);
  Lane lane;
  auto* const words = reinterpret_cast<std::uint64_t*>(lane.area());
  std::uint64_t events = 0, bad = 0;
  for (int round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < abi::kLaneBytes / 8; ++i) words[i] = random();
    // Random bytes are hardly ever a head: most rounds are made of heads and skip records that are nearly right.
    if (round > 0)
      for (std::uint32_t record = 0; record < abi::kLaneRecords; ++record) {
        if (random() % 40 == 0)
          lane.skip(record, random() % 2 == 0 ? at(static_cast<std::uint32_t>(random() % 3), 0)
                                              : at(static_cast<std::uint32_t>(random() % 2), 4096u << random() % 6));
        else if (random() % 500 != 0)
          lane.head_length(record, static_cast<std::uint32_t>(random() % 50 == 0 ? random() % 70000 : random() % 400));
      }
    for (int i = 0; i < kTries; ++i) {
      const Position from = at(static_cast<std::uint32_t>(random() % 2), static_cast<std::uint32_t>(random() % 131080));
      const Position write = at(static_cast<std::uint32_t>(random() % 3), static_cast<std::uint32_t>(random() % 131080));
      const LaneReader::Copied got = lane.copy(from, write);
      if (got.bytes > lane.buffer.size() || got.bytes % 64 != 0 || got.next < from) FAIL("out of bounds");
      std::uint32_t walked = 0;
      for (const auto event : EventWalk(std::span(lane.buffer).first(got.bytes))) {
        if (event.size() < 40 || event.data() + event.size() > lane.buffer.data() + got.bytes) FAIL("an event that is none");
        ++walked;
      }
      if (walked != got.events) FAIL("miscounted");
      if (got.fault == Fault::none && got.next == from && write != from) FAIL("neither progress nor fault");
      events += walked;
      bad += got.fault != Fault::none;
    }
  }
  CHECK(events > 1000);
  CHECK(bad > 1000);
}
