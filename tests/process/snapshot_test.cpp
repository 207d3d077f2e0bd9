// What a training job may rely on: same range, same bytes; since T means since T; an opened snapshot stays readable.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "tests/process/harness.hpp"

namespace arbiter::test {

TEST_CASE("two snapshots of one range have byte-identical data files") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(300), {"--processes", "2"});
  const fs::path first =
      collector.snapshot({"--format", "events.jsonl,events.jsonl.zst,trajectories.jsonl,trajectories.jsonl.zst,npy,parquet"});
  SUBCASE("one behind the other") {}
  SUBCASE("with a restart between them") {
    REQUIRE(collector.stop() == 0);
    collector.start();
  }
  SUBCASE("with a kill between them") {
    collector.kill();
    collector.start();
  }
  const fs::path second =
      collector.snapshot({"--format", "events.jsonl,events.jsonl.zst,trajectories.jsonl,trajectories.jsonl.zst,npy,parquet"});
  CHECK(first != second);
  for (const char* file : {"events.jsonl", "events.jsonl.zst", "trajectories.jsonl", "trajectories.jsonl.zst", "decisions.npy",
                           "decisions.parquet", "events.parquet"}) {
    const std::string bytes = read_file(first / file);
    CHECK(bytes.size() > 1000);
    CHECK_MESSAGE(bytes == read_file(second / file), file);
  }
  CHECK(fs::read_symlink(place.exports() / "latest") == second.filename());
}

TEST_CASE("export --wait prints the path of a complete snapshot, and nothing else") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(10));
  const Ran ran = collector.ctl({"export", "--wait"});
  CHECK(ran.exit == 0);
  CHECK(ran.out == (place.exports() / "00000000000000000001").string() + "\n");
  CHECK(fs::exists(place.exports() / "00000000000000000001" / "SHA256SUMS"));
}

TEST_CASE("a snapshot since T holds exactly the events at or after T") {
  Place place;
  Collector collector(place, plain_config());
  constexpr std::int64_t t = 1'730'000'000'000'000'000;  // 2024-10-27T03:33:20Z
  std::string lines;
  for (int i = -5; i < 5; ++i) lines += event_line("probe", t + i * 1'000'000, R"({"n":)" + std::to_string(i) + "}");
  lines += event_line("probe", t - 1, R"({"n":-99})");
  place.replay(place.write("probes.jsonl", lines));
  const fs::path snapshot = collector.snapshot({"--since", "time:2024-10-27T03:33:20Z"});
  std::vector<std::int64_t> numbers;
  for (const json::object& e : read_lines(snapshot / "events.jsonl.zst")) numbers.push_back(e.at("data").at("n").as_int64());
  CHECK(numbers == std::vector<std::int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("who has opened the old latest goes on reading it while newer ones are published and old ones removed") {
  Place place;
  Collector collector(place, plain_config(R"("export": {"keep": 1})"));
  place.replay(place.sample(300));
  const fs::path old = collector.snapshot({"--format", "events.jsonl"});
  std::ifstream reader(place.exports() / "latest" / "events.jsonl", std::ios::binary);
  std::string first_half(50'000, '\0');
  REQUIRE(reader.read(first_half.data(), static_cast<std::streamsize>(first_half.size())));
  for (int i = 0; i < 3; ++i) {
    place.replay(place.sample(10), {"--time", "now"});
    collector.snapshot({"--format", "events.jsonl"});
  }
  CHECK(!fs::exists(old));
  const std::string rest((std::istreambuf_iterator<char>(reader)), {});
  const std::string all = first_half + rest;
  CHECK(std::count(all.begin(), all.end(), '\n') == 1200);
}

TEST_CASE("a snapshot is published by itself on SIGUSR1, and once so many tasks have been completed") {
  Place place;
  Collector collector(place, plain_config(R"("export": {"interval": null})"));
  const auto published = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(place.exports()))
      if (!entry.is_symlink() && entry.path().filename().string().front() == '0') names.push_back(entry.path().filename());
    return names.size();
  };
  const auto becomes = [&](std::size_t n) { return wait_until([&] { return published() == n; }); };
  place.replay(place.sample(30));
  CHECK(published() == 0);
  ::kill(collector.pid(), SIGUSR1);
  CHECK(becomes(1));

  // 30 have been completed since the start, all of them in the first snapshot.
  REQUIRE(place.run("arbiterctl", {"config", "set", "export.after_completions=40"}).exit == 0);
  place.replay(place.sample(39), {"--time", "now"});
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  CHECK(published() == 1);
  place.replay(place.sample(1), {"--time", "now"});
  CHECK(becomes(2));
  CHECK(wait_until([&] { return fs::read_symlink(place.exports() / "latest") == "00000000000000000002"; }));
  // The evaluation comes after the completion: it need not be in it.
  std::size_t completions = 0;
  for (const json::object& event : read_lines(place.exports() / "latest" / "events.jsonl.zst"))
    completions += event.at("type") == "task-execution";
  CHECK(completions == 70);
}

TEST_CASE("the audit has a line for each export: who asked, over what range, and what went out") {
  Place place;
  Collector collector(place, plain_config(R"("export": {"interval": null})"));
  place.replay(place.sample(10));
  const json::object asked = collector.ask({"export", "--format", "events.jsonl,trajectories.jsonl"}).as_object();
  collector.snapshot({"--since", "snapshot:1"});
  CHECK(collector.ctl({"export", "--since", "snapshot:9"}).exit == 1);
  ::kill(collector.pid(), SIGUSR1);
  const fs::path audit = place.state() / "audit.jsonl";
  const auto lines = [&] {
    const std::string text = read_file(audit);
    return std::count(text.begin(), text.end(), '\n');
  };
  REQUIRE(wait_until([&] { return lines() == 4; }));
  const auto line = read_lines(audit);
  CHECK(line[0].at("by").at("uid").to_number<uid_t>() == ::getuid());
  CHECK(line[0].at("by").at("pid").to_number<pid_t>() > 0);
  CHECK(line[0].at("asked").at("since").is_null());
  CHECK(json::serialize(line[0].at("asked").at("formats")) == R"(["events.jsonl","trajectories.jsonl"])");
  CHECK(line[0].at("outcome") == "published");
  CHECK(line[0].at("path") == asked.at("path"));
  CHECK(line[0].at("range") == asked.at("manifest").at("range"));
  CHECK(line[0].at("events") == 40);
  std::uint64_t bytes = 0;
  for (const json::value& file : line[0].at("files").as_array()) {
    const auto size = fs::file_size(fs::path(asked.at("path").as_string().c_str()) / file.at("name").as_string().c_str());
    CHECK(file.at("bytes").to_number<std::uint64_t>() == size);
    bytes += size;
  }
  CHECK(line[0].at("bytes").to_number<std::uint64_t>() == bytes);
  CHECK(line[1].at("asked").at("since") == "snapshot:1");
  CHECK(line[1].at("events") == 0);
  CHECK(line[2].at("outcome") == "failed");
  CHECK(line[2].at("error").as_string().find("there is no snapshot 9") != std::string_view::npos);
  CHECK(json::serialize(line[3].at("by")) == R"({"trigger":"SIGUSR1"})");
  CHECK((fs::status(audit).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
}

TEST_CASE("snapshots older than export.max_age go at the next export, but for one that a reader holds") {
  Place place;
  Collector collector(place, plain_config(R"("export": {"interval": null, "keep": null, "max_age": "1h"})"));
  place.replay(place.sample(10));
  std::vector<fs::path> made;
  for (int i = 0; i < 4; ++i) made.push_back(collector.snapshot());
  for (const int i : {0, 1})
    fs::last_write_time(made[static_cast<std::size_t>(i)], fs::file_time_type::clock::now() - std::chrono::minutes(61));
  fs::last_write_time(made[2], fs::file_time_type::clock::now() - std::chrono::minutes(59));
  const int reader = ::open(made[1].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(::flock(reader, LOCK_SH) == 0);
  collector.snapshot();
  CHECK_FALSE(fs::exists(made[0]));
  CHECK(fs::exists(made[1]));
  CHECK(fs::exists(made[2]));
  ::close(reader);
  collector.snapshot();
  CHECK_FALSE(fs::exists(made[1]));
  CHECK(fs::exists(made[2]));
}

TEST_CASE("a snapshot that was tampered with does not verify") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(20));
  const fs::path snapshot = collector.snapshot();
  REQUIRE(place.run("arbiterctl", {"verify", snapshot}).exit == 0);
  SUBCASE("a byte changed") {
    std::fstream file(snapshot / "events.jsonl.zst", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40);
    file.put('!');
  }
  SUBCASE("a file removed") { fs::remove(snapshot / "trajectories.jsonl.zst"); }
  SUBCASE("the manifest cut short") { fs::resize_file(snapshot / "manifest.json", 50); }
  SUBCASE("the manifest removed") { fs::remove(snapshot / "manifest.json"); }
  const Ran verified = place.run("arbiterctl", {"verify", snapshot});
  CHECK(verified.exit == 1);
  CHECK(verified.err.starts_with("arbiterctl: "));
}

TEST_CASE("an exported snapshot replayed into another collector exports the same events again") {
  Place first, second;
  Collector one(first, plain_config());
  first.replay(first.sample(200), {"--processes", "2"});
  const fs::path exported = one.snapshot();

  Collector two(second, plain_config());
  const json::object summary = second.replay(exported / "events.jsonl.zst");
  CHECK(summary.at("recorded") == 800);
  std::vector<json::object> before = read_lines(exported / "events.jsonl.zst"), after = read_lines(two.snapshot() / "events.jsonl.zst");
  REQUIRE(before.size() == 800);
  REQUIRE(after.size() == 800);
  std::size_t same = 0;
  const auto text = [](json::object& e) {
    e.erase("id");        // made of where it was recorded
    e.erase("revision");  // how often it was amended there
    return json::serialize(e);
  };
  // Two processes' events of one time may change places: compare as sets.
  std::multiset<std::string> a, b;
  for (json::object& e : before) a.insert(text(e));
  for (json::object& e : after) b.insert(text(e));
  for (const std::string& e : a) same += b.count(e) > 0 ? 1u : 0u;
  CHECK(same == 800);
  CHECK(a == b);
}

}  // namespace arbiter::test
