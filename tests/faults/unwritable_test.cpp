// Directories and files that cannot be written: at the start an error that says which and what to do, while it runs a state that says so.
#include <doctest/doctest.h>
#include <unistd.h>

#include <optional>

#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

Ran start_and_fail(Place& place) {
  return place.run("arbiter-collector", {"--config", place.write("collector.json", plain_config()), "--ring-dir", place.lanes(),
                                         "--state-dir", place.state(), "--export-dir", place.exports(), "--socket", place.socket()});
}

void check_refused(const Ran& ran, const fs::path& names, std::string_view why) {
  CHECK(ran.exit == 1);
  CHECK_MESSAGE(ran.err.find(names.string()) != std::string::npos, ran.err);
  CHECK_MESSAGE(ran.err.find(why) != std::string::npos, ran.err);
  CHECK_MESSAGE(ran.err.find("mend its permissions") != std::string::npos, ran.err);
}

// One snapshot is not made, for this reason, and the collector lives.
void check_not_exported(Collector& collector, std::string_view why) {
  const Ran refused = collector.ctl({"export", "--wait"});
  CHECK(refused.exit == 1);
  CHECK_MESSAGE(refused.err.find(why) != std::string::npos, refused.err);
  CHECK(health(collector) == "degraded");
  CHECK_MESSAGE(explanation(collector).find("the last export failed (") != std::string::npos, explanation(collector));
}

}  // namespace

TEST_CASE("a state that is read-only at the start is refused, and the message says what to do") {
  if (!private_mounts("faults_unwritable")) return;
  Place place;
  Collector collector(place, plain_config());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  SUBCASE("the state directory") {
    REQUIRE(collector.stop() == 0);
    {
      const ReadOnly state(place.state());
      check_refused(start_and_fail(place), place.state(), "Read-only file system");
    }
  }
  SUBCASE("the journal in it") {
    collector.kill();
    {
      const ReadOnly journal(place.state() / "journal");
      const Ran ran = start_and_fail(place);
      CHECK(ran.exit == 1);
      CHECK_MESSAGE(ran.err.find((place.state() / "journal").string()) != std::string::npos, ran.err);
      CHECK_MESSAGE(ran.err.find("Read-only file system") != std::string::npos, ran.err);
    }
  }
  SUBCASE("the lanes directory") {
    REQUIRE(collector.stop() == 0);
    {
      const ReadOnly lanes(place.socket().parent_path());
      check_refused(start_and_fail(place), place.lanes(), "Read-only file system");
    }
  }
  agent.record(10);
  collector.start();
  check_account(collector, {&agent});
}

TEST_CASE("permissions that were taken away are an error that says so, for who is not root") {
  if (::geteuid() == 0) return not_run("faults_unwritable", "permissions mean nothing to root");
  Place place;
  Collector collector(place, plain_config());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  REQUIRE(collector.stop() == 0);
  fs::path journal_file;
  for (const auto& entry : fs::directory_iterator(place.state() / "journal"))
    if (entry.path().extension() == ".sealed") journal_file = entry.path();
  for (const fs::path& path : {place.state() / "lock", place.state() / "journal", journal_file}) {
    const fs::perms before = fs::status(path).permissions();
    fs::permissions(path, fs::perms::none);
    const Ran ran = start_and_fail(place);
    fs::permissions(path, before);
    CHECK(ran.exit == 1);
    CHECK_MESSAGE(ran.err.find(path.string()) != std::string::npos, ran.err);
    CHECK_MESSAGE(ran.err.find("Permission denied") != std::string::npos, ran.err);
  }
  collector.start();
  check_account(collector, {&agent});
}

TEST_CASE("a state directory that becomes read-only while it runs: the journal goes on in the segment it has, and says so") {
  if (!private_mounts("faults_unwritable")) return;
  Place place;
  Collector collector(place, plain_config(R"("journal": {"segment_bytes": 1048576})"));
  Agent agent(place.lanes(), {.event_bytes = 1000});
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  {
    const ReadOnly state(place.state());
    for (int i = 0; i < 6; ++i) {
      agent.record(400);
      REQUIRE(collector.stats().at("retainedEvents") == agent.recorded());
    }
    CHECK(health(collector) == "degraded");
    CHECK_MESSAGE(explanation(collector).find("no further segment of the journal can be made") != std::string::npos,
                  explanation(collector));
    CHECK_MESSAGE(explanation(collector).find("Read-only file system") != std::string::npos, explanation(collector));
    CHECK(wait_until([&] { return lines_with(collector, "the present segment grows until another can be made") == 1; }));
    const Ran paused = collector.ctl({"pause"});  // could not be remembered
    CHECK(paused.exit == 1);
    CHECK_MESSAGE(paused.err.find("Read-only file system") != std::string::npos, paused.err);
    SUBCASE("and comes back while it runs") {}
    SUBCASE("and the collector is killed meanwhile") {
      collector.kill();
      const Ran ran = start_and_fail(place);
      CHECK(ran.exit == 1);
    }
  }
  if (!collector.running()) collector.start();
  agent.record(400);
  CHECK(wait_until([&] { return health(collector) == "ok"; }));
  check_account(collector, {&agent});
}

TEST_CASE("an export directory that cannot be written costs snapshots and nothing else, until it can") {
  Place place;
  std::optional<Collector> collector;
  Agent agent(place.lanes());
  const auto check_comes_back = [&] {
    agent.record(10);
    check_account(*collector, {&agent});  // exports
    CHECK(health(*collector) == "ok");
  };
  SUBCASE("a file in its place, from the start") {
    place.write("exports", "not a directory");
    collector.emplace(place, plain_config());
    agent.record(100);
    check_not_exported(*collector, "Not a directory");
    fs::remove(place.exports());
    check_comes_back();
  }
  SUBCASE("read-only") {
    if (!private_mounts("faults_unwritable")) return;
    fs::create_directories(place.exports());
    collector.emplace(place, plain_config());
    agent.record(100);
    {
      const ReadOnly exports(place.exports());
      check_not_exported(*collector, "Read-only file system");
    }
    check_comes_back();
  }
  SUBCASE("full") {
    if (!private_mounts("faults_unwritable")) return;
    SmallDisk exports(place.exports(), 16 << 10);
    collector.emplace(place, plain_config());
    agent.record(5000);
    check_not_exported(*collector, "No space left on device");
    CHECK(fs::is_empty(place.exports()));  // nothing half made stays
    exports.resize(64 << 20);
    check_comes_back();
    collector.reset();
  }
}

}  // namespace arbiter::test
