#include "tests/crash/killed_collector.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace arbiter::crash {
namespace {

using namespace std::chrono_literals;

constexpr auto kRunMax = 40s * test::kPatience;  // one run of the matrix, all its collectors together

// One exchange of HTTP over the control socket; empty: no connection, or not all of an answer.
std::string exchange(const std::string& socket_path, const std::string& request) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  std::string answer;
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char bytes[16384];
    for (ssize_t n; (n = ::recv(fd, bytes, sizeof bytes, 0)) > 0;) answer.append(bytes, static_cast<std::size_t>(n));
  }
  if (fd >= 0) ::close(fd);
  return answer;
}

}  // namespace

KilledCollector::KilledCollector(test::Place& place, std::string config, std::vector<std::string> orders, test::Environment environment)
    : place_(place),
      config_(std::move(config)),
      orders_(std::move(orders)),
      environment_(std::move(environment)),
      deadline_(std::chrono::steady_clock::now() + kRunMax) {}

void KilledCollector::stuck(const std::string& what) const { throw Stuck(what + "\n" + log()); }

std::string KilledCollector::log() const {
  std::string all;
  for (int i = 1; test::fs::exists(place_.root() / ("err." + std::to_string(i))); ++i) {
    const std::string text = test::read_file(place_.root() / ("err." + std::to_string(i)));
    if (!text.empty()) all += "--- program " + std::to_string(i) + "\n" + text;
  }
  return all;
}

void KilledCollector::start_once() {
  test::Environment environment = environment_;
  if (orders_done_ < orders_.size()) environment["ARBITER_TESTPOINT"] = orders_[orders_done_];
  process_.emplace(place_.start("arbiter-collector",
                                {"--config", place_.write("collector.json", config_), "--ring-dir", place_.lanes(), "--state-dir",
                                 place_.state(), "--export-dir", place_.exports(), "--socket", place_.socket()},
                                environment));
}

void KilledCollector::reap() {
  const auto status = process_->wait(0ms);
  if (status == 128 + SIGKILL && orders_done_ < orders_.size())
    ++orders_done_;
  else
    stuck("a collector ended with status " + std::to_string(status.value_or(-1)) + " that nobody had ordered to");
}

bool KilledCollector::answers() {
  return exchange(place_.socket(), "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200");
}

void KilledCollector::start() {
  start_once();
  while (!answers()) {
    if (!process_->running()) {
      reap();
      start_once();
    }
    if (std::chrono::steady_clock::now() > deadline_) stuck("the collector does not become ready");
    std::this_thread::sleep_for(1ms);
  }
}

bool KilledCollector::alive() {
  if (process_->running()) return true;
  reap();
  return false;
}

std::optional<test::json::value> KilledCollector::try_ask(const std::string& method, const std::string& target, const std::string& body) {
  const std::string answer =
      exchange(place_.socket(), method + " " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::size_t head = answer.find("\r\n\r\n");
  if (answer.starts_with("HTTP/1.1 200") && head != std::string::npos) {
    test::json::error_code error;
    test::json::value value = test::json::parse(answer.substr(head + 4), error);
    if (!error) return value;
  } else if (!answer.empty() && answer.find(" 503 ") == std::string::npos) {
    stuck(method + " " + target + " was answered " + answer);
  }
  // The connection breaks a moment before the process is gone.
  while (process_->running()) {
    if (std::chrono::steady_clock::now() > deadline_) stuck(method + " " + target + " is not answered: " + answer);
    if (answers()) break;
    std::this_thread::sleep_for(1ms);
  }
  if (!process_->running()) {
    reap();
    start();
  }
  return std::nullopt;
}

test::json::value KilledCollector::ask(const std::string& method, const std::string& target, const std::string& body) {
  for (;;) {
    if (auto answer = try_ask(method, target, body)) return *answer;
    if (std::chrono::steady_clock::now() > deadline_) stuck(method + " " + target + " is not answered");
  }
}

void KilledCollector::stop() {
  for (;;) {
    process_->signal(SIGTERM);
    const auto status = process_->wait(std::chrono::duration_cast<std::chrono::milliseconds>(kRunMax));
    if (!status) stuck("the collector does not stop");
    if (*status == 0) return;
    reap();
    start();
  }
}

void KilledCollector::kill() {
  process_->signal(SIGKILL);
  if (!process_->wait()) stuck("the collector does not die");
}

}  // namespace arbiter::crash
