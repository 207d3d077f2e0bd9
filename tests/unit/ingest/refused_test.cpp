// What the system refuses at the door: said, and tried again; nothing that was there is lost, and no descriptor either.
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "collector/ingest/doorbell.hpp"
#include "collector/ingest/lanes.hpp"
#include "collector/ingest/quarantine.hpp"
#include "shm/segment.hpp"
#include "tests/unit/refused_calls.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
using ingest::Doorbell;
using ingest::Lanes;
using test::OwnDirectory;
using test::Refused;
namespace fs = std::filesystem;

namespace {

std::ptrdiff_t descriptors() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

Lanes open_lanes(const OwnDirectory& d) {
  auto lanes = Lanes::open(d.lanes(), false, 10'000);
  REQUIRE(lanes.has_value());
  return std::move(*lanes);
}

std::string parent_of(const OwnDirectory& d) { return fs::path(d.lanes()).parent_path(); }

struct Wake {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ~Wake() { close(fd); }
};

}  // namespace

TEST_CASE("a lanes directory that cannot be made, opened or written is an error that names it, before the first agent has come") {
  const OwnDirectory d;
  struct Case {
    const char* call;
    int code;
    const char* where;
    const char* message;  // behind the directory
  };
  const Case cases[] = {
      {"mkdir", EROFS, "/new", ": Read-only file system"},
      {"open", EACCES, "/lanes", ": Permission denied"},
      {"fstat", EIO, "/lanes", ": Input/output error"},
      {"faccessat", EACCES, "/lanes", " cannot be written: Permission denied"},
  };
  const std::ptrdiff_t open_before = descriptors();
  for (const Case& c : cases) {
    CAPTURE(c.call);
    const std::string ring_dir = parent_of(d) + c.where;
    const auto lanes = [&] {
      const Refused refused(c.call, c.code);
      return Lanes::open(ring_dir, false, 10);
    }();
    REQUIRE_FALSE(lanes.has_value());
    CHECK(lanes.error().message == "lanes directory " + ring_dir + c.message);
    CHECK(descriptors() == open_before);
  }
  {
    const Refused refused("chmod", EPERM);
    const auto lanes = Lanes::open(parent_of(d) + "/shared", true, 10);
    REQUIRE_FALSE(lanes.has_value());
    CHECK(lanes.error().message == "mode of lanes directory " + parent_of(d) + "/shared: Operation not permitted");
  }
  std::ofstream(parent_of(d) + "/file") << "x";
  CHECK(Lanes::open(parent_of(d) + "/file", false, 10).error().message == "lanes directory " + parent_of(d) + "/file: Not a directory");
}

TEST_CASE("a directory that cannot be listed for a moment is listed the next time, and nothing of it was taken for gone") {
  const OwnDirectory d;
  const auto segment = SegmentWriter::create(d.lanes(), false).value();
  std::ofstream(d.lane("junk")) << "x";
  Lanes lanes = open_lanes(d);
  lanes.scan(false);
  REQUIRE(lanes.refused_files() == 1);
  const std::ptrdiff_t open_before = descriptors();
  for (const char* call : {"openat", "fdopendir"}) {
    const Refused refused(call, EMFILE);
    CHECK_FALSE(lanes.scan(false));
    CHECK(std::string_view(refused.call()) == call);
  }
  CHECK(descriptors() == open_before);
  lanes.scan(false);
  CHECK(lanes.refused_files() == 1);  // still the one that was named
  CHECK(lanes.sources().size() == 1);
}

TEST_CASE("without memory for a mapping a segment waits, and is no file that was refused") {
  const OwnDirectory d;
  const auto segment = SegmentWriter::create(d.lanes(), false).value();
  Lanes lanes = open_lanes(d);
  {
    const Refused refused("mmap", ENOMEM);
    CHECK_FALSE(lanes.scan(false));
  }
  CHECK(lanes.sources().empty());
  CHECK(lanes.refused_files() == 0);
  lanes.scan(false);
  CHECK(lanes.sources().size() == 1);
}

TEST_CASE("the word that switches recording off reaches attached segments even when it cannot be written down") {
  const OwnDirectory d;
  const auto segment = SegmentWriter::create(d.lanes(), false).value();
  Lanes lanes = open_lanes(d);
  lanes.scan(false);
  for (const char* call : {"open", "fchmod", "rename"}) {
    CAPTURE(call);
    lanes.set_disabled(false);
    CHECK_FALSE(segment.disabled());
    const Refused refused(call, ENOSPC);
    lanes.set_disabled(true);
    CHECK(segment.disabled());
    CHECK_FALSE(recording_disabled(d.lanes()));
  }
  lanes.set_disabled(true);
  CHECK(recording_disabled(d.lanes()));
}

TEST_CASE("a drained segment whose file cannot be removed or set aside stays, and goes at the next try") {
  for (const bool quarantined : {false, true}) {
    CAPTURE(quarantined);
    const OwnDirectory d;
    const std::string name = segment_name(SegmentWriter::create(d.lanes(), false).value().id());
    Lanes lanes = open_lanes(d);
    lanes.scan(false);
    REQUIRE(lanes.sources().size() == 1);
    const auto source = lanes.sources().begin();
    source->quarantined = quarantined;
    {
      const Refused refused(quarantined ? "renameat2" : "unlinkat", EROFS);
      CHECK_FALSE(lanes.remove(source));
      CHECK(source->stays);
      CHECK(d.names() == std::vector<std::string>{name});
    }
    lanes.look_for_ended();
    CHECK_FALSE(source->stays);
    CHECK(source->ended);
    CHECK(lanes.remove(source));
    CHECK(lanes.sources().empty());
    CHECK(d.names() == (quarantined ? std::vector<std::string>{"quarantined-" + name.substr(6)} : std::vector<std::string>{}));
  }
}

TEST_CASE("a quarantined segment that its owner has removed meanwhile is done with") {
  const OwnDirectory d;
  const std::string name = segment_name(SegmentWriter::create(d.lanes(), false).value().id());
  Lanes lanes = open_lanes(d);
  lanes.scan(false);
  lanes.sources().front().quarantined = true;
  fs::remove(d.lane(name));
  CHECK(lanes.remove(lanes.sources().begin()));
  CHECK(d.names().empty());
}

TEST_CASE("a doorbell needs its socket and a free name; without a watch, or with a name too long for it, there is polling") {
  const OwnDirectory d;
  const Wake wake;
  const std::ptrdiff_t open_before = descriptors();
  {
    const Refused refused("socket", EMFILE);
    CHECK(Doorbell::open(d.lanes(), wake.fd).error().message == "doorbell socket: Too many open files");
  }
  fs::create_directories(d.lanes() + ".doorbell/in the way");
  CHECK(Doorbell::open(d.lanes(), wake.fd).error().message == "doorbell " + d.lanes() + ".doorbell: Address already in use");
  CHECK(descriptors() == open_before);
  fs::remove_all(d.lanes() + ".doorbell");
  {
    const Refused refused("inotify_init1", EMFILE);
    auto unwatched = Doorbell::open(d.lanes(), wake.fd);
    REQUIRE(unwatched.has_value());
    std::ofstream(d.lane("new")) << "x";
    CHECK_FALSE(unwatched->wait(1ms).new_files);
    REQUIRE(eventfd_write(wake.fd, 1) == 0);
    CHECK_FALSE(unwatched->wait(10s).new_files);  // woken at once
    eventfd_t count;
    REQUIRE(eventfd_read(wake.fd, &count) == 0);
  }
  const std::string longer = d.lanes() + "/" + std::string(120, 'x');
  fs::create_directory(longer);
  auto polled = Doorbell::open(longer, wake.fd);
  REQUIRE(polled.has_value());
  CHECK_FALSE(fs::exists(longer + ".doorbell"));
  std::ofstream(longer + "/new") << "x";
  CHECK(polled->wait(10s).new_files);
}

TEST_CASE("the limit of open files is raised as far as it may be, and left alone where it is there already or cannot be known") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_max, 200);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  ingest::raise_descriptor_limit();
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur == before.rlim_max);
  ingest::raise_descriptor_limit();
  getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur == before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("lines that cannot be written are left out, and those behind them are there") {
  const OwnDirectory d;
  const std::string path = d.lane("quarantine.jsonl");
  ingest::Quarantine quarantine(path, false);
  const auto put = [&](std::uint64_t sequence) {
    quarantine.put({{SegmentId{}, 0}, sequence, "x", {}, "is bad", {}, static_cast<std::int64_t>(sequence) * 1'000'000'000});
    quarantine.flush();
  };
  {
    const Refused refused("open", EACCES);
    put(1);
    CHECK_FALSE(fs::exists(path));
  }
  put(2);
  put(3);
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("\"atNs\":\"2000000000\"") != std::string::npos);
  CHECK(lines[1].find("\"atNs\":\"3000000000\"") != std::string::npos);
}
