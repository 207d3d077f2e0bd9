// A producer killed at every named place, several times over: what the collector then finds is whole, and adds up. (Preset testpoints.)
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <set>

#include "lane_in_memory.hpp"
#include "own_directory.hpp"
#include "shm/segment.hpp"

using namespace arbiter;
using test::OwnDirectory;

namespace {

const test::Sizes kSizes{77, 700, 40};

// Two threads' worth of lanes, one after the other: fills a lane till it drops, with refusals in between; the collector, here in the
// same process, lets it go round and jump.
void produce(const OwnDirectory& dir) {
  auto segment = SegmentWriter::create(dir.lanes(), false).value();
  auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
  for (int thread = 0; thread < 2; ++thread) {
    SegmentWriter::Claimed got = segment.claim();
    LaneReader lane = reader.lane(got.lane);
    std::uint64_t recorded = 0;
    for (int i = 0; i < 3000; ++i) {
      if (i % 100 == 7) {
        got.writer.attempt();
        got.writer.count_refused(abi::Refusal::missing);
      }
      recorded += test::record(got.writer, kSizes);
      // Read up to half, so that the writer goes round; then stand still, so that it meets the cursor, jumps, grows and is full.
      if (i == 500 || i == 1000) lane.acknowledge(got.writer.position(), recorded);
    }
    while (test::record(got.writer, kSizes)) {
    }
  }
}

// How the child ended that produced under these orders: the signal, or 0.
int killed_by(const OwnDirectory& dir, const std::string& order, const std::string& log = "") {
  const pid_t child = fork();
  if (child == 0) {
    setenv("ARBITER_TESTPOINT", order.c_str(), 1);
    if (!log.empty()) setenv("ARBITER_TESTPOINT_LOG", log.c_str(), 1);
    produce(dir);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

// Drains one lane from its start or from where it was acknowledged; checks every event. Returns attempts that became nothing.
std::uint64_t drain(LaneReader lane) {
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  abi::Position cursor = lane.acknowledged();
  std::uint64_t events = lane.acknowledged_events(), last = 0;
  for (;;) {
    const LaneReader::Copied got = lane.copy(cursor, buffer);
    REQUIRE(got.fault == LaneReader::Fault::none);
    if (got.events == 0) break;
    for (const auto event : EventWalk(std::span(buffer).first(got.bytes))) {
      const std::uint64_t sequence = test::sequence_of(event);
      if (sequence <= last || !test::is_event(event, sequence, kSizes.length(sequence))) FAIL("event " << sequence << " after " << last);
      last = sequence;
    }
    events += got.events;
    cursor = got.next;
  }
  CHECK(cursor == lane.published());
  const LaneReader::Account account = lane.account();
  CHECK(last <= account.attempted);
  return account.attempted - events - account.dropped_total() - account.refused_total();
}

std::set<std::string> labels_passed() {
  OwnDirectory dir;
  const std::string log = dir.lanes() + ".log";
  REQUIRE(killed_by(dir, "none:1", log) == 0);
  std::set<std::string> labels;
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("acknowledge.")) CHECK(labels.insert(line).second);  // each once; the reader's own are tests/crash's
  return labels;
}

}  // namespace

TEST_CASE("a run of a producer passes every label of this room, and logs each once") {
  CHECK(labels_passed() == std::set<std::string>{"lane.attempted", "lane.backed", "lane.claim", "lane.claimed", "lane.count",
                                                 "lane.counted", "lane.grow", "lane.grow_backed", "lane.grown", "lane.publish",
                                                 "lane.published", "lane.skip", "segment.backed", "segment.filled", "segment.linked",
                                                 "segment.locked", "segment.opened", "segment.sized"});
}

TEST_CASE("killed at any label, a producer leaves no segment or a whole one, every event whole, and at most one attempt in flight") {
  for (const std::string& label : labels_passed())
    for (const int passing : {1, 2, 3, 7, 300, 2999}) {
      INFO(label, " passed for the ", passing, ". time");
      OwnDirectory dir;
      const int signal = killed_by(dir, label + ":" + std::to_string(passing));
      CHECK((signal == SIGKILL || signal == 0));
      if (passing == 1) CHECK(signal == SIGKILL);
      const auto names = dir.names();
      if (label.starts_with("segment.") && label != "segment.linked" && signal == SIGKILL) CHECK(names.empty());
      for (const std::string& name : names) {
        const auto reader = SegmentReader::attach(dir.fd(), name.c_str()).value();
        CHECK_FALSE(reader.owner_alive());
        for (std::uint32_t i = 0; i < reader.lane_count(); ++i) CHECK(drain(reader.lane(i)) <= 1);
      }
    }
}

TEST_CASE("negative control: a producer that publishes before it fills is caught") {
  OwnDirectory dir;
  const pid_t child = fork();
  if (child == 0) {
    setenv("ARBITER_TESTPOINT", "lane.published:50", 1);
    auto segment = SegmentWriter::create(dir.lanes(), false).value();
    SegmentWriter::Claimed got = segment.claim();
    for (;;) {
      const std::uint64_t sequence = got.writer.attempt();
      const std::uint32_t length = kSizes.length(sequence);
      std::byte* const at = got.writer.reserve(records_for(length));
      got.writer.publish(records_for(length));
      test::fill_event(at, sequence, length);
    }
  }
  waitpid(child, nullptr, 0);
  const auto names = dir.names();
  REQUIRE(names.size() == 1);
  const auto reader = SegmentReader::attach(dir.fd(), names[0].c_str()).value();
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  abi::Position cursor;
  LaneReader::Copied got;
  do {
    got = reader.lane(0).copy(cursor, buffer);
    cursor = got.next;
  } while (got.fault == LaneReader::Fault::none && got.events != 0);
  CHECK(got.fault == LaneReader::Fault::bad_framing);
}
