// One pass of the drain at a time: what it takes of each lane, what it sets aside and why, and where it stops when the disk refuses.
#include "collector/service/drain.hpp"

#include <boost/json/parse.hpp>
#include <deque>
#include <fstream>

#include "collector/join/join.hpp"
#include "shm/sigbus_guard.hpp"
#include "tests/unit/refused_calls.hpp"
#include "tests/unit/service/running_engine.hpp"

using namespace arbiter;
using namespace arbiter::test;
using service::Drain;

namespace {

struct Stages {
  Directory d;
  ingest::Timeline timeline;
  privacy::Anonymizer anonymizer;
  join::Join join{1000};
  ingest::Lanes lanes = ingest::Lanes::open(d.config.ring_dir, false, 100).value();
  ingest::Quarantine quarantine{(d.path / "quarantine.jsonl").string(), true};
  std::unique_ptr<journal::Journal> journal;
  std::optional<Drain> drain;

  Stages() {
    install_sigbus_guard();
    journal::Options options;
    options.directory = (d.path / "journal").string();
    options.segment_bytes = 8 << 20;
    options.sync = journal::SyncPolicy::never;
    auto opened = journal::Journal::open(options, join);
    REQUIRE(opened.has_value());
    journal = std::move(*opened);
    drain.emplace(lanes, timeline, anonymizer, join, *journal, quarantine, options.sync);
  }
  std::uint64_t retained() const { return journal->statistics().retained.events(); }
  std::vector<json::object> set_aside() {
    quarantine.flush();
    std::vector<json::object> lines;
    std::ifstream in(d.path / "quarantine.jsonl");
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line).as_object());
    return lines;
  }
};

struct Recording {
  explicit Recording(const Directory& d) : spoilt(d.ring()), lane(std::move(spoilt.segment.claim().writer)) {}
  void record(int events) {
    for (; events > 0; --events) publish_raw(lane, usage(lane.attempt(), 1));
  }
  std::uint64_t acknowledged() { return spoilt.control(0).collector.acknowledged_events.load(); }
  Spoilt spoilt;
  LaneWriter lane;
};

event::Values execution(std::uint64_t sequence) {
  event::Values v;
  v.kind = Kind::task_execution;
  v.sequence = sequence;
  v.stamp = 1;
  v.set_text(schema::field(Kind::task_execution, "taskId"), std::string_view("task"));
  v.set_text(schema::field(Kind::task_execution, "agentId"), std::string_view("agent"));
  v.set_flag(schema::field(Kind::task_execution, "outcome.success"), true);
  return v;
}

}  // namespace

TEST_CASE_FIXTURE(Stages, "an event that cannot be decoded is set aside without a kind or a field, and its neighbours are taken") {
  Recording producer(d);
  producer.record(1);
  publish_raw(producer.lane, usage(producer.lane.attempt(), 1), [](std::byte* room) {
    const std::uint16_t unknown = 999;
    std::memcpy(room + offsetof(abi::EventHead, kind), &unknown, sizeof unknown);
  });
  producer.record(1);
  drain->scan(false);
  CHECK(drain->pass() == Drain::Passed::some);
  CHECK(retained() == 2);
  CHECK(drain->counts().events == 2);
  const auto lines = set_aside();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("reason").as_string() == "of an unknown kind");
  CHECK_FALSE(lines[0].contains("field"));
}

TEST_CASE_FIXTURE(Stages, "a lane that is claimed and not used yet is in the account with nothing, and is believed") {
  Recording producer(d);
  drain->scan(false);
  CHECK(drain->pass() == Drain::Passed::idle);
  drain->note_accounts();
  CHECK(drain->counts().impossible_accounts == 0);
  ingest::Lane& lane = lanes.sources().front().lanes.at(0);
  CHECK(lane.cursor == journal::Cursor{.position = lane.reader.published()});
  CHECK(lane.cursor.attempted == 0);
}

TEST_CASE_FIXTURE(Stages, "a lane whose position no producer can have reached is read no further, and the one beside it is") {
  Recording bad(d), good(d);
  bad.record(1), good.record(1);
  drain->scan(false);
  drain->pass();
  bad.spoilt.control(0).producer.write = abi::Position::at(7, 0).value;
  good.record(1);
  CHECK(drain->pass() == Drain::Passed::some);
  CHECK(drain->counts().quarantined_lanes == 1);
  good.record(1);
  drain->pass();
  CHECK(retained() == 4);
  CHECK(drain->counts().quarantined_lanes == 1);
  const auto lines = set_aside();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("reason").as_string() == "its write position is impossible");
}

TEST_CASE_FIXTURE(Stages, "an execution that says itself when it started keeps that, whatever its ticks say; the ticks are not kept") {
  const unsigned at = schema::field(Kind::task_execution, "startedAtNs"), ticks = schema::field(Kind::task_execution, "startedTicks");
  Recording producer(d);
  event::Values told = execution(producer.lane.attempt());
  told.set_time(at, 500);
  told.set_time(ticks, 1);
  publish_raw(producer.lane, told);
  event::Values ticked = execution(producer.lane.attempt());
  ticked.set_time(ticks, 1);
  publish_raw(producer.lane, ticked);
  drain->scan(false);
  drain->pass();
  std::vector<std::int64_t> started;
  journal->view()->scan({}, [&](const journal::StoredEvent& e) {
    CHECK_FALSE(e.values.has(ticks));
    started.push_back(e.values.time(at));
    return true;
  });
  CHECK(started == std::vector<std::int64_t>{500, timeline.unix_ns(producer.spoilt.segment.clock(), 1)});
}

TEST_CASE_FIXTURE(Stages,
                  "a frame that is full and cannot be written ends the pass, and the question; afterwards every event is there once") {
  std::deque<Recording> producers;
  for (int i = 0; i < 6; ++i) producers.emplace_back(d).record(5000);  // more than a batch each; three make a frame
  drain->scan(false);
  {
    const Refused refused("pwrite", ENOSPC, 1, true);
    CHECK(drain->pass() == Drain::Passed::blocked);
    CHECK(drain->blocked_by().ends_with("writing: No space left on device"));
    CHECK(drain->counts().batches == 3);
    CHECK(drain->pass() == Drain::Passed::blocked);
    CHECK(drain->counts().batches == 3);
    const auto caught_up = drain->catch_up();
    REQUIRE_FALSE(caught_up.has_value());
    CHECK(caught_up.error().message == drain->blocked_by());
    CHECK(drain->counts().batches == 4);  // with which it was full again: nothing is taken of the other lanes
    for (Recording& r : producers) CHECK(r.acknowledged() == 0);
    CHECK(retained() == 0);
  }
  REQUIRE(drain->catch_up().has_value());
  CHECK(drain->blocked_by().empty());
  CHECK(retained() == 30'000);
  for (Recording& r : producers) CHECK(r.acknowledged() == 5000);
}

TEST_CASE_FIXTURE(Stages, "a pass says whether it took nothing, what was there, or as much as it may, when more is waiting") {
  Recording producer(d);
  drain->scan(false);
  CHECK(drain->pass() == Drain::Passed::idle);
  producer.record(1);
  CHECK(drain->pass() == Drain::Passed::some);
  producer.record(5000);
  CHECK(drain->pass() == Drain::Passed::more);
  REQUIRE(drain->catch_up().has_value());
  CHECK(drain->pass() == Drain::Passed::idle);
  CHECK(retained() == 5001);
  {
    const Refused refused("pwrite", EIO, 1, true);
    producer.record(1);
    CHECK(drain->pass() == Drain::Passed::blocked);
  }
  CHECK(drain->pass() == Drain::Passed::idle);  // taken before
  CHECK(retained() == 5002);
}

TEST_CASE_FIXTURE(Stages, "a segment truncated between two of its lanes is set aside once, and the last figures of both stay") {
  Recording victim(d);
  LaneWriter second = std::move(victim.spoilt.segment.claim().writer);
  victim.record(2);
  publish_raw(second, usage(second.attempt(), 1));
  drain->scan(false);
  drain->pass();
  REQUIRE(retained() == 3);
  REQUIRE(truncate(victim.spoilt.segment.path().c_str(), 0) == 0);
  drain->note_accounts();
  CHECK(drain->pass() == Drain::Passed::idle);
  CHECK(drain->counts().quarantined_lanes == 2);
  drain->note_accounts();
  drain->pass();
  CHECK(drain->counts().quarantined_lanes == 2);
  CHECK(drain->counts().impossible_accounts == 0);
  CHECK(set_aside().size() == 1);
  std::uint64_t attempted = 0;
  for (const auto& [id, cursor] : journal->lanes()) attempted += cursor.attempted;
  CHECK(attempted == 3);
}

TEST_CASE_FIXTURE(Stages, "lanes of the journal whose file is gone are closed, and those whose file is there are not") {
  Recording stays(d);
  {
    Recording gone(d);
    gone.record(2), stays.record(3);
    drain->scan(false);
    drain->pass();
    REQUIRE(unlink(gone.spoilt.segment.path().c_str()) == 0);
  }
  drain->close_vanished();
  REQUIRE(journal->lanes().size() == 1);
  CHECK(journal->lanes()[0].second.delivered == 3);
  CHECK(journal->statistics().closed.lanes == 1);
  CHECK(journal->statistics().closed.delivered == 2);
}
