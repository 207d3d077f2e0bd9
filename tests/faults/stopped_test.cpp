// Processes that are stopped (SIGSTOP, a paused container, a laptop that sleeps): not dead, and nothing of theirs is lost for it.
#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {

TEST_CASE("a stopped producer is not taken for dead; it goes on where it was") {
  Place place;
  Collector collector(place, plain_config());
  Agent agent(place.lanes(), {.pause = 1ms});
  agent.ask(2500);  // 2.5 s: however late the next lines come, it is in the middle
  REQUIRE(wait_until([&] { return agent.calls() > 100; }));
  agent.signal(SIGSTOP);
  std::this_thread::sleep_for(1s);  // five looks for producers that have ended
  const std::uint64_t stopped_at = agent.calls();
  CHECK(stopped_at < 2500);
  CHECK(in_status(collector, {"segments"}) == 1);
  const std::uint64_t taken = collector.stats().at("retainedEvents").to_number<std::uint64_t>();
  CHECK((taken == stopped_at || taken == stopped_at + 1));  // the last may be recorded, and its call not have returned
  SUBCASE("beside the same collector") {}
  SUBCASE("and a collector that starts meanwhile") {
    collector.kill();
    collector.start();
  }
  agent.signal(SIGCONT);
  REQUIRE(wait_until([&] { return agent.done(); }));
  CHECK(agent.dropped() == 0);
  check_account(collector, {&agent});
  agent.end();
  CHECK(wait_until([&] { return in_status(collector, {"segments"}) == 0; }));
}

TEST_CASE("while the collector is stopped lanes take what is recorded; beyond that losses are counted, and nothing else is lost") {
  Place place;
  Collector collector(place, plain_config());
  Agent modest(place.lanes(), {.pause = 200us}), greedy(place.lanes(), {.event_bytes = 2000});
  modest.record(10), greedy.record(10);
  REQUIRE(collector.stats().at("retainedEvents") == 20);
  ::kill(collector.pid(), SIGSTOP);
  modest.ask(5000);
  greedy.record(6000);  // some 12 MiB where a lane holds 8
  CHECK(greedy.lane_full() > 0);
  CHECK(greedy.recorded() > 3000);
  std::this_thread::sleep_for(1500ms);
  SUBCASE("a producer stopped too, and woken first") {
    modest.signal(SIGSTOP);
    std::this_thread::sleep_for(300ms);
    modest.signal(SIGCONT);
  }
  SUBCASE("a producer stopped too, and woken last") {
    modest.signal(SIGSTOP);
    ::kill(collector.pid(), SIGCONT);
    CHECK(in_status(collector, {"segments"}) == 2);
    modest.signal(SIGCONT);
  }
  SUBCASE("the collector alone") {}
  ::kill(collector.pid(), SIGCONT);
  REQUIRE(wait_until([&] { return modest.done(); }));
  CHECK(modest.dropped() == 0);
  greedy.record(10);
  check_account(collector, {&modest, &greedy});
  CHECK(wait_until([&] { return health(collector) == "ok"; }));  // some seconds after the last drop
}

}  // namespace arbiter::test
