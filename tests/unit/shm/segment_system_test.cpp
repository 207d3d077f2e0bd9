// What the system refuses while a segment is made, claimed, attached or removed: said in its own word, and nothing of the attempt is left.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "own_directory.hpp"
#include "shm/segment.hpp"
#include "tests/unit/refused_calls.hpp"

using namespace arbiter;
using test::OwnDirectory;
using test::Refused;

namespace {

constexpr abi::ClockSource kClock = abi::ClockSource::monotonic;  // given, so that nothing is asked for it

std::ptrdiff_t descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}
std::ptrdiff_t mappings_of_segments() {
  std::ifstream maps("/proc/self/maps");
  std::ptrdiff_t found = 0;
  for (std::string line; std::getline(maps, line);) found += line.find("arbiter-test-") != line.npos;
  return found;
}

}  // namespace

TEST_CASE("a segment that the system refuses in the making says at what, and leaves no file, no descriptor and no mapping") {
  struct Case {
    const char* call;
    int nth, code;
    const char* doing;
    int reported;
  };
  const Case cases[] = {
      {"getrandom", 1, EPERM, "a random number for a segment: Operation not permitted", EPERM},
      {"mmap", 1, ENOMEM, "memory for a segment's name: Cannot allocate memory", ENOMEM},
      {"open", 1, EOPNOTSUPP, "making a segment: Operation not supported", EOPNOTSUPP},
      {"ftruncate", 1, EPERM, "setting a segment's size: Operation not permitted", EPERM},
      {"mmap", 2, ENODEV, "mapping a segment: No such device", ENODEV},
      {"madvise", 1, EINVAL, "keeping a segment from children: Invalid argument", EINVAL},
      {"madvise", 2, EFAULT, "backing a segment's header: No space left on device", ENOSPC},
      {"madvise", 2, EINVAL, "backing a segment's header: Invalid argument", EINVAL},
      {"fcntl", 1, ENOLCK, "locking a segment: No locks available", ENOLCK},
      {"fchmod", 1, EPERM, "setting a segment's mode: Operation not permitted", EPERM},
      {"fstat", 1, EIO, "setting a segment's mode: Input/output error", EIO},
      {"linkat", 1, EXDEV, "linking a segment: Invalid cross-device link", EXDEV},
  };
  OwnDirectory dir;
  const std::ptrdiff_t open_before = descriptors();
  for (const Case& c : cases) {
    CAPTURE(c.doing);
    const auto segment = [&] {
      const Refused refused(c.call, c.code, c.nth);
      return SegmentWriter::create(dir.lanes(), false, kClock);
    }();
    REQUIRE_FALSE(segment.has_value());
    CHECK(segment.error().message == dir.lanes() + ": " + c.doing);
    CHECK(segment.error().code == c.reported);
    CHECK(dir.names().empty());
    CHECK(descriptors() == open_before);
    CHECK(mappings_of_segments() == 0);
  }
  CHECK(SegmentWriter::create(dir.lanes(), false).has_value());
}

TEST_CASE("without /proc a segment is linked by its descriptor, which the kernel allows or says why not") {
  OwnDirectory dir;
  const auto segment = [&] {
    const Refused refused("linkat", ENOENT);
    return SegmentWriter::create(dir.lanes(), false, kClock);
  }();
  const bool allowed = [&] {
    const int fd = open(dir.lanes().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    const std::string probe = dir.lanes() + "/probe";
    const bool linked = linkat(fd, "", AT_FDCWD, probe.c_str(), AT_EMPTY_PATH) == 0;
    close(fd);
    std::filesystem::remove(probe);
    return linked;
  }();
  REQUIRE(segment.has_value() == allowed);
  if (!segment) {  // before Linux 6.10, without CAP_DAC_READ_SEARCH
    CHECK(segment.error().message == dir.lanes() + ": linking a segment: No such file or directory");
    CHECK(dir.names().empty());
    return;
  }
  CHECK(dir.names() == std::vector<std::string>{segment_name(segment->id())});
  CHECK(segment->still_linked());
}

TEST_CASE("without a name of the process to be had, a segment is made without one") {
  OwnDirectory dir;
  const auto segment = [&] {
    const Refused refused("open", EACCES, 2);
    return SegmentWriter::create(dir.lanes(), false, kClock);
  }();
  REQUIRE(segment.has_value());
  CHECK(SegmentReader::attach(dir.fd(), segment_name(segment->id()).c_str()).value().process().empty());
}

TEST_CASE(
    "a segment that the system does not let the collector have is tried again: the system's word, or gone, and no descriptor is left") {
  struct Case {
    const char* call;
    int nth, code;
    AttachError::Kind kind;
    const char* why;
  };
  using Kind = AttachError::Kind;
  const Case cases[] = {
      {"fstatat", 1, EACCES, Kind::system, "looking at it: Permission denied"},
      {"openat", 1, ENFILE, Kind::system, "opening: Too many open files in system"},
      {"openat", 1, ENOENT, Kind::gone, "opening: No such file or directory"},
      {"openat", 1, ELOOP, Kind::foreign, "is a symbolic link"},  // exchanged since it was looked at
      {"fstat", 1, EIO, Kind::system, "looking at it: Input/output error"},
      {"pread", 1, EIO, Kind::system, "reading its header: Input/output error"},
      {"mmap", 1, ENOMEM, Kind::system, "mapping: Cannot allocate memory"},
      {"mprotect", 1, ENOMEM, Kind::system, "protecting: Cannot allocate memory"},
  };
  OwnDirectory dir;
  const std::string name = segment_name(SegmentWriter::create(dir.lanes(), false).value().id());
  const std::ptrdiff_t open_before = descriptors();
  for (const Case& c : cases) {
    CAPTURE(c.why);
    const auto got = [&] {
      const Refused refused(c.call, c.code, c.nth);
      return SegmentReader::attach(dir.fd(), name.c_str());
    }();
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == c.kind);
    CHECK(got.error().error.message == name + ": " + c.why);
    CHECK(descriptors() == open_before);
    CHECK(mappings_of_segments() == 0);
  }
  auto reader = SegmentReader::attach(dir.fd(), name.c_str());
  REQUIRE(reader.has_value());
  CHECK(reader->lane(0).epoch() == 1);  // none of the failures counted as an attachment
}

TEST_CASE("a descriptor beyond those that segments may have is given back, and said to be one too many") {
  OwnDirectory dir;
  const std::string name = segment_name(SegmentWriter::create(dir.lanes(), false).value().id());
  const std::ptrdiff_t open_before = descriptors();
  const auto got = SegmentReader::attach(dir.fd(), name.c_str(), dir.fd());
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().kind == AttachError::Kind::system);
  CHECK(got.error().error.code == EMFILE);
  CHECK(descriptors() == open_before);
}

TEST_CASE("an owner about whom nothing can be learned counts as alive: a live segment is only drained, an ended one is removed") {
  OwnDirectory dir;
  const std::string name = segment_name(SegmentWriter::create(dir.lanes(), false).value().id());
  const auto reader = SegmentReader::attach(dir.fd(), name.c_str()).value();
  CHECK_FALSE(reader.owner_alive());
  const Refused refused("fcntl", ENOLCK);
  CHECK(reader.owner_alive());
  CHECK_FALSE(reader.owner_alive());
}

TEST_CASE("a segment that cannot be unlinked stays, and the error names it; one that is gone already is no error") {
  OwnDirectory dir;
  const std::string name = segment_name(SegmentWriter::create(dir.lanes(), false).value().id());
  auto reader = SegmentReader::attach(dir.fd(), name.c_str()).value();
  for (const char* call : {"fstatat", "unlinkat"}) {
    const auto kept = [&] {
      const Refused refused(call, EROFS);
      return reader.unlink();
    }();
    REQUIRE_FALSE(kept.has_value());
    CHECK(kept.error().code == EROFS);
    CHECK(kept.error().message == name + ": unlinking: Read-only file system");
    CHECK(dir.names() == std::vector<std::string>{name});
  }
  {
    const Refused raced("unlinkat", ENOENT);  // between the look and the removal
    CHECK(reader.unlink().has_value());
  }
  CHECK(reader.unlink().has_value());
  CHECK(dir.names().empty());
  CHECK(reader.unlink().has_value());
}

TEST_CASE("a lane that the system has no memory for is not claimed, is free again, and errno is left alone") {
  OwnDirectory dir;
  SegmentWriter segment = SegmentWriter::create(dir.lanes(), false).value();
  {
    const Refused refused("madvise", EFAULT);
    errno = 55;
    CHECK(segment.claim().outcome == SegmentWriter::Claim::no_memory);
    CHECK(errno == 55);
  }
  const SegmentWriter::Claimed claimed = segment.claim();
  CHECK(claimed.outcome == SegmentWriter::Claim::claimed);
  CHECK(claimed.lane == 0);
}
