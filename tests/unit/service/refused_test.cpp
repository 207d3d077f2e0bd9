// A disk that refuses: what was recorded waits in its lane, unacknowledged, and is taken once when the disk lets it.
#include "tests/unit/refused_calls.hpp"
#include "tests/unit/service/running_engine.hpp"

using namespace arbiter;
using namespace arbiter::test;

namespace {

struct Recording {
  explicit Recording(const std::string& ring_dir) : spoilt(ring_dir), lane(std::move(spoilt.segment.claim().writer)) {}
  void record(int events) {
    for (; events > 0; --events) publish_raw(lane, usage(lane.attempt(), 1));
  }
  std::uint64_t acknowledged() { return spoilt.control(0).collector.acknowledged_events.load(); }
  Spoilt spoilt;
  LaneWriter lane;
};

Error refusal(Running& collector) {
  const auto answer = collector.ask([](service::Engine& e) -> Result<bool> {
    if (auto taken = e.catch_up(); !taken) return taken.error();
    return true;
  });
  REQUIRE_FALSE(answer.has_value());
  return answer.error();
}

}  // namespace

TEST_CASE("while the journal cannot be written nothing is acknowledged, questions say why, and afterwards every event is there once") {
  Directory d;
  Running collector(d.config);
  Recording producer(d.ring());
  producer.record(3);
  REQUIRE(number(collector.stats(), "retainedEvents") == 3);
  CHECK(collector.wait_for([&] { return producer.acknowledged() == 3; }));
  {
    const Refused refused("pwrite", ENOSPC, 1, true);
    producer.record(5);
    const Error why = refusal(collector);
    CHECK(why.message.ends_with("writing: No space left on device"));
    CHECK(why.code == 503);
    producer.record(2);
    CHECK(refusal(collector).message == why.message);
    CHECK(producer.acknowledged() == 3);
    CHECK(*collector.ask([&](service::Engine& e) -> Result<bool> { return e.drain().blocked_by() == why.message; }));
  }
  CHECK(number(collector.stats(), "retainedEvents") == 10);
  CHECK(number(collector.stats(), "lifetime.attempted") == 10);
  CHECK(collector.wait_for([&] { return producer.acknowledged() == 10; }));
  CHECK(*collector.ask([](service::Engine& e) -> Result<bool> { return e.drain().blocked_by().empty(); }));
}

TEST_CASE("a producer that ends while the journal cannot be written keeps its segment until its events are in") {
  Directory d;
  Running collector(d.config);
  {
    Recording producer(d.ring());
    producer.record(3);
    REQUIRE(number(collector.stats(), "retainedEvents") == 3);
    const Refused refused("pwrite", EIO, 1, true);
    producer.record(4);
    CHECK(refusal(collector).message.ends_with("writing: Input/output error"));
    { Recording ended(std::move(producer)); }
    std::this_thread::sleep_for(1200ms);  // a look for those that have ended
    CHECK(std::distance(fs::directory_iterator(d.ring()), fs::directory_iterator()) == 1);
  }
  CHECK(collector.wait_for([&] { return fs::is_empty(d.ring()); }));
  const json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 7);
  CHECK(number(stats, "losses.inFlightAtKill") == 0);
}

TEST_CASE("under sync: always nothing is acknowledged before the disk has it") {
  Directory d;
  d.config.journal.sync = "always";
  Running collector(d.config);
  Recording producer(d.ring());
  producer.record(2);
  CHECK(collector.wait_for([&] { return producer.acknowledged() == 2; }));
  {
    // The first sync fails: its segment is left, and what is in it is safe once it is sealed. Nor can that be, as long as this lasts.
    const Refused refused("fdatasync", EIO, 1, true);
    producer.record(3);
    CHECK(number(collector.stats(), "retainedEvents") == 5);  // taken, and shown
    std::this_thread::sleep_for(300ms);
    CHECK(producer.acknowledged() == 2);
  }
  producer.record(1);  // the journal goes on in the next segment with the next frame
  CHECK(collector.wait_for([&] { return producer.acknowledged() == 6; }));
  CHECK(number(collector.stats(), "retainedEvents") == 6);
}
