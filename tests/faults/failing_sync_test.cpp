// A disk whose fdatasync fails. What was written may be gone from the page cache and not be on the disk: asking again would answer "done".
// So nobody asks again: the segment is sealed from what can be read, into a new file that is synced.
#include <doctest/doctest.h>

#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

std::uint64_t sync_failures(Collector& collector) { return in_status(collector, {"journal", "syncFailures"}); }

}  // namespace

TEST_CASE("an fdatasync that fails is counted and said once, never retried, and the journal goes on in another segment") {
  Place place;
  FaultCalls calls(place);
  std::string sync = "10ms";
  SUBCASE("synced every ten milliseconds") {}
  SUBCASE("synced at every frame") { sync = "always"; }
  Collector collector(place, plain_config(R"("journal": {"sync": ")" + sync + R"("})"), calls.limits());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(wait_until([&] { return calls.syncs() > 0; }));
  REQUIRE(sync_failures(collector) == 0);
  REQUIRE(health(collector) == "ok");
  const std::uint64_t segments = in_status(collector, {"journal", "segments"});

  calls.fail_syncs(1);
  agent.record(100);
  CHECK(wait_until([&] { return sync_failures(collector) == 1; }));
  CHECK(calls.syncs_failed() == 1);
  agent.record(100);
  CHECK(wait_until([&] { return in_status(collector, {"journal", "segments"}) == segments + 1; }));
  CHECK(wait_until([&] { return in_status(collector, {"journal", "sealedSegments"}) == 1; }));
  CHECK(health(collector) == "degraded");
  CHECK_MESSAGE(explanation(collector).find("failed to sync 1 times") != std::string::npos, explanation(collector));
  CHECK(wait_until([&] { return lines_with(collector, "it is not asked again") == 1; }));
  for (int i = 0; i < 10; ++i) agent.record(100);
  check_account(collector, {&agent});
  CHECK(calls.syncs_of_failed() == 0);
  CHECK(sync_failures(collector) == 1);
  CHECK(lines_with(collector, "Input/output error") == 1);

  // And nothing of it is lost by a kill, or by a restart.
  collector.kill();
  collector.start();
  check_account(collector, {&agent});
  CHECK(health(collector) == "ok");
}

TEST_CASE("a disk that fails to sync for a while: every failure begins a segment, acknowledgements wait, and the account is exact") {
  Place place;
  FaultCalls calls(place);
  Collector collector(place, plain_config(R"("journal": {"sync": "always", "segment_bytes": 1048576})"), calls.limits());
  Agent agent(place.lanes(), {.pause = 50us});
  agent.record(100);
  REQUIRE(wait_until([&] { return calls.syncs() > 0; }));
  calls.fail_syncs(1'000'000, true);
  agent.record(2000);
  CHECK(wait_until([&] { return sync_failures(collector) >= 3; }));
  CHECK(collector.running());
  calls.fail_syncs(0);
  agent.record(100);
  check_account(collector, {&agent});
  // All of it is durable in the end, and the lane is told.
  CHECK(wait_until([&] {
    return in_status(collector, {"journal", "segments"}) == in_status(collector, {"journal", "sealedSegments"}) + 1;
  }));
  CHECK(collector.stop() == 0);
  collector.start();
  agent.record(100);
  check_account(collector, {&agent});
}

TEST_CASE("while the journal cannot be synced no increment is made, and none can follow: a power cut might take its cursor back") {
  Place place;
  FaultCalls calls(place);
  Collector collector(place, plain_config(R"("journal": {"sync": "10ms"})"), calls.limits());
  Agent agent(place.lanes());
  agent.record(100);
  const fs::path sound = collector.snapshot();
  REQUIRE(json::parse(read_file(sound / "manifest.json")).as_object().contains("chain"));
  calls.fail_syncs(1'000'000, true);
  agent.record(100);
  const Ran refused = collector.ctl({"export", "--since", "snapshot:1"});
  CHECK(refused.exit == 1);
  CHECK_MESSAGE(refused.err.find("no increment can be made") != std::string::npos, refused.err);
  calls.fail_syncs(0);
  agent.record(100);
  CHECK(wait_until([&] { return collector.ctl({"export", "--since", "snapshot:1"}).exit == 0; }));
  const fs::path increment = fs::canonical(place.exports() / "latest");
  CHECK(json::parse(read_file(increment / "manifest.json")).at("events").at("total") == 200);
}

}  // namespace arbiter::test
