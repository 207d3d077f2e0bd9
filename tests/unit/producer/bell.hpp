// The collector's doorbell, as a collector has it.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "tests/unit/shm/own_directory.hpp"

namespace arbiter::test {

// Where a collector would be woken.
class Bell {
 public:
  explicit Bell(const OwnDirectory& directory) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (directory.lanes() + ".doorbell").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Bell() { close(fd_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  // Since the last time.
  int rings() {
    int count = 0;
    for (char byte; recv(fd_, &byte, 1, 0) >= 0;) ++count;
    return count;
  }

 private:
  int fd_;
};

}  // namespace arbiter::test
