// The switch: a pause reaches every producer within a second, costs it nothing, loses nothing, and survives the collector's restart.
#include <doctest/doctest.h>

#include <arbiter/producer.hpp>
#include <thread>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

RecordResult probe(Producer& producer) { return producer.record(Event{.type = "probe", .data = R"({"n":1})"}); }

bool answers(Producer& producer, Status status, std::chrono::milliseconds within) {
  return wait_until([&] { return probe(producer).status() == status; }, within);
}

std::uint64_t retained(Collector& collector) { return collector.stats().at("retainedEvents").to_number<std::uint64_t>(); }

}  // namespace

TEST_CASE("a pause makes calls answer disabled within a second and records nothing; resume goes on; neither loses an event") {
  Place place;
  Collector collector(place, plain_config());
  const std::string lanes = place.lanes();
  Producer producer({.ring_dir = lanes});
  REQUIRE(probe(producer).recorded());
  REQUIRE(wait_until([&] { return retained(collector) == 1; }));

  REQUIRE(collector.ctl({"pause"}).exit == 0);
  CHECK(answers(producer, Status::disabled, 1s * kPatience));
  const std::uint64_t before = retained(collector);
  for (int i = 0; i < 1000; ++i) CHECK(probe(producer).status() == Status::disabled);
  CHECK(retained(collector) == before);
  CHECK(sum_of(collector.stats().at("losses")) == 0);

  REQUIRE(collector.ctl({"resume"}).exit == 0);
  CHECK(answers(producer, Status::recorded, 1s * kPatience));
  for (int i = 0; i < 100; ++i) CHECK(probe(producer).recorded());
  CHECK(retained(collector) == before + 101);
  CHECK(sum_of(collector.stats().at("losses")) == 0);
  CHECK(producer.account().recorded == before + 101);
}

TEST_CASE("ten quick cycles of pause and resume leave recording as the last one said") {
  Place place;
  Collector collector(place, plain_config());
  const std::string lanes = place.lanes();
  Producer producer({.ring_dir = lanes});
  REQUIRE(probe(producer).recorded());
  for (int i = 0; i < 10; ++i) {
    REQUIRE(collector.ctl({"pause"}).exit == 0);
    REQUIRE(collector.ctl({"resume"}).exit == 0);
  }
  CHECK(answers(producer, Status::recorded, 1s * kPatience));
  std::this_thread::sleep_for(200ms);
  CHECK(probe(producer).recorded());
  for (int i = 0; i < 10; ++i) {
    REQUIRE(collector.ctl({"resume"}).exit == 0);
    REQUIRE(collector.ctl({"pause"}).exit == 0);
  }
  CHECK(answers(producer, Status::disabled, 1s * kPatience));
  std::this_thread::sleep_for(200ms);
  CHECK(probe(producer).status() == Status::disabled);
  CHECK(retained(collector) == producer.account().recorded);
}

TEST_CASE("a pause survives the collector's restart, for producers that ran all the time and for new ones") {
  Place place;
  Collector collector(place, plain_config());
  const std::string lanes = place.lanes();
  Producer old_one({.ring_dir = lanes});
  REQUIRE(probe(old_one).recorded());
  REQUIRE(collector.ctl({"pause"}).exit == 0);
  REQUIRE(answers(old_one, Status::disabled, 1s * kPatience));

  SUBCASE("a clean one") { REQUIRE(collector.stop() == 0); }
  SUBCASE("a kill") { collector.kill(); }
  CHECK(probe(old_one).status() == Status::disabled);  // while none is there
  const json::object none = place.replay(place.sample(5));
  CHECK(none.at("disabled") == 20);
  collector.start();
  CHECK(probe(old_one).status() == Status::disabled);
  CHECK(place.replay(place.sample(5)).at("disabled") == 20);
  CHECK(collector.ask({"status"}).at("enabled") == false);

  REQUIRE(collector.ctl({"resume"}).exit == 0);
  CHECK(answers(old_one, Status::recorded, 1s * kPatience));
  CHECK(place.replay(place.sample(5)).at("recorded") == 20);
}

TEST_CASE("enabled: false in the configuration is a pause that the configuration ends") {
  Place place;
  Collector collector(place, plain_config(R"("enabled": false)"));
  CHECK(place.replay(place.sample(5)).at("disabled") == 20);
  REQUIRE(collector.ctl({"config", "set", "enabled=true"}).exit == 0);
  CHECK(place.replay(place.sample(5)).at("recorded") == 20);
  CHECK(retained(collector) == 20);
}

}  // namespace arbiter::test
