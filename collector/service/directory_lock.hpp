// One collector for one directory: a lock file that says who holds it. The lock goes with the process, however it ends.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "shm/result.hpp"

namespace arbiter::service {

class DirectoryLock {
 public:
  // `path` is made if missing (0600) and holds the process id of the holder. Error: somebody else has it, and who.
  // `what` is for that error: "state directory /var/lib/arbiter"; `remedy`: how to get out of it.
  static Result<DirectoryLock> take(const std::string& path, std::string_view what, std::string_view remedy);

  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace arbiter::service
