#include "collector/ingest/timeline.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "collector/ingest/clock_file.hpp"
#include "tests/unit/said.hpp"

using namespace arbiter;
using ingest::ClockReading;
using ingest::Timeline;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kWall = 1'790'000'000 * kSecond;

// The machine's own present, so that now_ns() of the timeline is near; the wall clock is what the test says.
struct Machine {
  ClockReading start = ingest::read_clocks();
  double ns_per_tick = 0.5;
  ClockReading at(std::int64_t elapsed_ns, std::int64_t wall_ns) const {
    return {start.tsc + static_cast<std::uint64_t>(static_cast<double>(elapsed_ns) / ns_per_tick), start.monotonic_ns + elapsed_ns,
            wall_ns};
  }
};

}  // namespace

TEST_CASE("ticks before and after the reading are converted at the measured rate") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  CHECK(t.unix_ns(abi::ClockSource::tsc, m.start.tsc + 2'000'000) == kWall + 1'000'000);
  CHECK(t.unix_ns(abi::ClockSource::tsc, m.start.tsc - 2'000'000) == kWall - 1'000'000);
  CHECK(t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + 5)) == kWall + 5);
}

TEST_CASE("a stamp more than a minute ahead is taken as now and counted, whatever number it is") {
  Timeline t;
  for (const std::uint64_t ticks :
       {std::uint64_t{UINT64_MAX}, std::uint64_t{UINT64_MAX / 2}, ingest::read_clocks().tsc + (std::uint64_t{1} << 40)}) {
    CHECK(std::abs(t.unix_ns(abi::ClockSource::tsc, ticks) - t.now_ns()) < kSecond);
    if (ticks > UINT64_MAX / 4) CHECK(std::abs(t.unix_ns(abi::ClockSource::monotonic, ticks) - t.now_ns()) < kSecond);
  }
  CHECK(t.clamped() == 5);
}

TEST_CASE("a difference under a second is slewed away, never backwards") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  std::int64_t last = kWall;
  // The wall clock is 200 ms behind from here on.
  for (int i = 1; i <= 200; ++i) {
    t.refresh(m.at(i * kSecond / 10, kWall + i * kSecond / 10 - kSecond / 5));
    const std::int64_t now = t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + i * kSecond / 10));
    CHECK(now >= last);
    last = now;
  }
  CHECK(std::abs(last - (kWall + 20 * kSecond - kSecond / 5)) < kSecond / 100);
  CHECK(t.steps() == 0);
}

TEST_CASE("a step forward of a day is followed at once, but retention is not moved by it") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  t.refresh(m.at(kSecond, kWall + kSecond + 86'400 * kSecond));
  CHECK(t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + kSecond)) == kWall + 86'401 * kSecond);
  CHECK(t.now_ns() - t.retention_now_ns() >= 86'399 * kSecond);
  CHECK(t.steps() == 1);
}

TEST_CASE("a step forward ends what was being slewed away: time runs at its own rate from there") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  t.refresh(m.at(kSecond, kWall + kSecond - kSecond / 5));
  const std::int64_t stepped = kWall + 2 * kSecond + 86'400 * kSecond;
  t.refresh(m.at(2 * kSecond, stepped));
  CHECK(t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + 3 * kSecond)) == stepped + kSecond);
}

TEST_CASE("a step forward is held against retention for seven days, unless more is asked for") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  t.refresh(m.at(kSecond, kWall + kSecond + 86'400 * kSecond));
  const std::int64_t left = t.saved().lag_left_ns - 7 * 86'400 * kSecond;  // since then: less than the second that was skipped
  CHECK(left > -60 * kSecond);
  CHECK(left <= kSecond);
}

TEST_CASE("on a machine without the counter the monotonic clock says what time it is") {
  const auto reading = [](std::int64_t elapsed_ns) { return ClockReading{0, 1'000 * kSecond + elapsed_ns, kWall + elapsed_ns}; };
  Timeline t(reading(0), 1.0);
  const auto at = [&](std::int64_t elapsed_ns) {
    return t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(1'000 * kSecond + elapsed_ns));
  };
  CHECK(at(5 * kSecond) == kWall + 5 * kSecond);
  t.refresh(reading(10 * kSecond));
  CHECK(at(10 * kSecond) == kWall + 10 * kSecond);
  CHECK(at(11 * kSecond) == kWall + 11 * kSecond);
  CHECK(t.steps() == 0);
}

TEST_CASE("the rate of the counter is learnt from its readings: stamps from before the last are converted at it") {
  Machine m;
  m.ns_per_tick = 0.4;
  Timeline t(m.at(0, kWall), 0.5);  // what was measured in some milliseconds at the start
  const ClockReading later = m.at(10 * kSecond, kWall + 10 * kSecond);
  t.refresh(later);
  CHECK(t.unix_ns(abi::ClockSource::tsc, later.tsc) - t.unix_ns(abi::ClockSource::tsc, later.tsc - 2'500'000) == 1'000'000);
}

TEST_CASE("a step back of an hour never makes time run backwards") {
  const Machine m;
  Timeline t(m.at(0, kWall), m.ns_per_tick);
  std::int64_t last = kWall;
  for (int i = 1; i <= 100; ++i) {
    t.refresh(m.at(i * kSecond / 10, kWall + i * kSecond / 10 - 3600 * kSecond));
    const std::int64_t now = t.unix_ns(abi::ClockSource::monotonic, static_cast<std::uint64_t>(m.start.monotonic_ns + i * kSecond / 10));
    CHECK(now > last);
    last = now;
  }
  CHECK(t.steps() == 1);
}

TEST_CASE("a timeline that is resumed goes on as if it had not ended, whatever was done to the wall clock meanwhile") {
  const std::int64_t wall = ingest::read_clocks().unix_ns;
  struct {
    std::int64_t stepped, steps, lag;
  } const cases[] = {{0, 0, 0}, {86'400 * kSecond, 1, 86'400 * kSecond}, {-3600 * kSecond, 1, 0}};
  for (const auto& c : cases) {
    CAPTURE(c.stepped);
    Timeline t;
    // Ten seconds ago it was ten seconds earlier, by a clock that has been set since.
    t.resume({wall - 10 * kSecond - c.stepped, 0, 0}, 10 * kSecond);
    CHECK(t.steps() == static_cast<std::uint64_t>(c.steps));
    CHECK(std::abs(t.now_ns() - std::max(wall, wall - c.stepped)) < kSecond);
    CHECK(std::abs(t.now_ns() - t.retention_now_ns() - c.lag) < kSecond);
    CHECK(std::abs(t.saved().lag_ns - c.lag) < kSecond);
  }
}

TEST_CASE("what is held against retention is held as long as was left, over restarts, and over a boot of unknown length") {
  constexpr std::int64_t kHour = 3600 * kSecond;
  const std::int64_t wall = ingest::read_clocks().unix_ns;
  const auto held = [&](std::optional<std::int64_t> elapsed) {
    Timeline t;
    t.resume({wall - elapsed.value_or(0), 24 * kHour, 2 * kHour}, elapsed);
    CHECK(t.steps() == 0);
    CHECK(std::abs(t.now_ns() - wall) < kSecond);
    CHECK(std::abs(t.now_ns() - t.retention_now_ns() - t.saved().lag_ns) < kSecond);
    return std::pair(t.saved().lag_ns, t.saved().lag_left_ns);
  };
  CHECK(held(0).first == 24 * kHour);
  CHECK(held(kHour).first == 24 * kHour);
  CHECK(std::abs(held(kHour).second - kHour) < kSecond);
  CHECK(held(2 * kHour).first == 0);
  CHECK(held(std::nullopt).first == 24 * kHour);
  CHECK(std::abs(held(std::nullopt).second - 2 * kHour) < kSecond);
}

TEST_CASE("a saved clock is read back within the same boot, and only believed as far as it can be read") {
  char directory[] = "/tmp/arbiter-clock-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/clock";
  const std::int64_t wall = ingest::read_clocks().unix_ns;
  Timeline first;
  first.resume({wall - 86'400 * kSecond, 0, 0}, 0);
  REQUIRE(first.steps() == 1);
  REQUIRE(ingest::save(first, path).has_value());
  const auto lag_after = [&] {
    Timeline t;
    ingest::resume(t, path);
    CHECK(std::abs(t.now_ns() - wall) < 10 * kSecond);
    return t.saved().lag_ns;
  };
  CHECK(std::abs(lag_after() - 86'400 * kSecond) < kSecond);
  std::ifstream file(path);
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t cut = 0; cut < line.size(); ++cut) {
    std::ofstream(path) << line.substr(0, cut);
    CHECK(lag_after() == 0);
  }
  for (const char* nonsense : {"arbiter-clock 2 - - 1 1 1 1\n", "arbiter-clock 1 - - 1 -1 5 5\n", "arbiter-clock 1 - - x 1 1 1\n",
                               "arbiter-clock 1 - - 1 1 99999999999999999999999 1\n"}) {
    std::ofstream(path) << nonsense;
    CHECK(lag_after() == 0);
  }
  std::filesystem::remove_all(directory);
  CHECK(lag_after() == 0);
  const auto refused = ingest::save(first, path);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find(path) != std::string::npos);
}

TEST_CASE("a clock that was set while no collector ran is said to have been, and only then") {
  char directory[] = "/tmp/arbiter-clock-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/clock";
  REQUIRE(ingest::save(Timeline(), path).has_value());
  const auto said_at_start = [&] {
    return test::said([&] {
      Timeline t;
      ingest::resume(t, path);
    });
  };
  CHECK(said_at_start().empty());
  std::string word, version, boot, space;
  std::int64_t at = 0, unix_ns = 0;
  std::ifstream(path) >> word >> version >> boot >> space >> at >> unix_ns;
  std::ofstream(path) << "arbiter-clock 1 " << boot << ' ' << space << ' ' << at << ' ' << unix_ns - 86'400 * kSecond << " 0 0\n";
  const auto said = said_at_start();
  REQUIRE(said.size() == 1);
  CHECK(said[0].ends_with("the clock was set while no collector ran: nothing is deleted for it"));
  std::filesystem::remove_all(directory);
}
