// Producers need no collector to be there: not before they start, not while they run, not at their end.
#include <doctest/doctest.h>

#include <thread>

#include "tests/process/harness.hpp"

namespace arbiter::test {

TEST_CASE("a collector that starts after the producers have exited finds every event") {
  Place place;
  const fs::path runs = place.sample(1000);
  fs::create_directory(place.lanes());
  const json::object summary = place.replay(runs, {"--processes", "2", "--threads", "2"});
  CHECK(summary.at("recorded").to_number<std::uint64_t>() == 4000);
  Collector collector(place, plain_config());
  check_figures(collector.stats(), figures_of(runs));
}

TEST_CASE("a collector killed and restarted again and again during a replay misses nothing and counts nothing twice") {
  Place place;
  constexpr std::uint64_t kRuns = 3'000;
  const fs::path runs = place.sample(kRuns);
  Collector collector(place, plain_config());
  Process replay = place.start("arbiter-replay", {"--input", runs, "--processes", "2", "--rate", std::to_string(1000 / kPatience)});
  int kills = 0;
  for (; replay.running(); ++kills) {
    std::this_thread::sleep_for(150ms);
    collector.kill();
    collector.start();
  }
  CHECK(kills > 1);
  CHECK(replay.wait(6 * kWaitMax) == 0);
  check_figures(collector.stats(), figures_of(runs));
  const std::vector<json::object> events = read_lines(collector.snapshot() / "events.jsonl.zst");
  CHECK(events.size() == 4 * kRuns);
}

TEST_CASE("a stop on SIGTERM drains what is in the lanes, and exits with 0") {
  Place place;
  const fs::path runs = place.sample(500);
  Collector collector(place, plain_config());
  place.replay(runs);
  CHECK(collector.stop() == 0);  // nobody has asked for a flush
  CHECK_MESSAGE(fs::is_empty(place.lanes()), "segments of producers that have exited, and are drained, are unlinked");
  collector.start();
  check_figures(collector.stats(), figures_of(runs));
}

}  // namespace arbiter::test
