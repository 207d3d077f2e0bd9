// A collector without a descriptor left: it goes on with the producers it has, says what it cannot do, and does it when it can.
#include <doctest/doctest.h>

#include <thread>

#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

// A limit of this number leaves what is open and nothing else.
rlim_t lowest_free_descriptor(pid_t pid) {
  rlim_t lowest = 0;
  while (fs::is_symlink("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(lowest))) ++lowest;
  return lowest;
}

}  // namespace

TEST_CASE("with no descriptor left those attached are drained on, the others wait, each is said once, and all of it comes back by itself") {
  Place place;
  Collector collector(place, plain_config(R"("journal": {"segment_bytes": 1048576}, "export": {"interval": "1s"})"));
  Agent attached(place.lanes(), {.event_bytes = 1000}), newcomer(place.lanes());
  attached.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);

  Limit limit(collector.pid(), RLIMIT_NOFILE, lowest_free_descriptor(collector.pid()));
  newcomer.record(200);
  // More than a lane holds, and than a segment of the journal: it is drained, into a segment that grows.
  for (int i = 0; i < 30; ++i) {
    attached.record(400);
    std::this_thread::sleep_for(20ms);
  }
  CHECK(attached.dropped() == 0);
  CHECK(newcomer.dropped() == 0);
  // Who asks waits until it is answered, or gives up.
  Process asking = place.start("arbiterctl", {"status"});
  constexpr const char* kSaid[] = {"the lanes directory cannot be listed (Too many open files)", "taking a connection: Too many open files",
                                   "the present segment grows until another can be made"};
  for (const char* said : kSaid) CHECK(wait_until([&] { return lines_with(collector, said) > 0; }));
  std::this_thread::sleep_for(1500ms);  // more looks at the directory
  CHECK(collector.running());
  CHECK(asking.running());
  for (const char* said : kSaid) CHECK_MESSAGE(lines_with(collector, said) == 1, said);
  CHECK(lines_with(collector, "attached ") == 1);

  limit.lift();
  CHECK(asking.wait() == 0);
  CHECK(wait_until([&] { return in_status(collector, {"segments"}) == 2; }));
  newcomer.record(10), attached.record(10);
  check_account(collector, {&attached, &newcomer});
  CHECK_MESSAGE(wait_until([&] { return health(collector) == "ok"; }), explanation(collector));
  CHECK(in_status(collector, {"journal", "segments"}) >= 2);
  collector.kill();
  collector.start();
  check_account(collector, {&attached, &newcomer});
}

}  // namespace arbiter::test
