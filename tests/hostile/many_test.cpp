// Ten thousand segments, with descriptors for all of them and for a few; and rings and files without end.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "tests/hostile/beside.hpp"

namespace arbiter::test {
namespace {

constexpr unsigned kSegments = 10'000;

std::uint64_t number(const json::object& o, std::string_view key) { return o.at(key).to_number<std::uint64_t>(); }

// All of them there at once, as far as a look at the directory can tell, and all alive.
std::vector<HeldLock> make_segments(const Place& place) {
  abi::SegmentHeader like{};
  {
    Hostile real(place);
    like = real.header();
  }
  std::vector<HeldLock> locks;
  for (unsigned n = 1; n <= kSegments; ++n) {
    const fs::path outside = place.lanes().parent_path() / "being-made";
    make_segment_file(outside, like, id_of(n));
    locks.emplace_back(outside);
    fs::rename(outside, place.lanes() / name_of(n));
  }
  return locks;
}

// How many segments the collector may have by its limit of open files.
std::uint64_t allowed(std::uint64_t files) { return files - std::clamp<std::uint64_t>(files / 4, 64, 1024); }

}  // namespace

TEST_CASE("ten thousand live segments: all are attached, an honest producer is served, and the collector stays small and calm") {
  Beside beside(R"("limits": {"max_producers": 20000})");
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  if (files.rlim_max < kSegments + 1500) return not_run("ten thousand live segments", "needs a limit of 11,500 open files");
  const auto began = std::chrono::steady_clock::now();
  std::vector<HeldLock> locks = make_segments(beside.place);
  const double made = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  REQUIRE(wait_until([&] { return number(beside.status(), "segments") == kSegments + 1; }, 60s * kPatience));
  const double attached = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const Usage usage = usage_of(beside.collector.pid());
  MESSAGE(kSegments << " segments made in " << made << " s, attached after " << attached << " s; the collector holds "
                    << (usage.resident_bytes >> 20) << " MiB and " << usage.descriptors << " descriptors");
  beside.check({});
  locks.clear();
  REQUIRE(wait_until([&] { return number(beside.status(), "segments") == 1; }, 60s * kPatience));
  beside.check({});
  CHECK(usage_of(beside.collector.pid()).descriptors < 100);
  CHECK(fs::exists(beside.place.lanes()));
}

TEST_CASE("ten thousand live segments and three hundred descriptors: as many as fit are served, the others are when there is room") {
  Beside beside(R"("limits": {"max_producers": 20000})", "ulimit -n 300");
  std::vector<HeldLock> locks = make_segments(beside.place);
  REQUIRE(wait_until([&] { return number(beside.status(), "segments") >= allowed(300) - 40; }));
  std::this_thread::sleep_for(1200ms);  // another look at the directory
  const std::uint64_t attached = number(beside.status(), "segments");
  CHECK(attached <= allowed(300));
  beside.check({.health = "degraded"});  // there are producers that wait
  CHECK(beside.lines_with("LimitNOFILE") == 1);
  // Everything else still gets its descriptors: an export makes files, a question a connection.
  CHECK(fs::exists(beside.collector.snapshot() / "manifest.json"));
  CHECK(beside.lines_with("error ") == 0);

  // A late honest one waits its turn: nothing that it records is lost meanwhile.
  Honest late(beside.place);
  REQUIRE(wait_until([&] { return late.recorded() > 50; }));
  late.stop();
  CHECK(late.failed() == 0);
  // A look at the directory a second brings as many as fit: only some of those that wait are left to have their turn.
  for (unsigned n = 1; n <= kSegments; ++n)
    if (n % 10 != 0) fs::remove(beside.place.lanes() / name_of(n));
  locks.clear();
  REQUIRE(wait_until([&] { return number(beside.status(), "segments") == 1; }, 60s * kPatience));
  CHECK(wait_until([&] { return beside.status().at("health").as_string() == "ok"; }, 60s * kPatience));  // the rest has had its turn
  beside.honest.stop();
  CHECK(beside.collector.stats().at("retainedEvents").to_number<std::uint64_t>() == beside.honest.recorded() + late.recorded());
}

TEST_CASE("whoever rings the bell and makes and removes files without end is not listened to without end") {
  Beside beside;
  std::atomic<bool> stop{false};
  std::thread ringer([&] {
    const int bell = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = beside.place.lanes().string() + ".doorbell";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    while (!stop) ::sendto(bell, "", 0, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(bell);
  });
  std::thread maker([&] {
    const fs::path path = beside.place.lanes() / name_of(1);
    while (!stop) {
      fs::create_directory(path);
      fs::remove(path);
    }
  });
  std::this_thread::sleep_for(500ms);
  const Usage began = usage_of(beside.collector.pid());
  std::this_thread::sleep_for(1s);
  const double cpu = usage_of(beside.collector.pid()).cpu_seconds - began.cpu_seconds;
  CHECK(cpu < 0.6 * kPatience);
  MESSAGE("the collector spent " << cpu << " s of processor in a second");
  const std::uint64_t left = number(beside.status(), "filesLeftAlone");
  stop = true;
  ringer.join();
  maker.join();
  CHECK(left < 2000);
  CHECK(beside.lines_with("is not a regular file") <= 12);
  beside.check({.files_left_alone = number(beside.status(), "filesLeftAlone")});
}

}  // namespace arbiter::test
