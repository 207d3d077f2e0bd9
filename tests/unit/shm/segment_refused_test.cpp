// What lies in a lanes directory and is no segment, or none that this collector can read: each told from the others, none touched.
#include <doctest/doctest.h>

#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "own_directory.hpp"
#include "shm/segment.hpp"

using namespace arbiter;
using Kind = AttachError::Kind;
using test::OwnDirectory;

namespace {

// A segment whose producer has ended, to be spoilt.
std::string make_segment(const OwnDirectory& dir) { return segment_name(SegmentWriter::create(dir.lanes(), false).value().id()); }

void change(const std::string& file, const std::function<void(abi::SegmentHeader&)>& edit) {
  const int fd = open(file.c_str(), O_RDWR | O_CLOEXEC);
  abi::SegmentHeader header;
  REQUIRE(pread(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header));
  edit(header);
  REQUIRE(pwrite(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header));
  close(fd);
}

AttachError refused(const OwnDirectory& dir, const std::string& name) {
  auto got = SegmentReader::attach(dir.fd(), name.c_str());
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().error.message.starts_with(name + ": "));
  return got.error();
}

const std::string kName = "lanes-00112233445566778899aabbccddeeff";

}  // namespace

TEST_CASE("each header that cannot be read is refused by its own word") {
  struct Case {
    Kind kind;
    std::string message;
    std::function<void(abi::SegmentHeader&)> edit;
  };
  const Case cases[] = {
      {Kind::foreign, "is not a segment: no magic", [](auto& h) { h.magic = 0x1122334455667788; }},
      {Kind::foreign, "is not a segment: no magic", [](auto& h) { h.magic = 0; }},
      {Kind::unsupported, "is of a machine of another byte order", [](auto& h) { h.endian_tag = 0x04030201; }},
      {Kind::unsupported, "is of ABI 2.0; this collector reads 1 to 1", [](auto& h) { h.major = 2; }},
      {Kind::unsupported, "is of ABI 0.9; this collector reads 1 to 1", [](auto& h) { h.major = 0, h.minor = 9; }},
      {Kind::unsupported, "needs features that this collector does not know (mask 4)", [](auto& h) { h.incompatible = 4; }},
      {Kind::unsupported, "needs features that this collector does not know (mask 9223372036854775808)",
       [](auto& h) { h.incompatible = 1ull << 63; }},
      {Kind::broken, "has 134230016 bytes where its header says 134230015", [](auto& h) { h.file_bytes -= 1; }},
      {Kind::broken, "has 134230016 bytes where its header says 0", [](auto& h) { h.file_bytes = 0; }},
      {Kind::broken, "is stamped by an unknown clock, 0", [](auto& h) { h.clock = abi::ClockSource{0}; }},
      {Kind::broken, "is stamped by an unknown clock, 3", [](auto& h) { h.clock = abi::ClockSource{3}; }},
      {Kind::broken, "has an impossible number of lanes, 0", [](auto& h) { h.lane_count = 0; }},
      {Kind::broken, "has an impossible number of lanes, 65", [](auto& h) { h.lane_count = 65; }},
      {Kind::broken, "is too small for its lanes", [](auto& h) { h.lane_count = 15, h.lane_records = 262144; }},
      {Kind::broken, "has lanes of an impossible size, 0 records", [](auto& h) { h.lane_records = 0; }},
      {Kind::broken, "has lanes of an impossible size, 131071 records", [](auto& h) { h.lane_records = 131071; }},
      {Kind::broken, "has lanes of an impossible size, 2048 records", [](auto& h) { h.lane_records = 2048; }},
      {Kind::broken, "has lanes of an impossible size, 2147483648 records", [](auto& h) { h.lane_records = 1u << 31; }},
      {Kind::broken, "has its lanes' controls in an impossible place", [](auto& h) { h.control_offset = 0; }},
      {Kind::broken, "has its lanes' controls in an impossible place", [](auto& h) { h.control_offset = 4097; }},
      {Kind::broken, "has its lanes' controls in an impossible place", [](auto& h) { h.control_stride = 256; }},
      {Kind::broken, "has its lanes' controls in an impossible place", [](auto& h) { h.control_stride = 513; }},
      {Kind::broken, "has its lanes' controls in an impossible place", [](auto& h) { h.control_stride = 1u << 31; }},
      {Kind::broken, "has its lanes in an impossible place", [](auto& h) { h.control_offset = 0xffffff80; }},
      {Kind::broken, "has its lanes in an impossible place", [](auto& h) { h.data_offset = 8192; }},
      {Kind::broken, "has its lanes in an impossible place", [](auto& h) { h.data_offset = 12289; }},
      {Kind::broken, "has its lanes in an impossible place", [](auto& h) { h.data_offset = 0xfffffffffffff000; }},
      {Kind::broken, "is too small for its lanes", [](auto& h) { h.data_offset = 16384; }},
  };
  OwnDirectory dir;
  for (const Case& c : cases) {
    const std::string name = make_segment(dir);
    CHECK(SegmentReader::attach(dir.fd(), name.c_str()).has_value());
    change(dir.lane(name), c.edit);
    const AttachError error = refused(dir, name);
    CHECK(error.kind == c.kind);
    CHECK(error.error.message == name + ": " + c.message);
  }
}

TEST_CASE("a header under another segment's name is broken, and names the id it holds") {
  OwnDirectory dir;
  const std::string name = make_segment(dir);
  REQUIRE(rename(dir.lane(name).c_str(), dir.lane(kName).c_str()) == 0);
  const AttachError error = refused(dir, kName);
  CHECK(error.kind == Kind::broken);
  CHECK(error.error.message == kName + ": holds the id " + name.substr(6));
}

TEST_CASE("an unknown compatible bit and a later minor version are read") {
  OwnDirectory dir;
  const std::string name = make_segment(dir);
  change(dir.lane(name), [](auto& h) { h.compatible = UINT64_MAX, h.minor = 77; });
  CHECK(SegmentReader::attach(dir.fd(), name.c_str()).has_value());
}

TEST_CASE("a truncated segment is broken wherever it ends") {
  OwnDirectory dir;
  for (const off_t bytes : {0, 1, 100, 183, 184, 1024, 4096, 12288, 12289, 134230015}) {
    const std::string name = make_segment(dir);
    REQUIRE(truncate(dir.lane(name).c_str(), bytes) == 0);
    CHECK(refused(dir, name).kind == Kind::broken);
  }
  const std::string name = make_segment(dir);
  REQUIRE(truncate(dir.lane(name).c_str(), 134230017) == 0);
  CHECK(refused(dir, name).kind == Kind::broken);
}

TEST_CASE("a file of unbelievable size is broken, even if its header agrees") {
  OwnDirectory dir;
  const std::string name = make_segment(dir);
  const std::uint64_t bytes = (std::uint64_t{4} << 30) + 4096;
  REQUIRE(truncate(dir.lane(name).c_str(), static_cast<off_t>(bytes)) == 0);
  change(dir.lane(name), [&](auto& h) { h.file_bytes = bytes; });
  CHECK(refused(dir, name).error.message == name + ": has 4294971392 bytes, more than any segment");
}

TEST_CASE("a file with a second name is broken, one that is gone is gone") {
  OwnDirectory dir;
  const std::string name = make_segment(dir);
  REQUIRE(link(dir.lane(name).c_str(), dir.lane("another").c_str()) == 0);
  const AttachError error = refused(dir, name);
  CHECK(error.kind == Kind::broken);
  CHECK(error.error.message == name + ": has 2 names");
  CHECK(refused(dir, kName).kind == Kind::gone);
}

TEST_CASE("links, pipes, sockets' kin, devices and directories are foreign, and opening blocks on none") {
  OwnDirectory dir;
  const std::string target = make_segment(dir);
  SUBCASE("a symbolic link, even to a segment") { REQUIRE(symlink(target.c_str(), dir.lane(kName).c_str()) == 0); }
  SUBCASE("a pipe") { REQUIRE(mkfifo(dir.lane(kName).c_str(), 0600) == 0); }
  SUBCASE("a directory") { REQUIRE(mkdir(dir.lane(kName).c_str(), 0700) == 0); }
  SUBCASE("a device") {
    if (mknod(dir.lane(kName).c_str(), S_IFCHR | 0600, makedev(1, 5)) != 0) {
      MESSAGE("not run: making a device needs root");
      return;
    }
  }
  const AttachError error = refused(dir, kName);
  CHECK(error.kind == Kind::foreign);
  CHECK(error.error.message == kName + ": is not a regular file");
}

TEST_CASE("other names are foreign and are not even looked at") {
  OwnDirectory dir;
  for (const char* name : {"lanes-", "x", ".", "..", "lanes-00112233445566778899aabbccddeefg", "../lanes-00112233445566778899aabbccddee"})
    CHECK(refused(dir, name).kind == Kind::foreign);
}

TEST_CASE("a file that may not be opened is the system's word, to be tried again") {
  OwnDirectory dir;
  const std::string name = make_segment(dir);
  REQUIRE(chmod(dir.lanes().c_str(), 0711) == 0);
  REQUIRE(chmod(dir.lane(name).c_str(), 0) == 0);
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);  // root may open everything
    const auto got = SegmentReader::attach(dir.fd(), name.c_str());
    _exit(!got && got.error().kind == Kind::system && got.error().error.code == EACCES ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
