// ZeroMQ, PUSH to PULL over a Unix socket; its own threads carry the messages.
#include <zmq.h>

#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench::peers_of {
namespace {

struct Socket {
  Socket(int type, int limit_option, int limit) : context(zmq_ctx_new()), socket(zmq_socket(context, type)) {
    const int linger_ms = 0;
    zmq_setsockopt(socket, limit_option, &limit, sizeof limit);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
  }
  ~Socket() {
    zmq_close(socket);
    zmq_ctx_term(context);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  void* context;
  void* socket;
};

struct PushPull {
  static constexpr bool kOwnProcesses = true, kTakeWaits = true;
  static constexpr int kMessagesMax = 100'000;

  explicit PushPull(const std::string& directory) : address("ipc://" + directory + "/zeromq") {}
  std::string address;

  struct Producer {
    explicit Producer(PushPull& way) : to(ZMQ_PUSH, ZMQ_SNDHWM, kMessagesMax) {
      zmq_connect(to.socket, way.address.c_str());
      sleep_for(std::chrono::milliseconds(50));  // until its thread has connected
    }
    bool send(std::uint64_t i) {
      fill(event, i);
      return zmq_send(to.socket, &event, sizeof event, 0) == static_cast<int>(sizeof event);
    }
    void flush() {}
    Socket to;
    peer_event event{};
  };
  struct Consumer {
    explicit Consumer(PushPull& way) : from(ZMQ_PULL, ZMQ_RCVHWM, kMessagesMax) {
      const int wait_ms = 20;
      zmq_setsockopt(from.socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
      zmq_bind(from.socket, way.address.c_str());
    }
    std::uint64_t take() {
      peer_event event;
      std::uint64_t taken = 0;
      for (; taken < 64; ++taken) {
        if (zmq_recv(from.socket, &event, sizeof event, taken == 0 ? 0 : ZMQ_DONTWAIT) != static_cast<int>(sizeof event)) break;
        touch(event);
      }
      return taken;
    }
    Socket from;
  };
};

}  // namespace

Result<Exchanged> zeromq(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<PushPull>(setting.memory, manner, events);
}

}  // namespace arbiter::bench::peers_of
