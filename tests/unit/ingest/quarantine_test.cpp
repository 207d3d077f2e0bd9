// The file of what is set aside is bounded, whatever producers do.
#include "collector/ingest/quarantine.hpp"

#include <dirent.h>
#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

using namespace arbiter;
using ingest::Quarantine;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Fixture {
  Fixture() {
    char name[] = "/tmp/arbiter-quarantine-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    directory = name;
    file = directory / "quarantine.jsonl";
  }
  ~Fixture() { fs::remove_all(directory); }
  std::vector<json::object> lines() const {
    std::vector<json::object> all;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line).as_object());
    return all;
  }
  fs::path directory, file;
};

LaneId lane(std::uint8_t segment, std::uint32_t n = 0) {
  LaneId id;
  id.segment.fill(segment);
  id.lane = n;
  return id;
}

std::size_t open_files() {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++n;
  return n;
}

}  // namespace

TEST_CASE("a segment gets a burst of lines, then one a second; the rest is counted, and its last line says how many") {
  Fixture f;
  Quarantine quarantine(f.file, true);
  const std::vector<std::byte> bytes(1000, std::byte{0x7b});
  for (std::uint64_t i = 0; i < 10'000; ++i) quarantine.put({lane(1, i % 2), i, "x", "f", "is bad", bytes, 5 * kSecond});
  quarantine.flush();
  CHECK(f.lines().size() == 32);
  CHECK(quarantine.lines_left_out() == 10'000 - 32);
  std::string shown;
  for (std::size_t i = 0; i < Quarantine::kShownMax; ++i) shown += "7b";
  CHECK(f.lines()[3].at("bytes").as_string() == shown);
  CHECK(f.lines()[3].at("size").as_int64() == 1000);

  for (std::int64_t ms = 0; ms < 10'000; ++ms) quarantine.put({lane(1), 1, {}, {}, "is bad", {}, 5 * kSecond + ms * 1'000'000});
  quarantine.flush();
  CHECK(f.lines().size() == Quarantine::kBurst + 9);

  // Another has its own.
  quarantine.put({lane(2), 1, {}, {}, "is bad", {}, 5 * kSecond});
  quarantine.forget(lane(1).segment, 16 * kSecond);
  quarantine.flush();
  const auto lines = f.lines();
  REQUIRE(lines.size() == Quarantine::kBurst + 9 + 2);
  CHECK(lines.back().at("count").as_int64() == 10'000 - Quarantine::kBurst + 10'000 - 9);
  CHECK(lines.back().at("segment").as_string() == std::string(16, '0').replace(0, 16, "0101010101010101") + "0101010101010101");
}

TEST_CASE("over its life a segment gets a thousand lines") {
  Fixture f;
  Quarantine quarantine(f.file, false);
  for (std::int64_t second = 0; second < 3000; ++second) quarantine.put({lane(1), 1, {}, {}, "is bad", {}, second * kSecond});
  quarantine.flush();
  CHECK(f.lines().size() == 1000);
}

TEST_CASE("all segments together get a burst, then a hundred lines a second, and the file does not grow beyond its size") {
  Fixture f;
  Quarantine quarantine(f.file, true);
  const std::vector<std::byte> bytes(256, std::byte{255});
  std::uint64_t put = 0;
  for (std::int64_t second = 0; second < 500; ++second)
    for (unsigned segment = 0; segment < 250; ++segment, ++put)
      quarantine.put({lane(static_cast<std::uint8_t>(segment)), put, "type", "field", "is bad", bytes, second * kSecond});
  quarantine.flush();
  const std::uint64_t lines = put - quarantine.lines_left_out();
  CHECK(lines == 1024 + 499 * 100);
  CHECK(fs::file_size(f.file) <= Quarantine::kBytesMax);
  CHECK(fs::file_size(f.file.string() + ".1") <= Quarantine::kBytesMax);
  CHECK(fs::file_size(f.file) + fs::file_size(f.file.string() + ".1") > Quarantine::kBytesMax);
}

TEST_CASE("the file stays open, is written once for a batch, and is made again when somebody has removed it") {
  Fixture f;
  Quarantine quarantine(f.file, false);
  quarantine.flush();
  CHECK_FALSE(fs::exists(f.file));  // nothing to say, no file
  const std::size_t before = open_files();
  for (std::uint64_t i = 0; i < 5; ++i) quarantine.put({lane(3), i, {}, {}, "is bad", {}, kSecond});
  CHECK_FALSE(fs::exists(f.file));
  quarantine.flush();
  CHECK(f.lines().size() == 5);
  CHECK(open_files() == before + 1);
  fs::remove(f.file);
  quarantine.put({lane(3), 9, {}, {}, "is bad", {}, kSecond});
  quarantine.flush();
  CHECK(f.lines().size() == 1);
  CHECK(open_files() == before + 1);
}

TEST_CASE("a clock that is set back or jumps ahead neither stops the lines nor opens the flood") {
  ingest::LineBudget budget(3, kSecond);
  const auto taken = [&](std::int64_t now) {
    int n = 0;
    for (int i = 0; i < 100; ++i) n += budget.take(now) ? 1 : 0;
    return n;
  };
  CHECK(taken(1000 * kSecond) == 3);
  CHECK(taken(0) == 0);
  CHECK(taken(2 * kSecond) == 2);
  CHECK(taken(INT64_MAX / 2) == 3);
  CHECK(taken(INT64_MIN + 1) == 0);
  CHECK(taken(INT64_MAX) == 3);
}
