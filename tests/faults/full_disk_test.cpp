// A full disk under the state directory: the collector takes nothing until it can keep it, lanes fill, what finds no room is counted; when
// there is room again it goes on by itself.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

constexpr const char* kSmallSegments = R"("journal": {"segment_bytes": 1048576, "sync": "10ms"})";
constexpr std::uint64_t kMiB = 1 << 20;

// Said once for each time that nothing could be written, and that it could be again: `blocked` more of the first than of the second. There
// may be several times, for what sealing had begun is removed when there is no room for it, and a little can be written there.
bool told_each_time(const Collector& collector, std::size_t blocked) {
  const auto stopped = lines_with(collector, "nothing is taken from the lanes until it can be written");
  return stopped >= 1 && stopped == lines_with(collector, "it can be written again") + blocked;
}

// What holds however the disk came to be full. `make_room` ends it.
template <class MakeRoom>
void check_blocked_then_recovered(Place& place, Collector& collector, Agent& agent, Agent& newcomer, std::string_view why,
                                  MakeRoom make_room) {
  agent.record(8000);  // some 16 MiB where a lane holds 8
  CHECK(agent.lane_full() > 0);
  CHECK(wait_until([&] { return health(collector) == "blocked" && told_each_time(collector, 1); }));
  CAPTURE(collector.log());
  const std::string explained = explanation(collector);
  CHECK_MESSAGE(explained.find(why) != std::string::npos, explained);
  CHECK_MESSAGE(explained.find("make room on the disk of " + place.state().string()) != std::string::npos, explained);
  CHECK(in_status(collector, {"journal", "writeFailures"}) >= 1);
  const Ran stats = collector.ctl({"stats"});
  CHECK(stats.exit == 1);
  CHECK_MESSAGE(stats.err.find(why) != std::string::npos, stats.err);

  newcomer.record(100);  // attached all the same
  CHECK(wait_until([&] { return in_status(collector, {"segments"}) == 2; }));
  CHECK(newcomer.dropped() == 0);
  CHECK(health(collector) == "blocked");
  CHECK(told_each_time(collector, 1));

  make_room();
  CHECK(wait_until([&] { return health(collector) == "ok"; }));
  agent.record(10);
  check_account(collector, {&agent, &newcomer});
}

}  // namespace

TEST_CASE("a full disk stops acknowledging; losses are counted exactly, and it resumes by itself when there is room") {
  if (!private_mounts("faults_full_disk")) return;
  Place place;
  SmallDisk disk(place.state(), 6 * kMiB);
  Collector collector(place, plain_config(kSmallSegments));
  Agent agent(place.lanes(), {.event_bytes = 2000}), newcomer(place.lanes());
  while (health(collector) != "blocked") {
    REQUIRE(agent.calls() < 20'000);
    agent.record(500);
  }
  SUBCASE("when the disk grows") {
    check_blocked_then_recovered(place, collector, agent, newcomer, "No space left on device", [&] { disk.resize(64 * kMiB); });
    CHECK(told_each_time(collector, 0));
  }
  SUBCASE("and the collector is killed and restarted meanwhile") {
    check_blocked_then_recovered(place, collector, agent, newcomer, "No space left on device", [&] {
      collector.kill();
      disk.resize(64 * kMiB);
      collector.start();
    });
  }
  SUBCASE("and stopping meanwhile is a failure that loses nothing") {
    CHECK(collector.stop() == 1);
    agent.record(100);
    disk.resize(64 * kMiB);
    collector.start();
    newcomer.record(10);
    check_account(collector, {&agent, &newcomer});
  }
}

TEST_CASE("a collector that finds its disk full at the start says so and fails") {
  if (!private_mounts("faults_full_disk")) return;
  Place place;
  const SmallDisk disk(place.state(), 64 << 10);
  const Ran ran = place.run("arbiter-collector", {"--ring-dir", place.lanes(), "--state-dir", place.state(), "--socket", place.socket()});
  CHECK(ran.exit == 1);
  CHECK_MESSAGE(ran.err.find("No space left on device") != std::string::npos, ran.err);
  CHECK_MESSAGE(ran.err.find(place.state().string()) != std::string::npos, ran.err);
}

// The same for who may not mount: files of the collector's may grow no further.
TEST_CASE("a limit of file size is to the collector what a full disk is") {
  Place place;
  Collector collector(place, plain_config(kSmallSegments));
  Agent agent(place.lanes(), {.event_bytes = 2000}), newcomer(place.lanes());
  agent.record(10);
  REQUIRE(collector.stats().at("retainedEvents") == 10);
  Limit limit(collector.pid(), RLIMIT_FSIZE, 256 << 10);
  while (health(collector) != "blocked") {
    REQUIRE(agent.calls() < 20'000);
    agent.record(500);
  }
  check_blocked_then_recovered(place, collector, agent, newcomer, "File too large", [&] { limit.lift(); });
  CHECK(told_each_time(collector, 0));
}

}  // namespace arbiter::test
