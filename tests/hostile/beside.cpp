#include "tests/hostile/beside.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "shm/event.hpp"

namespace arbiter::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kHonestKind = "thinking-budget-usage";

std::uint64_t number(const json::object& o, std::string_view key) {
  const json::value* const found = o.if_contains(key);
  return found == nullptr ? 0 : found->to_number<std::uint64_t>();
}

Mapping map_again(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd >= 0);
  void* const at = ::mmap(nullptr, abi::kSegmentBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  REQUIRE(at != MAP_FAILED);
  return {static_cast<std::byte*>(at), abi::kSegmentBytes};
}

}  // namespace

Honest::Honest(const Place& place) : lanes_(place.lanes()) {
  thread_ = std::thread([this] {
    Producer producer({.ring_dir = lanes_});
    while (!stop_) {
      const bool recorded = producer.record(ThinkingBudgetUsage{.task_id = "honest", .tokens_used = 1}).recorded();
      ++(recorded ? recorded_ : failed_);
      std::this_thread::sleep_for(200us);
    }
  });
}

void Honest::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

Usage usage_of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  Usage usage;
  const std::string stat = read_file(process + "/stat");
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string word;
  std::uint64_t ticks = 0;
  for (int field = 3; fields >> word && field < 16; ++field)
    if (field == 14 || field == 15) ticks += std::stoull(word);
  usage.cpu_seconds = static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::istringstream memory(read_file(process + "/statm"));
  std::size_t pages = 0, resident = 0, shared = 0;
  memory >> pages >> resident >> shared;
  usage.resident_bytes = (resident - shared) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::error_code gone;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(process + "/fd", gone)) ++usage.descriptors;
  return usage;
}

Beside::Beside(const std::string& more_config, const std::string& limits)
    : collector(place, plain_config(more_config), limits), honest(place) {
  // What comes later is hostile: the honest one is attached by now.
  REQUIRE(wait_until([&] { return number(status(), "segments") == 1; }));
}

void Beside::check(const Expected& expected) {
  REQUIRE(collector.running());
  const std::uint64_t before = honest.recorded();
  REQUIRE(wait_until([&] { return honest.recorded() > before + 100; }));
  const json::object stats = collector.stats();
  const std::uint64_t after = honest.recorded();
  const std::uint64_t taken = number(stats.at("eventsByType").as_object(), kHonestKind);
  CHECK(taken > before);
  CHECK(taken <= after + 1);
  CHECK(honest.failed() == 0);
  CHECK(number(stats, "retainedEvents") == taken + expected.hostile_events);
  CHECK(number(stats.at("losses").as_object(), "quarantined") == expected.quarantined_events);
  CHECK(wait_until([&] { return status().at("health").as_string() == expected.health; }));
  const json::object now = status();
  CHECK(number(now, "filesLeftAlone") == expected.files_left_alone);
  CHECK(number(now.at("drain").as_object(), "quarantinedLanes") == expected.quarantined_lanes);

  const Usage began = usage_of(collector.pid());
  const auto began_at = Clock::now();
  std::this_thread::sleep_for(300ms);
  const Usage ended = usage_of(collector.pid());
  const double seconds = std::chrono::duration<double>(Clock::now() - began_at).count();
  CHECK_MESSAGE((ended.cpu_seconds - began.cpu_seconds) / seconds < 0.5 * kPatience, "the collector is busy");
  CHECK(ended.resident_bytes < (256ULL << 20) * kPatience);
}

std::size_t Beside::lines_with(std::string_view text) const {
  std::size_t lines = 0;
  std::istringstream log(collector.log());
  for (std::string line; std::getline(log, line);) lines += line.find(text) != std::string::npos ? 1u : 0u;
  return lines;
}

Hostile::Hostile(const Place& place) : segment_(SegmentWriter::create(place.lanes(), false).value()), bytes_(map_again(segment_.path())) {}

LaneWriter Hostile::claim() {
  auto claimed = segment_.claim();
  REQUIRE(claimed.outcome == SegmentWriter::Claim::claimed);
  return std::move(claimed.writer);
}

std::string name_of(unsigned number) {
  char name[48];
  std::snprintf(name, sizeof name, "lanes-%032x", number);
  return name;
}

SegmentId id_of(unsigned number) { return parse_segment_name(name_of(number)).value(); }

void make_segment_file(const fs::path& path, const abi::SegmentHeader& like, const SegmentId& id,
                       const std::function<void(abi::SegmentHeader&)>& lie) {
  abi::SegmentHeader header = like;
  header.segment_id = id;
  if (lie) lie(header);
  // Complete before it can be seen: what the collector finds half made it has judged for good.
  const int fd = ::open(path.parent_path().c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0660);
  REQUIRE(fd >= 0);
  REQUIRE(::ftruncate(fd, static_cast<off_t>(abi::kSegmentBytes)) == 0);
  REQUIRE(::pwrite(fd, &header, sizeof header, 0) == sizeof header);
  REQUIRE(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd)).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0);
  ::close(fd);
}

HeldLock::HeldLock(const fs::path& path) {
  constexpr std::size_t kPage = 4096;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  REQUIRE(::fcntl(fd, F_OFD_SETLK, &whole) == 0);
  void* const at = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  REQUIRE(at != MAP_FAILED);
  page_ = Mapping(static_cast<std::byte*>(at), kPage);
}

void put(LaneWriter& lane, std::uint64_t sequence) {
  event::Values v;
  v.kind = Kind::routing_decision;
  v.sequence = sequence;
  v.stamp = 1;
  v.set_text(schema::field(Kind::routing_decision, "taskId"), std::string_view("hostile"));
  v.set_text(schema::field(Kind::routing_decision, "selectedAgent"), std::string_view("agent"));
  const std::uint32_t records = records_for(event::encoded_bytes(v));
  std::byte* const room = lane.reserve(records);
  REQUIRE(room != nullptr);
  event::encode(v, room);
  lane.publish(records);
}

}  // namespace arbiter::test
