// What anybody may put into the lanes directory: files that are none, files that lie, files that change, and very many of them.
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <set>
#include <string_view>

#include "tests/hostile/beside.hpp"

namespace arbiter::test {
namespace {

std::uint64_t number(const json::object& o, std::string_view key) { return o.at(key).to_number<std::uint64_t>(); }

}  // namespace

TEST_CASE("links, pipes, sockets, devices, directories and garbage in the lanes directory are each left alone, and named once") {
  Beside beside;
  const fs::path lanes = beside.place.lanes();
  Hostile real(beside.place);
  std::uint64_t expected = 0;
  const auto next = [&] { return lanes / name_of(static_cast<unsigned>(++expected)); };

  fs::create_directory(next());
  fs::create_symlink(real.path(), next());
  fs::create_symlink("/dev/zero", next());
  const fs::path circle = next();
  fs::create_symlink(circle, circle);
  REQUIRE(::mkfifo(next().c_str(), 0666) == 0);
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = next();
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  if (::geteuid() == 0 && ::mknod(next().c_str(), S_IFCHR | 0666, makedev(1, 5)) != 0) --expected;  // containers may not
  std::ofstream(next()) << "";
  std::ofstream(next()) << std::string(100, 'x');
  std::ofstream(next()) << std::string(1 << 20, '\xff');
  std::ofstream(lanes / "notes.txt") << "not a name of ours";
  std::ofstream(lanes / (name_of(77) + "0")) << "nor this";
  std::ofstream(lanes / ("lanes-" + std::string(32, 'A'))) << "nor this: capitals";
  expected += 3;
  // A live lock on garbage.
  const fs::path garbage = next();
  std::ofstream(garbage) << std::string(8192, 'g');
  const HeldLock held(garbage);
  // Two names of one file: whoever can do that could take one of them away under the collector.
  const fs::path first = next();
  make_segment_file(first, real.header(), id_of(static_cast<unsigned>(expected)));
  fs::create_hard_link(first, next());

  // The first of the two may have been attached before it had a second name; then it was empty, had ended, and was removed.
  REQUIRE(wait_until([&] { return number(beside.status(), "filesLeftAlone") >= expected - 2; }));
  std::this_thread::sleep_for(2500ms);  // two more looks at the directory
  const std::uint64_t left = number(beside.status(), "filesLeftAlone");
  CHECK(left >= expected - 2);
  CHECK(left <= expected);
  beside.check({.files_left_alone = left});
  CHECK(beside.lines_with("left alone") == 10);  // each once, and no more of one sort than the log takes
  ::close(socket);
}

TEST_CASE("a header that lies about version, features, schema, layout or id is left alone, but for what is only there for diagnosis") {
  Beside beside;
  const fs::path lanes = beside.place.lanes();
  Hostile real(beside.place);
  using Lie = std::function<void(abi::SegmentHeader&)>;
  const std::pair<const char*, Lie> lies[] = {
      {"is not a segment", [](auto& h) { h.magic ^= 1; }},
      {"another byte order", [](auto& h) { h.endian_tag = 0x04030201; }},
      {"is of ABI 2.0", [](auto& h) { h.major = 2; }},
      {"is of ABI 0.0", [](auto& h) { h.major = 0; }},
      {"is of ABI 65535", [](auto& h) { h.major = UINT16_MAX; }},
      {"needs features", [](auto& h) { h.incompatible = std::uint64_t{1} << 63; }},
      {"holds the id", [&real](auto& h) { h.segment_id = real.id(); }},  // a copy of another segment, so to speak
      {"where its header says", [](auto& h) { h.file_bytes = UINT64_MAX; }},
      {"unknown clock", [](auto& h) { h.clock = static_cast<abi::ClockSource>(9); }},
      {"impossible number of lanes", [](auto& h) { h.lane_count = UINT32_MAX; }},
      {"impossible size", [](auto& h) { h.lane_records = UINT32_MAX; }},
      {"controls in an impossible place", [](auto& h) { h.control_offset = 0; }},
      {"controls in an impossible place", [](auto& h) { h.control_stride = UINT32_MAX; }},
      {"lanes in an impossible place", [](auto& h) { h.data_offset = UINT64_MAX - 4095; }},
      {"too small for its lanes", [](auto& h) { h.lane_records *= 2; }},
  };
  unsigned n = 0;
  for (const auto& [said, lie] : lies) {
    ++n;
    make_segment_file(lanes / name_of(n), real.header(), id_of(n), lie);
  }
  REQUIRE(wait_until([&] { return number(beside.status(), "filesLeftAlone") == std::size(lies); }));
  std::size_t lines = 0;
  std::set<std::string_view> reasons;
  for (const auto& [said, lie] : lies)
    if (reasons.insert(said).second) lines += beside.lines_with(said);
  CHECK(lines == 10);  // each once, and no more of one sort than the log takes

  // What is for diagnosis, or may be ignored, keeps nobody out: taken, found empty and ended, and removed.
  const std::uint64_t before = beside.lines_with("attached ");
  make_segment_file(lanes / name_of(100), real.header(), id_of(100), [](auto& h) {
    h.compatible = UINT64_MAX, h.schema_hash = ~h.schema_hash, h.layout_hash = 0, h.minor = UINT16_MAX, h.pid = 0;
    h.process.fill('\n');
  });
  CHECK(wait_until([&] { return !fs::exists(lanes / name_of(100)); }));
  CHECK(beside.lines_with("attached ") >= before);
  std::this_thread::sleep_for(1200ms);
  beside.check({.files_left_alone = std::size(lies)});
  for (unsigned i = 1; i <= std::size(lies); ++i) CHECK(fs::exists(lanes / name_of(i)));  // somebody's, perhaps of tomorrow
}

TEST_CASE("a header that changes after it was read changes nothing") {
  Beside beside;
  Hostile bad(beside.place);
  LaneWriter lane = bad.claim();
  put(lane);
  REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == 1; }));
  std::memset(&bad.header(), 0xff, sizeof(abi::SegmentHeader));
  put(lane);
  REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == 2; }));
  beside.check({.hostile_events = 2});
}

TEST_CASE("a lane whose framing is impossible is counted once, though its file is cut afterwards") {
  Beside beside;
  const auto quarantined = [&] { return number(beside.status().at("drain").as_object(), "quarantinedLanes"); };
  Hostile bad(beside.place);
  LaneWriter lane = bad.claim();
  put(lane);
  REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == 1; }));
  bad.control(0).producer.write = abi::Position::at(0, 4000).value;  // where nothing was written
  REQUIRE(wait_until([&] { return quarantined() == 1; }));
  REQUIRE(::truncate(bad.path().c_str(), 0) == 0);
  REQUIRE(wait_until([&] { return beside.lines_with("was truncated while it was mapped") == 1; }));
  CHECK(quarantined() == 1);
}

TEST_CASE("files truncated and grown under the collector cost what was unread in them") {
  Beside beside;
  std::uint64_t events = 0, cut = 0;
  for (const std::size_t left : {std::size_t{0}, sizeof(abi::SegmentHeader) / 2, abi::kControlOffset, abi::kControlOffset + 600,
                                 abi::kDataOffset, abi::kDataOffset + 4096, abi::kDataOffset + abi::kLaneBytes / 2}) {
    CAPTURE(left);
    {
      Hostile bad(beside.place);
      LaneWriter lane = bad.claim();
      for (int i = 0; i < 3; ++i) put(lane);
      events += 3;
      REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == 3; }));
      // Published, and gone before it can be read, for all that the collector may be quicker.
      bad.control(0).producer.write = abi::Position::at(0, 4000).value;
      REQUIRE(::truncate(bad.path().c_str(), static_cast<off_t>(left)) == 0);
      ++cut;
      REQUIRE(wait_until([&] { return number(beside.status().at("drain").as_object(), "quarantinedLanes") == cut; }));
      REQUIRE(::truncate(bad.path().c_str(), static_cast<off_t>(2 * abi::kSegmentBytes)) == 0);  // grown again
    }
    REQUIRE(wait_until([&] { return number(beside.status(), "segments") == 1; }));
  }
  // Grown, and nothing else: that is no harm.
  Hostile grown(beside.place);
  LaneWriter lane = grown.claim();
  put(lane);
  REQUIRE(wait_until([&] { return grown.control(0).collector.acknowledged_events == 1; }));
  REQUIRE(::truncate(grown.path().c_str(), static_cast<off_t>(abi::kSegmentBytes + 12345)) == 0);
  put(lane);
  REQUIRE(wait_until([&] { return grown.control(0).collector.acknowledged_events == 2; }));
  beside.check({.quarantined_lanes = cut, .hostile_events = events + 2});
  // Where the collector was quicker than the cut, it has said of the lane that its framing is impossible, and maybe of the file as well.
  CHECK(beside.lines_with("is read no further") >= cut);
  std::size_t aside = 0;
  for (const auto& entry : fs::directory_iterator(beside.place.lanes()))
    aside += entry.path().filename().string().starts_with("quarantined-") ? 1u : 0u;
  CHECK(aside == cut);
}

TEST_CASE("a name that is taken stays taken: what is set aside goes beside it, and everybody else is served") {
  Beside beside;
  {
    Hostile bad(beside.place);
    LaneWriter lane = bad.claim();
    put(lane);
    REQUIRE(wait_until([&] { return bad.control(0).collector.acknowledged_events == 1; }));
    fs::create_directories(beside.place.lanes() / ("quarantined-" + hex(bad.id())) / "not-empty");
    bad.control(0).producer.write = UINT64_MAX;
    REQUIRE(wait_until([&] { return number(beside.status().at("drain").as_object(), "quarantinedLanes") == 1; }));
    // The name of its own file, exchanged for something else while it is attached.
    fs::rename(bad.path(), beside.place.lanes() / "moved");
    fs::create_directory(bad.path());
  }
  REQUIRE(wait_until([&] { return number(beside.status(), "segments") == 1; }));
  beside.honest.stop();
  const json::object stats = beside.collector.stats();
  CHECK(stats.at("retainedEvents").to_number<std::uint64_t>() == beside.honest.recorded() + 1);
  CHECK(stats.at("losses").at("quarantined") == 0);
  CHECK(beside.collector.stop() == 0);
}

TEST_CASE("a segment of another user is drained like any other, and a hostile one of theirs costs nobody else") {
  if (!needs_root("a segment of another user")) return;
  Beside beside;
  fs::permissions(beside.place.lanes().parent_path(), fs::perms(0755));
  struct stat status {};
  REQUIRE(::stat(beside.place.lanes().c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777) == 03733);
  int ready[2], end[2];
  REQUIRE((::pipe(ready) == 0 && ::pipe(end) == 0));
  const std::string lanes = beside.place.lanes();
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(1);
    SegmentWriter::Failure failure;
    auto segment = SegmentWriter::create(lanes.c_str(), false, abi::ClockSource::monotonic, failure);
    if (!segment) ::_exit(2);
    auto good = segment->claim(), bad = segment->claim();
    put(good.writer), put(bad.writer);
    std::byte* const room = bad.writer.reserve(1);
    std::memset(room, 0xee, abi::kRecordBytes);
    bad.writer.publish(1);
    // Neither can it see who else records, nor touch what is not its own.
    const bool listed = ::open(lanes.c_str(), O_RDONLY | O_DIRECTORY) >= 0;
    ::close(::open((lanes + "/lanes-00000000000000000000000000000001").c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
    char byte = listed ? 'l' : 'r';
    if (::write(ready[1], &byte, 1) != 1 || ::read(end[0], &byte, 1) < 0) ::_exit(3);
    ::_exit(0);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(byte == 'r');
  REQUIRE(wait_until([&] { return number(beside.status().at("drain").as_object(), "quarantinedLanes") == 1; }));
  beside.check({.files_left_alone = 1, .quarantined_lanes = 1, .hostile_events = 2});
  ::close(end[1]);
  ::close(end[0]);
  int ended = -1;
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, &ended, 0) == child);
  CHECK(wait_until([&] { return number(beside.status(), "segments") == 1; }));
  for (const int fd : {ready[0], ready[1]}) ::close(fd);
}

}  // namespace arbiter::test
