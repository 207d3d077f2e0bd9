// Producers that lie in their figures and positions while the collector looks: others are served, and what is believed stays believable.
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <set>

#include "tests/unit/service/running_engine.hpp"

using namespace arbiter;
using namespace arbiter::test;

namespace {

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Claimed {
  explicit Claimed(const std::string& ring_dir) : spoilt(ring_dir), lane(std::move(spoilt.segment.claim().writer)) {}
  void record() { publish_raw(lane, usage(lane.attempt(), 1)); }
  abi::LaneControl& control() { return spoilt.control(0); }
  Spoilt spoilt;
  LaneWriter lane;
};

}  // namespace

TEST_CASE("figures that go back, or cannot be, are not believed: the last good ones stay in the account, and the totals are everybody's") {
  Directory d;
  Running collector(d.config);
  Claimed honest(d.ring()), liar(d.ring());
  for (int i = 0; i < 3; ++i) honest.record(), liar.record();
  REQUIRE(number(collector.stats(), "lifetime.attempted") == 6);

  auto& account = liar.control().account;
  auto& attempted = liar.control().producer.attempted;
  const auto lies = {std::function<void()>([&] { attempted = UINT64_MAX; }), std::function<void()>([&] { attempted = 1; }),
                     std::function<void()>([&] { attempted = 3, account.dropped[0] = UINT64_MAX - 3; }),
                     std::function<void()>([&] { account.dropped[0] = 0, account.refused[3] = 4; }),
                     std::function<void()>([&] { account.refused[3] = 0, account.dropped[1] = std::uint64_t{1} << 53; })};
  std::uint64_t honest_events = 3;
  for (const auto& lie : lies) {
    lie();
    honest.record();
    ++honest_events;
    const json::object stats = collector.stats();
    CHECK(number(stats, "lifetime.attempted") == honest_events + 3);
    CHECK(number(stats, "losses.dropped") == 0);
    CHECK(number(stats, "losses.refused") == 0);
    CHECK(number(stats, "retainedEvents") == honest_events + 3);
  }
  CHECK(*collector.ask([](service::Engine& e) -> Result<std::uint64_t> { return e.drain().counts().impossible_accounts; }) == 1);

  // Figures that can be are taken again.
  account.dropped[1] = 0, account.dropped[0] = 4, attempted = 7;
  CHECK(number(collector.stats(), "losses.dropped") == 4);
}

TEST_CASE("a question is answered although a producer takes back what it had published, and others never stop recording") {
  Directory d;
  Running collector(d.config);
  Claimed honest(d.ring());  // attached first: what waits in it is taken before the liars are looked at
  honest.record();
  REQUIRE(number(collector.stats(), "retainedEvents") == 1);
  std::uint64_t expected = 1;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> recorded{0};
  std::thread busy([&] {
    Producer producer(at(d));
    while (!stop) {
      if (producer.record(RoutingDecision{.task_id = "t", .selected_agent = "a"}).recorded()) ++recorded;
      std::this_thread::sleep_for(20us);
    }
  });
  {
    Spoilt liar(d.ring());
    std::vector<LaneWriter> lanes;
    for (std::uint32_t n = 0; n < abi::kLanesPerSegment; ++n) {
      lanes.push_back(std::move(liar.segment.claim().writer));
      publish_raw(lanes.back(), usage(lanes.back().attempt(), 1));
      ++expected;
    }
    collector.stats();
    // On the drain's thread, so that no pass comes between: ahead when the question is begun, and back at the cursor, at one moment or
    // another, when the lane is looked at. That is no fault, and never any progress.
    for (std::uint32_t n = 0; n < abi::kLanesPerSegment; ++n) {
      std::atomic<std::uint64_t>& write = liar.control(n).producer.write;
      const std::uint64_t at_rest = lanes[n].position().value;
      std::atomic<bool> began{false};
      std::thread back([&] {
        while (!began) {
        }
        std::this_thread::sleep_for(std::chrono::microseconds(50 * n));
        write = at_rest;
      });
      for (int i = 0; i < 1000; ++i) honest.record();
      expected += 1000;
      const auto asked = std::chrono::steady_clock::now();
      const auto answer = collector.ask([&](service::Engine& engine) {
        write = at_rest + 1;
        began = true;
        return engine.catch_up();
      });
      back.join();
      CHECK(answer.has_value());
      CHECK(std::chrono::steady_clock::now() - asked < 20s);
    }
  }
  stop = true;
  busy.join();
  const json::object stats = collector.stats();
  CHECK(number(stats, "totalRoutingDecisions") == recorded);
  CHECK(number(stats, "retainedEvents") == recorded + expected);
}

TEST_CASE("a segment that is truncated under the collector is set aside once, keeps its account, and hurts nobody") {
  Directory d;
  Running collector(d.config);
  Claimed honest(d.ring());
  std::uint64_t expected = 0, cut = 0;
  // To nothing, into the header, into the controls, into the first lane.
  for (const off_t left : {0, 100, 4096 + 100, static_cast<int>(abi::kDataOffset) + 4096}) {
    CAPTURE(left);
    {
      Claimed victim(d.ring());
      LaneWriter second = std::move(victim.spoilt.segment.claim().writer);
      for (int i = 0; i < 5; ++i) victim.record(), honest.record();
      publish_raw(second, usage(second.attempt(), 1));
      expected += 11;
      REQUIRE(number(collector.stats(), "retainedEvents") == expected);
      const abi::Position far = abi::Position::at(0, 3000);
      victim.control().producer.write.store(far.value);
      REQUIRE(truncate(victim.spoilt.segment.path().c_str(), left) == 0);
      ++cut;
      const auto aside = [](service::Engine& e) -> Result<std::uint64_t> { return e.drain().counts().quarantined_lanes; };
      CHECK(collector.wait_for(
          [&] { return *collector.ask(aside) == 2 * cut || (left > 4096 * 3 && *collector.ask(aside) == 2 * cut - 1); }));
      const json::object stats = collector.stats();
      CHECK(number(stats, "retainedEvents") == expected);
      CHECK(number(stats, "lifetime.attempted") == expected);
    }
    CHECK(collector.wait_for([&] { return collector.sources() == 1; }));
    honest.record();
    ++expected;
    const json::object stats = collector.stats();
    CHECK(number(stats, "retainedEvents") == expected);
    CHECK(number(stats, "lifetime.attempted") == expected);
    CHECK(number(stats, "losses.quarantined") == 0);
    CHECK(number(stats, "losses.inFlightAtKill") == 0);
  }
  CHECK(lines_of(d.path / "state" / "quarantine.jsonl").size() == cut);
}

TEST_CASE("a segment truncated before a lane of it is used is said to be so, and set aside") {
  Directory d;
  Running collector(d.config);
  const auto poisoned = [](service::Engine& e) -> Result<bool> {
    const auto& sources = e.lanes().sources();
    return !sources.empty() && sources.front().poisoned;
  };
  std::string id;
  {
    Spoilt victim(d.ring());
    id = hex(victim.segment.id());
    REQUIRE(collector.wait_for([&] { return collector.sources() == 1; }));
    REQUIRE(truncate(victim.segment.path().c_str(), 0) == 0);
    CHECK(collector.wait_for([&] { return *collector.ask(poisoned); }));
  }
  CHECK(collector.wait_for([&] { return collector.sources() == 0; }));
  CHECK(fs::exists(fs::path(d.ring()) / ("quarantined-" + id)));
  collector.stop();
  CHECK(lines_of(d.path / "state" / "quarantine.jsonl").size() == 1);
}

TEST_CASE("a segment whose name cannot be had out of the way is counted once, and goes when it can") {
  Directory d;
  Running collector(d.config);
  std::vector<fs::path> squatted;
  std::string id;
  {
    Claimed bad(d.ring());
    id = hex(bad.spoilt.segment.id());
    // Somebody has taken every name that it could be set aside under.
    for (int i = 0; i < 100; ++i) {
      squatted.push_back(fs::path(d.ring()) / ("quarantined-" + id + (i == 0 ? "" : "." + std::to_string(i))));
      fs::create_directory(squatted.back());
    }
    bad.record();
    publish_raw(bad.lane, usage(bad.lane.attempt(), 1), [](std::byte* room) { std::memset(room, 0xff, 36); });
    const std::uint32_t lie = 3;
    std::memcpy(bad.spoilt.record(0, 1) + offsetof(abi::EventHead, length), &lie, sizeof lie);
  }
  CHECK(collector.wait_for([&] {
    const auto ended = [](service::Engine& e) -> Result<bool> {
      const auto& sources = e.lanes().sources();
      return !sources.empty() && sources.front().ended && sources.front().drained;
    };
    return *collector.ask(ended);
  }));
  std::this_thread::sleep_for(600ms);  // some tries
  json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 1);
  CHECK(number(stats, "lifetime.attempted") == 2);
  CHECK(collector.sources() == 1);
  fs::remove(squatted[7]);
  CHECK(collector.wait_for([&] { return collector.sources() == 0; }));
  CHECK(fs::is_regular_file(squatted[7]));
  stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 1);
  CHECK(number(stats, "losses.quarantined") == 1);
  CHECK(number(stats, "losses.stateRewound") == 0);
  CHECK(number(stats, "lifetime.attempted") == 2);
}

TEST_CASE("an acknowledged count that a producer has written over is believed no further than its positions reach") {
  Directory d;
  { Running collector(d.config); }
  Claimed liar(d.ring());
  for (int i = 0; i < 10; ++i) liar.record();
  liar.control().collector.acknowledged = abi::Position::at(0, 4).value;
  liar.control().collector.counted_to = abi::Position::at(0, 4).value;
  liar.control().collector.acknowledged_events = UINT64_MAX - 5;
  Running collector(d.config);
  const json::object stats = collector.stats();
  CHECK(number(stats, "losses.stateRewound") == abi::kLaneRecords);
}
