// The lanes directory with whatever anybody may put there.
#include "collector/ingest/lanes.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "shm/segment.hpp"

using namespace arbiter;
using ingest::Lanes;
namespace fs = std::filesystem;

namespace {

struct Directory {
  Directory() {
    std::string name = std::string(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/arbiter-lanes-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
    ring = path / "lanes";
    fs::create_directory(ring);
  }
  ~Directory() { fs::remove_all(path); }
  void junk(const std::string& name) const { std::ofstream(ring / name) << "x"; }
  std::size_t files(std::string_view prefix) const {
    std::size_t n = 0;
    for (const auto& entry : fs::directory_iterator(ring)) n += entry.path().filename().string().starts_with(prefix) ? 1u : 0u;
    return n;
  }
  fs::path path, ring;
};

Lanes open_lanes(const Directory& d, std::size_t max_producers = 10'000) {
  auto lanes = Lanes::open(d.ring, false, max_producers);
  REQUIRE(lanes.has_value());
  return std::move(*lanes);
}

SegmentWriter segment_in(const Directory& d) { return SegmentWriter::create(d.ring.string(), false).value(); }

// A limit of open files, soft alone, for a scope.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    now.rlim_cur = files;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a file that is no segment is counted once, however often it is looked at, and again only when it was gone between") {
  Directory d;
  Lanes lanes = open_lanes(d);
  d.junk("notes.txt");
  d.junk("lanes-" + std::string(32, '0'));
  d.junk("quarantined-something");  // says itself what it is
  fs::create_directory(d.ring / ("lanes-" + std::string(32, '1')));
  fs::create_symlink("/etc/passwd", d.ring / ("lanes-" + std::string(32, '2')));
  mkfifo((d.ring / ("lanes-" + std::string(32, '3'))).c_str(), 0666);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(lanes.scan(false));
  CHECK(lanes.refused_files() == 5);
  fs::remove(d.ring / "notes.txt");
  lanes.scan(false);
  d.junk("notes.txt");
  lanes.scan(false);
  lanes.scan(false);
  CHECK(lanes.refused_files() == 6);
  CHECK(lanes.sources().empty());
}

TEST_CASE("with no room for more segments, what was left alone is not counted again") {
  Directory d;
  std::vector<SegmentWriter> segments;
  for (int i = 0; i < 6; ++i) segments.push_back(segment_in(d));
  for (int i = 0; i < 20; ++i) d.junk("junk-" + std::to_string(i));
  Lanes lanes = open_lanes(d, 3);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(lanes.scan(false));
  CHECK(lanes.sources().size() == 3);
  CHECK(lanes.refused_files() <= 20);
  lanes.set_max_producers(100);
  for (int i = 0; i < 5; ++i) lanes.scan(false);
  CHECK(lanes.sources().size() == 6);
  CHECK(lanes.refused_files() == 20);
}

TEST_CASE("a file that may not be opened is left alone, named once, and attached as soon as it may") {
  Directory d;
  const std::string path = segment_in(d).path();  // ended at once: the file is there, nobody has it open
  // A lease keeps even root from opening it.
  signal(SIGIO, SIG_IGN);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
  Lanes lanes = open_lanes(d);
  for (int i = 0; i < 3; ++i) lanes.scan(false);
  CHECK(lanes.refused_files() == 1);
  CHECK(lanes.sources().empty());
  close(fd);
  lanes.scan(false);
  CHECK(lanes.sources().size() == 1);
  CHECK(lanes.refused_files() == 1);
}

TEST_CASE("a scan takes so many segments at a time, and says that there are more") {
  Directory d;
  std::vector<SegmentWriter> segments;
  for (std::size_t i = 0; i < Lanes::kAttachedAtOnce + 10; ++i) segments.push_back(segment_in(d));
  Lanes lanes = open_lanes(d);
  CHECK(lanes.scan(false));
  CHECK(lanes.sources().size() == Lanes::kAttachedAtOnce);
  CHECK_FALSE(lanes.scan(false));
  CHECK(lanes.sources().size() == segments.size());
}

TEST_CASE("of many segments, each call looks at a share, and as many calls as there are turns at all; few are looked at in every one") {
  const auto ended = [](Lanes& lanes) {
    return std::count_if(lanes.sources().begin(), lanes.sources().end(), [](auto& s) { return s.ended; });
  };
  const Directory d;
  for (int i = 0; i < 90; ++i) segment_in(d);  // all of them ended
  Lanes lanes = open_lanes(d);
  lanes.scan(false);
  REQUIRE(lanes.sources().size() == 90);
  for (const int so_far : {30, 60, 90}) {
    lanes.look_for_ended(3);
    CHECK(ended(lanes) == so_far);
  }
  // The turns begin again, whoever has gone meanwhile, so that whoever comes is found.
  while (lanes.sources().size() > Lanes::kFew) lanes.remove(lanes.sources().begin());
  for (auto& source : lanes.sources()) source.ended = false;
  lanes.look_for_ended(3);
  CHECK(ended(lanes) == Lanes::kFew);
  segment_in(d);
  lanes.scan(false);
  for (int turn = 0; turn < 2; ++turn) lanes.look_for_ended(3);
  CHECK(ended(lanes) == Lanes::kFew + 1);
}

TEST_CASE("segments leave descriptors for everything else, and the others are attached when there are some again") {
  Directory d;
  std::vector<SegmentWriter> segments;
  for (int i = 0; i < 150; ++i) segments.push_back(segment_in(d));
  const FileLimit limit(160);
  Lanes lanes = open_lanes(d);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(lanes.scan(false));
  const std::size_t attached = lanes.sources().size();
  CHECK(attached >= 80);
  CHECK(attached <= 96);
  std::vector<int> others;
  for (int i = 0; i < 60; ++i) others.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(others.back() >= 0);
  for (const int fd : others) close(fd);
  // Those that have ended make room.
  for (int i = 0; i < 30; ++i) REQUIRE(lanes.remove(lanes.sources().begin()));
  lanes.scan(false);
  CHECK(lanes.sources().size() == attached);
  CHECK(lanes.refused_files() == 0);
}

TEST_CASE("the newest of what was set aside are kept, and nothing in their way is replaced") {
  Directory d;
  Lanes lanes = open_lanes(d);
  fs::create_directory(d.ring / "quarantined-directory");
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < Lanes::kQuarantinedKept + 5; ++i) {
    SegmentWriter segment = segment_in(d);
    ids.push_back(hex(segment.id()));
    if (i == Lanes::kQuarantinedKept + 4) std::ofstream(d.ring / ("quarantined-" + ids.back())) << "squatted";
    lanes.scan(false);
    REQUIRE(lanes.sources().size() == 1);
    lanes.sources().front().quarantined = true;
    REQUIRE(lanes.remove(lanes.sources().begin()));
    CHECK(lanes.sources().empty());
  }
  CHECK(d.files("quarantined-") == Lanes::kQuarantinedKept + 1);
  CHECK(fs::exists(d.ring / ("quarantined-" + ids.back() + ".1")));
  CHECK(fs::file_size(d.ring / ("quarantined-" + ids.back())) == 8);
  CHECK_FALSE(fs::exists(d.ring / ("quarantined-" + ids.front())));
  CHECK(d.files("lanes-") == 0);
}
