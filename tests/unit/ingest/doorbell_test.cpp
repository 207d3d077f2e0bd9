// Who rings, or makes files, without end is not listened to without end.
#include "collector/ingest/doorbell.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

using namespace arbiter;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  Fixture() {
    char name[] = "/tmp/arbiter-doorbell-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    directory = name;
    ring_dir = directory / "lanes";
    fs::create_directory(ring_dir);
    wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bell = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  ~Fixture() {
    close(wake);
    close(bell);
    fs::remove_all(directory);
  }
  void ring() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = ring_dir.string() + ".doorbell";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    sendto(bell, "", 0, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  fs::path directory, ring_dir;
  int wake = -1, bell = -1;
};

template <class Wait>
std::chrono::milliseconds took(Wait&& wait) {
  const auto began = Clock::now();
  wait();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
}

}  // namespace

TEST_CASE("a ring, a new file and a wake-up each end the wait; a new file is told apart") {
  Fixture f;
  auto doorbell = ingest::Doorbell::open(f.ring_dir, f.wake);
  REQUIRE(doorbell.has_value());
  CHECK(took([&] { CHECK_FALSE(doorbell->wait(30ms).new_files); }) >= 29ms);
  f.ring();
  CHECK(took([&] { CHECK_FALSE(doorbell->wait(10s).new_files); }) < 5s);
  fs::create_directory(f.ring_dir / "new");
  CHECK(took([&] { CHECK(doorbell->wait(10s).new_files); }) < 5s);
  const std::uint64_t one = 1;
  REQUIRE(write(f.wake, &one, sizeof one) == sizeof one);
  CHECK(took([&] { CHECK_FALSE(doorbell->wait(10s).new_files); }) < 5s);
}

TEST_CASE("a doorbell that another has bound is heard, and its file is left to him") {
  Fixture f;
  const std::string path = f.ring_dir.string() + ".doorbell";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int passed = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);  // blocking, as it may come
  REQUIRE(bind(passed, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  f.ring();  // before anybody listens: it waits there
  {
    auto doorbell = ingest::Doorbell::open(f.ring_dir, f.wake, passed);
    REQUIRE(doorbell.has_value());
    CHECK(took([&] { doorbell->wait(10s); }) < 5s);
    CHECK(took([&] { doorbell->wait(30ms); }) >= 29ms);
    f.ring();
    CHECK(took([&] { doorbell->wait(10s); }) < 5s);
  }
  CHECK(fs::is_socket(path));
}

TEST_CASE("whoever rings and makes files without end ends every wait, and wakes nobody more than two thousand times a second") {
  Fixture f;
  auto doorbell = ingest::Doorbell::open(f.ring_dir, f.wake);
  REQUIRE(doorbell.has_value());
  std::atomic<bool> stop{false};
  std::thread ringer([&] {
    while (!stop) f.ring();
  });
  std::thread maker([&] {
    const fs::path path = f.ring_dir / "again";
    while (!stop) fs::create_directory(path), fs::remove(path);
  });
  const auto began = Clock::now();
  unsigned waits = 0;
  bool found = false;
  while (Clock::now() - began < 500ms) {
    if (doorbell->wait(50ms).new_files) found = true;
    ++waits;
  }
  const auto ended = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  stop = true;
  ringer.join();
  maker.join();
  CHECK(found);
  CHECK(waits > 5);
  // A window takes kWakesMax wakings and the wait for its end.
  CHECK(waits <= (ingest::Doorbell::kWakesMax + 1) * static_cast<unsigned>(ended / ingest::Doorbell::kWakesWindow + 2));
}
