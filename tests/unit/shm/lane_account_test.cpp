// The account: attempted == delivered + dropped + refused, whatever became of each attempt; and how much is left to read.
#include <doctest/doctest.h>

#include "lane_in_memory.hpp"

using namespace arbiter;
using abi::Drop;
using abi::Position;
using abi::Refusal;
using test::LaneInMemory;

TEST_CASE("a lane that nobody reads takes what fits and counts the rest as dropped, to the event") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  const test::Sizes one_record{1, 64, 1u << 30};
  std::uint64_t recorded = 0;
  for (int i = 0; i < 140000; ++i) recorded += test::record(lane, one_record);
  CHECK(recorded == 131071);  // 8 MiB less the place of a skip record
  const LaneReader::Account account = memory.reader().account();
  CHECK(account.attempted == 140000);
  CHECK(account.dropped[static_cast<std::size_t>(Drop::lane_full)] == 8929);
  CHECK(account.dropped_total() == 8929);
}

TEST_CASE("drops that carry their own attempts are in the account without the lane's count of attempts") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  lane.attempt();
  lane.count_dropped(Drop::lane_full);
  lane.count_reentrant();
  lane.count_reentrant();
  lane.carry_no_lane(1000);
  lane.carry_refused(Refusal::not_hex, 3);
  lane.attempt();
  lane.count_refused(Refusal::missing);
  CHECK(memory.control().producer.attempted.load() == 5);
  CHECK(lane.attempted() == 5);
  const LaneReader::Account account = memory.reader().account();
  CHECK(account.dropped == std::array<std::uint64_t, 3>{1, 2, 1000});
  CHECK(account.refused[static_cast<std::size_t>(Refusal::missing)] == 1);
  CHECK(account.refused[static_cast<std::size_t>(Refusal::not_hex)] == 3);
  CHECK(account.attempted == 1007);
  CHECK(account.dropped_total() + account.refused_total() == 1007);
}

TEST_CASE("a drop leaves its place in the sequence") {
  LaneInMemory memory;
  LaneWriter lane = memory.writer();
  const test::Sizes small{9, 64, 1u << 30};
  test::record(lane, small);
  lane.attempt();
  lane.count_refused(Refusal::missing);
  test::record(lane, small);
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  const LaneReader::Copied got = memory.reader().copy({}, buffer);
  std::vector<std::uint64_t> sequences;
  for (const auto event : EventWalk(std::span(buffer).first(got.bytes))) sequences.push_back(test::sequence_of(event));
  CHECK(sequences == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("what is left to read counts records, in one lap and across two") {
  LaneInMemory memory;
  LaneReader reader = memory.reader();
  memory.control().producer.write.store(Position::at(3, 700).value);
  CHECK(reader.unread_records(Position::at(3, 700)) == 0);
  CHECK(reader.unread_records(Position::at(3, 100)) == 600);
  CHECK(reader.unread_records(Position::at(2, 4000)) == 96 + 700);
  CHECK(reader.unread_records(Position::at(1, 4000)) == 0);  // no position of this lane
  CHECK(reader.backed_records() == 4096);
  memory.control().account.backed_records.store(UINT32_MAX);
  CHECK(reader.backed_records() == 131072);
}

TEST_CASE("an acknowledgement is where the next collector and the writer find it") {
  LaneInMemory memory;
  LaneReader reader = memory.reader();
  reader.acknowledge(Position::at(1, 20), 77);
  CHECK(memory.control().collector.acknowledged.load() == (std::uint64_t{1} << 32 | 20));
  CHECK(reader.acknowledged() == Position::at(1, 20));
  CHECK(reader.acknowledged_events() == 77);
  reader.count_attach();
  reader.count_attach();
  CHECK(reader.epoch() == 2);
}
