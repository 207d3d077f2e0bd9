#include "collector/snapshot/sorter.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "collector/snapshot/event_record.hpp"
#include "tests/unit/privacy/sample_event.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
using snapshot::Sorter;

namespace {

using Record = std::pair<std::string, std::string>;

std::vector<Record> random_records(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Record> records;
  for (std::size_t i = 0; i < n; ++i) {
    std::string key(random() % 20, '\0');
    for (char& c : key)
      c = static_cast<char>(random() % 4 == 0 ? random() : 'a' + random() % 2);  // many alike, many equal, some 0, some above 127
    std::string payload = std::to_string(i) + std::string(random() % 100, 'p');
    if (random() % 500 == 0) payload.append(100'000, 'x');
    records.emplace_back(std::move(key), std::move(payload));
  }
  return records;
}

std::vector<Record> sorted(Sorter& sorter, const std::vector<Record>& records) {
  for (const auto& [key, payload] : records) REQUIRE(sorter.add(key, payload).has_value());
  std::vector<Record> out;
  std::string_view key, payload;
  for (;;) {
    const auto more = sorter.next(key, payload);
    REQUIRE(more.has_value());
    if (!*more) break;
    out.emplace_back(key, payload);
  }
  CHECK_FALSE(*sorter.next(key, payload));  // and it stays at the end
  return out;
}

}  // namespace

TEST_CASE("what is sorted with many runs spilled, with one, or in memory, is what std::stable_sort makes of it") {
  const TemporaryDirectory directory;
  for (const std::size_t n : {0u, 1u, 2u, 1000u, 20'000u}) {
    const std::vector<Record> records = random_records(n, static_cast<unsigned>(n));
    std::vector<Record> expected = records;
    std::stable_sort(expected.begin(), expected.end(), [](const Record& a, const Record& b) { return a.first < b.first; });
    for (const std::size_t memory :
         {std::size_t{1}, std::size_t{5'000}, std::size_t{100'000}, std::size_t{1'000'000}, Sorter::kMemoryBytes}) {
      if (memory == 1 && n > 1000) continue;  // a run a record
      CAPTURE(n);
      CAPTURE(memory);
      Sorter sorter(directory.string(), memory);
      CHECK(sorted(sorter, records) == expected);
      if (memory == 1) CHECK(sorter.runs_spilled() == (n <= 1 ? 0 : n));
      if (memory == 100'000 && n == 20'000) CHECK(sorter.runs_spilled() > 20);
      if (memory == Sorter::kMemoryBytes) CHECK(sorter.runs_spilled() == 0);
    }
  }
  CHECK(std::filesystem::is_empty(directory.path));  // the file had no name
}

TEST_CASE("what is set aside on disk cannot be read there where the snapshot is encrypted, and comes back all the same") {
  const TemporaryDirectory directory;
  // Of the file without a name: by the descriptor that holds it.
  const auto on_disk = [&] {
    std::string all;
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fd.path(), gone).string().starts_with(directory.string())) {
        std::ifstream in(fd.path(), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(in), {});
      }
    }
    return all;
  };
  std::vector<Record> records = random_records(5'000, 1);
  for (Record& record : records) record.second += "SECRET";
  std::vector<Record> expected = records;
  std::stable_sort(expected.begin(), expected.end(), [](const Record& a, const Record& b) { return a.first < b.first; });
  const auto cipher = std::make_shared<const crypt::Cipher>(crypt::KeyId{1}, crypt::CipherKey{2});
  for (const snapshot::Place& place : {snapshot::Place(directory.string()), snapshot::Place(directory.string(), cipher)}) {
    Sorter sorter(place, 20'000);
    CHECK(sorted(sorter, records) == expected);
    CHECK(sorter.runs_spilled() > 5);
    const std::string bytes = on_disk();
    CHECK(bytes.size() > 100'000);
    CHECK((bytes.find("SECRET") == std::string::npos) == (place.cipher != nullptr));
  }
}

TEST_CASE("what is settled leaves in order at once, whatever is added between, and the rest comes in order behind it") {
  const TemporaryDirectory directory;
  for (const std::size_t memory : {std::size_t{20'000}, Sorter::kMemoryBytes})
    for (unsigned seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      std::mt19937 random(seed);
      Sorter sorter(directory.string(), memory);
      std::vector<Record> added, out;
      const Sorter::Take take = [&](std::string_view key, std::string_view payload) -> Result<void> {
        out.emplace_back(key, payload);
        return {};
      };
      // Numbers as eight bytes: each at most 300 below what has been settled next, so that some wait for long.
      std::uint64_t floor = 1'000;
      std::size_t most_waiting = 0;
      for (int block = 0; block < 100; ++block) {
        for (int i = 0; i < 50; ++i) {
          const std::uint64_t number = __builtin_bswap64(floor + random() % 300);
          std::string key(reinterpret_cast<const char*>(&number), 8);
          key += random() % 2 == 0 ? "a" : "b";
          added.emplace_back(key, std::to_string(added.size()));
          REQUIRE(sorter.add(key, added.back().second).has_value());
        }
        floor += random() % 100;
        const std::uint64_t bound = __builtin_bswap64(floor);
        REQUIRE(sorter.settle({reinterpret_cast<const char*>(&bound), 8}, take).has_value());
        most_waiting = std::max(most_waiting, added.size() - out.size());
      }
      const std::size_t at_once = out.size();
      std::string_view key, payload;
      while (*sorter.next(key, payload)) out.emplace_back(key, payload);
      std::stable_sort(added.begin(), added.end(), [](const Record& a, const Record& b) { return a.first < b.first; });
      CHECK(out == added);
      if (memory == Sorter::kMemoryBytes) {
        CHECK(sorter.runs_spilled() == 0);
        CHECK(at_once > 4'000);
        CHECK(most_waiting < 1'000);
      }
    }
}

TEST_CASE("what comes after all that was said to have come is an error, and not a row out of order") {
  Sorter sorter("/nonexistent/directory");
  REQUIRE(sorter.add("bbbbbbbb", "").has_value());
  REQUIRE(sorter.settle("cccccccc", [](std::string_view, std::string_view) { return Result<void>(); }).has_value());
  CHECK(sorter.add("cccccccc", "").has_value());
  CHECK(sorter.add("bbbbbbbc", "").has_error());
}

TEST_CASE("a directory that cannot be written is an error, once it comes to a file") {
  Sorter sorter("/nonexistent/directory", 100);
  REQUIRE(sorter.add("a", std::string(200, 'x')).has_value());
  const auto second = sorter.add("b", "y");
  REQUIRE(second.has_error());
  CHECK(second.error().message == "temporary file in /nonexistent/directory: No such file or directory");
}

TEST_CASE("the bytes of an event's key compare as the key does") {
  std::mt19937_64 random(7);
  std::vector<EventKey> keys;
  for (int i = 0; i < 300; ++i) {
    EventKey key;
    const std::int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX, static_cast<std::int64_t>(random())};
    key.time_ns = times[random() % 6];
    key.lane.segment[0] = static_cast<std::uint8_t>(random() % 3 * 100);
    key.lane.lane = static_cast<std::uint32_t>(random() % 3 * 200);
    key.sequence = random() % 2 == 0 ? random() % 3 : random();
    keys.push_back(key);
  }
  const auto bytes = [](const EventKey& key) {
    event::Values values;
    values.sequence = key.sequence;
    return snapshot::event_key_bytes({key.lane, values, key.time_ns, 0, 0});
  };
  for (const EventKey& a : keys)
    for (const EventKey& b : keys) CHECK((snapshot::view(bytes(a)).compare(snapshot::view(bytes(b))) < 0) == (a < b));
}

TEST_CASE("texts made sortable compare as they did, whatever follows them") {
  const std::string texts[] = {
      "", std::string(1, '\0'), std::string("\0\0", 2), std::string("\0a", 2), "a", std::string("a\0", 2), "a\x01", "aa", "b", "\xc3\xbc"};
  const auto sortable = [](const std::string& text, const char* behind) {
    std::string out;
    snapshot::append_sortable(out, text);
    return out + behind;
  };
  for (const std::string& a : texts)
    for (const std::string& b : texts)
      for (const char* behind : {"", "\xff\xff"}) {
        if (a == b) continue;
        CHECK((sortable(a, behind) < sortable(b, "")) == (a < b));
      }
}

TEST_CASE("an event that is set aside comes back with everything") {
  for (const Kind kind : sample::all_kinds()) {
    sample::Event e;
    sample::fill(e, kind);
    e.values.time_ns = 12345;
    LaneId lane;
    lane.segment[3] = 9, lane.lane = 11;
    std::string bytes;
    snapshot::append_event_record(bytes, {lane, e.values, 12345, 777, 3});
    snapshot::EventRecord record;
    REQUIRE(record.read(bytes));
    const journal::StoredEvent back = record.event();
    CHECK(back.lane == lane);
    CHECK(back.time_ns == 12345);
    CHECK(back.retention_ns == 777);
    CHECK(back.revision == 3);
    CHECK(sample::encoded(back.values) == sample::encoded(e.values));
    for (std::size_t n = 0; n < bytes.size(); n += 7) CHECK_FALSE(record.read(std::string_view(bytes).substr(0, n)));
  }
}
