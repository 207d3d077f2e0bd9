#include "collector/service/directory_lock.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

using namespace arbiter;
using service::DirectoryLock;

TEST_CASE("a second holder is refused and told who the first is; the lock goes with its holder") {
  char directory[] = "/tmp/arbiter-lock-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/lock";
  {
    auto first = DirectoryLock::take(path, "state directory /s", "stop it");
    REQUIRE(first.has_value());
    const auto second = DirectoryLock::take(path, "state directory /s", "stop it");
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().message ==
          "state directory /s is in use by the arbiter-collector with pid " + std::to_string(getpid()) + ": stop it");
  }
  CHECK(DirectoryLock::take(path, "state directory /s", "stop it").has_value());
  std::filesystem::remove_all(directory);
}

TEST_CASE("a holder that was killed leaves the lock free") {
  char directory[] = "/tmp/arbiter-lock-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/lock";
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    auto held = DirectoryLock::take(path, "x", "y");
    const char byte = held ? 1 : 0;
    if (write(ready[1], &byte, 1) == 1) pause();
    _exit(0);
  }
  char held = 0;
  REQUIRE(read(ready[0], &held, 1) == 1);
  REQUIRE(held == 1);
  CHECK_FALSE(DirectoryLock::take(path, "x", "y").has_value());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(DirectoryLock::take(path, "x", "y").has_value());
  close(ready[0]);
  close(ready[1]);
  std::filesystem::remove_all(directory);
}
