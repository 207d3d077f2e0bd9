// A segment from its making to its end: what the file holds byte for byte, who gets which lane, what the collector finds.
#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "lane_in_memory.hpp"
#include "own_directory.hpp"
#include "shm/schema.hpp"
#include "shm/segment.hpp"
#include "tests/unit/leave.hpp"

using namespace arbiter;
using abi::Position;
using test::OwnDirectory;

namespace {

template <class T>
T read_at(const std::string& file, off_t offset) {
  T value{};
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(pread(fd, &value, sizeof value, offset) == static_cast<ssize_t>(sizeof value));
  close(fd);
  return value;
}

const test::Sizes kSmall{1, 200, 1u << 30};

}  // namespace

TEST_CASE("a segment is one file of mode 0660, named after its id, complete when it can be seen") {
  OwnDirectory dir;
  const auto segment = SegmentWriter::create(dir.lanes(), false, abi::ClockSource::monotonic).value();
  CHECK(dir.names() == std::vector<std::string>{segment_name(segment.id())});
  CHECK(segment.path() == dir.lane(segment_name(segment.id())));
  struct stat status {};
  REQUIRE(stat(segment.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0660);
  CHECK(status.st_size == 134230016);  // 12 KiB, and 16 lanes of 8 MiB
  CHECK(status.st_blocks * 512 == 12288);

  CHECK(read_at<std::array<char, 8>>(segment.path(), 0) == std::array<char, 8>{'A', 'R', 'B', 'L', 'A', 'N', 'E', '1'});
  CHECK(read_at<std::uint32_t>(segment.path(), 8) == 0x01020304);
  CHECK(read_at<std::uint16_t>(segment.path(), 12) == 1);
  CHECK(read_at<std::uint16_t>(segment.path(), 14) == 0);
  CHECK(read_at<std::uint64_t>(segment.path(), 16) == 0);
  CHECK(read_at<SegmentId>(segment.path(), 32) == segment.id());
  CHECK(read_at<std::uint32_t>(segment.path(), 48) == 16);
  CHECK(read_at<std::uint32_t>(segment.path(), 52) == 131072);
  CHECK(read_at<std::uint32_t>(segment.path(), 56) == 4096);
  CHECK(read_at<std::uint32_t>(segment.path(), 60) == 512);
  CHECK(read_at<std::uint64_t>(segment.path(), 64) == 12288);
  CHECK(read_at<std::uint64_t>(segment.path(), 72) == 134230016);
  CHECK(read_at<std::uint32_t>(segment.path(), 80) == 2);  // CLOCK_MONOTONIC
  CHECK(read_at<std::uint32_t>(segment.path(), 84) == static_cast<std::uint32_t>(getpid()));
  CHECK(read_at<std::array<char, 12>>(segment.path(), 120) ==
        std::array<char, 12>{'t', 'e', 's', 't', '_', 's', 'h', 'm', '_', 's', 'e', 'g'});
  CHECK(read_at<std::uint32_t>(segment.path(), 1024) == 0);
}

TEST_CASE("the pair of clock readings in the header belongs to one moment, now") {
  OwnDirectory dir;
  const std::uint64_t before = monotonic_ns();
  const auto segment = SegmentWriter::create(dir.lanes(), false, abi::ClockSource::monotonic).value();
  const auto created = read_at<std::uint64_t>(segment.path(), 88);
  CHECK(created >= before);
  CHECK(created <= monotonic_ns());
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t unix_now = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  const auto unix_created = read_at<std::int64_t>(segment.path(), 96);
  CHECK(unix_created <= unix_now);
  CHECK(unix_created > unix_now - 60'000'000'000);
}

TEST_CASE("two segments of one process have different ids") {
  OwnDirectory dir;
  const auto one = SegmentWriter::create(dir.lanes(), false).value();
  const auto other = SegmentWriter::create(dir.lanes() + "/", false).value();
  CHECK(one.id() != other.id());
  CHECK(dir.names().size() == 2);
  CHECK(other.path() == dir.lane(segment_name(other.id())));
}

TEST_CASE("names of segments are read back, and nothing else is") {
  const SegmentId id{0, 1, 0x7f, 0x80, 0xff, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  CHECK(segment_name(id) == "lanes-00017f80ff05060708090a0b0c0d0e0f");
  CHECK(parse_segment_name("lanes-00017f80ff05060708090a0b0c0d0e0f") == id);
  for (const char* name : {"", "lanes-", "lanes-00017f80ff05060708090a0b0c0d0e0", "lanes-00017f80ff05060708090a0b0c0d0e0f0",
                           "lanes-00017F80ff05060708090a0b0c0d0e0f", "lanes-00017g80ff05060708090a0b0c0d0e0f",
                           "Lanes-00017f80ff05060708090a0b0c0d0e0f", "lanes-../../../../../../etc/passwd0000000"})
    CHECK_FALSE(parse_segment_name(name).has_value());
}

TEST_CASE("lanes are claimed from the lowest, each backed by 256 KiB, until all sixteen are taken") {
  OwnDirectory dir;
  auto segment = SegmentWriter::create(dir.lanes(), false).value();
  for (std::uint32_t i = 0; i < 16; ++i) {
    const SegmentWriter::Claimed got = segment.claim();
    CHECK(got.outcome == SegmentWriter::Claim::claimed);
    CHECK(got.lane == i);
    CHECK(got.writer.backed_records() == 4096);
  }
  struct stat status {};
  REQUIRE(stat(segment.path().c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 == 12288 + 16 * 262144);
  CHECK(read_at<std::uint32_t>(segment.path(), 4096 + 128 + 128) == 4096);  // lane 0: backed_records, claimed, thread
  CHECK(read_at<std::uint32_t>(segment.path(), 4096 + 128 + 132) == 1);
  CHECK(read_at<std::uint32_t>(segment.path(), 4096 + 128 + 136) == static_cast<std::uint32_t>(gettid()));
  const SegmentWriter::Claimed none = segment.claim();
  CHECK(none.outcome == SegmentWriter::Claim::all_taken);
  CHECK_FALSE(bool(none.writer));
  segment.release(5);
  CHECK(read_at<std::uint32_t>(segment.path(), 4096 + 5 * 512 + 128 + 132) == 0);
  CHECK(segment.claim().lane == 5);
  CHECK(segment.claim().outcome == SegmentWriter::Claim::all_taken);
}

TEST_CASE("threads that claim at once get different lanes") {
  OwnDirectory dir;
  auto segment = SegmentWriter::create(dir.lanes(), false).value();
  std::vector<std::uint32_t> got(16, 99);
  std::vector<std::thread> threads;
  for (std::uint32_t& lane : got) threads.emplace_back([&] { lane = segment.claim().lane; });
  for (std::thread& t : threads) t.join();
  std::sort(got.begin(), got.end());
  for (std::uint32_t i = 0; i < 16; ++i) CHECK(got[i] == i);
}

TEST_CASE("a lane that a thread has left goes on under the next thread, and the collector reads both in order") {
  OwnDirectory dir;
  auto segment = SegmentWriter::create(dir.lanes(), false).value();
  for (int thread = 0; thread < 5; ++thread) {
    std::thread([&] {
      SegmentWriter::Claimed got = segment.claim();
      for (int i = 0; i < 100; ++i) test::record(got.writer, kSmall);
      segment.release(got.lane);
    }).join();
  }
  auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
  LaneReader lane = reader.lane(0);
  std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
  const LaneReader::Copied copied = lane.copy({}, buffer);
  CHECK(copied.fault == LaneReader::Fault::none);
  CHECK(copied.events == 500);
  std::uint64_t sequence = 0;
  for (const auto event : EventWalk(std::span(buffer).first(copied.bytes))) {
    ++sequence;
    CHECK(test::is_event(event, sequence, kSmall.length(sequence)));
  }
  CHECK(lane.account().attempted == 500);
  CHECK(reader.lane(1).account().attempted == 0);
  CHECK_FALSE(lane.claimed());
}

TEST_CASE("a lane whose words somebody has changed is not claimed again") {
  OwnDirectory dir;
  auto segment = SegmentWriter::create(dir.lanes(), false).value();
  CHECK(segment.claim().lane == 0);
  segment.release(0);
  const std::uint32_t nonsense = 4097;
  const int fd = open(segment.path().c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(pwrite(fd, &nonsense, 4, 4096 + 128 + 128) == 4);
  close(fd);
  CHECK(segment.claim().lane == 1);
}

TEST_CASE("the reader finds the header, the names and the owner, and counts its attaching") {
  OwnDirectory dir;
  auto segment = SegmentWriter::create(dir.lanes(), false, abi::ClockSource::tsc).value();
  for (std::uint64_t epoch = 1; epoch <= 2; ++epoch) {
    const auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
    CHECK(reader.id() == segment.id());
    CHECK(reader.lane_count() == 16);
    CHECK(reader.header().clock == abi::ClockSource::tsc);
    CHECK(reader.process() == "test_shm_segmen");  // the kernel keeps 15 characters
    CHECK(reader.owner_uid() == geteuid());
    CHECK(reader.lane(15).epoch() == epoch);
    CHECK_FALSE(reader.poisoned());
  }
}

TEST_CASE("a segment says of what layout and schema it is: FNV-1a over the sizes of this ABI, another number for another schema") {
  std::uint64_t expected = 0xcbf29ce484222325;
  // Header, controls, account and collector's line in them, event head, record, lane, switch, controls, data, reasons.
  constexpr std::uint64_t sizes[] = {184, 512, 128, 384, 40, 64, 8388608, 1024, 4096, 12288, 3, 11};
  for (const std::uint64_t size : sizes)
    for (int byte = 0; byte < 8; ++byte) expected = (expected ^ (size >> 8 * byte & 0xff)) * 0x100000001b3;
  OwnDirectory dir;
  const auto segment = SegmentWriter::create(dir.lanes(), false).value();
  const auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
  CHECK(reader.header().layout_hash == expected);
  // Each kind, its fields by path and length, type and whether they are required, and the items of lists by path and length, and type.
  expected = 0xcbf29ce484222325;
  const auto byte = [&](std::uint64_t value) { expected = (expected ^ (value & 0xff)) * 0x100000001b3; };
  const auto number = [&](std::uint64_t value) {
    for (int i = 0; i < 8; ++i) byte(value >> 8 * i);
  };
  const auto text = [&](std::string_view value) {
    for (const char c : value) byte(static_cast<unsigned char>(c));
    number(value.size());
  };
  for (const schema::KindInfo& kind : schema::kKindTable) {
    number(static_cast<std::uint64_t>(kind.kind));
    for (const schema::Field& field : kind.fields) {
      text(field.path);
      number(static_cast<std::uint64_t>(field.type) * 2 + (field.required ? 1 : 0));
      if (field.type == schema::Type::list)
        for (const schema::Field& item : field.list->fields) text(item.path), number(static_cast<std::uint64_t>(item.type));
    }
  }
  CHECK(reader.header().schema_hash == expected);
}

TEST_CASE("a reader that has been moved from closes nothing, least of all the descriptor 0") {
  OwnDirectory dir;
  const auto segment = SegmentWriter::create(dir.lanes(), false).value();
  const int stood_in = fcntl(0, F_GETFD) < 0 ? open("/dev/null", O_RDONLY) : -1;
  {
    auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str());
    REQUIRE(reader.has_value());
    const SegmentReader moved(std::move(*reader));
    CHECK(moved.owner_alive());
  }
  CHECK(fcntl(0, F_GETFD) >= 0);
  if (stood_in >= 0) close(stood_in);
}

TEST_CASE("the switch starts as the writer was told, and follows the collector") {
  OwnDirectory dir;
  for (const bool disabled : {false, true}) {
    const auto segment = SegmentWriter::create(dir.lanes(), disabled).value();
    auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
    CHECK(segment.disabled() == disabled);
    CHECK(reader.disabled() == disabled);
    reader.set_disabled(!disabled);
    CHECK(segment.disabled() == !disabled);
    CHECK(segment.switch_word().load() == (disabled ? 0 : 1));
  }
}

TEST_CASE("the file beside the lanes directory says what a switch starts with; without it recording is on") {
  OwnDirectory dir;
  CHECK(enabled_file("/run/arbiter/lanes") == "/run/arbiter/lanes.enabled");
  CHECK(enabled_file("/run/arbiter/lanes//") == "/run/arbiter/lanes.enabled");
  CHECK_FALSE(recording_disabled(dir.lanes()));
  const struct {
    const char* content;
    bool disabled;
  } cases[] = {{"0\n", true}, {"1\n", false}, {"", false}, {"0", false}, {"0\n\n", false}, {"off\n", false}};
  for (const auto& [content, disabled] : cases) {
    std::ofstream(enabled_file(dir.lanes()), std::ios::trunc) << content;
    CHECK(recording_disabled(dir.lanes()) == disabled);
    CHECK(recording_disabled(dir.lanes() + "/") == disabled);
  }
}

TEST_CASE("a writer whose file was unlinked, or replaced by another, knows") {
  OwnDirectory dir;
  const auto segment = SegmentWriter::create(dir.lanes(), false).value();
  CHECK(segment.still_linked());
  auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
  CHECK(reader.unlink().has_value());
  CHECK(dir.names().empty());
  CHECK_FALSE(segment.still_linked());
  std::ofstream(segment.path()) << "another";
  CHECK_FALSE(segment.still_linked());
  CHECK(reader.unlink().has_value());  // not its file any more: left alone
  CHECK(dir.names().size() == 1);
}

TEST_CASE("what cannot be made says what and where") {
  OwnDirectory dir;
  const auto nowhere = SegmentWriter::create(dir.lanes() + "/none", false);
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().code == ENOENT);
  CHECK(nowhere.error().message == dir.lanes() + "/none: making a segment: No such file or directory");
}

TEST_CASE("under a limit of file size below a segment's it is refused, and no signal ends the process") {
  OwnDirectory dir;
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto segment = SegmentWriter::create(dir.lanes(), false);
    test::leave(!segment && segment.error().code == EFBIG ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(dir.names().empty());
}
