#include "collector/service/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>

namespace arbiter::service {

Result<DirectoryLock> DirectoryLock::take(const std::string& path, std::string_view what, std::string_view remedy) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error("lock " + path);
  DirectoryLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("lock " + path);
    std::array<char, 32> holder{};
    const ssize_t size = pread(fd, holder.data(), holder.size() - 1, 0);
    std::string who(holder.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    if (const std::size_t end = who.find('\n'); end != std::string::npos) who.resize(end);
    return Error{
        std::string(what) + " is in use by the arbiter-collector with pid " + (who.empty() ? "unknown" : who) + ": " + std::string(remedy),
        EWOULDBLOCK};
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return system_error("lock " + path);
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace arbiter::service
