#include "collector/snapshot/split.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <sstream>

#include "collector/snapshot/pretty_json.hpp"
#include "collector/snapshot/publish.hpp"
#include "collector/snapshot/verify.hpp"
#include "tests/unit/snapshot/memory_view.hpp"
#include "tests/unit/snapshot/shell.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
using snapshot::Side;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr std::uint64_t kTasks = 400;

const std::vector<std::string> kFormats = {"events.jsonl",  "trajectories.jsonl", "decisions.dsjson",
                                           "decisions.npy", "decisions.parquet",  "events.parquet"};

fs::path publish(const TemporaryDirectory& directory, const snapshot::SplitRule& rule, std::optional<std::uint64_t> file_bytes = {}) {
  MemoryView view;
  for (std::uint64_t i = 0; i < kTasks; ++i) sample::add_run(view, i);
  snapshot::ExportOptions options;
  options.directory = directory.string();
  options.formats = kFormats;
  options.split = rule;
  options.file_bytes = file_bytes;
  const auto published = snapshot::publish(view, options);
  if (!published) FAIL(published.error().message);
  return published->path;
}

json::object manifest_of(const fs::path& path) { return json::parse(file_text(path / "manifest.json")).as_object(); }

std::vector<json::object> rows_of(const fs::path& file) {
  std::vector<json::object> rows;
  std::istringstream in(file_text(file));
  for (std::string line; std::getline(in, line);) rows.push_back(json::parse(line).as_object());
  return rows;
}

std::set<std::string> tasks_of(const fs::path& file) {
  std::set<std::string> tasks;
  for (const auto& row : rows_of(file)) tasks.emplace(row.at("taskId").as_string());
  return tasks;
}

std::vector<std::string> problems_of(const fs::path& path) {
  const auto report = snapshot::verify(path.string());
  if (!report) FAIL(report.error().message);
  CHECK(report->events == 4 * kTasks);
  CHECK(report->trajectories == kTasks);
  return report->problems;
}

// The header that the Hugging Face hub reads, of the few forms of YAML that it is written in: "config" -> "split" -> path.
std::map<std::string, std::map<std::string, std::string>> header_of(const fs::path& path) {
  std::map<std::string, std::map<std::string, std::string>> header;
  std::istringstream in(file_text(path / "README.md"));
  std::string line, config, split;
  std::getline(in, line);
  CHECK(line == "---");
  std::getline(in, line);
  CHECK(line == "configs:");
  const auto after = [&](std::string_view key) { return line.starts_with(key) ? line.substr(key.size()) : std::string(); };
  while (std::getline(in, line) && line != "---") {
    if (auto name = after("- config_name: "); !name.empty())
      config = name;
    else if (auto all = after("  data_files: "); !all.empty())
      header[config]["train"] = all;  // what load_dataset calls rows of no split
    else if (auto side = after("  - split: "); !side.empty())
      split = side;
    else if (auto file = after("    path: "); !file.empty())
      header[config][split] = file;
    else
      CHECK_MESSAGE((line == "  default: true" || line == "  data_files:"), line);
  }
  return header;
}

std::set<std::string> found_by(const fs::path& directory, const std::string& glob) {
  std::set<std::string> names;
  std::istringstream in(run_shell("cd '" + directory.string() + "' && ls -1 " + glob).output);
  for (std::string name; std::getline(in, name);) names.insert(name);
  return names;
}

}  // namespace

TEST_CASE("a task is on the side that BLAKE2b of its id says, the same that Python's hashlib computes") {
  const snapshot::Split split({25, 7, {}}, 0);
  const Ran python = run_shell(
      "/usr/bin/python3 -c \"import hashlib\nfor i in range(300): "
      "print(int.from_bytes(hashlib.blake2b(b'task-%d'%i, key=b'7', digest_size=16).digest()[:8],'big')%100<25)\"");
  REQUIRE(python.status == 0);
  std::istringstream lines(python.output);
  std::string line;
  unsigned held_out = 0;
  for (int i = 0; std::getline(lines, line); ++i) {
    const bool validation = split.of("task-" + std::to_string(i), 0) == Side::validation;
    CHECK(validation == (line == "True"));
    if (validation) ++held_out;
  }
  CHECK(held_out == 77);
  CHECK(split.of(std::string_view(), 0) == Side::train);
}

TEST_CASE("a larger share only adds tasks to validation, another seed takes others") {
  const snapshot::Split ten({10, 0, {}}, 0), forty({40, 0, {}}, 0), other({10, 1, {}}, 0);
  unsigned differ = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string task = "t" + std::to_string(i);
    if (ten.of(task, 0) == Side::validation) CHECK(forty.of(task, 0) == Side::validation);
    if (ten.of(task, 0) != other.of(task, 0)) ++differ;
  }
  CHECK(differ > 100);
}

TEST_CASE("no task is on both sides, in any format, and both sides together are everything") {
  const TemporaryDirectory directory, whole;
  const fs::path path = publish(directory, {20, 0, {}}), all = publish(whole, {});
  CHECK(problems_of(path).empty());
  const auto train = tasks_of(path / "events-train.jsonl"), validation = tasks_of(path / "events-validation.jsonl");
  CHECK(train.size() + validation.size() == kTasks);
  for (const std::string& task : validation) CHECK(!train.contains(task));
  CHECK(validation.size() > 40);
  CHECK(validation.size() < 120);
  CHECK(tasks_of(path / "trajectories-train.jsonl") == train);
  CHECK(tasks_of(path / "trajectories-validation.jsonl") == validation);
  CHECK(rows_of(path / "events-train.jsonl").size() == 4 * train.size());
  CHECK(rows_of(path / "decisions-validation.dsjson").size() == validation.size());
  std::multiset<std::string> lines, expected;
  for (const char* name : {"events-train.jsonl", "events-validation.jsonl"})
    for (const auto& row : rows_of(path / name)) lines.insert(json::serialize(row));
  for (const auto& row : rows_of(all / "events.jsonl")) expected.insert(json::serialize(row));
  CHECK(lines == expected);
  const auto manifest = manifest_of(path);
  CHECK(manifest.at("split") == json::value({{"by", "task"}, {"validationPercent", 20}, {"seed", 0}, {"hash", "blake2b-128"}}));
  for (const auto& file : manifest.at("files").as_array()) {
    if (!file.as_object().contains("format")) continue;
    const auto side = file.at("split").as_string() == "train" ? train.size() : validation.size();
    const bool events = file.at("format").as_string().starts_with("events");
    CHECK(file.at("rows").to_number<std::uint64_t>() == (events ? 4 : 1) * side);
    CHECK((file.as_object().contains("quality") || file.at("format").as_string() == "trajectories.jsonl"));
  }
}

TEST_CASE("split by time, what is newer than the age is held out") {
  const TemporaryDirectory directory;
  const fs::path path = publish(directory, {20, 0, std::chrono::seconds(100)});  // one task a second
  CHECK(problems_of(path).empty());
  CHECK(rows_of(path / "trajectories-validation.jsonl").size() == 100);
  const auto manifest = manifest_of(path);
  CHECK(manifest.at("split").at("by").as_string() == "time");
  const std::int64_t from = std::stoll(std::string(manifest.at("split").at("validationFromNs").as_string()));
  for (const auto& row : rows_of(path / "events-validation.jsonl"))
    CHECK(std::stoll(std::string(row.at("timestampNs").as_string())) >= from);
  for (const auto& row : rows_of(path / "events-train.jsonl")) CHECK(std::stoll(std::string(row.at("timestampNs").as_string())) < from);
}

TEST_CASE("files of bounded size are named by their rows, and put together are the one file") {
  const TemporaryDirectory directory, whole;
  const fs::path path = publish(directory, {}, 20'000), all = publish(whole, {});
  CHECK(problems_of(path).empty());
  std::map<std::string, std::string> content;
  std::map<std::string, unsigned> files;
  const auto manifest = manifest_of(path);
  for (const auto& file : manifest.at("files").as_array()) {
    if (!file.as_object().contains("format")) continue;
    const std::string name(file.at("name").as_string()), format(file.at("format").as_string());
    ++files[format];
    content[format] += file_text(path / name);
    if (format == "events.jsonl") CHECK(file.at("bytes").to_number<std::uint64_t>() < 20'000 + 1000);
  }
  for (const char* format : {"events.jsonl", "trajectories.jsonl", "decisions.dsjson"}) {
    CHECK(files[format] > 2);
    CHECK(content[format] == file_text(all / format));
  }
  CHECK(fs::exists(path / "decisions.npy"));
  CHECK(found_by(path, "events-000000000000-*.jsonl").size() == 1);
}

TEST_CASE("the header of the README finds train and validation of each format that one builder reads, and nothing else") {
  for (const std::optional<std::uint64_t> file_bytes : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(20'000)}) {
    const TemporaryDirectory directory;
    const fs::path path = publish(directory, {20, 0, {}}, file_bytes);
    CHECK(problems_of(path).empty());
    const auto header = header_of(path);
    const auto manifest = manifest_of(path);
    CHECK(header.size() == 2);
    const std::map<std::string, std::string> formats = {{"events", "events.jsonl"}, {"trajectories", "trajectories.jsonl"}};
    for (const auto& each : formats)
      for (const std::string side : {"train", "validation"}) {
        std::set<std::string> expected;
        for (const auto& file : manifest.at("files").as_array())
          if (file.as_object().contains("format") && file.at("format").as_string() == each.second && file.at("split").as_string() == side)
            expected.emplace(file.at("name").as_string());
        CAPTURE(each.first);
        CHECK(!expected.empty());
        CHECK(found_by(path, header.at(each.first).at(side)) == expected);
      }
  }
}

TEST_CASE("verify notices rows on the wrong side, in every file of them") {
  const TemporaryDirectory directory;
  const fs::path path = publish(directory, {20, 0, {}});
  auto manifest = manifest_of(path);
  manifest["split"].as_object()["seed"] = 1;
  write_file(path / "manifest.json", snapshot::pretty_json(manifest));
  const auto report = snapshot::verify(path.string());
  REQUIRE(report.has_value());
  CHECK(std::count_if(report->problems.begin(), report->problems.end(),
                      [](const std::string& p) { return p.find("of the other side of the split") != std::string::npos; }) == 4);
}

TEST_CASE("verify notices that a side, or a part, is missing, and a file that is named otherwise than what is in it") {
  const TemporaryDirectory directory;
  const fs::path path = publish(directory, {20, 0, {}}, 20'000);
  const auto original = manifest_of(path);
  for (const char* format : {"events.jsonl", "events.parquet", "decisions.npy", "trajectories.jsonl", "decisions.dsjson"}) {
    auto manifest = original;
    auto& files = manifest["files"].as_array();
    const auto it = std::find_if(files.begin(), files.end(), [&](const json::value& file) {
      return file.as_object().contains("format") && file.at("format").as_string() == format;
    });
    REQUIRE(it != files.end());
    files.erase(it);
    write_file(path / "manifest.json", snapshot::pretty_json(manifest));
    const auto report = snapshot::verify(path.string());
    REQUIRE(report.has_value());
    CAPTURE(format);
    CHECK(std::any_of(report->problems.begin(), report->problems.end(),
                      [&](const std::string& p) { return p.starts_with(format) || p.find("but the manifest says") != std::string::npos; }));
  }
  auto manifest = original;
  for (auto& file : manifest["files"].as_array())
    if (file.as_object().contains("firstRow")) file.as_object()["firstRow"] = 17;
  write_file(path / "manifest.json", snapshot::pretty_json(manifest));
  const auto report = snapshot::verify(path.string());
  REQUIRE(!report.has_value());
  CHECK(report.error().message.find("names a file otherwise than its format, split and rows") != std::string::npos);
}
