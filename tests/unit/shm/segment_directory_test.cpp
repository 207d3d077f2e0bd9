// The lanes directory of a system service: mode 3733, agents of other users. What they can do in it, and what not.
#include <doctest/doctest.h>

#include <sys/wait.h>

#include <cerrno>
#include <cstdio>

#include "lane_in_memory.hpp"
#include "own_directory.hpp"
#include "shm/segment.hpp"

using namespace arbiter;
using test::OwnDirectory;

namespace {

constexpr uid_t kAgent = 65534, kOtherAgent = 65533;
constexpr gid_t kLanesGroup = 65532;

// Ends with the number of the first thing that is not so, or 0.
template <class Act>
int as_user(uid_t user, Act&& act) {
  const pid_t child = fork();
  if (child == 0) _exit(setgid(user) == 0 && setuid(user) == 0 ? act() : 99);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

}  // namespace

TEST_CASE("agents of other users make segments in a directory that they cannot list, and cannot touch each other's") {
  if (geteuid() != 0) {
    MESSAGE("not run: becoming other users needs root");
    return;
  }
  OwnDirectory dir;
  REQUIRE(chmod(std::filesystem::path(dir.lanes()).parent_path().c_str(), 0755) == 0);
  REQUIRE(chown(dir.lanes().c_str(), 0, kLanesGroup) == 0);
  REQUIRE(chmod(dir.lanes().c_str(), 03733) == 0);

  CHECK(as_user(kAgent, [&] {
          umask(077);
          auto segment = SegmentWriter::create(dir.lanes(), false);
          if (!segment) return 1;
          SegmentWriter::Claimed got = segment->claim();
          if (got.outcome != SegmentWriter::Claim::claimed || !test::record(got.writer, {5, 300, 100})) return 2;
          if (!segment->still_linked()) return 3;
          if (open(dir.lanes().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0 || errno != EACCES) return 4;
          return 0;
        }) == 0);

  const auto names = dir.names();
  REQUIRE(names.size() == 1);
  const std::string file = dir.lane(names[0]);
  struct stat status {};
  REQUIRE(stat(file.c_str(), &status) == 0);
  CHECK(status.st_uid == kAgent);
  CHECK(status.st_gid == kLanesGroup);  // of the directory: the collector comes in by it
  CHECK((status.st_mode & 07777) == 0660);

  CHECK(as_user(kOtherAgent, [&] {
          if (open(file.c_str(), O_RDWR | O_CLOEXEC) >= 0 || errno != EACCES) return 1;
          if (unlink(file.c_str()) == 0 || errno != EPERM) return 2;
          if (link(file.c_str(), (file + "x").c_str()) == 0 || errno != EPERM) return 3;
          if (rename(file.c_str(), (file + "x").c_str()) == 0 || errno != EPERM) return 4;
          return 0;
        }) == 0);

  auto reader = SegmentReader::attach(dir.fd(), names[0].c_str()).value();
  CHECK(reader.owner_uid() == kAgent);
  CHECK_FALSE(reader.owner_alive());
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  CHECK(reader.lane(0).copy({}, buffer).events == 1);
  CHECK(reader.unlink().has_value());
  CHECK(dir.names().empty());
}
