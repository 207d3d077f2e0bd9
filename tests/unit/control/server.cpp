#include "collector/control/server.hpp"

#include <doctest/doctest.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

#include <future>
#include <thread>

#include "fake_service.hpp"
#include "raw_socket.hpp"
#include "tools/arbiterctl/client.hpp"

using namespace arbiter;
using namespace arbiter::control;

namespace {

// What a GET and a POST are answered to a process of another user and group.
std::pair<unsigned, unsigned> as_another(const std::string& socket, uid_t uid, gid_t gid, std::vector<gid_t> groups) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    unsigned statuses[2] = {0, 0};
    if (setgroups(groups.size(), groups.data()) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0) {
      client::Client caller(socket);
      const auto get = caller.request("GET", "/v1/status");
      statuses[0] = get ? get->status : 1U;
      const auto post = caller.request("POST", "/v1/flush");
      statuses[1] = post ? post->status : 1U;
    }
    const bool written = write(ends[1], statuses, sizeof statuses) == sizeof statuses;
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  unsigned statuses[2] = {0, 0};
  CHECK(read(ends[0], statuses, sizeof statuses) == sizeof statuses);
  close(ends[0]);
  int ended = 0;
  waitpid(child, &ended, 0);
  return {statuses[0], statuses[1]};
}

}  // namespace

TEST_CASE("a client gets what the service answers, over one connection") {
  Fixture f;
  f.start();
  client::Client caller(f.options.socket);
  CHECK(boost::json::serialize(*caller.status()) == R"({"state":"running"})");
  CHECK(boost::json::serialize(*caller.stats()) == R"({"fresh":true})");
  CHECK(boost::json::serialize(*caller.stats(false)) == R"({"fresh":false})");
  CHECK(boost::json::serialize(*caller.task("a/b ?&=%")) == R"({"taskId":"a/b ?&=%"})");
  CHECK(boost::json::serialize(*caller.export_snapshot("snapshot:3", {"jsonl"})) ==
        R"({"since":"snapshot:3","formats":["events.jsonl.zst"]})");
  CHECK(boost::json::serialize(*caller.set_config({{"enabled", false}})) == R"({"changes":{"enabled":false}})");
  CHECK(boost::json::serialize(*caller.pause()) == R"({"enabled":false})");
  CHECK(boost::json::serialize(*caller.resume()) == R"({"enabled":true})");
  CHECK(boost::json::serialize(*caller.flush()) == R"({"flushed":true})");
  CHECK(boost::json::serialize(*caller.clear()) == R"({"cleared":true})");
  const auto metrics = caller.request("GET", "/metrics");
  CHECK(metrics->type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics->body == "arbiter_up 1\n");
}

TEST_CASE("a refusal comes to the client as an error with the status and the collector's words") {
  Fixture f;
  f.service.on_task = [](std::string_view) -> Result<boost::json::object> { return Error{"no such task: x", 404}; };
  f.start();
  client::Client caller(f.options.socket);
  const auto task = caller.task("x");
  REQUIRE_FALSE(task.has_value());
  CHECK(task.error().code == 404);
  CHECK(task.error().message == "no such task: x");
  CHECK(caller.request("PUT", "/v1/config")->status == 405);
  CHECK(caller.request("GET", "/v1/none")->status == 404);
  CHECK(caller.request("PATCH", "/v1/config", "nonsense")->status == 400);
}

TEST_CASE("an exception of the service is an answer, not the end") {
  Fixture f;
  f.service.on_status = []() -> Result<boost::json::object> { throw std::runtime_error("out of luck"); };
  f.start();
  client::Client caller(f.options.socket);
  const auto status = caller.status();
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == 500);
  CHECK(status.error().message == "the collector could not answer: out of luck");
  CHECK(caller.flush().has_value());
}

TEST_CASE("nobody at the socket is an error that says what to do") {
  const TemporaryDirectory directory;
  client::Client caller(directory.path + "/none.sock");
  const auto status = caller.status();
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == ENOENT);
  CHECK(status.error().message ==
        directory.path +
            "/none.sock: No such file or directory: start arbiter-collector, or name the socket of a running one with "
            "--socket or ARBITER_SOCKET");
}

TEST_CASE("a client finds a collector that was restarted between two requests") {
  Fixture f;
  f.start();
  client::Client caller(f.options.socket);
  CHECK(caller.status().has_value());
  f.server.reset();
  f.start();
  CHECK(caller.status().has_value());
}

TEST_CASE("requests sent without waiting are answered in their order") {
  Fixture f;
  f.start();
  RawSocket caller(f.options.socket);
  REQUIRE(
      caller.send("GET /v1/tasks/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/tasks/2 HTTP/1.1\r\nHost: x\r\n\r\n"
                  "POST /v1/export HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET /v1/tasks/3 HTTP/1.1\r\nHost: x\r\nConnection: "
                  "close\r\n\r\n"));
  const std::string answers = caller.read();
  const auto one = answers.find("{\"taskId\":\"1\"}"), two = answers.find("{\"taskId\":\"2\"}"), exported = answers.find("{\"since\""),
             three = answers.find("{\"taskId\":\"3\"}");
  CHECK(one < two);
  CHECK(two < exported);
  CHECK(exported < three);
  CHECK(three != std::string::npos);
}

TEST_CASE("HTTP/1.0 is answered and closed") {
  Fixture f;
  f.start();
  RawSocket caller(f.options.socket);
  REQUIRE(caller.send("GET /v1/status HTTP/1.0\r\n\r\n"));
  CHECK(body_of(caller.read()) == "{\"state\":\"running\"}\n");
  RawSocket streamer(f.options.socket);
  REQUIRE(streamer.send("GET /v1/events HTTP/1.0\r\n\r\n"));
  CHECK(status_line(streamer.read()).find("505") != std::string::npos);
}

TEST_CASE("a stranger gets 403, a reader may read, and neither may change anything") {
  if (geteuid() != 0) {
    MESSAGE("not run: becoming another user takes root");
    return;
  }
  Fixture f;
  constexpr gid_t readers = 54'321;
  f.options.readers = readers;
  f.start();
  REQUIRE(chmod(f.directory.path.c_str(), 0755) == 0);
  CHECK(as_another(f.options.socket, 65'534, 65'534, {}) == std::pair(403U, 403U));
  CHECK(as_another(f.options.socket, 65'534, 65'534, {1, 2, 3}) == std::pair(403U, 403U));
  CHECK(as_another(f.options.socket, 65'534, 65'534, {1, readers}) == std::pair(200U, 403U));
  CHECK(as_another(f.options.socket, 65'534, readers, {}) == std::pair(200U, 403U));
  CHECK(as_another(f.options.socket, 0, 0, {}) == std::pair(200U, 200U));
  CHECK(f.service.flushed == 1);
}

TEST_CASE("a stop lets a call under way end and its answer be read, and takes the socket away") {
  Gate entered, leave;
  Fixture f;
  f.service.on_flush = [&] {
    entered.open();
    leave.wait();
    return Result<void>();
  };
  f.start();
  RawSocket idle(f.options.socket);
  auto answer = std::async(std::launch::async, [&f] { return client::Client(f.options.socket).flush(); });
  entered.wait();
  auto stopped = std::async(std::launch::async, [&f] { f.server->stop(); });
  CHECK(idle.read() == "");  // closed at once
  CHECK_FALSE(std::filesystem::exists(f.options.socket));
  leave.open();
  stopped.wait();
  const auto flushed = answer.get();
  REQUIRE_MESSAGE(flushed.has_value(), flushed.error().message);
  f.server->stop();
}
