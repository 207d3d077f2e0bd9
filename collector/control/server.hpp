// HTTP/1.1 on a Unix socket, and for reading on a TCP port of this machine if that is wanted, in front of the service.
//
// One thread for the sockets, a few for the calls (workers.hpp). Every limit is below: a caller who is slow, silent or greedy meets one of
// them and holds up nobody else. Keep-alive and pipelining as HTTP/1.1 has them; an answer of many lines is sent chunked, as fast as the
// caller reads.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "collector/service/service.hpp"
#include "shm/result.hpp"

namespace arbiter::control {

struct ServerOptions {
  std::string socket;
  std::string listen = {};           // "127.0.0.1:9464" (config/address.hpp): reading over TCP as well; empty: not
  int passed = -1;                   // a socket that listens there already, taken over; -1: it is made
  std::optional<gid_t> readers;      // who may read besides root and the own user; nothing: the group arbiter-readers, if there is one
  std::size_t connections_max = 64;  // an eighth of them is for callers who may change; what is over gets 503
  std::size_t header_bytes_max = 16 << 10;        // 431
  std::size_t body_bytes_max = 64 << 10;          // 413
  std::chrono::milliseconds request_max{30'000};  // for a request to arrive, from the answer before it on
  std::chrono::milliseconds write_max{30'000};    // for a piece of an answer (a megabyte at most) to be read
  std::chrono::milliseconds stream_max{600'000};  // for a whole answer of many lines
  std::chrono::milliseconds stop_max{5'000};      // for the last answers to be read at stop()
};

class Server {
 public:
  // Error: see Listener::open and TcpListener::open. `service` outlives the server.
  static Result<std::unique_ptr<Server>> start(service::Service& service, const ServerOptions& options);
  ~Server();  // stop()

  const std::string& listening() const { return listening_; }  // as in options, with the port that it has; empty: not over TCP

  // Takes the socket away, refuses what is new, lets calls under way end and their answers be read, and returns. A call that never returns
  // keeps it waiting: the service ends its calls before. Streams are cut off. Twice is once.
  void stop();

 private:
  class Impl;
  Server(std::unique_ptr<Impl> impl, std::string listening);
  std::unique_ptr<Impl> impl_;
  const std::string listening_;
};

}  // namespace arbiter::control
