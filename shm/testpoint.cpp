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

void append(const std::string& file, const std::string& lines) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (write(fd, lines.data(), lines.size()) < 0) {
  }  // a test that misses its lines says so itself
  close(fd);
}

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// Release when a place is put in, acquire when the list is walked: its next_ is there.
constinit std::atomic<Place*> passed_places{nullptr};

}  // namespace

struct Orders {
  std::string label;
  std::uint64_t at = 0;
  std::string log, counts, wrong;

  Orders() : log(from_environment("ARBITER_TESTPOINT_LOG")), counts(from_environment("ARBITER_TESTPOINT_COUNTS")) {
    wrong = from_environment("ARBITER_WRONG");
    const std::string order = from_environment("ARBITER_TESTPOINT");
    const std::size_t colon = order.rfind(':');
    label = order.substr(0, colon);
    at = colon == std::string::npos ? 1 : std::strtoull(order.c_str() + colon + 1, nullptr, 10);
  }
  ~Orders() {
    if (counts.empty()) return;
    std::string lines;
    for (const Place* p = passed_places.load(std::memory_order_acquire); p != nullptr; p = p->next_)
      lines += std::string(p->label_) + ' ' + std::to_string(p->passed_.load(std::memory_order_relaxed)) + '\n';
    append(counts, lines);
  }
  void first(Place& place) const {
    place.next_ = passed_places.load(std::memory_order_relaxed);
    while (!passed_places.compare_exchange_weak(place.next_, &place, std::memory_order_release, std::memory_order_relaxed)) {
    }
    if (!log.empty()) append(log, std::string(place.label_) + '\n');
  }
};

namespace {

const Orders& orders() {
  static const Orders given;
  return given;
}

}  // namespace

void Place::pass() noexcept {
  const std::uint64_t passing = passed_.fetch_add(1, std::memory_order_relaxed) + 1;
  const Orders& given = orders();
  if (passing == 1) given.first(*this);
  if (passing == given.at && given.label == label_) kill(getpid(), SIGKILL);
}

bool wrong(const char* what) noexcept { return orders().wrong == what; }

}  // namespace arbiter::testpoint

#endif
