#include "collector/service/hook.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

using arbiter::service::run_hook;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Directory {
  Directory() {
    std::string name = (fs::temp_directory_path() / "hook.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    signal(SIGPIPE, SIG_IGN);  // as the collector does
  }
  ~Directory() { fs::remove_all(path); }
  std::string program(const std::string& text) const {
    const fs::path file = path / "hook";
    std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(file, fs::perms::owner_all);
    return file;
  }
  std::string read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path / name).rdbuf();
    return text.str();
  }
  fs::path path;
};

std::chrono::milliseconds took(const std::chrono::steady_clock::time_point& since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
}

}  // namespace

TEST_CASE("a hook gets all of its input, however long") {
  Directory directory;
  const std::string input(1 << 20, 'x');
  CHECK(run_hook(directory.program("cat >" + (directory.path / "got").string()), input, 20s, {}).has_value());
  CHECK(directory.read("got") == input);
}

TEST_CASE("a hook that does not read is none the worse, and one that fails is an error that says how") {
  Directory directory;
  CHECK(run_hook(directory.program("exit 0"), std::string(1 << 20, 'x'), 20s, {}).has_value());
  CHECK(run_hook(directory.program("exit 3"), "{}", 20s, {}).error().message.find("exited with 3") != std::string::npos);
  CHECK(run_hook(directory.program("kill -9 $$"), "{}", 20s, {}).error().message.find("signal 9") != std::string::npos);
  CHECK(run_hook((directory.path / "missing").string(), "{}", 20s, {}).error().message.find("cannot be run") != std::string::npos);
}

TEST_CASE("a hook that hangs is ended in time, with all that it began") {
  Directory directory;
  const auto began = std::chrono::steady_clock::now();
  const std::string pid = (directory.path / "pid").string();
  const auto ran = run_hook(directory.program("sleep 1000 & echo $! >" + pid + "; wait"), std::string(1 << 20, 'x'), 500ms, {});
  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().message.find("ran for longer than 500 ms") != std::string::npos);
  CHECK(took(began) < 15s);
  const int child = std::stoi(directory.read("pid"));
  // Gone, or not reaped yet by whoever adopted it.
  const auto ended = [&] { return directory.read("/proc/" + std::to_string(child) + "/cmdline").empty(); };
  for (int i = 0; i < 1000 && !ended(); ++i) std::this_thread::sleep_for(10ms);
  CHECK(ended());
}

TEST_CASE("a hook is ended when the collector stops") {
  Directory directory;
  std::stop_source stopping;
  std::thread stop([&] {
    std::this_thread::sleep_for(200ms);
    stopping.request_stop();
  });
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(run_hook(directory.program("exec sleep 1000"), "{}", 1h, stopping.get_token()).has_value());
  CHECK(took(began) < 15s);
  stop.join();
}
