// arbiter-inspect reads any file of ours, live or dead, changes nothing, and does not believe what it reads.
#include <doctest/doctest.h>

#include <arbiter/producer.hpp>
#include <fstream>
#include <random>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

json::object inspect(Place& place, const fs::path& path, int exit = 0) {
  const Ran ran = place.run("arbiter-inspect", {"--json", path});
  REQUIRE_MESSAGE(ran.exit == exit, ran.err);
  return json::parse(ran.out).as_object();
}

std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) all.push_back(entry.path());
  return all;
}

std::uint64_t journal_events(Place& place) {
  std::uint64_t events = 0;
  for (const fs::path& file : files_below(place.state())) {
    if (file.filename().string().starts_with("spare")) continue;  // holds the frames of its former life
    const Ran ran = place.run("arbiter-inspect", {"--json", file});
    if (ran.exit != 0) continue;
    const json::object facts = json::parse(ran.out).as_object();
    if (const json::value* n = facts.if_contains("events")) events += n->to_number<std::uint64_t>();
  }
  return events;
}

}  // namespace

TEST_CASE("a live segment shows its producer, and each lane's account; the lanes of a dead one too") {
  Place place;
  fs::create_directory(place.lanes());
  const std::string lanes = place.lanes();
  std::optional<Producer> producer(std::in_place, ProducerOptions{.ring_dir = lanes});
  for (int i = 0; i < 7; ++i) REQUIRE(producer->record(Event{.type = "probe", .data = "{}"}).recorded());
  CHECK_FALSE(producer->record(Event{.type = "", .data = "{}"}).recorded());
  const fs::path live = files_below(place.lanes()).at(0);
  const std::string before = read_file(live).substr(0, 65536);

  const json::object facts = inspect(place, live);
  CHECK(facts.at("producer") == "alive");
  CHECK(facts.at("recording") == "enabled");
  CHECK(facts.at("attempted") == 8);
  CHECK(facts.at("unread") == 7);
  CHECK(facts.at("pid") == ::getpid());
  const json::object& lane = facts.at("lanes").at(0).as_object();
  CHECK(lane.at("lost") == 1);
  CHECK(lane.at("refused").at("is required and is missing or empty") == 1);
  CHECK(read_file(live).substr(0, 65536) == before);
  const Ran events = place.run("arbiter-inspect", {"--events", live});
  CHECK(std::count(events.out.begin(), events.out.end(), '\n') == 7);

  place.replay(place.sample(10));
  for (const fs::path& file : files_below(place.lanes()))
    if (file != live) {
      CHECK(inspect(place, file).at("producer") == "gone");
      CHECK(inspect(place, file).at("unread") == 40);
    }
}

TEST_CASE("the journal shows its events, raw while the collector runs and sealed after it has stopped") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(50));
  REQUIRE(collector.stats().at("retainedEvents") == 200);
  CHECK(journal_events(place) == 200);
  REQUIRE(collector.stop() == 0);
  CHECK(journal_events(place) == 200);
  for (const fs::path& file : files_below(place.state()))
    if (file.extension() == ".sealed") CHECK(inspect(place, file).at("events") == 200);
  collector.start();
  const json::object snapshot = inspect(place, collector.snapshot());
  CHECK(snapshot.at("events") == 200);
  CHECK(snapshot.at("trajectories") == 50);
}

TEST_CASE("garbage, cut and flipped files are said to be damaged or foreign, and never bring it down") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(50));
  REQUIRE(collector.stop() == 0);
  place.replay(place.sample(20));
  std::vector<fs::path> victims = files_below(place.state());
  for (const fs::path& file : files_below(place.lanes())) victims.push_back(file);
  std::mt19937 random(7);
  const fs::path copy = place.root() / "victim";
  const int rounds = 8 / kPatience + 1;
  for (const fs::path& victim : victims) {
    std::string bytes(1 << 20, '\0');
    std::ifstream in(victim, std::ios::binary);
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    for (int round = 0; round < rounds && bytes.size() > 64; ++round) {
      std::string damaged = bytes;
      if (round == 0) damaged.resize(damaged.size() / 2);
      for (int flips = 0; flips < 4 * round; ++flips)
        damaged[8 + random() % std::min<std::size_t>(damaged.size() - 8, flips % 2 == 0 ? 512 : damaged.size() - 8)] ^=
            static_cast<char>(1 << random() % 8);
      std::ofstream(copy, std::ios::binary) << damaged;
      for (const char* way : {"--json", "--events"}) {
        const Ran ran = place.run("arbiter-inspect", {way, copy});
        CHECK_MESSAGE((ran.exit == 0 || ran.exit == 1), victim << " round " << round << " " << way << ": " << ran.exit << " " << ran.err);
      }
    }
  }
  CHECK(place.run("arbiter-inspect", {"/no/such"}).exit == 1);
  CHECK(place.run("arbiter-inspect", {place.root()}).exit == 1);
  CHECK(place.run("arbiter-inspect", {"/dev/zero"}).exit == 1);
  CHECK(place.run("arbiter-inspect", {}).exit == 2);
}

}  // namespace arbiter::test
