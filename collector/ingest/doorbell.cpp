#include "collector/ingest/doorbell.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace arbiter::ingest {
namespace {

constexpr int kReadsMax = 64;

}  // namespace

Result<Doorbell> Doorbell::open(const std::string& ring_dir, int wake_fd, int passed) {
  const std::string path = passed < 0 ? ring_dir + ".doorbell" : std::string();
  const int bell = passed < 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : passed;
  if (bell < 0) return system_error("doorbell socket");
  const int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  Doorbell doorbell(path, bell, watch, wake_fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A path too long for a socket leaves the collector to its polling.
  if (!path.empty() && path.size() < sizeof address.sun_path) {
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    unlink(path.c_str());  // the lock of the lanes directory is held: nobody else's
    if (bind(bell, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return system_error("doorbell " + path);
    chmod(path.c_str(), 0622);  // whoever may record may ring
  }
  if (watch >= 0) inotify_add_watch(watch, ring_dir.c_str(), IN_CREATE | IN_MOVED_TO);
  return doorbell;
}

Doorbell::Doorbell(Doorbell&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      bell_(std::exchange(other.bell_, -1)),
      watch_(std::exchange(other.watch_, -1)),
      wake_(other.wake_) {}

Doorbell::~Doorbell() {
  if (bell_ >= 0) {
    ::close(bell_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  if (watch_ >= 0) ::close(watch_);
}

Doorbell::Woken Doorbell::wait(std::chrono::nanoseconds at_most) {
  const auto now = std::chrono::steady_clock::now();
  if (now - window_began_ >= kWakesWindow) window_began_ = now, wakes_ = 0;
  if (wakes_ < kWakesMax) return wait_once(at_most, true);
  const std::chrono::nanoseconds rest = window_began_ + kWakesWindow - now;
  return wait_once(std::min(at_most, rest), false);
}

Doorbell::Woken Doorbell::wait_once(std::chrono::nanoseconds at_most, bool heed_producers) {
  // A negative descriptor is not looked at.
  std::array<pollfd, 3> fds = {{{wake_, POLLIN, 0}, {heed_producers ? bell_ : -1, POLLIN, 0}, {heed_producers ? watch_ : -1, POLLIN, 0}}};
  const timespec timeout{static_cast<time_t>(at_most.count() / 1'000'000'000), at_most.count() % 1'000'000'000};
  Woken woken;
  if (ppoll(fds.data(), fds.size(), &timeout, nullptr) <= 0) return woken;
  if (((fds[1].revents | fds[2].revents) & POLLIN) != 0) ++wakes_;
  // So many reads and no more: who rings without end would else be listened to without end.
  std::array<char, 4096> junk;
  if ((fds[1].revents & POLLIN) != 0)
    for (int rings = 0; rings < kReadsMax && recv(bell_, junk.data(), junk.size(), MSG_DONTWAIT) >= 0; ++rings) {
    }
  if ((fds[2].revents & POLLIN) != 0)
    for (int reads = 0; reads < kReadsMax && read(watch_, junk.data(), junk.size()) > 0; ++reads) woken.new_files = true;
  return woken;
}

}  // namespace arbiter::ingest
