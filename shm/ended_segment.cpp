#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "shm/segment.hpp"

namespace arbiter {

EndedSegment::EndedSegment(SegmentWriter&& segment, const char* ring_dir) noexcept : segment_(std::move(segment)), ring_dir_(ring_dir) {
  for (std::uint32_t lane = 0; lane < abi::kLanesPerSegment; ++lane) published_[lane] = segment_.published(lane);
  const int saved_errno = errno;
  struct stat status {};
  if (stat(ring_dir_, &status) == 0) directory_device_ = status.st_dev, directory_inode_ = status.st_ino;
  errno = saved_errno;
  segment_.map_ = Mapping();
}

EndedSegment::Fate EndedSegment::fate() noexcept {
  const int saved_errno = errno;
  Fate fate = Fate::waiting;
  const int fd = open(segment_.path_name(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (fd < 0 ? errno == ENOENT : fstat(fd, &status) == 0 && (status.st_dev != segment_.device_ || status.st_ino != segment_.inode_))
    fate = same_directory() ? Fate::taken : Fate::lost;
  else if (fd >= 0 && acknowledged(fd))
    fate = Fate::taken;
  if (fd >= 0) close(fd);
  errno = saved_errno;
  return fate;
}

// By the collector's word, which may be anything: only what was published is believed.
bool EndedSegment::acknowledged(int fd) noexcept {
  for (; lanes_taken_ < abi::kLanesPerSegment; ++lanes_taken_) {
    const std::size_t offset = abi::kControlOffset + lanes_taken_ * sizeof(abi::LaneControl) + offsetof(abi::LaneControl, collector) +
                               offsetof(abi::CollectorLine, acknowledged);
    std::uint64_t said_untrusted = 0;
    if (pread(fd, &said_untrusted, sizeof said_untrusted, static_cast<off_t>(offset)) != sizeof said_untrusted) return false;
    if (abi::Position{said_untrusted} != published_[lanes_taken_]) return false;
  }
  return true;
}

bool EndedSegment::same_directory() const noexcept {
  struct stat status {};
  return stat(ring_dir_, &status) == 0 && status.st_dev == directory_device_ && status.st_ino == directory_inode_;
}

}  // namespace arbiter
