// The stages in a row, on real lanes and a real journal: what goes in comes out once, and what is bad harms nobody else.
#include "collector/service/engine.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arbiter/producer.hpp>
#include <boost/json/parse.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "collector/config/units.hpp"
#include "collector/service/report.hpp"
#include "shm/lane_writer.hpp"
#include "shm/segment.hpp"

#include "tests/unit/service/running_engine.hpp"

using namespace arbiter;
using namespace arbiter::test;

TEST_CASE("what producers record is in the statistics, with its duration") {
  Directory d;
  Running collector(d.config);
  Producer producer(at(d));
  for (int i = 0; i < 10; ++i) {
    auto run = producer.start_task({.task_id = "task", .agent_id = "agent"});
    CHECK(run.complete({.success = i < 8}).recorded());
  }
  const json::object stats = collector.stats();
  CHECK(number(stats, "totalTaskExecutions") == 10);
  CHECK(number(stats, "joinedExecutions") == 10);
  CHECK(stats.at("overallSuccessRate").as_double() == 0.8);
  CHECK(number(stats, "retainedEvents") == 20);
  CHECK(number(stats, "lifetime.attempted") == 20);
}

TEST_CASE("a later decision that comes late takes the place of the one before, with nothing of it left") {
  Directory d;
  auto engine = service::Engine::open(d.config);
  REQUIRE(engine.has_value());
  Producer producer(at(d));
  const auto decide = [&](std::string_view id, std::int64_t time, std::optional<double> confidence) {
    CHECK(producer.record(RoutingDecision{.decision_id = id, .task_id = "t", .selected_agent = "a", .confidence = confidence, .time = time})
              .recorded());
  };
  CHECK(producer.record(TaskStart{.execution_id = "x", .task_id = "t", .agent_id = "a", .time = 30}).recorded());
  decide("first", 10, 0.9);
  CHECK(producer.record(TaskExecution{.execution_id = "x", .task_id = "t", .agent_id = "a", .outcome = {.success = true}, .time = 50})
            .recorded());
  decide("second", 20, std::nullopt);
  REQUIRE((*engine)->catch_up().has_value());

  int executions = 0;
  (*engine)->journal().view()->scan({}, [&](const journal::StoredEvent& event) {
    const event::Values& v = event.values;
    if (v.kind != Kind::task_execution) return true;
    ++executions;
    CHECK(v.text[schema::field(Kind::task_execution, "routingDecision.decisionId")].bytes() == "second");
    CHECK_FALSE(v.has(schema::field(Kind::task_execution, "routingDecision.confidence")));
    CHECK(v.time(schema::field(Kind::task_execution, "routingDecision.decidedAtNs")) == 20);
    CHECK(v.time(schema::field(Kind::task_execution, "startedAtNs")) == 30);
    CHECK(event.revision == 1);
    return true;
  });
  CHECK(executions == 1);
}

TEST_CASE("a second engine on the same state or the same lanes is refused and names the first") {
  Directory d;
  Running first(d.config);
  config::Config same_lanes = d.config;
  same_lanes.state_dir = d.path / "other";
  for (const config::Config& config : {d.config, same_lanes}) {
    const auto second = service::Engine::open(config);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().message.find("pid " + std::to_string(getpid())) != std::string::npos);
  }
}

TEST_CASE("an event out of range is set aside, counted, and its neighbours are taken") {
  Directory d;
  Running collector(d.config);
  auto segment = SegmentWriter::create(d.ring(), false);
  REQUIRE(segment.has_value());
  auto claimed = segment->claim();
  REQUIRE(claimed.outcome == SegmentWriter::Claim::claimed);
  for (const double rate : {0.5, -1.0, 2.0}) {
    const std::uint64_t sequence = claimed.writer.attempt();
    publish_raw(claimed.writer, usage(sequence, rate));
  }
  const json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 2);
  CHECK(number(stats, "losses.quarantined") == 1);
  std::ifstream file(d.path / "state" / "quarantine.jsonl");
  std::string line;
  REQUIRE(std::getline(file, line));
  const json::object entry = json::parse(line).as_object();
  CHECK(entry.at("field").as_string() == "utilizationRate");
  CHECK(entry.at("reason").as_string() == "is out of its range");
  CHECK(entry.contains("bytes"));
}

TEST_CASE("an event whose sequence does not grow is set aside: it would be counted twice") {
  Directory d;
  Running collector(d.config);
  auto segment = SegmentWriter::create(d.ring(), false);
  auto claimed = segment->claim();
  for (const std::uint64_t sequence : {5u, 5u, 4u, 6u}) publish_raw(claimed.writer, usage(sequence, 1));
  const json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 2);
  CHECK(number(stats, "losses.quarantined") == 2);
}

TEST_CASE("a lane whose framing is impossible is read no further, the others are, and its file is kept aside") {
  Directory d;
  Running collector(d.config);
  {
    auto segment = SegmentWriter::create(d.ring(), false);
    auto bad = segment->claim();
    auto good = segment->claim();
    publish_raw(bad.writer, usage(bad.writer.attempt(), 1));
    publish_raw(bad.writer, usage(bad.writer.attempt(), 1), [](std::byte* room) {
      const std::uint32_t lie = 1 << 30;
      std::memcpy(room + offsetof(abi::EventHead, length), &lie, sizeof lie);
    });
    publish_raw(good.writer, usage(good.writer.attempt(), 1));
    CHECK(number(collector.stats(), "retainedEvents") == 2);
    publish_raw(good.writer, usage(good.writer.attempt(), 1));
    CHECK(number(collector.stats(), "retainedEvents") == 3);
  }
  CHECK(collector.wait_for([&] { return collector.sources() == 0; }));
  const json::object stats = collector.stats();
  CHECK(number(stats, "losses.quarantined") == 1);
  CHECK(number(stats, "losses.inFlightAtKill") == 0);
  int aside = 0;
  for (const auto& entry : fs::directory_iterator(d.ring())) aside += entry.path().filename().string().starts_with("quarantined-") ? 1 : 0;
  CHECK(aside == 1);
}

TEST_CASE("when a producer has gone its lanes are closed, its file is removed, and its account stays") {
  Directory d;
  Running collector(d.config);
  const pid_t child = fork();
  if (child == 0) {
    Producer producer(at(d));
    for (int i = 0; i < 100; ++i) static_cast<void>(producer.record(ThinkingBudgetUsage{.task_id = "t", .tokens_used = 1}));
    static_cast<void>(producer.record(ThinkingBudgetUsage{.task_id = ""}));
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  CHECK(collector.wait_for([&] { return collector.sources() == 0 && fs::is_empty(d.ring()); }));
  const json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 100);
  CHECK(number(stats, "losses.refused") == 1);
  CHECK(number(stats, "losses.refusedByReason.missing") == 1);
  CHECK(number(stats, "lifetime.attempted") == 101);
  CHECK(number(stats, "losses.inFlightAtKill") == 0);
}

TEST_CASE("what a kill cut short is in flight: attempts less everything that is known of them") {
  Directory d;
  Running collector(d.config);
  {
    auto segment = SegmentWriter::create(d.ring(), false);
    auto claimed = segment->claim();
    for (const double rate : {0.5, 0.5, 0.5, -1.0}) publish_raw(claimed.writer, usage(claimed.writer.attempt(), rate));
    static_cast<void>(claimed.writer.attempt());
  }
  CHECK(collector.wait_for([&] { return collector.sources() == 0 && fs::is_empty(d.ring()); }));
  const json::object stats = collector.stats();
  CHECK(number(stats, "lifetime.attempted") == 5);
  CHECK(number(stats, "retainedEvents") == 3);
  CHECK(number(stats, "losses.quarantined") == 1);
  CHECK(number(stats, "losses.inFlightAtKill") == 1);
}

TEST_CASE("lanes whose file somebody removed while no collector ran are closed at the next start, with what is known of them") {
  Directory d;
  auto segment = SegmentWriter::create(d.ring(), false);
  auto claimed = segment->claim();
  {
    Running collector(d.config);
    for (int i = 0; i < 3; ++i) publish_raw(claimed.writer, usage(claimed.writer.attempt(), 1));
    REQUIRE(number(collector.stats(), "retainedEvents") == 3);
  }
  fs::remove(segment->path());
  Running collector(d.config);
  const auto lanes = [](service::Engine& e) -> Result<std::size_t> { return e.journal().lanes().size(); };
  CHECK(*collector.ask(lanes) == 0);
  const json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 3);
  CHECK(number(stats, "lifetime.attempted") == 3);
  CHECK(number(stats, "losses.inFlightAtKill") == 0);
}

TEST_CASE("a journal without options is one with the defaults of the configuration") {
  const config::Config configured;
  const journal::Options options;
  CHECK(options.segment_bytes == configured.journal.segment_bytes);
  CHECK(options.sync == journal::SyncPolicy::interval);
  CHECK(config::parse_duration(configured.journal.sync) == options.sync_interval);
}

TEST_CASE("a state that was wiped counts what its lanes had acknowledged as rewound, and goes on from there") {
  Directory d;
  Producer producer(at(d));
  const auto record = [&](int n) {
    for (int i = 0; i < n; ++i) CHECK(producer.record(ThinkingBudgetUsage{.task_id = "t", .tokens_used = 1}).recorded());
  };
  {
    Running collector(d.config);
    record(7);
    CHECK(number(collector.stats(), "retainedEvents") == 7);
  }
  fs::remove_all(d.config.state_dir);
  record(3);
  Running collector(d.config);
  const json::object stats = collector.stats();
  CHECK(number(stats, "retainedEvents") == 3);
  CHECK(number(stats, "losses.stateRewound") == 7);
  CHECK(number(stats, "lifetime.attempted") == 10);
}

TEST_CASE("a journal without its key is refused") {
  Directory d;
  { Running collector(d.config); }
  fs::remove(d.config.anonymization.key_file);
  const auto again = service::Engine::open(d.config);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().message.find("is missing") != std::string::npos);
}

TEST_CASE("a pause reaches producers and survives a restart; resuming lets them record again") {
  Directory d;
  Producer producer(at(d));
  const auto record = [&] { return producer.record(ThinkingBudgetUsage{.task_id = "t", .tokens_used = 1}); };
  CHECK(record().recorded());
  {
    auto engine = service::Engine::open(d.config);
    REQUIRE(engine.has_value());
    REQUIRE((*engine)->catch_up().has_value());
    REQUIRE((*engine)->set_paused(true).has_value());
    CHECK(record().status() == Status::disabled);
  }
  auto engine = service::Engine::open(d.config);
  REQUIRE(engine.has_value());
  CHECK((*engine)->paused());
  REQUIRE((*engine)->catch_up().has_value());  // attaches the segment
  CHECK(record().status() == Status::disabled);
  REQUIRE((*engine)->set_paused(false).has_value());
  CHECK(record().recorded());
}
