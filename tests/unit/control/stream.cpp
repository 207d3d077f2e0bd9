#include "collector/control/stream.hpp"

#include <doctest/doctest.h>

#include <future>
#include <list>
#include <thread>

#include "fake_service.hpp"
#include "raw_socket.hpp"
#include "tools/arbiterctl/client.hpp"

using namespace arbiter;
using namespace arbiter::control;
using Lines = std::function<bool(std::string_view)>;

TEST_CASE("a hundred thousand events come through, each once and in order") {
  Fixture f;
  constexpr int events = 100'000;
  f.service.on_events = [](const auto&, const Lines& line) {
    for (int i = 0; i < events; ++i)
      if (!line("{\"n\":" + std::to_string(i) + ",\"fill\":\"" + std::string(static_cast<std::size_t>(i % 97), 'x') + "\"}"))
        return Result<void>(Error{"gone"});
    return Result<void>();
  };
  f.start();
  client::Client caller(f.options.socket);
  int next = 0, wrong = 0;
  const auto result = caller.events({}, [&](std::string_view line) {
    if (!line.starts_with("{\"n\":" + std::to_string(next++) + ",") || !line.ends_with("\"}")) ++wrong;
    return true;
  });
  REQUIRE_MESSAGE(result.has_value(), result.error().message);
  CHECK(next == events);
  CHECK(wrong == 0);
  CHECK(caller.status().has_value());  // over the same connection
}

TEST_CASE("no events are an answer of no lines") {
  Fixture f;
  f.start();
  int lines = 0;
  CHECK(client::Client(f.options.socket).events({}, [&lines](auto) { return ++lines, true; }).has_value());
  CHECK(lines == 0);
  RawSocket raw(f.options.socket);
  REQUIRE(raw.send("GET /v1/events HTTP/1.1\r\nConnection: close\r\n\r\n"));
  const std::string answer = raw.read();
  CHECK(status_line(answer) == "HTTP/1.1 200 OK");
  CHECK(answer.find("Content-Type: application/x-ndjson\r\n") != std::string::npos);
  CHECK(body_of(answer) == "0\r\n\r\n");
}

TEST_CASE("an error before the first line is a refusal, one after it breaks the answer off") {
  int before = 0;
  Fixture f;
  f.service.on_events = [&before](const auto&, const Lines& line) {
    for (int i = 0; i < before; ++i) line(std::string(1000, 'x'));
    return Result<void>(Error{"the journal cannot be read", 503});
  };
  f.start();
  client::Client caller(f.options.socket);
  auto result = caller.events({}, [](auto) { return true; });
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == 503);
  CHECK(result.error().message == "the journal cannot be read");

  before = 5000;
  std::size_t lines = 0;
  result = caller.events({}, [&lines](auto) { return ++lines, true; });
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message == f.options.socket + ": the collector broke the answer off: see its log");
  CHECK(lines < 5000);
}

TEST_CASE("a caller that does not read makes its worker wait, not the memory grow, and holds up neither calls nor other streams") {
  std::atomic<std::size_t> pushed{0};
  Fixture f;
  f.service.on_events = [&pushed](const service::EventsQuery& query, const Lines& line) {
    if (query.limit == 1) return line("{}"), Result<void>();
    while (line(std::string(1000, 'x'))) ++pushed;
    return Result<void>();
  };
  f.start();
  RawSocket lazy(f.options.socket);
  REQUIRE(lazy.send("GET /v1/events HTTP/1.1\r\n\r\n"));
  std::size_t before = 1, now = 0;
  while (before != now || now == 0) {  // until it waits
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    now = pushed;
  }
  CHECK(now < 8'000);  // a megabyte here, one on its way, and what the kernel holds
  client::Client caller(f.options.socket);
  CHECK(caller.status().has_value());
  int lines = 0;
  client::EventsFilter one;
  one.limit = 1;
  CHECK(caller.events(one, [&lines](auto) { return ++lines, true; }).has_value());
  CHECK(lines == 1);
}

TEST_CASE("a caller that stops reading is sent away after write_max, and its worker is free") {
  Gate told;
  Fixture f;
  f.options.write_max = std::chrono::milliseconds(300);
  f.service.on_events = [&told](const auto&, const Lines& line) {
    while (line(std::string(1000, 'x'))) {
    }
    told.open();
    return Result<void>();
  };
  f.start();
  RawSocket lazy(f.options.socket);
  REQUIRE(lazy.send("GET /v1/events HTTP/1.1\r\n\r\n"));
  CHECK(told.opened_within(std::chrono::seconds(20)));
}

TEST_CASE("a caller that goes away in the middle is noticed by whoever makes its lines") {
  Gate told;
  Fixture f;
  f.service.on_events = [&told](const auto&, const Lines& line) {
    while (line(std::string(1000, 'x'))) {
    }
    told.open();
    return Result<void>();
  };
  f.start();
  client::Client caller(f.options.socket);
  int lines = 0;
  CHECK(caller.events({}, [&lines](auto) { return ++lines < 10; }).has_value());
  CHECK(lines == 10);
  CHECK(told.opened_within(std::chrono::seconds(20)));
}

TEST_CASE("a stop cuts streams off, and half an answer does not look like a whole one") {
  Gate begun;
  Fixture f;
  f.service.on_events = [&begun](const auto&, const Lines& line) {
    for (int i = 0; i < 200; ++i) line(std::string(1000, 'x'));
    begun.open();
    while (line("{}")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Result<void>();
  };
  f.start();
  auto read = std::async(std::launch::async, [&f] { return client::Client(f.options.socket).events({}, [](auto) { return true; }); });
  begun.wait();
  f.server->stop();
  CHECK_FALSE(read.get().has_value());
}
