// A datagram an event, over a pair of Unix sockets; the sender waits when the socket is full.
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench::peers_of {
namespace {

struct Datagrams {
  static constexpr bool kOwnProcesses = false, kTakeWaits = true;

  explicit Datagrams(const std::string&) {
    const timeval wait{0, 20'000};
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0) setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  }
  ~Datagrams() { close(ends[0]), close(ends[1]); }
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;
  int ends[2] = {-1, -1};

  struct Producer {
    explicit Producer(Datagrams& way) : socket(way.ends[0]) {}
    bool send(std::uint64_t i) {
      fill(event, i);
      return ::send(socket, &event, sizeof event, 0) == static_cast<ssize_t>(sizeof event);
    }
    void flush() {}
    int socket;
    peer_event event{};
  };
  struct Consumer {
    explicit Consumer(Datagrams& way) : socket(way.ends[1]) {}
    std::uint64_t take() {  // those that are there, or the first that comes
      peer_event event;
      std::uint64_t taken = 0;
      for (; taken < 64 && recv(socket, &event, sizeof event, taken == 0 ? 0 : MSG_DONTWAIT) == static_cast<ssize_t>(sizeof event); ++taken)
        touch(event);
      return taken;
    }
    int socket;
  };
};

}  // namespace

Result<Exchanged> unix_datagrams(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<Datagrams>(setting.memory, manner, events);
}

}  // namespace arbiter::bench::peers_of
