#include "collector/systemd.hpp"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

namespace arbiter::systemd {
namespace {

// Closes what was passed: nobody reads it.
Error refuse(int count, int at) {
  for (int i = 0; i < count; ++i) close(SD_LISTEN_FDS_START + i);
  return {"the socket unit passes a socket (the " + std::to_string(at + 1) +
          ". of its Listen lines) that is neither the control socket nor the doorbell of this configuration: name the same paths in both"};
}

// One datagram: what stands in it is taken over at once. That nobody listens, or cannot now, is no reason to do anything else.
void tell(std::string_view what, std::string_view status) {
  std::string text(what);
  for (const char c : status) text += c == '\n' ? ' ' : c;
  sd_notify(0, text.c_str());
}

}  // namespace

Result<Sockets> passed_sockets(const std::string& control, const std::string& doorbell) {
  const int count = sd_listen_fds(1);  // and leaves nothing of it to children
  if (count < 0) return system_error("sockets passed by the service manager", -count);
  Sockets sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, control.c_str(), control.size()) > 0)
      sockets.control = fd;
    else if (sd_is_socket_unix(fd, SOCK_DGRAM, -1, doorbell.c_str(), doorbell.size()) > 0)
      sockets.doorbell = fd;
    else
      return refuse(count, i);
  }
  return sockets;
}

std::optional<std::chrono::microseconds> watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void ready(std::string_view status) { tell("READY=1\nSTATUS=", status); }

void reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr long kMicro = 1'000'000, kNanoOfMicro = 1000;
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * kMicro + now.tv_nsec / kNanoOfMicro), {});
}

void stopping(std::string_view status) { tell("STOPPING=1\nSTATUS=", status); }

void alive(std::string_view status) { tell("WATCHDOG=1\nSTATUS=", status); }

}  // namespace arbiter::systemd
