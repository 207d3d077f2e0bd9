#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "shm/schema.hpp"
#include "shm/segment.hpp"
#include "shm/testpoint.hpp"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace arbiter {
namespace {

constexpr mode_t kFileMode = 0660;  // the collector comes in by the group, which the set-group-id directory gives the file

// FNV-1a, over what a reader of a hash would want to know has changed. For diagnosis only.
struct Hash {
  std::uint64_t value = 0xcbf29ce484222325;
  constexpr void add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) value = (value ^ (number >> 8 * i & 0xff)) * 0x100000001b3;
  }
  constexpr void add(std::string_view text) {
    for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    add(text.size());
  }
};

consteval std::uint64_t layout_hash() {
  Hash h;
  for (const std::size_t n : {sizeof(abi::SegmentHeader), sizeof(abi::LaneControl), offsetof(abi::LaneControl, account),
                              offsetof(abi::LaneControl, collector), sizeof(abi::EventHead), abi::kRecordBytes, abi::kLaneBytes,
                              abi::kSwitchOffset, abi::kControlOffset, abi::kDataOffset, abi::kDropReasons, abi::kRefusalReasons})
    h.add(n);
  return h.value;
}

consteval std::uint64_t schema_hash() {
  Hash h;
  for (const schema::KindInfo& kind : schema::kKindTable) {
    h.add(static_cast<std::uint64_t>(kind.kind));
    for (const schema::Field& f : kind.fields) {
      h.add(f.path);
      h.add(static_cast<std::uint64_t>(f.type) << 1 | static_cast<std::uint64_t>(f.required));
      if (f.type != schema::Type::list) continue;
      for (const schema::Field& item : f.list->fields) h.add(item.path), h.add(static_cast<std::uint64_t>(item.type));
    }
  }
  return h.value;
}

struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

void fill_header(abi::SegmentHeader& header, const SegmentId& id, abi::ClockSource clock) {
  header.magic = abi::kMagic;
  header.endian_tag = abi::kEndianTag;
  header.major = abi::kMajor;
  header.minor = abi::kMinor;
  header.segment_id = id;
  header.lane_count = abi::kLanesPerSegment;
  header.lane_records = abi::kLaneRecords;
  header.control_offset = abi::kControlOffset;
  header.control_stride = sizeof(abi::LaneControl);
  header.data_offset = abi::kDataOffset;
  header.file_bytes = abi::kSegmentBytes;
  header.clock = clock;
  header.pid = static_cast<std::uint32_t>(getpid());
  header.layout_hash = layout_hash();
  header.schema_hash = schema_hash();
  const int comm = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
  if (comm >= 0) {
    const ssize_t bytes = read(comm, header.process.data(), header.process.size() - 1);
    if (bytes > 0 && header.process[static_cast<std::size_t>(bytes) - 1] == '\n')
      header.process[static_cast<std::size_t>(bytes) - 1] = '\0';
    close(comm);
  }
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  header.created_ticks = ticks(clock);
  header.created_unix_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// An open file description lock: it belongs to what `open` made, and goes when the last descriptor and the last mapping of it are gone.
bool lock(int fd) {
  struct flock whole_file {};
  whole_file.l_type = F_WRLCK;
  whole_file.l_whence = SEEK_SET;
  return fcntl(fd, F_OFD_SETLK, &whole_file) == 0;
}

bool link_named(int fd, const char* path) {
  char self[32];
  char* const end = std::to_chars(std::copy_n("/proc/self/fd/", 14, self), self + sizeof self - 1, fd).ptr;
  *end = '\0';
  if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno != ENOENT) return false;
  return linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0;  // no /proc here: allowed to the file's maker since Linux 6.10
}

// "<ring_dir>/lanes-<hex>" in pages of its own, not on the stack: a signal handler's may be small.
Mapping name_of(const char* ring_dir, const SegmentId& id) {
  constexpr std::string_view prefix = "lanes-";
  constexpr char digits[] = "0123456789abcdef";
  std::size_t length = std::strlen(ring_dir);
  while (length > 1 && ring_dir[length - 1] == '/') --length;
  const std::size_t bytes = length + 1 + prefix.size() + 2 * id.size() + 1;
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return {};
  char* at = std::copy_n(ring_dir, length, static_cast<char*>(pages));
  if (length != 1 || ring_dir[0] != '/') *at++ = '/';
  at = std::copy(prefix.begin(), prefix.end(), at);
  for (const std::uint8_t byte : id) {
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
  }
  return {static_cast<std::byte*>(pages), bytes};
}

static_assert(abi::kSegmentBytes >> 20 == 128, "the failure below says 128 MiB");

}  // namespace

Result<SegmentWriter> SegmentWriter::create(const std::string& ring_dir, bool disabled, abi::ClockSource clock) {
  Failure failure;
  std::optional<SegmentWriter> made = create(ring_dir.c_str(), disabled, clock, failure);
  if (!made) return system_error(ring_dir + ": " + failure.doing, failure.code);
  return std::move(*made);
}

std::optional<SegmentWriter> SegmentWriter::create(const char* ring_dir, bool disabled, abi::ClockSource clock, Failure& failure) noexcept {
  const auto failed = [&failure](const char* doing, int code = errno) {
    failure = {doing, code};
    return std::nullopt;
  };
  // A file size limit of the agent's would answer ftruncate with SIGXFSZ, which ends the process.
  rlimit file_size{};
  if (getrlimit(RLIMIT_FSIZE, &file_size) == 0 && file_size.rlim_cur < abi::kSegmentBytes)
    return failed("the limit of file size (ulimit -f) is below the 128 MiB of a segment", EFBIG);

  SegmentId id;
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) return failed("a random number for a segment");
  Mapping name = name_of(ring_dir, id);
  if (name.begin() == nullptr) return failed("memory for a segment's name");
  const char* const path = reinterpret_cast<const char*>(name.begin());

  const Descriptor file(open(ring_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.fd < 0) return failed("making a segment");
  ARBITER_TESTPOINT("segment.opened");
  if (ftruncate(file.fd, static_cast<off_t>(abi::kSegmentBytes)) != 0) return failed("setting a segment's size");
  ARBITER_TESTPOINT("segment.sized");

  void* const at = mmap(nullptr, abi::kSegmentBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
  if (at == MAP_FAILED) return failed("mapping a segment");
  Mapping map(static_cast<std::byte*>(at), abi::kSegmentBytes);
  // Before anything else, so that a fork hardly ever finds it: a child that had the mapping would hold the lock too.
  if (madvise(at, abi::kSegmentBytes, MADV_DONTFORK) != 0) return failed("keeping a segment from children");
  if (madvise(at, abi::kDataOffset, MADV_POPULATE_WRITE) != 0)
    return failed("backing a segment's header", errno == EFAULT ? ENOSPC : errno);  // EFAULT: how a full file system answers
  ARBITER_TESTPOINT("segment.backed");

  fill_header(map.at<abi::SegmentHeader>(0), id, clock);
  map.at<abi::SwitchLine>(abi::kSwitchOffset).disabled.store(disabled ? 1 : 0, std::memory_order_relaxed);
  ARBITER_TESTPOINT("segment.filled");

  if (!lock(file.fd)) return failed("locking a segment");
  struct stat status {};
  if (fchmod(file.fd, kFileMode) != 0 || fstat(file.fd, &status) != 0) return failed("setting a segment's mode");
  ARBITER_TESTPOINT("segment.locked");
  if (!link_named(file.fd, path)) return failed("linking a segment");
  ARBITER_TESTPOINT("segment.linked");
  return SegmentWriter(std::move(map), id, std::move(name), clock, status.st_dev, status.st_ino);
}

SegmentWriter::SegmentWriter(SegmentWriter&& other) noexcept
    : map_(std::move(other.map_)),
      id_(other.id_),
      path_(std::move(other.path_)),
      clock_(other.clock_),
      device_(other.device_),
      inode_(other.inode_),
      taken_(other.taken_.load(std::memory_order_relaxed)) {}

SegmentWriter::Claimed SegmentWriter::claim() noexcept {
  for (;;) {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    const auto lane = static_cast<std::uint32_t>(std::countr_one(taken));  // the lowest: one that was used has its memory already
    if (lane >= abi::kLanesPerSegment) return {Claim::all_taken, 0, {}};
    if (!taken_.compare_exchange_weak(taken, taken | 1u << lane, std::memory_order_acquire, std::memory_order_relaxed)) continue;
    ARBITER_TESTPOINT("lane.claim");

    abi::ProducerAccount& account = control(lane).account;
    if (account.backed_records.load(std::memory_order_relaxed) == 0) {
      const int saved_errno = errno;
      if (madvise(area(lane), abi::kLaneBackedBytesMin, MADV_POPULATE_WRITE) != 0) {
        madvise(area(lane), abi::kLaneBackedBytesMin, MADV_REMOVE);
        errno = saved_errno;
        release(lane);
        return {Claim::no_memory, 0, {}};
      }
      account.backed_records.store(abi::kLaneRecordsMin, std::memory_order_relaxed);  // as in LaneWriter::grow
      ARBITER_TESTPOINT("lane.backed");
    }
    std::optional<LaneWriter> writer = LaneWriter::resume(control(lane), area(lane));
    if (!writer) continue;  // somebody has written into our words: the lane stays taken, so that it is not tried again
    account.thread.store(static_cast<std::uint32_t>(gettid()), std::memory_order_relaxed);
    account.claimed.store(1, std::memory_order_relaxed);
    ARBITER_TESTPOINT("lane.claimed");
    return {Claim::claimed, lane, std::move(*writer)};
  }
}

void SegmentWriter::release(std::uint32_t lane) noexcept {
  control(lane).account.claimed.store(0, std::memory_order_relaxed);
  ARBITER_TESTPOINT("lane.release");
  taken_.fetch_and(~(1u << lane), std::memory_order_release);
}

LaneReader::Account SegmentWriter::account() const noexcept {
  LaneReader::Account sum;
  for (std::uint32_t i = 0; i < abi::kLanesPerSegment; ++i) {
    const LaneReader::Account one = LaneReader(control(i), area(i), abi::kLaneRecords).account();
    sum.attempted += one.attempted;
    for (std::size_t why = 0; why < sum.dropped.size(); ++why) sum.dropped[why] += one.dropped[why];
    for (std::size_t why = 0; why < sum.refused.size(); ++why) sum.refused[why] += one.refused[why];
  }
  return sum;
}

// Relaxed: positions alone are compared, and no record is read for them.
abi::Position SegmentWriter::published(std::uint32_t lane) const noexcept {
  return {control(lane).producer.write.load(std::memory_order_relaxed)};
}

abi::Position SegmentWriter::acknowledged_untrusted(std::uint32_t lane) const noexcept {
  return {control(lane).collector.acknowledged.load(std::memory_order_relaxed)};
}

bool SegmentWriter::still_linked() const noexcept {
  const int saved_errno = errno;
  struct stat status {};
  const bool linked = stat(path_name(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  errno = saved_errno;
  return linked;
}

}  // namespace arbiter
