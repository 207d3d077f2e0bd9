#include "collector/service/alertmanager.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <thread>

#include "collector/service/alerts.hpp"

using namespace arbiter;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// Answers each request with this status, or not at all; keeps what it was sent.
class FakeAlertmanager {
 public:
  explicit FakeAlertmanager(std::string answer) : answer_(std::move(answer)) {
    std::string name = (fs::temp_directory_path() / "alertmanager.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_, 8) == 0);
    thread_ = std::jthread([this](const std::stop_token& stopping) { serve(stopping); });
  }
  ~FakeAlertmanager() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
    fs::remove_all(directory_);
  }
  std::string path() const { return directory_ / "socket"; }
  std::string sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  void serve(const std::stop_token& stopping) {
    while (!stopping.stop_requested()) {
      pollfd waiting{socket_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      char bytes[65536];
      std::string request;
      for (ssize_t n; request.find("}]") == std::string::npos && (n = ::read(client, bytes, sizeof bytes)) > 0;)
        request.append(bytes, static_cast<std::size_t>(n));
      {
        const std::lock_guard lock(mutex_);
        sent_ = request;
      }
      while (answer_.empty() && !stopping.stop_requested()) std::this_thread::sleep_for(5ms);
      const std::string answer = "HTTP/1.1 " + answer_ + "\r\nContent-Length: 0\r\n\r\n";
      [[maybe_unused]] const ssize_t written = ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(client);
    }
  }

  std::string answer_, sent_;
  fs::path directory_;
  std::mutex mutex_;
  int socket_ = -1;
  std::jthread thread_;
};

detect::Anomaly sample() {
  detect::Anomaly a;
  a.id = "0123";
  a.type = detect::Type::latency_spike;
  a.severity = detect::Severity::high;
  a.agent = "agent-7";
  a.summary = "agent-7 is slow";
  a.detected_ns = 1'790'000'000'000'000'000;
  a.causes = {{"taskType", "fix", 0.8, {}, {}}};
  return a;
}

}  // namespace

TEST_CASE("an alert has the labels by which it is grouped, and ends when the anomaly is over") {
  detect::Anomaly a = sample();
  json::object alert = service::alert_of(a);
  CHECK(alert.at("labels") ==
        json::parse(R"({"alertname": "Arbiter_latency_spike", "severity": "high", "anomaly": "0123", "agent": "agent-7"})"));
  CHECK(alert.at("annotations").at("likely_causes") == "taskType fix (80 %)");
  CHECK(alert.at("startsAt") == "2026-09-21T14:13:20.000Z");
  CHECK_FALSE(alert.contains("endsAt"));
  a.resolved_ns = a.detected_ns + 60'000'000'000;
  CHECK(service::alert_of(a).at("endsAt") == "2026-09-21T14:14:20.000Z");
}

TEST_CASE("alerts are posted to /api/v2/alerts, and a refusal is an error") {
  FakeAlertmanager taking("200 OK"), refusing("400 Bad Request");
  json::array alerts{service::alert_of(sample())};
  CHECK(service::post_alerts({taking.path()}, alerts, 10s).has_value());
  CHECK(taking.sent().starts_with("POST /api/v2/alerts HTTP/1.1\r\n"));
  const std::string sent = taking.sent();
  CHECK(json::parse(sent.substr(sent.find("\r\n\r\n") + 4)) == json::value(alerts));
  CHECK(service::post_alerts({refusing.path()}, alerts, 10s).error().message.find("status 400") != std::string::npos);
}

TEST_CASE("an Alertmanager that does not answer, or is not there, is waited for no longer than said") {
  FakeAlertmanager silent("");
  const json::array alerts{service::alert_of(sample())};
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(service::post_alerts({silent.path()}, alerts, 300ms).has_value());
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  CHECK_FALSE(service::post_alerts({"/nonexistent/alertmanager.sock"}, alerts, 300ms).has_value());
}

TEST_CASE("what is open is told of again, as soon as there is an Alertmanager to tell") {
  FakeAlertmanager taking("200 OK");
  service::Alerts alerts([] { return std::vector<detect::Anomaly>{sample()}; });
  alerts.configure({.alertmanager = "unix:" + taking.path()});
  alerts.start();
  for (int i = 0; i < 1000 && alerts.counts().told == 0; ++i) std::this_thread::sleep_for(10ms);
  CHECK(alerts.counts().told == 1);
  CHECK(taking.sent().find("agent-7 is slow") != std::string::npos);
  alerts.stop();
}
