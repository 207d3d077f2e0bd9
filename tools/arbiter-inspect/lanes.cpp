// A segment file of the lanes directory: who wrote it, whether that process is alive, and the account of each lane.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "shm/abi.hpp"
#include "shm/event.hpp"
#include "shm/lane_reader.hpp"
#include "tools/arbiter-inspect/report.hpp"

namespace arbiter::inspect {
namespace {

constexpr std::uint32_t kLanesMax = 1024;  // more than any version makes: keeps what a damaged header can make us do small
constexpr std::array<const char*, abi::kDropReasons> kDropNames = {"laneFull", "reentrant", "noLane"};

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

  // What is there; the rest stays zero.
  std::size_t read(void* into, std::size_t bytes, std::uint64_t offset) const {
    std::size_t got = 0;
    while (got < bytes) {
      const ssize_t n = ::pread(fd_, static_cast<char*>(into) + got, bytes - got, static_cast<off_t>(offset + got));
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    return got;
  }

 private:
  int fd_;
};

// Asks the kernel whether anybody holds the lock that a live producer's mapping keeps; takes none.
std::optional<bool> locked(int fd) {
  struct flock probe {};
  probe.l_type = F_RDLCK;
  probe.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_GETLK, &probe) != 0) return std::nullopt;
  return probe.l_type != F_UNLCK;
}

std::string position_text(std::uint64_t value) {
  const abi::Position p{value};
  return std::to_string(p.lap()) + ":" + std::to_string(p.offset());
}

std::string printable(const std::array<char, 64>& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0') break;
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

// Empty: the layout that the header describes lies within the file.
std::string wrong_layout(const abi::SegmentHeader& h, std::uint64_t file_bytes) {
  if (h.lane_count == 0 || h.lane_count > kLanesMax) return "an impossible number of lanes";
  if (h.control_stride < sizeof(abi::LaneControl) || h.control_stride > 65536) return "an impossible distance between its lanes' controls";
  if (std::uint64_t{h.control_offset} + std::uint64_t{h.control_stride} * h.lane_count > file_bytes)
    return "its lanes' controls outside the file";
  if (h.lane_records == 0 || h.lane_records > 16 * abi::kLaneRecords) return "lanes of an impossible size";
  const std::uint64_t data_bytes = std::uint64_t{h.lane_count} * h.lane_records * abi::kRecordBytes;
  if (h.data_offset > file_bytes || data_bytes > file_bytes - h.data_offset) return "its lanes outside the file";
  return {};
}

struct Lane {
  const File& file;
  const abi::SegmentHeader& header;
  std::uint32_t index;
};

boost::json::object facts_of(const Lane& lane, const abi::LaneControl& control, std::uint64_t unread) {
  const auto relaxed = [](const auto& word) { return word.load(std::memory_order_relaxed); };
  boost::json::object dropped, refused;
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < abi::kDropReasons; ++i)
    if (const auto n = relaxed(control.account.dropped[i]); n != 0) dropped[kDropNames[i]] = n, lost += n;
  for (std::size_t i = 0; i < abi::kRefusalReasons; ++i)
    if (const auto n = relaxed(control.account.refused[i]); n != 0) {
      const std::string_view rule = event::refusal_text(static_cast<abi::Refusal>(i));
      refused[boost::json::string_view(rule.data(), rule.size())] = n, lost += n;
    }
  boost::json::object facts{
      {"lane", lane.index},
      {"claimed", relaxed(control.account.claimed) != 0},
      {"thread", relaxed(control.account.thread)},
      {"attempted", relaxed(control.producer.attempted)},
      {"acknowledged", relaxed(control.collector.acknowledged_events)},
      {"unread", unread},
      {"lost", lost},
      {"write", position_text(relaxed(control.producer.write))},
      {"acknowledgedPosition", position_text(relaxed(control.collector.acknowledged))},
      {"backedBytes", std::uint64_t{relaxed(control.account.backed_records)} * abi::kRecordBytes},
      {"collectorsAttached", relaxed(control.collector.epoch)},
  };
  if (!dropped.empty()) facts["dropped"] = std::move(dropped);
  if (!refused.empty()) facts["refused"] = std::move(refused);
  return facts;
}

// Walks what is published and not acknowledged, in a copy. Says how many events that is, and what is wrong with them.
std::uint64_t unread_events(const Lane& lane, abi::LaneControl& control, const EventLine& line, std::string& problem) {
  const std::size_t lane_bytes = std::size_t{lane.header.lane_records} * abi::kRecordBytes;
  std::vector<std::byte> area(lane_bytes), buffer(LaneReader::kBufferBytesMin);
  lane.file.read(area.data(), lane_bytes, lane.header.data_offset + std::uint64_t{lane.index} * lane_bytes);
  const LaneReader reader(control, area.data(), lane.header.lane_records);
  abi::Position at{control.collector.acknowledged.load(std::memory_order_relaxed)};
  std::uint64_t events = 0;
  for (;;) {
    const LaneReader::Copied copied = reader.copy(at, buffer);
    for (const std::span<const std::byte> bytes : EventWalk(std::span(buffer).first(copied.bytes))) {
      ++events;
      event::Values values;
      const event::Malformed malformed = event::decode(bytes, values);
      if (malformed != event::Malformed::none && problem.empty()) problem = "an event " + std::string(event::malformed_text(malformed));
      if (line && malformed == event::Malformed::none) {
        const std::string_view type = schema::info(values.kind).type;
        line(boost::json::serialize(boost::json::object{{"lane", lane.index},
                                                        {"sequence", values.sequence},
                                                        {"type", type.empty() ? "(generic)" : std::string(type)},
                                                        {"bytes", bytes.size()}}));
      }
    }
    if (copied.fault != LaneReader::Fault::none) {
      problem = copied.fault == LaneReader::Fault::bad_position ? "a write position that cannot follow what was acknowledged"
                                                                : "records that cannot be";
      return events;
    }
    if (copied.events == 0) return events;
    at = copied.next;
  }
}

}  // namespace

Result<Report> inspect_lanes(const std::string& path, const EventLine& events) {
  const File file(path);
  if (file.fd() < 0) return system_error("cannot open " + path);
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return system_error("cannot look at " + path);
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);

  Report report;
  boost::json::object& facts = report.facts;
  facts["file"] = path;
  facts["kind"] = "segment of lanes";
  const auto damaged = [&](const std::string& what) -> Result<Report> {
    report.sound = false;
    facts["damaged"] = what;
    return std::move(report);
  };

  abi::SegmentHeader header{};
  if (file.read(&header, sizeof header, 0) < sizeof header)
    return damaged("it has " + std::to_string(file_bytes) + " bytes, less than a header");
  facts["segment"] = hex_text(header.segment_id.data(), header.segment_id.size());
  facts["abi"] = std::to_string(header.major) + "." + std::to_string(header.minor);
  facts["bytes"] = file_bytes;
  facts["memoryBytes"] = static_cast<std::uint64_t>(status.st_blocks) * 512;
  if (header.endian_tag != abi::kEndianTag) return damaged("it is of a machine of another byte order");
  if (header.major != abi::kMajor)
    return damaged("this program reads ABI " + std::to_string(abi::kMajor) + " only: use that of its collector");
  if ((header.incompatible & ~abi::kIncompatibleKnown) != 0)
    return damaged("it needs features that this program does not know: use that of its collector");
  facts["process"] = printable(header.process);
  facts["pid"] = header.pid;
  facts["uid"] = status.st_uid;
  const std::optional<bool> alive = locked(file.fd());
  facts["producer"] = !alive ? "not known" : *alive ? "alive" : "gone";
  facts["created"] = time_text(header.created_unix_ns);
  facts["clock"] = header.clock == abi::ClockSource::tsc ? "tsc" : header.clock == abi::ClockSource::monotonic ? "monotonic" : "unknown";
  if (header.file_bytes != file_bytes) return damaged("its header says " + std::to_string(header.file_bytes) + " bytes");
  if (const std::string wrong = wrong_layout(header, file_bytes); !wrong.empty()) return damaged("its header says " + wrong);

  abi::SwitchLine switch_line{};
  file.read(&switch_line, sizeof switch_line, abi::kSwitchOffset);
  facts["recording"] = switch_line.disabled.load(std::memory_order_relaxed) == 0 ? "enabled" : "disabled";

  boost::json::array lanes;
  std::uint64_t attempted = 0, unread_all = 0;
  for (std::uint32_t i = 0; i < header.lane_count; ++i) {
    abi::LaneControl control{};
    file.read(&control, sizeof control, header.control_offset + std::uint64_t{i} * header.control_stride);
    const std::uint64_t attempts = control.producer.attempted.load(std::memory_order_relaxed);
    if (attempts == 0 && control.producer.write.load(std::memory_order_relaxed) == 0 &&
        control.account.claimed.load(std::memory_order_relaxed) == 0)
      continue;
    const Lane lane{file, header, i};
    std::string problem;
    const std::uint64_t unread = unread_events(lane, control, events, problem);
    boost::json::object of_lane = facts_of(lane, control, unread);
    if (!problem.empty()) {
      of_lane["damaged"] = problem;
      report.sound = false;
    }
    lanes.push_back(std::move(of_lane));
    attempted += attempts;
    unread_all += unread;
  }
  facts["attempted"] = attempted;
  facts["unread"] = unread_all;
  facts["lanes"] = std::move(lanes);
  return report;
}

}  // namespace arbiter::inspect
