#include <doctest/doctest.h>

#include <future>
#include <list>
#include <thread>

#include "fake_service.hpp"
#include "raw_socket.hpp"
#include "tools/arbiterctl/client.hpp"

using namespace arbiter;
using namespace arbiter::control;

TEST_CASE("a body over the limit is 413, a header over it 431, nonsense 400; and the next caller is served") {
  Fixture f;
  f.start();
  RawSocket body(f.options.socket);
  REQUIRE(body.send("PATCH /v1/config HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"));
  body.send(std::string(65'537, ' '));
  const std::string answer = body.read();
  CHECK(status_line(answer) == "HTTP/1.1 413 Payload Too Large");
  CHECK(body_of(answer) == "{\"error\":\"the body is over 65536 bytes\"}\n");

  RawSocket chunked(f.options.socket);
  chunked.send("PATCH /v1/config HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11000\r\n" + std::string(0x11000, ' ') + "\r\n0\r\n\r\n");
  CHECK(status_line(chunked.read()) == "HTTP/1.1 413 Payload Too Large");

  RawSocket header(f.options.socket);
  header.send("GET /v1/status HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  CHECK(status_line(header.read()) == "HTTP/1.1 431 Request Header Fields Too Large");

  RawSocket nonsense(f.options.socket);
  nonsense.send("hello there\r\n\r\n");
  CHECK(status_line(nonsense.read()) == "HTTP/1.1 400 Bad Request");

  CHECK(client::Client(f.options.socket).status().has_value());
}

TEST_CASE("a body of exactly the limit is read") {
  Fixture f;
  f.start();
  RawSocket caller(f.options.socket);
  REQUIRE(caller.send("PATCH /v1/config HTTP/1.1\r\nConnection: close\r\nContent-Length: 65536\r\n\r\n{" + std::string(65'534, ' ') + "}"));
  CHECK(body_of(caller.read()) == "{\"changes\":{}}\n");
}

TEST_CASE("silent and slow callers hold up nobody, and are sent away in time") {
  Fixture f;
  f.options.request_max = std::chrono::milliseconds(300);
  f.start();
  RawSocket silent(f.options.socket), slow(f.options.socket);
  REQUIRE(slow.send("GET /v1/sta"));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(client::Client(f.options.socket).status().has_value());
  CHECK(silent.read() == "");
  CHECK(slow.read() == "");
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= std::chrono::milliseconds(200));
  CHECK(took < std::chrono::seconds(10));
}

TEST_CASE("calls that take long hold up no quick ones") {
  Gate leave;
  std::atomic<int> inside{0};
  Fixture f;
  f.service.on_export = [&](const auto&) {
    ++inside;
    leave.wait();
    return boost::json::object{};
  };
  f.start();
  std::list<RawSocket> exporting;
  for (int i = 0; i < 8; ++i) {
    auto& caller = exporting.emplace_back(f.options.socket);
    REQUIRE(caller.send("POST /v1/export HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  }
  while (inside < 2) std::this_thread::yield();
  CHECK(client::Client(f.options.socket).status().has_value());
  leave.open();
  for (auto& caller : exporting) CHECK(body_of(caller.read()) == "{}\n");
}

TEST_CASE("more calls of a kind than there is room for are refused with 503, not queued without end") {
  Gate leave;
  Fixture f;
  f.service.on_export = [&](const auto&) {
    leave.wait();
    return boost::json::object{};
  };
  f.start();
  std::list<RawSocket> callers;
  for (int i = 0; i < 17; ++i)
    REQUIRE(callers.emplace_back(f.options.socket).send("POST /v1/export HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  // Which of them is the one too many is for the kernel to say; the others wait.
  int refused = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (refused == 0 && std::chrono::steady_clock::now() < end)
    for (auto& caller : callers)
      if (caller.read("\r\n", std::chrono::milliseconds(20)).starts_with("HTTP/1.1 503 Service Unavailable\r\n")) ++refused;
  CHECK(refused == 1);
  leave.open();
}

TEST_CASE("more connections than there is room for are refused with 503, and those that leave make room") {
  Fixture f;
  f.options.connections_max = 4;
  f.start();
  {
    std::list<RawSocket> idle;
    for (int i = 0; i < 4; ++i) idle.emplace_back(f.options.socket);
    RawSocket more(f.options.socket);
    CHECK(status_line(more.read()) == "HTTP/1.1 503 Service Unavailable");
    const auto refused = client::Client(f.options.socket).status();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == 503);
    CHECK(refused.error().message == "too many connections: try again");
  }
  bool served = false;
  for (int i = 0; i < 500 && !served; ++i) {
    served = client::Client(f.options.socket).status().has_value();
    if (!served) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(served);
}
