#include "collector/control/listen.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "fake_service.hpp"
#include "tools/arbiterctl/client.hpp"

using namespace arbiter;
using namespace arbiter::control;

TEST_CASE("the socket is there for everybody to knock at, its directories are made, and a stop takes it away") {
  Fixture f;
  f.options.socket = f.directory.path + "/a/b/control.sock";
  f.start();
  struct stat status {};
  REQUIRE(lstat(f.options.socket.c_str(), &status) == 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK((status.st_mode & 0777) == 0666);
  REQUIRE(lstat((f.directory.path + "/a/b").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == (geteuid() == 0 ? 0755 : 0700));
  f.server.reset();
  CHECK(std::filesystem::is_empty(f.directory.path + "/a/b"));
}

TEST_CASE("a second server on the same socket is refused, and the first goes on") {
  Fixture f;
  f.start();
  const auto second = Server::start(f.service, f.options);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == EADDRINUSE);
  CHECK(second.error().message ==
        f.options.socket + ": another collector answers there: stop it, or give this one its own --instance or socket");
  CHECK(client::Client(f.options.socket).status().has_value());
}

TEST_CASE("a socket that a dead collector left is replaced") {
  Fixture f;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  f.options.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  close(left);
  REQUIRE(std::filesystem::exists(f.options.socket));
  f.start();
  CHECK(client::Client(f.options.socket).status().has_value());
}

TEST_CASE("a socket that was passed is answered on, callers from before included, and its file stays") {
  Fixture f;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  f.options.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  f.options.passed = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(f.options.passed, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(f.options.passed, 8) == 0);
  auto early = std::async(std::launch::async, [&] { return client::Client(f.options.socket).status().has_value(); });
  CHECK(early.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  f.start();
  CHECK(early.get());
  f.server.reset();
  CHECK(std::filesystem::is_socket(f.options.socket));
}

TEST_CASE("what is no socket is left alone") {
  Fixture f;
  std::ofstream(f.options.socket) << "precious";
  const auto started = Server::start(f.service, f.options);
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().message == f.options.socket + ": is there and is no socket: move it away, or name another with \"socket\"");
  CHECK(std::filesystem::file_size(f.options.socket) == 8);
}

TEST_CASE("a path too long for a socket, and a directory that cannot be written, are said to be so") {
  Fixture f;
  f.options.socket = f.directory.path + "/" + std::string(120, 'x');
  CHECK(Server::start(f.service, f.options).error().code == ENAMETOOLONG);
  f.options.socket = "/proc/none/control.sock";
  const auto started = Server::start(f.service, f.options);
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().message.starts_with("making the socket /proc/none/control.sock: "));
}

TEST_CASE("a stop leaves a socket that another has put there meanwhile") {
  Fixture f;
  f.start();
  std::filesystem::remove(f.options.socket);
  FakeService other_service;
  auto other = Server::start(other_service, f.options);
  REQUIRE(other.has_value());
  f.server->stop();
  CHECK(client::Client(f.options.socket).status().has_value());
}
