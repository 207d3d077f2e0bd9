// A full tmpfs under the lanes directory: producers get no lane, or a lane that cannot grow. Counted, never SIGBUS; when there is room
// again recording goes on.
#include <doctest/doctest.h>

#include <thread>

#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

constexpr std::uint64_t kKiB = 1 << 10;
constexpr std::uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("a producer that finds the lanes' tmpfs full gets no lane: counted, said, carried into the lane it gets later") {
  if (!private_mounts("faults_full_memory")) return;
  Place place;
  SmallDisk memory(place.lanes(), 64 * kMiB);
  Collector collector(place, plain_config());
  Agent first(place.lanes());
  first.record(100);
  // Room for the first producer's header and lane, and no more: 12 and 256 KiB.
  memory.resize(280 * kKiB);
  Agent second(place.lanes());
  second.record(500);
  CHECK(second.recorded() == 0);
  CHECK(second.no_lane() == 500);
  CHECK_MESSAGE(second.problem().find("No space left on device") != std::string::npos, second.problem());
  CHECK_MESSAGE(second.problem().find(place.lanes().string()) != std::string::npos, second.problem());
  first.record(100);  // its lane is there
  CHECK(first.recorded() == 200);
  CHECK(health(collector) == "ok");

  memory.resize(64 * kMiB);
  REQUIRE(wait_until([&] {
    second.record(1);
    return second.recorded() > 0;
  }));
  CHECK(second.problem().empty());
  second.record(300);
  CHECK(second.recorded() == 301);
  check_account(collector, {&first, &second});
}

TEST_CASE("a lane whose tmpfs is full does not grow: what finds no room is counted, and it grows when there is some") {
  if (!private_mounts("faults_full_memory")) return;
  Place place;
  SmallDisk memory(place.lanes(), 400 * kKiB);
  Collector collector(place, plain_config());
  Agent agent(place.lanes(), {.event_bytes = 1000});
  agent.record(10);
  REQUIRE(collector.stats().at("retainedEvents") == 10);
  collector.kill();  // so that the lane fills
  agent.record(2000);
  CHECK(agent.lane_full() > 1000);
  CHECK(agent.recorded() > 100);
  CHECK(agent.recorded() < 256);  // 256 KiB
  CHECK(agent.running());
  const std::uint64_t before = agent.recorded();
  SUBCASE("drained again") {
    collector.start();
    REQUIRE(wait_until([&] { return collector.stats().at("retainedEvents") == before; }));
    agent.record(100);
    CHECK(agent.recorded() == before + 100);
    check_account(collector, {&agent});
  }
  SUBCASE("given room, still without a collector") {
    memory.resize(64 * kMiB);
    // A growth that failed is tried again after some turns of the lane, which takes a collector.
    collector.start();
    REQUIRE(wait_until([&] {
      agent.record(200);
      std::this_thread::sleep_for(5ms);
      return fs::space(place.lanes()).capacity - fs::space(place.lanes()).free > 400 * kKiB;
    }));
    check_account(collector, {&agent});
  }
}

TEST_CASE(
    "two producers for whose lanes there is room for one: the other's calls are in the account when it exits, and its last lane has them") {
  if (!private_mounts("faults_full_memory")) return;
  Place place;
  SmallDisk memory(place.lanes(), 300 * kKiB);
  Collector collector(place, plain_config());
  Agent first(place.lanes()), second(place.lanes());
  first.record(50);
  second.record(70);
  CHECK(first.recorded() == 50);
  CHECK(second.no_lane() == 70);
  // The first goes: the collector drains and removes its file, which is room for the second.
  first.end();
  REQUIRE(wait_until([&] {
    second.record(1);
    std::this_thread::sleep_for(20ms);
    return second.recorded() > 0;
  }));
  second.record(10);
  second.end();
  check_account(collector, {&first, &second});
}

}  // namespace arbiter::test
