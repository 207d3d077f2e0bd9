// A file system without room: no signal, no half-made file, the blocks given back. Needs a tmpfs of its own, hence root.
#include <doctest/doctest.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <fstream>

#include "lane_in_memory.hpp"
#include "own_directory.hpp"
#include "shm/segment.hpp"
#include "tests/unit/leave.hpp"

using namespace arbiter;
using test::OwnDirectory;

namespace {

std::size_t free_bytes(const std::string& dir) {
  struct statfs status {};
  statfs(dir.c_str(), &status);
  return static_cast<std::size_t>(status.f_bfree) * static_cast<std::size_t>(status.f_bsize);
}

// Leaves `bytes` free.
void fill_up(const std::string& dir, std::size_t bytes) {
  std::ofstream ballast(dir + "/ballast", std::ios::binary | std::ios::app);
  while (free_bytes(dir) > bytes) ballast.write(std::string(4096, 'x').data(), 4096).flush();
}

#define IN_CHILD(condition)                                                \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                            \
    }                                                                      \
  } while (false)

void on_a_small_file_system(const std::string& dir) {
  // No header: nothing is made.
  fill_up(dir, 8192);
  const auto none = SegmentWriter::create(dir, false);
  IN_CHILD(!none && none.error().code == ENOSPC);
  IN_CHILD(free_bytes(dir) == 8192);

  // A header, and not a whole lane: no lane, and what it took is given back.
  unlink((dir + "/ballast").c_str());
  fill_up(dir, 12288 + 200 * 1024);
  auto segment = SegmentWriter::create(dir, false);
  IN_CHILD(bool(segment));
  IN_CHILD(free_bytes(dir) == 200 * 1024);
  errno = 55;
  IN_CHILD(segment->claim().outcome == SegmentWriter::Claim::no_memory);
  IN_CHILD(errno == 55);
  IN_CHILD(free_bytes(dir) == 200 * 1024);

  // A lane, and not its growth: it stays as it is, gives back, drops what does not fit, and goes on once it is read.
  unlink((dir + "/ballast").c_str());
  fill_up(dir, 300 * 1024);
  SegmentWriter::Claimed got = segment->claim();
  IN_CHILD(got.outcome == SegmentWriter::Claim::claimed && got.lane == 0);
  const std::size_t left = free_bytes(dir);
  IN_CHILD(left == 44 * 1024);
  const test::Sizes one_record{1, 64, 1u << 30};
  std::uint32_t recorded = 0;
  for (int i = 0; i < 5000; ++i) recorded += test::record(got.writer, one_record);
  IN_CHILD(recorded == 4095);
  IN_CHILD(got.writer.backed_records() == 4096);
  IN_CHILD(free_bytes(dir) == left);

  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  auto reader = SegmentReader::attach(fd, segment_name(segment->id()).c_str());
  IN_CHILD(bool(reader));
  LaneReader lane = reader->lane(0);
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  const LaneReader::Copied copied = lane.copy({}, buffer);
  IN_CHILD(copied.events == 2048 && copied.fault == LaneReader::Fault::none);
  IN_CHILD(lane.account().dropped[0] == 905);
  lane.acknowledge(copied.next, copied.events);
  recorded = 0;
  for (int i = 0; i < 5000; ++i) recorded += test::record(got.writer, one_record);
  IN_CHILD(recorded == 2047);
  IN_CHILD(free_bytes(dir) == left);
}

}  // namespace

TEST_CASE("on a full tmpfs a segment, a lane or a growth is refused softly, the blocks are given back, and no drop goes uncounted") {
  OwnDirectory dir;
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", dir.lanes().c_str(), "tmpfs", 0, "size=2m") != 0)
      _exit(77);
    on_a_small_file_system(dir.lanes());
    test::leave(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    MESSAGE("not run: a tmpfs of the test's own needs root and a mount namespace");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}
