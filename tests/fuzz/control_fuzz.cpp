// Bytes on the control socket: real sessions, routes and answers in front of a service that answers at once. Every answer is HTTP, and
// every session ends once its caller has hung up.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <chrono>
#include <memory>

#include "collector/control/session.hpp"
#include "collector/log/log.hpp"
#include "tests/fuzz/input.hpp"

namespace arbiter::fuzz {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::local::stream_protocol;

class Service final : public service::Service {
 public:
  Result<json::object> status() override { return json::object{{"health", "ok"}}; }
  Result<json::object> stats(bool fresh) override { return json::object{{"fresh", fresh}}; }
  Result<json::object> window_stats(const service::ProfilesQuery& query) override { return json::object{{"window", query.window}}; }
  Result<json::object> agents(const service::ProfilesQuery& query) override {
    if (query.agent.size() > 10) return Error{"no event of agent " + query.agent + " is retained", 404};
    return json::object{{"agentId", query.agent}};
  }
  Result<void> events(const service::EventsQuery& query, const std::function<bool(std::string_view)>& line) override {
    if (query.type == "none") return Error{"no such type", 400};
    const std::string one(query.agent.size() % 3 == 0 ? 100 : 70'000, 'x');
    for (std::uint64_t n = 0; n < query.limit && n < 20; ++n)
      if (!line(one)) break;
    return {};
  }
  Result<json::object> anomalies(const service::AnomaliesQuery& query) override {
    return json::object{{"type", query.type}, {"agent", query.agent}, {"open", query.open_only}, {"limit", query.limit}};
  }
  Result<json::object> task(std::string_view id) override {
    if (id.size() > 10) return Error{"no event of task " + std::string(id) + " is retained", 404};
    return json::object{{"taskId", json::string_view(id.data(), id.size())}};
  }
  Result<json::object> export_snapshot(const service::ExportRequest& request) override { return json::object{{"since", request.since}}; }
  Result<void> flush() override { return Error{"the disk is full", 503}; }
  Result<void> set_enabled(bool, const service::By&) override { return {}; }
  Result<void> clear(const service::By&) override { return {}; }
  Result<json::object> config(service::ConfigShown) override { return json::object{{"enabled", true}}; }
  Result<json::object> set_config(const json::object& changes, const service::By&) override { return json::object{{"changes", changes}}; }
  std::string metrics() override { return "arbiter_up 1\n"; }
};

control::ServerOptions small() {
  control::ServerOptions options;
  options.header_bytes_max = 2048;
  options.body_bytes_max = 4096;
  return options;
}

struct Control {
  Service service;
  control::Hub hub{service, small(), {}, {}, false};
  asio::io_context context{1};
  Control() { log::start(log::Level::error, log::Format::text); }
};

// What the caller reads, a little at a time or not at all.
bool is_http(std::string_view answer) { return answer.empty() || answer.starts_with("HTTP/1.1 "); }

void run(Input input) {
  static Control& control = *new Control;
  const std::uint8_t how = input.byte();
  const auto access = static_cast<control::Access>(how % 3);
  const bool reads = (how & 4) == 0;
  const std::size_t piece = (how & 8) == 0 ? 1 << 20 : 1 + (how >> 4) * 7u;
  control.hub.stopping = (how & 0xf0) == 0xf0;

  std::array<int, 2> ends{};
  must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0, "a pair of sockets can be had");
  std::make_shared<control::Session>(control.hub, stream_protocol::socket(control.context, stream_protocol(), ends[0]), control::Peer{},
                                     access)
      ->run();

  std::string_view request = input.rest();
  std::string answer;
  std::array<char, 16384> buffer;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
  bool said_all = false;
  while (!control.hub.sessions.empty()) {
    must(std::chrono::steady_clock::now() < end, "a session ends once its caller has hung up");
    if (!request.empty()) {
      const ssize_t sent = ::send(ends[1], request.data(), std::min(piece, request.size()), MSG_NOSIGNAL);
      if (sent < 0 && (errno != EAGAIN || !reads)) request = {};  // who does not read waits for nothing
      if (sent > 0) request.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!said_all) {
      said_all = true;
      if (reads)
        ::shutdown(ends[1], SHUT_WR);
      else
        ::close(ends[1]);
    }
    if (reads)
      for (ssize_t got; (got = ::recv(ends[1], buffer.data(), buffer.size(), 0)) > 0;)
        if (answer.size() < 64) answer.append(buffer.data(), static_cast<std::size_t>(got));
    control.context.restart();
    if (said_all)
      control.context.run_for(std::chrono::microseconds(500));
    else
      control.context.poll();
  }
  if (reads) {
    ::close(ends[1]);
    must(is_http(answer), "an answer is HTTP");
  }
  control.context.restart();
  control.context.poll();
}

}  // namespace

void make_corpus(const fs::path& directory) {
  const auto put = [&](const char* name, char how, const std::string& text) { write_file(directory / name, how + text); };
  const std::string end = " HTTP/1.1\r\nHost: arbiter\r\n\r\n";
  put("status", 2, "GET /v1/status" + end);
  put("stats", 1, "GET /v1/stats?fresh=0" + end + "GET /healthz" + end);
  put("events", 2, "GET /v1/events?since=-1h&until=2026-11-23T06:40:00Z&type=task-execution&agent=ab&limit=30" + end);
  put("events-slow", 0x1a, "GET /v1/events?limit=3" + end);
  put("task", 2, "GET /v1/tasks/a%2Fb%00" + end);
  put("export", 2,
      "POST /v1/export HTTP/1.1\r\nHost: a\r\nContent-Length: 68\r\n\r\n{\"since\": \"time:2026-11-23T06:40:00Z\", \"formats\": "
      "[\"events.jsonl.zst\"]}");
  put("config", 2, "PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{\"enabled\":false}\r\n0\r\n\r\n");
  put("clear-refused", 1, "DELETE /v1/data" + end);
  put("pipelined", 2, "POST /v1/pause" + end + "POST /v1/resume" + end + "POST /v1/flush" + end + "GET /metrics" + end);
  put("old", 2, "GET /v1/events HTTP/1.0\r\n\r\n");
  put("not-http", 2, "\x16\x03\x01 hello");
  put("wrong", 2, "PUT /v1/stats?frsh=1&%zz=%00" + end);
  put("hangs-up", 6, "GET /v1/events?limit=20" + end);
  put("expects", 2, "POST /v1/flush HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{  }\n");
}

}  // namespace arbiter::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 16384) return 0;
  arbiter::fuzz::run({data, size});
  return 0;
}
