// Where the writer puts events, when it turns, grows and jumps: positions and bytes, by hand.
#include <doctest/doctest.h>

#include <cerrno>

#include "lane_in_memory.hpp"

using namespace arbiter;
using abi::Position;
using test::LaneInMemory;

namespace {

// Publishes events of `each` records until `offset` is reached exactly or not enough is left before it.
void fill_to(LaneWriter& lane, std::uint32_t offset, std::uint32_t each = 64) {
  while (lane.position().offset() + each <= offset) {
    std::byte* const at = lane.reserve(each);
    REQUIRE(at != nullptr);
    test::fill_event(at, lane.attempt(), each * abi::kRecordBytes);
    lane.publish(each);
  }
}

void acknowledge(LaneInMemory& lane, Position position) { lane.control().collector.acknowledged.store(position.value); }

abi::SkipRecord skip_at(LaneInMemory& lane, std::uint32_t offset) {
  abi::SkipRecord skip;
  std::memcpy(&skip, lane.at(offset), sizeof skip);
  return skip;
}

struct Rings {
  int count = 0;
  static void ring(void* self) noexcept { ++static_cast<Rings*>(self)->count; }
};

}  // namespace

TEST_CASE(
    "the first event of a lane starts at its first byte, and the write position moves by its records when it is published, not before") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  CHECK(lane.reserve(3) == memory.area());
  CHECK(memory.control().producer.write.load() == 0);
  lane.publish(3);
  CHECK(memory.control().producer.write.load() == 3);
  CHECK(lane.reserve(1) == memory.at(3));
}

TEST_CASE("a reservation that is not published is taken back by the next one") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  CHECK(lane.reserve(10) == memory.area());
  CHECK(lane.reserve(2) == memory.area());
  lane.publish(2);
  CHECK(lane.position() == Position::at(0, 2));
}

TEST_CASE("an event of no records or of more than 64 KiB has no place") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  CHECK(lane.reserve(1025) == nullptr);
  CHECK(lane.reserve(UINT32_MAX) == nullptr);
  CHECK(lane.reserve(1024) == memory.area());
}

TEST_CASE("a writer without a lane has no room") {
  LaneWriter none;
  CHECK_FALSE(none);
  CHECK(none.reserve(1) == nullptr);
}

TEST_CASE(
    "at the edge of what is backed a lane that is mostly read goes round: a skip record, and the event at the start of the next lap, in "
    "one store") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  fill_to(lane, 4032);
  acknowledge(memory, Position::at(0, 4000));
  const std::uint64_t before = memory.control().producer.write.load();
  CHECK(before == 4032);
  CHECK(lane.reserve(64) == memory.area());  // 4,032 + 64 leaves no record for a skip
  CHECK(memory.control().producer.write.load() == before);
  CHECK(skip_at(memory, 4032).target == Position::at(1, 0).value);
  CHECK(skip_at(memory, 4032).kind == 0xffff);
  lane.publish(64);
  CHECK(memory.control().producer.write.load() == Position::at(1, 64).value);
  CHECK(lane.backed_records() == 4096);
}

TEST_CASE("an event may end one record short of the edge") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  fill_to(lane, 4032);
  acknowledge(memory, Position::at(0, 4000));
  CHECK(lane.reserve(63) == memory.at(4032));
  lane.publish(63);
  CHECK(lane.reserve(1) == memory.area());
  CHECK(skip_at(memory, 4095).target == Position::at(1, 0).value);
}

TEST_CASE("at the edge a lane of which half is unread is backed twice as far, and the event goes across the old edge") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  fill_to(lane, 4032);
  acknowledge(memory, Position::at(0, 1984));  // 2,048 unread
  CHECK(lane.reserve(1024) == memory.at(4032));
  lane.publish(1024);
  CHECK(lane.backed_records() == 8192);
  CHECK(memory.control().account.backed_records.load() == 8192);
  CHECK(memory.backed_bytes() == 512 * 1024);
  CHECK(lane.position() == Position::at(0, 5056));
}

TEST_CASE("a lane that is read at once is backed further while a lap takes less than 50 ms, and stays as it is from then on") {
  static std::uint64_t now_ms;
  now_ms = 1'000'000;
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  lane.set_clock([]() noexcept { return now_ms; });
  // One lap, all of it read at once but the last event; the next event is the first that needs to look at the edge.
  const auto lap = [&](std::uint64_t ms) {
    now_ms += ms;
    for (const std::uint32_t until = lane.backed_records(); lane.position().offset() + 64 < until;) {
      REQUIRE(lane.reserve(64) == memory.at(lane.position().offset()));
      lane.publish(64);
      acknowledge(memory, lane.position());
    }
    REQUIRE(lane.reserve(64) != nullptr);
    lane.publish(64);
    acknowledge(memory, lane.position());
    return lane.backed_records();
  };
  CHECK(lap(1000) == 4096);  // from a clock that starts anywhere
  CHECK(lane.position().lap() == 1);
  CHECK(lap(50) == 4096);
  CHECK(lap(49) == 8192);
  CHECK(lane.position() == Position::at(2, 4096));  // it went on over the old edge
  CHECK(lap(50) == 8192);
  for (const std::uint32_t twice : {16384U, 32768U, 65536U, 131072U}) CHECK(lap(0) == twice);
  CHECK(lap(0) == 131072);  // 8 MiB is all there is
}

TEST_CASE("without a clock a lane that is read at once stays as it is") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  for (int event = 0; event < 1000; ++event) {
    REQUIRE(lane.reserve(64) != nullptr);
    lane.publish(64);
    acknowledge(memory, lane.position());
  }
  CHECK(lane.backed_records() == 4096);
  CHECK(lane.position().lap() == 15);
}

TEST_CASE("a lane that nobody reads is backed five times, to 8 MiB, and is full one record before its end") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  while (lane.reserve(7) != nullptr) {
    test::fill_event(memory.at(lane.position().offset()), lane.attempt(), 7 * 64);
    lane.publish(7);
  }
  CHECK(lane.backed_records() == 131072);
  CHECK(memory.backed_bytes() == 8 * 1024 * 1024);
  CHECK(lane.position() == Position::at(0, 131071 / 7 * 7));
  while (lane.reserve(1) != nullptr) {
    test::fill_event(memory.at(lane.position().offset()), lane.attempt(), 64);
    lane.publish(1);
  }
  CHECK(lane.position() == Position::at(0, 131071));
}

TEST_CASE("room for a smaller event is found where a larger one had none") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  while (lane.reserve(1000) != nullptr) {
    test::fill_event(memory.at(lane.position().offset()), lane.attempt(), 64000);
    lane.publish(1000);
  }
  CHECK(lane.reserve(1000) == nullptr);
  CHECK(lane.reserve(71) == memory.at(131000));
  CHECK(lane.reserve(72) == nullptr);
  acknowledge(memory, Position::at(0, 500));
  CHECK(lane.reserve(1000) == nullptr);
  CHECK(lane.reserve(500) == nullptr);  // the skip record's place, at 499, has to stay
  CHECK(lane.reserve(499) == memory.area());
}

TEST_CASE("a full lane takes events again as soon as the collector has moved") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  while (lane.reserve(64) != nullptr) {
    test::fill_event(memory.at(lane.position().offset()), lane.attempt(), 4096);
    lane.publish(64);
  }
  CHECK(lane.position() == Position::at(0, 131008));
  acknowledge(memory, Position::at(0, 65));
  CHECK(lane.reserve(64) == memory.area());
  lane.publish(64);
  CHECK(lane.reserve(64) == nullptr);
  acknowledge(memory, Position::at(0, 129));
  CHECK(lane.reserve(64) == memory.at(64));
}

TEST_CASE("in the second lap the writer ends one record short of the collector's position") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  fill_to(lane, 4032);
  acknowledge(memory, Position::at(0, 4000));
  REQUIRE(lane.reserve(64) == memory.area());
  lane.publish(64);
  fill_to(lane, 3968);
  CHECK(lane.reserve(31) == memory.at(3968));
  lane.publish(31);
  CHECK(lane.position() == Position::at(1, 3999));
  CHECK(lane.backed_records() == 4096);
}

TEST_CASE("a writer that meets the collector in the lap before backs more and jumps over the unread part") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  fill_to(lane, 4032);
  acknowledge(memory, Position::at(0, 4000));
  REQUIRE(lane.reserve(64) == memory.area());
  lane.publish(64);
  fill_to(lane, 3968);
  CHECK(lane.reserve(32) == memory.at(4096));
  CHECK(skip_at(memory, 3968).target == Position::at(1, 4096).value);
  CHECK(memory.control().producer.write.load() == Position::at(1, 3968).value);
  test::fill_event(memory.at(4096), lane.attempt(), 32 * 64);
  lane.publish(32);
  CHECK(memory.control().producer.write.load() == Position::at(1, 4128).value);
  CHECK(lane.backed_records() == 8192);

  SUBCASE("and at the edge again, with the collector still in the lap before, backs more again and does not overtake it") {
    fill_to(lane, 8160);
    CHECK(lane.reserve(64) == memory.at(8160));
    CHECK(lane.backed_records() == 16384);
    fill_to(lane, 131040);
    CHECK(lane.backed_records() == 131072);
    CHECK(lane.reserve(64) == nullptr);
    CHECK(lane.position() == Position::at(1, 131040));
  }
  SUBCASE("and goes round once the collector has followed") {
    fill_to(lane, 8160);
    acknowledge(memory, Position::at(1, 5000));
    CHECK(lane.reserve(64) == memory.area());
    CHECK(lane.position() == Position::at(2, 0));
  }
}

TEST_CASE("what the collector's word cannot be is no progress") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  fill_to(lane, 131008);
  REQUIRE(lane.reserve(64) == nullptr);
  for (const Position lie :
       {Position::at(0, 131009), Position::at(1, 0), Position::at(7, 5), Position{UINT64_MAX}, Position::at(0, 131073)}) {
    acknowledge(memory, lie);
    CHECK(lane.reserve(64) == nullptr);
  }
  acknowledge(memory, Position::at(0, 70000));
  CHECK(lane.reserve(64) == memory.area());
  lane.publish(64);
  acknowledge(memory, Position::at(0, 66));  // backwards
  for (int i = 1; i < 1093; ++i) {
    REQUIRE(lane.reserve(64) == memory.at(static_cast<std::uint32_t>(64 * i)));
    lane.publish(64);
  }
  CHECK(lane.reserve(64) == nullptr);
  CHECK(lane.position() == Position::at(1, 69952));
}

TEST_CASE("whatever the collector's word is, the writer stays in the memory that is backed") {
  std::mt19937_64 random(7);
  for (int run = 0; run < 20; ++run) {
    LaneInMemory memory;
    LaneWriter lane = memory.writer();
    for (int i = 0; i < 5000; ++i) {
      const Position here = lane.position();
      const std::uint64_t lies[] = {random(),
                                    here.value,
                                    here.value + 1,
                                    here.value - 1,
                                    Position::at(here.lap() - 1, here.offset()).value,
                                    Position::at(here.lap() - 1, static_cast<std::uint32_t>(random() % 140000)).value,
                                    Position::at(here.lap(), static_cast<std::uint32_t>(random() % 140000)).value,
                                    0,
                                    UINT64_MAX};
      memory.control().collector.acknowledged.store(lies[random() % std::size(lies)]);
      const auto records = static_cast<std::uint32_t>(1 + random() % 1024);
      std::byte* const at = lane.reserve(records);
      if (at == nullptr) continue;
      const std::size_t offset = static_cast<std::size_t>(at - memory.area()) / 64;
      if (at < memory.area() || offset + records >= lane.backed_records()) FAIL("left the backed memory");
      lane.publish(records);
    }
    CHECK(memory.backed_bytes() <= lane.backed_records() * 64);
  }
}

TEST_CASE("a growth that the system refuses leaves the lane as it is, and errno alone, and is tried again only after many laps") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  std::byte* const beyond = memory.at(4096);
  REQUIRE(mprotect(beyond, abi::kLaneBytes - abi::kLaneBackedBytesMin, PROT_NONE) == 0);  // cannot be backed for writing
  fill_to(lane, 4032);
  errno = 77;
  CHECK(lane.reserve(64) == nullptr);
  CHECK(errno == 77);
  CHECK(lane.backed_records() == 4096);
  CHECK(memory.control().account.backed_records.load() == 4096);
  CHECK(memory.backed_bytes() == 256 * 1024);

  // Room again: it goes round although more than half is unread.
  acknowledge(memory, Position::at(0, 200));
  CHECK(lane.reserve(64) == memory.area());
  lane.publish(64);

  REQUIRE(mprotect(beyond, abi::kLaneBytes - abi::kLaneBackedBytesMin, PROT_READ | PROT_WRITE) == 0);
  while (lane.backed_records() == 4096 && lane.position().lap() < 200) {
    std::byte* const at = lane.reserve(64);
    if (at != nullptr)
      lane.publish(64);
    else
      acknowledge(memory, {memory.control().producer.write.load()});
  }
  CHECK(lane.position().lap() == 64);
  CHECK(lane.backed_records() == 8192);
}

TEST_CASE("the doorbell rings at the middle and at the end of what is backed, if half of it is unread there") {
  Rings rings;
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  lane.set_doorbell(Rings::ring, &rings);
  fill_to(lane, 1984);
  CHECK(rings.count == 0);
  fill_to(lane, 2048);  // the middle, all of it unread
  CHECK(rings.count == 1);
  fill_to(lane, 4032);
  CHECK(rings.count == 1);

  SUBCASE("mostly read at the end: it stays silent") {
    acknowledge(memory, Position::at(0, 4032));
    REQUIRE(lane.reserve(64) == memory.area());
    lane.publish(64);
    CHECK(rings.count == 1);
    fill_to(lane, 2112);
    CHECK(rings.count == 2);  // half a ring, none of it read
  }
  SUBCASE("read along: it stays silent for good") {
    for (int i = 0; i < 1000; ++i) {
      acknowledge(memory, {memory.control().producer.write.load()});
      REQUIRE(lane.reserve(64) != nullptr);
      lane.publish(64);
    }
    CHECK(rings.count == 1);
  }
  SUBCASE("nobody reads: at each growth and each middle once, then, full, no more") {
    while (lane.reserve(64) != nullptr) lane.publish(64);
    const int when_full = rings.count;
    CHECK(when_full == 6);  // 2,048; the five growths at 4,096 8,192 16,384 32,768 65,536, each of which is the new middle
    for (int i = 0; i < 100; ++i) CHECK(lane.reserve(64) == nullptr);
    CHECK(rings.count == when_full);
  }
}

TEST_CASE("a lane goes on where the thread before left it") {
  LaneInMemory memory;
  {
    LaneWriter lane = memory.writer();
    fill_to(lane, 640);
  }
  LaneWriter lane = memory.writer();
  CHECK(lane.position() == Position::at(0, 640));
  CHECK(lane.attempt() == 11);
  CHECK(lane.reserve(3) == memory.at(640));
}

TEST_CASE("a lane taken up in a later lap takes no unread record for free") {
  LaneInMemory memory;
  {
    LaneWriter lane = memory.writer();
    fill_to(lane, 4032);
    acknowledge(memory, Position::at(0, 4000));
    REQUIRE(lane.reserve(64) == memory.area());
    lane.publish(64);
    fill_to(lane, 3968);
  }
  LaneWriter lane = memory.writer();
  CHECK(lane.reserve(31) == memory.at(3968));
  CHECK(lane.reserve(32) == memory.at(4096));  // it jumps, as the thread before would have
}

TEST_CASE("a control that no writer leaves is not taken up") {
  LaneInMemory memory;
  for (const std::uint32_t backed : {0u, 1u, 4095u, 6144u, 262144u, UINT32_MAX}) {
    memory.control().account.backed_records.store(backed);
    CHECK_FALSE(LaneWriter::resume(memory.control(), memory.area()));
  }
  memory.control().account.backed_records.store(4096);
  memory.control().producer.write.store(4096);
  CHECK_FALSE(LaneWriter::resume(memory.control(), memory.area()));
  memory.control().producer.write.store(4095);
  CHECK(LaneWriter::resume(memory.control(), memory.area()));
}

TEST_CASE("the last of all laps ends in a full lane, not in a position that runs backwards") {
  LaneInMemory memory;
  memory.control().producer.write.store(Position::at(UINT32_MAX, 4000).value);
  acknowledge(memory, Position::at(UINT32_MAX, 4000));
  LaneWriter lane = memory.writer();
  lane.attempt();
  // It still grows to its end, then stays full.
  std::uint32_t published = 0;
  while (lane.reserve(64) != nullptr) {
    lane.publish(64);
    acknowledge(memory, lane.position());
    REQUIRE(++published < 3000);
  }
  CHECK(lane.position().lap() == UINT32_MAX);
}
