// What a service manager hears of the collector, by its own protocol (sd_notify(3)), without one.
#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "tests/process/harness.hpp"

using namespace arbiter::test;

namespace {

// The socket that NOTIFY_SOCKET names.
class Manager {
 public:
  explicit Manager(const Place& place) : path(place.root() / "notify"), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Manager() { close(fd_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // The next message; empty: none came by then.
  std::string next(std::chrono::milliseconds at_most) {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(at_most.count())) != 1) return {};
    std::array<char, 4096> text;
    const ssize_t size = recv(fd_, text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }
  // True once a message begins like this, whatever comes between.
  bool hears(std::string_view beginning, std::chrono::milliseconds at_most = kWaitMax) {
    return wait_until([&] { return next(100ms).starts_with(beginning); }, at_most);
  }
  void forget() {
    while (!next(0ms).empty()) {
    }
  }

  fs::path path;

 private:
  int fd_;
};

struct Started {
  Started() : Started(Environment{}) {}
  explicit Started(const Environment& more) {
    Environment environment = {{"NOTIFY_SOCKET", manager.path}};
    environment.insert(more.begin(), more.end());
    collector.emplace(place.start(
        "arbiter-collector",
        {"--ring-dir", place.lanes(), "--state-dir", place.state(), "--export-dir", place.exports(), "--socket", place.socket()},
        environment));
  }
  bool answers() { return place.run("arbiterctl", {"--json", "agents"}, {}, 2s).exit == 0; }

  Place place;
  Manager manager{place};
  std::optional<Process> collector;
};

pid_t thread_of(pid_t process, std::string_view name) {
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, comm);
    if (comm == name) return static_cast<pid_t>(std::stol(task.path().filename()));
  }
  return -1;
}

}  // namespace

TEST_CASE("the service manager hears when the collector is ready, reloads, is ready again and stops; each with a line for people") {
  Started s;
  const std::string ready = s.manager.next(kWaitMax);
  CHECK(ready == "READY=1\nSTATUS=collecting from " + s.place.lanes().string());
  CHECK(s.place.run("arbiterctl", {"status"}).exit == 0);  // at the first try: ready is ready
  s.collector->signal(SIGHUP);
  CHECK(s.manager.next(kWaitMax).starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(s.manager.next(kWaitMax) == ready);
  s.collector->signal(SIGTERM);
  CHECK(s.manager.next(kWaitMax) == "STOPPING=1\nSTATUS=taking what is recorded, sealing the journal");
  CHECK(s.collector->wait() == 0);
}

TEST_CASE("the drain's thread feeds the watchdog: while it is stuck nothing does, and it is fed again once it goes on") {
  Started s(Environment{{"WATCHDOG_USEC", "400000"}});
  REQUIRE(s.manager.hears("READY=1"));
  for (int i = 0; i < 3; ++i)
    CHECK(s.manager.hears("WATCHDOG=1\nSTATUS=collecting, 0 segments attached, 0 events taken", 400ms * kPatience));

  const pid_t drain = thread_of(s.collector->pid(), "drain");
  REQUIRE(drain > 0);
  REQUIRE(ptrace(PTRACE_SEIZE, drain, nullptr, nullptr) == 0);
  REQUIRE(ptrace(PTRACE_INTERRUPT, drain, nullptr, nullptr) == 0);
  int status = 0;
  REQUIRE(waitpid(drain, &status, __WALL) == drain);
  s.manager.forget();
  CHECK(s.manager.next(1s) == "");
  CHECK(s.collector->running());

  REQUIRE(ptrace(PTRACE_DETACH, drain, nullptr, nullptr) == 0);
  CHECK(s.manager.hears("WATCHDOG=1"));
  CHECK(s.answers());
}

TEST_CASE("a watchdog that is meant for another process is not fed") {
  Started s(Environment{{"WATCHDOG_USEC", "200000"}, {"WATCHDOG_PID", "1"}});
  REQUIRE(s.manager.hears("READY=1"));
  CHECK(s.manager.next(500ms) == "");
}
