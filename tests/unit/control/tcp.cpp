#include <doctest/doctest.h>

#include "fake_service.hpp"
#include "raw_socket.hpp"

using namespace arbiter;
using namespace arbiter::control;

namespace {

struct TcpFixture : Fixture {
  TcpFixture() {
    options.listen = "127.0.0.1:0";
    start();
    REQUIRE(server->listening().starts_with("127.0.0.1:"));
  }
  std::string asked(const std::string& request_line, const std::string& host) const {
    RawSocket caller = RawSocket::over_tcp(server->listening());
    caller.send(request_line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return caller.read();
  }
};

}  // namespace

TEST_CASE("over TCP everybody of this machine reads, and nobody changes anything, not even root") {
  TcpFixture f;
  const std::string answer = f.asked("GET /metrics", f.server->listening());
  CHECK(status_line(answer) == "HTTP/1.1 200 OK");
  CHECK(body_of(answer) == "arbiter_up 1\n");
  for (const char* const change :
       {"POST /v1/pause", "POST /v1/resume", "POST /v1/export", "POST /v1/flush", "PATCH /v1/config", "DELETE /v1/data"}) {
    CAPTURE(change);
    CHECK(body_of(f.asked(change, "localhost")) ==
          "{\"error\":\"changing is for root and the collector's own user; this caller may do: reading\"}\n");
  }
  CHECK(f.service.enabled == -1);
  CHECK(f.service.cleared == 0);
  CHECK(f.service.flushed == 0);
}

TEST_CASE("over TCP a Host header that is not this machine's own gets 403: it comes from somebody's browser") {
  TcpFixture f;
  for (const char* const host : {"localhost", "localhost:80", "127.0.0.1:9464", "127.1.2.3", "[::1]", "[::1]:9464"}) {
    CAPTURE(host);
    CHECK(status_line(f.asked("GET /v1/status", host)) == "HTTP/1.1 200 OK");
  }
  for (const char* const host :
       {"", "evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "[::1]x"}) {
    CAPTURE(host);
    CHECK(status_line(f.asked("GET /v1/status", host)) == "HTTP/1.1 403 Forbidden");
  }
}

TEST_CASE("without a listener there is no port; one that is taken is an error that says what to do") {
  Fixture none;
  none.start();
  CHECK(none.server->listening().empty());

  TcpFixture first;
  Fixture second;
  second.options.listen = first.server->listening();
  const auto refused = Server::start(second.service, second.options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message ==
        "listening on " + first.server->listening() + ": Address already in use: name another with \"listen\", or null for none");
}

TEST_CASE("a port is free again at once when the server has stopped") {
  std::string address;
  {
    TcpFixture f;
    address = f.server->listening();
    CHECK(status_line(f.asked("GET /metrics", "localhost")) == "HTTP/1.1 200 OK");
  }
  Fixture again;
  again.options.listen = address;
  again.start();
  CHECK(again.server->listening() == address);
}
