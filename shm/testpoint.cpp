#include "shm/testpoint.hpp"

#if defined(ARBITER_TESTPOINTS)

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace arbiter::testpoint {
namespace {

struct Orders {
  std::string label;
  std::uint64_t at = 0;
  std::string log;

  Orders() {
    if (const char* order = std::getenv("ARBITER_TESTPOINT")) {
      const std::string_view text = order;
      const std::size_t colon = text.rfind(':');
      label = text.substr(0, colon);
      at = colon == std::string_view::npos ? 1 : std::strtoull(order + colon + 1, nullptr, 10);
    }
    if (const char* file = std::getenv("ARBITER_TESTPOINT_LOG")) log = file;
  }
};

const Orders& orders() {
  static const Orders given;
  return given;
}

void append(const std::string& file, std::string_view label) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const std::string line = std::string(label) + '\n';
  if (write(fd, line.data(), line.size()) < 0) {
  }  // a test that misses its line says so itself
  close(fd);
}

}  // namespace

void Place::pass() noexcept {
  const std::uint64_t passing = passed_.fetch_add(1, std::memory_order_relaxed) + 1;
  const Orders& given = orders();
  if (passing == 1 && !given.log.empty()) append(given.log, label_);
  if (passing == given.at && given.label == label_) kill(getpid(), SIGKILL);
}

}  // namespace arbiter::testpoint

#endif
