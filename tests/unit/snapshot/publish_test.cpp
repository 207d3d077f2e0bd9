#include "collector/snapshot/publish.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "tests/unit/snapshot/memory_view.hpp"
#include "tests/unit/snapshot/shell.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
using snapshot::ExportOptions;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kAllFormats = {"events.jsonl",           "events.jsonl.zst",  "trajectories.jsonl",
                                              "trajectories.jsonl.zst", "decisions.dsjson",  "decisions.dsjson.zst",
                                              "decisions.npy",          "decisions.parquet", "events.parquet"};

ExportOptions options_for(const TemporaryDirectory& directory) {
  ExportOptions options;
  options.directory = directory.string();
  options.formats = kAllFormats;
  return options;
}

snapshot::Published must_publish(const journal::View& view, const ExportOptions& options) {
  auto published = snapshot::publish(view, options);
  if (!published) FAIL(published.error().message);
  return std::move(*published);
}

std::set<std::string> names_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename().string());
  return names;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void fill(MemoryView& view, std::uint64_t runs) {
  for (std::uint64_t i = 0; i < runs; ++i) sample::add_run(view, i);
}

std::string number(int n) { return "0000000000000000000" + std::to_string(n); }

}  // namespace

TEST_CASE("a snapshot holds its files, and sha256sum and zstd agree with them") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 25);
  const auto published = must_publish(view, options_for(directory));
  CHECK(published.number == 1);
  CHECK(published.path == directory.string() + "/" + number(1));
  CHECK(names_in(published.path) == std::set<std::string>{"events.jsonl", "events.jsonl.zst", "trajectories.jsonl",
                                                          "trajectories.jsonl.zst", "decisions.dsjson", "decisions.dsjson.zst",
                                                          "decisions.npy", "decisions.parquet", "events.parquet", "places.jsonl.zst",
                                                          "stats.json", "README.md", "manifest.json", "SHA256SUMS"});
  CHECK(names_in(directory.path) == std::set<std::string>{number(1), "latest"});
  CHECK(fs::read_symlink(directory.path / "latest") == number(1));

  const Ran sums = run_shell("cd '" + published.path + "' && sha256sum --strict -c SHA256SUMS");
  CAPTURE(sums.output);
  CHECK(sums.status == 0);
  CHECK(lines_of(sums.output).size() == 13);  // every file but itself
  for (const char* name : {"events.jsonl", "trajectories.jsonl", "decisions.dsjson"}) {
    const Ran plain = run_shell("zstd -dcq '" + published.path + "/" + name + ".zst'");
    CHECK(plain.status == 0);
    CHECK(plain.output == file_text(fs::path(published.path) / name));
    CHECK(run_shell("zstd -lv '" + published.path + "/" + name + ".zst' 2>/dev/null | grep -c XXH64").output == "1\n");
  }
  CHECK(lines_of(file_text(fs::path(published.path) / "events.jsonl")).size() == 100);
  CHECK(lines_of(file_text(fs::path(published.path) / "trajectories.jsonl")).size() == 25);
}

TEST_CASE("events come in order of time, whatever order they were journalled in, ties by lane and sequence") {
  const TemporaryDirectory directory;
  MemoryView view;
  std::vector<std::tuple<std::int64_t, std::uint32_t, std::uint64_t>> expected;
  std::mt19937 random(3);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    event::Values v;
    v.kind = Kind::thinking_budget_usage;
    v.stamp = 1'000'000;
    v.time_ns = static_cast<std::int64_t>(random() % 50) - 25;
    v.sequence = 3000 - i;
    const auto lane = static_cast<std::uint32_t>(random() % 300);
    v.set_text(0, std::string_view("t"));
    view.add(v, lane);
    expected.emplace_back(v.time_ns, lane, v.sequence);
  }
  std::sort(expected.begin(), expected.end());
  for (const std::size_t memory : {std::size_t{20'000}, snapshot::Sorter::kMemoryBytes}) {
    ExportOptions options = options_for(directory);
    options.sort_memory_bytes = memory;
    const auto published = must_publish(view, options);
    const auto lines = lines_of(file_text(fs::path(published.path) / "events.jsonl"));
    REQUIRE(lines.size() == expected.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto e = boost::json::parse(lines[i]);
      const auto& [time, lane, sequence] = expected[i];
      CHECK(e.at("timestampNs").as_string() == std::to_string(time));
      CHECK(e.at("id").as_string() == "ab" + std::string(30, '0') + "-" + std::to_string(lane) + "-" + std::to_string(sequence));
    }
  }
  // However little memory there was: the same bytes.
  for (const std::string& name : kAllFormats)
    CHECK(file_text(directory.path / number(1) / name) == file_text(directory.path / number(2) / name));
}

TEST_CASE("the same events are the same bytes: at another time, in another place, journalled in another order") {
  const TemporaryDirectory one, two;
  MemoryView view, other;
  fill(view, 500);
  fill(other, 500);
  other.reverse();
  must_publish(view, options_for(one));
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  must_publish(view, options_for(one));
  must_publish(other, options_for(two));
  for (const std::string& name : kAllFormats) {
    const std::string text = file_text(one.path / number(1) / name);
    CHECK(text.size() > 1000);
    CHECK(text == file_text(one.path / number(2) / name));
    CHECK(text == file_text(two.path / number(1) / name));
  }
}

TEST_CASE("a snapshot since a time holds exactly the events at or after it") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 10);
  ExportOptions options = options_for(directory);
  options.since_ns = sample::kStampNs + 7'000'000'000;  // the start of run 7
  const auto since = must_publish(view, options);
  const auto lines = lines_of(file_text(fs::path(since.path) / "events.jsonl"));
  CHECK(lines.size() == 12);
  CHECK(boost::json::parse(lines[0]).at("taskId") == "task-7");
  CHECK(since.manifest.at("range").at("since") == "2023-11-14T22:13:27.123456789Z");
  CHECK(since.manifest.at("range").at("sinceNs") == "1700000007123456789");
  options.since_ns = *options.since_ns + 1;
  CHECK(must_publish(view, options).manifest.at("events").at("total") == 10);
}

TEST_CASE("the manifest says what is in the snapshot, and what it was made from") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 8);
  event::Values v;
  v.kind = Kind::generic;
  v.stamp = 1'699'999'999'000'000'000;
  v.set_text(schema::field(Kind::generic, "type"), std::string_view("my-own"));
  v.set_text(schema::field(Kind::generic, "data"), std::string_view("{}"));
  view.add(v);
  view.damaged = 2;
  ExportOptions options = options_for(directory);
  options.key_fingerprint = "00112233445566778899aabbccddeeff";
  options.stats = {{"totalTaskExecutions", 8}, {"losses", {{"dropped", 3}, {"refused", 2}, {"quarantined", 0}}}};
  const auto published = must_publish(view, options);
  CHECK(published.blocks_damaged == 2);
  const std::string text = file_text(fs::path(published.path) / "manifest.json");
  const auto m = boost::json::parse(text).as_object();
  CHECK(text.find("{\n  \"format\": \"arbiter-snapshot\",\n  \"formatVersion\": 1,\n  \"snapshot\": 1,\n") == 0);
  CHECK(m.at("schema").at("version") == "1.0");
  CHECK(m.at("schema").at("sha256").as_string().size() == 64);
  CHECK(m.at("range").at("fromCursor").is_null());
  CHECK(m.at("range").at("toCursor") == "c1:1:2:3:4");
  CHECK(m.at("range").at("since").is_null());
  CHECK(m.at("range").at("watermarkNs").as_string() == std::to_string(sample::kStampNs + 7'000'000'000 + 2'000'000));
  CHECK(m.at("events").at("total") == 33);
  CHECK(boost::json::serialize(m.at("events").at("byType")) ==
        R"({"evaluation-outcome":8,"my-own":1,"routing-decision":8,"task-execution":8,"task-start":8})");
  CHECK(m.at("events").at("withoutTask") == 1);
  CHECK(m.at("events").at("firstTime") == "2023-11-14T22:13:19.000Z");
  CHECK(m.at("events").at("lastTime") == "2023-11-14T22:13:27.125Z");
  CHECK(m.at("tasks") == 8);
  CHECK(m.at("reward").at("definition") == "evaluation where it is known, else success");
  CHECK(m.at("losses").at("dropped") == 3);
  CHECK(m.at("damagedBlocks") == 2);
  CHECK(m.at("anonymization").at("enabled") == true);
  CHECK(m.at("anonymization").at("keyFingerprint").as_string() == options.key_fingerprint);
  CHECK(m.at("propensities").at("decisions") == 8);
  CHECK(m.at("propensities").at("smallest") == 0.25);
  CHECK(m.at("propensities").at("effectiveSampleSize").as_double() == doctest::Approx(24.0 * 24 / 80));  // four weights of 2, four of 4
  std::map<std::string, boost::json::value> rows;
  for (const auto& file : m.at("files").as_array()) {
    const std::string name(file.at("name").as_string());
    rows[name] = file.at("rows");
    CHECK(file.at("bytes") == fs::file_size(fs::path(published.path) / name));
  }
  CHECK(rows.size() == 12);
  std::map<std::string, boost::json::value> quality;
  for (const auto& file : m.at("files").as_array())
    if (const auto* its = file.as_object().if_contains("quality")) quality[std::string(file.at("name").as_string())] = *its;
  CHECK(quality.size() == 7);  // all files of events and of decisions
  CHECK(
      boost::json::serialize(quality.at("events.parquet")) ==
      R"({"nulls":{"agentId":1,"taskId":1},"duplicates":0,"timeGaps":{"largestMs":1.123456789E3,"after":"2023-11-14T22:13:19.000000000Z"}})");
  CHECK(quality.at("events.jsonl") == quality.at("events.parquet"));
  CHECK(quality.at("decisions.npy").at("propensity").at("effectiveSampleSize").as_double() == doctest::Approx(24.0 * 24 / 80));
  CHECK(quality.at("decisions.npy") == quality.at("decisions.parquet"));
  CHECK(rows.at("events.jsonl.zst") == 33);
  CHECK(rows.at("trajectories.jsonl") == 8);
  CHECK(rows.at("decisions.dsjson") == 8);
  CHECK(rows.at("decisions.npy") == 8);
  CHECK(rows.at("decisions.parquet") == 8);
  CHECK(rows.at("events.parquet") == 33);
  CHECK(m.at("decisions").at("byJoinState").at("complete") == 8);
  CHECK(rows.at("stats.json").is_null());
  CHECK(boost::json::parse(file_text(fs::path(published.path) / "stats.json")).at("totalTaskExecutions") == 8);
}

TEST_CASE("the README names the data files for the Hugging Face hub") {
  const TemporaryDirectory directory;
  ExportOptions options = options_for(directory);
  options.formats = {"trajectories.jsonl.zst", "events.jsonl.zst"};
  const auto published = must_publish(MemoryView(), options);
  const std::string text = file_text(fs::path(published.path) / "README.md");
  CHECK(
      text.starts_with("---\nconfigs:\n- config_name: events\n  default: true\n  data_files: events.jsonl.zst\n"
                       "- config_name: trajectories\n  data_files: trajectories.jsonl.zst\n---\n"));
}

TEST_CASE("the README has tables as a data set of their own, and beside lines as an example: one builder reads all configurations") {
  const TemporaryDirectory directory;
  ExportOptions options = options_for(directory);
  options.formats = {"events.parquet", "decisions.parquet"};
  const std::string tables = file_text(fs::path(must_publish(MemoryView(), options).path) / "README.md");
  CHECK(
      tables.starts_with("---\nconfigs:\n- config_name: decisions\n  default: true\n  data_files: decisions.parquet\n"
                         "- config_name: events\n  data_files: events.parquet\n---\n"));
  CHECK(tables.ends_with("\nrows = load_dataset(\"parquet\", data_files=\"decisions.parquet\", split=\"train\")\n```\n"));
  options.formats = {"events.parquet", "events.jsonl.zst", "events.jsonl"};
  const std::string both = file_text(fs::path(must_publish(MemoryView(), options).path) / "README.md");
  CHECK(
      both.starts_with("---\nconfigs:\n- config_name: events\n  default: true\n  data_files: events.jsonl.zst\n"
                       "- config_name: events-plain\n  data_files: events.jsonl\n---\n"));
  CHECK(
      both.ends_with("\nrows = load_dataset(\"json\", data_files=\"events.jsonl.zst\", split=\"train\")\n"
                     "rows = load_dataset(\"parquet\", data_files=\"events.parquet\", split=\"train\")\n```\n"));
}

TEST_CASE("trajectories are one line a task, in the order of the ids, hashed ones and a task of many events too") {
  const TemporaryDirectory directory;
  MemoryView view;
  for (const int task : {2, 10, 1}) sample::add_run(view, static_cast<std::uint64_t>(task));
  const std::array<char, 16> hash{};
  for (std::uint64_t i = 0; i < 5000; ++i) {
    event::Values v;
    v.kind = Kind::thinking_budget_usage;
    v.stamp = 10'000 - i;
    v.sequence = i + 1000;
    v.set_text(0, event::Text::hash(hash.data()));
    view.add(v, 9);
  }
  ExportOptions options = options_for(directory);
  options.sort_memory_bytes = 50'000;
  const auto published = must_publish(view, options);
  const auto lines = lines_of(file_text(fs::path(published.path) / "trajectories.jsonl"));
  std::vector<std::string> ids;
  for (const std::string& line : lines) ids.emplace_back(boost::json::parse(line).at("taskId").as_string());
  CHECK(ids == std::vector<std::string>{"anon-00000000000000000000000000000000", "task-1", "task-10", "task-2"});
  const auto many = boost::json::parse(lines[0]);
  CHECK(many.at("steps") == 5000);
  CHECK(many.at("events").as_array().size() == 5000);
  CHECK(many.at("events").at(0).at("timestampNs") == "5001");
  CHECK(many.at("done") == false);
  const auto one = boost::json::parse(lines[1]);
  CHECK(one.at("reward") == 0.501);
  CHECK(one.at("done") == true);
  CHECK(one.at("events").as_array().size() == 4);
}

TEST_CASE("a snapshot of nothing is one of empty files") {
  const TemporaryDirectory directory;
  const auto published = must_publish(MemoryView(), options_for(directory));
  CHECK(file_text(fs::path(published.path) / "events.jsonl").empty());
  CHECK(run_shell("zstd -dcq '" + published.path + "/events.jsonl.zst' | wc -c").output == "0\n");
  CHECK(published.manifest.at("events").at("total") == 0);
  CHECK(published.manifest.at("events").at("firstTime").is_null());
  CHECK(published.manifest.at("range").at("watermark").is_null());
  CHECK(published.manifest.at("range").at("watermarkNs").is_null());
  CHECK(published.manifest.at("propensities").at("effectiveSampleSize").is_null());
}

TEST_CASE("numbers go on from the highest there is, and `latest` follows") {
  const TemporaryDirectory directory;
  MemoryView view;
  fs::create_directory(directory.path / "00000000000000000041");
  fs::create_directory(directory.path / "7");  // none of ours
  CHECK(must_publish(view, options_for(directory)).number == 42);
  CHECK(must_publish(view, options_for(directory)).number == 43);
  CHECK(fs::read_symlink(directory.path / "latest") == "00000000000000000043");
}

TEST_CASE("the newest stay, and those that a reader holds") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 3);
  ExportOptions options = options_for(directory);
  must_publish(view, options);
  must_publish(view, options);
  const int reader = ::open((directory.path / number(1)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(::flock(reader, LOCK_SH) == 0);
  options.keep = 2;
  must_publish(view, options);
  must_publish(view, options);
  CHECK(names_in(directory.path) == std::set<std::string>{number(1), number(3), number(4), "latest"});
  ::close(reader);
  options.keep = 1;
  must_publish(view, options);
  CHECK(names_in(directory.path) == std::set<std::string>{number(5), "latest"});
  options.keep = 0;  // the one just made stays in any case
  must_publish(view, options);
  CHECK(names_in(directory.path) == std::set<std::string>{number(6), "latest"});
}

TEST_CASE("who opened the old `latest` goes on reading it") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 3);
  ExportOptions options = options_for(directory);
  options.keep = 1;
  must_publish(view, options);
  std::ifstream reader(directory.path / "latest" / "events.jsonl");
  std::string line;
  REQUIRE(std::getline(reader, line));
  must_publish(MemoryView(), options);
  CHECK_FALSE(fs::exists(directory.path / number(1)));
  int more = 0;
  while (std::getline(reader, line)) ++more;
  CHECK(more == 11);
}

TEST_CASE("a failed export leaves nothing, and says what failed") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 3);
  ExportOptions options = options_for(directory);
  options.formats = {"events.jsonl", "events.csv"};
  auto failed = snapshot::publish(view, options);
  REQUIRE(failed.has_error());
  CHECK(failed.error().message == "snapshot in " + directory.string() +
                                      ": format events.csv: there is none of this name: write some of events.jsonl.zst, events.jsonl, "
                                      "trajectories.jsonl.zst, trajectories.jsonl, decisions.dsjson.zst, decisions.dsjson, decisions.npy, "
                                      "decisions.parquet, events.parquet");
  CHECK(names_in(directory.path).empty());
  options.formats = {};
  CHECK(snapshot::publish(view, options).error().message.find("no format given") != std::string::npos);
  // Something else where `latest` should be.
  options = options_for(directory);
  fs::create_directory(directory.path / "latest");
  write_file(directory.path / "latest" / "mine", "x");
  failed = snapshot::publish(view, options);
  REQUIRE(failed.has_error());
  CHECK(failed.error().message.find("it is to be a symbolic link") != std::string::npos);
  CHECK(fs::exists(directory.path / "latest" / "mine"));

  options.directory = "/proc/no/such/place";
  CHECK(snapshot::publish(view, options).has_error());
}

TEST_CASE("a killed export leaves no snapshot, `latest` as it was, and its remains are cleaned up") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 50);
  ExportOptions options = options_for(directory);
  options.sort_memory_bytes = 10'000;
  must_publish(view, options);
  const pid_t child = ::fork();
  if (child == 0) {
    view.before_event = [](std::uint64_t n) {
      if (n == 150) ::raise(SIGKILL);
    };
    static_cast<void>(snapshot::publish(view, options));
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(names_in(directory.path) == std::set<std::string>{number(1), "latest", ".building-" + number(2)});
  CHECK(fs::read_symlink(directory.path / "latest") == number(1));

  fs::create_directory(directory.path / (".removing-" + number(7)));
  write_file(directory.path / (".removing-" + number(7)) / "events.jsonl", "x");
  fs::create_symlink("nowhere", directory.path / ".latest-new");
  write_file(directory.path / "mine.txt", "x");
  REQUIRE(snapshot::clean_up(directory.string()).has_value());
  CHECK(names_in(directory.path) == std::set<std::string>{number(1), "latest", "mine.txt"});
  must_publish(view, options);
  for (const std::string& name : kAllFormats)
    CHECK(file_text(directory.path / number(1) / name) == file_text(directory.path / number(2) / name));
}

TEST_CASE("cleaning up leaves an export that is running alone") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 5);
  view.before_event = [&](std::uint64_t n) {
    if (n != 10) return;
    CHECK(snapshot::clean_up(directory.string()).has_value());
    CHECK(names_in(directory.path) == std::set<std::string>{".building-" + number(1)});
  };
  CHECK(must_publish(view, options_for(directory)).manifest.at("events").at("total") == 20);
}

TEST_CASE("exports at the same time come one after the other, each its own number") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view, 100);
  std::vector<std::thread> threads;
  std::array<std::uint64_t, 4> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    threads.emplace_back([&, i] {
      auto published = snapshot::publish(view, options_for(directory));
      made[i] = published ? published->number : 0;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(std::set<std::uint64_t>(made.begin(), made.end()) == std::set<std::uint64_t>{1, 2, 3, 4});
  CHECK(names_in(directory.path) == std::set<std::string>{number(1), number(2), number(3), number(4), "latest"});
}
