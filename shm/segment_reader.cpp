#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "shm/segment.hpp"

namespace arbiter {
namespace {

using Kind = AttachError::Kind;

// The oldest major that is read: this one less one, and there was none before 1.
constexpr std::uint16_t kMajorOldest = abi::kMajor > 1 ? abi::kMajor - 1 : 1;

// What a minor version may at most make of a segment.
constexpr std::uint32_t kLanesMax = 64;
constexpr std::uint32_t kLaneRecordsMax = 16 * abi::kLaneRecords;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{4} << 30;
constexpr std::size_t kPage = 4096;

std::string number(std::uint64_t n) { return std::to_string(n); }

// Everything that has to hold before the file is mapped. Empty: it may be.
std::optional<std::pair<Kind, std::string>> wrong_with(const abi::SegmentHeader& h, const SegmentId& named, std::uint64_t file_bytes) {
  const auto wrong = [](Kind kind, std::string why) { return std::optional(std::pair(kind, std::move(why))); };
  if (h.magic != abi::kMagic) return wrong(Kind::foreign, "is not a segment: no magic");
  if (h.endian_tag != abi::kEndianTag) return wrong(Kind::unsupported, "is of a machine of another byte order");
  if (h.major > abi::kMajor || h.major < kMajorOldest)
    return wrong(Kind::unsupported, "is of ABI " + number(h.major) + "." + number(h.minor) + "; this collector reads " +
                                        number(kMajorOldest) + " to " + number(abi::kMajor));
  if ((h.incompatible & ~abi::kIncompatibleKnown) != 0)
    return wrong(Kind::unsupported,
                 "needs features that this collector does not know (mask " + number(h.incompatible & ~abi::kIncompatibleKnown) + ")");

  if (h.segment_id != named) return wrong(Kind::broken, "holds the id " + hex(h.segment_id));
  if (h.file_bytes != file_bytes)
    return wrong(Kind::broken, "has " + number(file_bytes) + " bytes where its header says " + number(h.file_bytes));
  if (file_bytes > kFileBytesMax) return wrong(Kind::broken, "has " + number(file_bytes) + " bytes, more than any segment");
  if (h.clock != abi::ClockSource::tsc && h.clock != abi::ClockSource::monotonic)
    return wrong(Kind::broken, "is stamped by an unknown clock, " + number(static_cast<std::uint32_t>(h.clock)));
  if (h.lane_count == 0 || h.lane_count > kLanesMax)
    return wrong(Kind::broken, "has an impossible number of lanes, " + number(h.lane_count));
  if (h.lane_records < abi::kLaneRecordsMin || h.lane_records > kLaneRecordsMax || !std::has_single_bit(h.lane_records))
    return wrong(Kind::broken, "has lanes of an impossible size, " + number(h.lane_records) + " records");
  // In 64 bits nothing below overflows: each factor is bounded above.
  const std::uint64_t control_end = std::uint64_t{h.control_offset} + std::uint64_t{h.control_stride} * h.lane_count;
  if (h.control_offset < abi::kSwitchOffset + sizeof(abi::SwitchLine) || h.control_offset % abi::kLineBytes != 0 ||
      h.control_stride < sizeof(abi::LaneControl) || h.control_stride % abi::kLineBytes != 0 || h.control_stride > kPage)
    return wrong(Kind::broken, "has its lanes' controls in an impossible place");
  if (h.data_offset % kPage != 0 || h.data_offset < control_end || h.data_offset > file_bytes)
    return wrong(Kind::broken, "has its lanes in an impossible place");
  if (std::uint64_t{h.lane_count} * h.lane_records * abi::kRecordBytes > file_bytes - h.data_offset)
    return wrong(Kind::broken, "is too small for its lanes");
  return std::nullopt;
}

struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  int keep() { return std::exchange(fd, -1); }
};

}  // namespace

boost::system::result<SegmentReader, AttachError> SegmentReader::attach(int directory_fd, const char* name, int descriptors) {
  const auto error = [name](Kind kind, const std::string& why, int code = 0) {
    return AttachError{kind, Error{std::string(name) + ": " + why, code}};
  };
  const auto system = [&error](const char* doing, int code) {
    const Kind kind = code == ENOENT ? Kind::gone : Kind::system;
    return error(kind, std::string(doing) + ": " + std::strerror(code), code);
  };
  const std::optional<SegmentId> named = parse_segment_name(name);
  if (!named) return error(Kind::foreign, "is not the name of a segment");

  // Looked at before it is opened, since opening a device can do something; and again after, since it may have been exchanged.
  struct stat status {};
  if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return system("looking at it", errno);
  if (!S_ISREG(status.st_mode)) return error(Kind::foreign, "is not a regular file");
  Descriptor file(openat(directory_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (file.fd >= descriptors) return system("opening", EMFILE);
  if (file.fd < 0) return errno == ELOOP ? error(Kind::foreign, "is a symbolic link") : system("opening", errno);
  if (fstat(file.fd, &status) != 0) return system("looking at it", errno);
  if (!S_ISREG(status.st_mode)) return error(Kind::foreign, "is not a regular file");
  if (status.st_nlink == 0) return error(Kind::gone, "was unlinked");
  if (status.st_nlink != 1) return error(Kind::broken, "has " + number(status.st_nlink) + " names");

  // Read, not mapped: a file that shrinks meanwhile is a short read and no SIGBUS.
  abi::SegmentHeader header{};
  const ssize_t bytes = pread(file.fd, &header, sizeof header, 0);
  if (bytes < 0) return system("reading its header", errno);
  if (static_cast<std::size_t>(bytes) < sizeof header)
    return error(Kind::broken, "has " + number(static_cast<std::uint64_t>(bytes)) + " bytes, less than a header");
  if (auto wrong = wrong_with(header, *named, static_cast<std::uint64_t>(status.st_size))) return error(wrong->first, wrong->second);

  void* const at = mmap(nullptr, header.file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
  if (at == MAP_FAILED) return system("mapping", errno);
  Mapping map(static_cast<std::byte*>(at), header.file_bytes);
  // Records are the producer's: not even a mistake of ours writes there.
  if (mprotect(map.begin() + header.data_offset, header.file_bytes - header.data_offset, PROT_READ) != 0)
    return system("protecting", errno);
  SegmentReader reader(directory_fd, file.keep(), name, header, status.st_uid, status.st_ino, std::move(map));
  for (std::uint32_t i = 0; i < header.lane_count; ++i) reader.lane(i).count_attach();
  return reader;
}

SegmentReader::SegmentReader(int directory_fd, int fd, std::string name, const abi::SegmentHeader& header, uid_t owner, ino_t inode,
                             Mapping map)
    : directory_fd_(directory_fd),
      fd_(fd),
      name_(std::move(name)),
      header_(header),
      owner_(owner),
      inode_(inode),
      map_(std::move(map)),
      guard_(map_.begin(), map_.bytes()) {}

SegmentReader::SegmentReader(SegmentReader&& other) noexcept
    : directory_fd_(other.directory_fd_),
      fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      header_(other.header_),
      owner_(other.owner_),
      inode_(other.inode_),
      map_(std::move(other.map_)),
      guard_(std::move(other.guard_)) {}

SegmentReader::~SegmentReader() {
  if (fd_ >= 0) close(fd_);
}

std::string SegmentReader::process() const {
  std::string shown;
  for (const char c : header_.process) {
    if (c == '\0') break;
    shown += c >= ' ' && c <= '~' ? c : '?';
  }
  return shown;
}

LaneReader SegmentReader::lane(std::uint32_t index) const {
  const std::size_t lane_bytes = std::size_t{header_.lane_records} * abi::kRecordBytes;
  return {map_.at<abi::LaneControl>(header_.control_offset + std::size_t{index} * header_.control_stride),
          map_.begin() + header_.data_offset + index * lane_bytes, header_.lane_records};
}

bool SegmentReader::owner_alive() const {
  struct flock probe {};
  probe.l_type = F_WRLCK;
  probe.l_whence = SEEK_SET;
  // An answer that cannot be had means alive: a live segment is only drained, an ended one is removed.
  return fcntl(fd_, F_OFD_GETLK, &probe) != 0 || probe.l_type != F_UNLCK;
}

bool SegmentReader::disabled() const { return map_.at<abi::SwitchLine>(abi::kSwitchOffset).disabled.load(std::memory_order_relaxed) != 0; }
void SegmentReader::set_disabled(bool disabled) {
  map_.at<abi::SwitchLine>(abi::kSwitchOffset).disabled.store(disabled ? 1 : 0, std::memory_order_relaxed);
}

Result<void> SegmentReader::unlink() {
  struct stat status {};
  if (fstatat(directory_fd_, name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? Result<void>() : system_error(name_ + ": unlinking");
  if (status.st_ino != inode_) return {};
  if (unlinkat(directory_fd_, name_.c_str(), 0) != 0 && errno != ENOENT) return system_error(name_ + ": unlinking");
  return {};
}

}  // namespace arbiter
