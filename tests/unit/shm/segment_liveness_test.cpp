// Whose segment is alive: the lock lives with the mapping, in the process that made it, and nowhere else.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "lane_in_memory.hpp"
#include "own_directory.hpp"
#include "shm/segment.hpp"
#include "tests/unit/leave.hpp"

using namespace arbiter;
using test::OwnDirectory;

namespace {

// A pipe that the parent reads to know that the child has come this far.
struct Pipe {
  int fds[2];
  Pipe() { REQUIRE(pipe2(fds, O_CLOEXEC) == 0); }
  ~Pipe() { close(fds[0]), close(fds[1]); }
  void tell(std::uint32_t word = 1) const {
    if (write(fds[1], &word, sizeof word) != sizeof word) _exit(3);
  }
  std::uint32_t wait() const {
    std::uint32_t word = 0;
    REQUIRE(read(fds[0], &word, sizeof word) == sizeof word);
    return word;
  }
};

void end(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

[[noreturn]] void sleep_for_good() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) pause();
}

SegmentReader attach_only(const OwnDirectory& dir) {
  const auto names = dir.names();
  REQUIRE(names.size() == 1);
  return SegmentReader::attach(dir.fd(), names[0].c_str()).value();
}

}  // namespace

TEST_CASE("a segment is alive while its writer is, and ended once the writer is gone") {
  OwnDirectory dir;
  std::optional<SegmentWriter> segment = SegmentWriter::create(dir.lanes(), false).value();
  const SegmentReader reader = attach_only(dir);
  CHECK(reader.owner_alive());
  SegmentWriter moved(std::move(*segment));
  segment.reset();
  CHECK(reader.owner_alive());
  { SegmentWriter last(std::move(moved)); }
  CHECK_FALSE(reader.owner_alive());
}

TEST_CASE("a collector that looks, comes and goes takes nobody's lock away") {
  OwnDirectory dir;
  const auto segment = SegmentWriter::create(dir.lanes(), false).value();
  for (int i = 0; i < 3; ++i) CHECK(attach_only(dir).owner_alive());
}

TEST_CASE("a stopped producer is alive, a killed one is not, and what it recorded is there") {
  OwnDirectory dir;
  Pipe ready;
  const test::Sizes sizes{3, 300, 100};
  const pid_t child = fork();
  if (child == 0) {
    auto segment = SegmentWriter::create(dir.lanes(), false).value();
    SegmentWriter::Claimed got = segment.claim();
    for (int i = 0; i < 250; ++i) test::record(got.writer, sizes);
    ready.tell();
    sleep_for_good();
  }
  ready.wait();
  const SegmentReader reader = attach_only(dir);
  CHECK(reader.owner_alive());
  kill(child, SIGSTOP);
  waitpid(child, nullptr, WUNTRACED);
  CHECK(reader.owner_alive());
  end(child);
  CHECK_FALSE(reader.owner_alive());
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  abi::Position cursor;
  std::uint64_t sequence = 0;
  for (;;) {
    const LaneReader::Copied got = reader.lane(0).copy(cursor, buffer);
    REQUIRE(got.fault == LaneReader::Fault::none);
    if (got.events == 0) break;
    for (const auto event : EventWalk(std::span(buffer).first(got.bytes))) {
      ++sequence;
      CHECK(test::is_event(event, sequence, sizes.length(sequence)));
    }
    cursor = got.next;
  }
  CHECK(sequence == 250);
}

TEST_CASE("a producer that is killed is ended even while its forked child lives") {
  OwnDirectory dir;
  Pipe ready;
  const pid_t owner = fork();
  if (owner == 0) {
    auto segment = SegmentWriter::create(dir.lanes(), false).value();
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      segment.abandon();
      ready.tell(static_cast<std::uint32_t>(getpid()));
      for (;;) pause();
    }
    sleep_for_good();
  }
  const auto grandchild = static_cast<pid_t>(ready.wait());
  const SegmentReader reader = attach_only(dir);
  CHECK(reader.owner_alive());
  end(owner);
  CHECK(kill(grandchild, 0) == 0);
  CHECK_FALSE(reader.owner_alive());
  kill(grandchild, SIGKILL);
}

TEST_CASE("a forked child has no part in the mapping: touching it ends the child, and abandoning it does not") {
  OwnDirectory dir;
  auto segment = SegmentWriter::create(dir.lanes(), false).value();
  pid_t child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    _exit(segment.disabled() ? 1 : 2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) <= 2));

  child = fork();
  if (child == 0) {
    segment.abandon();
    { SegmentWriter gone(std::move(segment)); }
    auto own = SegmentWriter::create(dir.lanes(), false);
    test::leave(own && own->claim().outcome == SegmentWriter::Claim::claimed ? 0 : 1);
  }
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(segment.still_linked());
  CHECK(SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value().owner_alive());
}

TEST_CASE("the lock outlives every descriptor of the process") {
  OwnDirectory dir;
  Pipe ready;
  const pid_t child = fork();
  if (child == 0) {
    const auto segment = SegmentWriter::create(dir.lanes(), false);
    const int keep = ready.fds[1];
    for (int fd = 3; fd < 256; ++fd)
      if (fd != keep) close(fd);
    ready.tell();
    sleep_for_good();
  }
  ready.wait();
  const SegmentReader reader = attach_only(dir);
  CHECK(reader.owner_alive());
  end(child);
  CHECK_FALSE(reader.owner_alive());
}
