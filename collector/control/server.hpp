// HTTP/1.1 on a Unix socket, in front of the service.
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
  std::optional<gid_t> readers;      // who may read besides root and the own user; nothing: the group arbiter-readers, if there is one
  std::size_t connections_max = 64;  // callers who may only read leave an eighth of them to the others; what is over gets 503
  std::size_t header_bytes_max = 16 << 10;        // 431
  std::size_t body_bytes_max = 64 << 10;          // 413
  std::chrono::milliseconds request_max{30'000};  // for a request to arrive, from the answer before it on
  std::chrono::milliseconds write_max{30'000};    // for a piece of an answer (a megabyte at most) to be read
  std::chrono::milliseconds stream_max{600'000};  // for a whole answer of many lines
  std::chrono::milliseconds stop_max{5'000};      // for the last answers to be read at stop()
};

class Server {
 public:
  // Error: see Listener::open. `service` outlives the server.
  static Result<std::unique_ptr<Server>> start(service::Service& service, const ServerOptions& options);
  ~Server();  // stop()

  // Takes the socket away, refuses what is new, lets calls under way end and their answers be read, and returns. A call that never returns
  // keeps it waiting: the service ends its calls before. Streams are cut off. Twice is once.
  void stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace arbiter::control
