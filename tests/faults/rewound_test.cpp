// A state that is not the last one: restored from a backup, or wiped, while producers go on.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/lane_reader.hpp"
#include "shm/segment.hpp"
#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

void restore(const Place& place, const fs::path& backup) {
  fs::remove_all(place.state());
  fs::copy(backup, place.state(), fs::copy_options::recursive);
}

// The words of lane 0 of the one segment there is that the collector writes.
class CollectorWords {
 public:
  explicit CollectorWords(const fs::path& lanes) {
    fs::path file;
    for (const auto& entry : fs::directory_iterator(lanes))
      if (entry.path().filename().string().starts_with("lanes-")) file = entry.path();
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    void* const at = ::mmap(nullptr, abi::kDataOffset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    REQUIRE(at != MAP_FAILED);
    map_ = Mapping(static_cast<std::byte*>(at), abi::kDataOffset);
  }
  abi::CollectorLine& line() { return control().collector; }
  LaneReader reader() { return {control(), nullptr, abi::kLaneRecords}; }

 private:
  abi::LaneControl& control() { return map_.at<abi::LaneControl>(abi::kControlOffset); }
  Mapping map_;
};

}  // namespace

TEST_CASE("with a state restored from a backup, what was taken since counts as rewound, and nothing is there twice") {
  Place place;
  Collector collector(place, plain_config());
  Agent running(place.lanes()), later(place.lanes()), ended(place.lanes());
  running.record(1000), ended.record(300);
  REQUIRE(collector.stats().at("retainedEvents") == 1300);
  REQUIRE(collector.stop() == 0);
  const fs::path backup = place.root() / "backup";
  fs::copy(place.state(), backup, fs::copy_options::recursive);

  // What the backup does not know: more of a lane it knows, and a lane it has never heard of.
  collector.start();
  running.record(500), later.record(200);
  REQUIRE(collector.stats().at("retainedEvents") == 2000);
  SUBCASE("stopped cleanly") { REQUIRE(collector.stop() == 0); }
  SUBCASE("killed") { collector.kill(); }
  running.record(70), later.record(7);  // waits in the lanes
  restore(place, backup);
  collector.start();
  check_account(collector, {&running, &later, &ended}, {.rewound = 700});
  CHECK(lines_with(collector, "counted as state_rewound") == 2);

  // From there on it is a state like any other.
  running.record(400), later.record(40);
  check_account(collector, {&running, &later, &ended}, {.rewound = 700});
  collector.kill();
  collector.start();
  running.end(), later.end(), ended.end();
  CHECK(wait_until([&] { return in_status(collector, {"segments"}) == 0; }));
  check_account(collector, {&running, &later, &ended}, {.rewound = 700});
}

TEST_CASE("with a state that was wiped, all that was taken counts as rewound, again and again, while producers go on") {
  Place place;
  Collector collector(place, plain_config());
  Agent agent(place.lanes(), {.pause = 20us});
  std::uint64_t rewound = 0;
  for (int time = 0; time < 3; ++time) {
    agent.ask(2000);  // goes on while all this happens
    REQUIRE(wait_until([&] { return collector.stats().at("retainedEvents").to_number<std::uint64_t>() >= 500; }));
    collector.kill();
    rewound = CollectorWords(place.lanes()).reader().acknowledged_events();
    fs::remove_all(place.state());
    collector.start();
  }
  REQUIRE(wait_until([&] { return agent.done(); }));
  check_account(collector, {&agent}, {.rewound = rewound});
}

TEST_CASE("killed half way through an acknowledgement and restored from a backup, a collector counts the batch once") {
  Place place;
  Collector collector(place, plain_config());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  collector.kill();
  const fs::path backup = place.root() / "backup";
  fs::copy(place.state(), backup, fs::copy_options::recursive);
  collector.start();
  agent.record(50);
  REQUIRE(collector.stats().at("retainedEvents") == 150);
  CollectorWords words(place.lanes());
  const std::uint64_t acknowledged = words.line().acknowledged;
  ::kill(collector.pid(), SIGSTOP);
  agent.record(30);
  ::kill(collector.pid(), SIGCONT);
  REQUIRE(collector.stats().at("retainedEvents") == 180);
  collector.kill();
  REQUIRE(words.line().acknowledged_events == 180);
  REQUIRE(words.line().events_before == 150);  // they came in one batch
  // As the kill leaves it that came just before the last store (faults_acknowledge: every instruction).
  words.line().acknowledged = acknowledged;
  restore(place, backup);
  collector.start();
  check_account(collector, {&agent}, {.rewound = 50});
}

}  // namespace arbiter::test
