// decisions.dsjson and decisions.npy, byte by byte, and what verify makes of them.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstring>

#include "collector/snapshot/npy.hpp"
#include "collector/snapshot/publish.hpp"
#include "collector/snapshot/verify.hpp"
#include "tests/unit/snapshot/made_events.hpp"
#include "tests/unit/snapshot/shell.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
namespace fs = std::filesystem;
namespace npy = snapshot::npy;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Three decisions of which one is rewarded and its propensity known, one is rewarded, one is neither; and one of propensity 0.
void fill(MemoryView& view) {
  view.add(Made(Kind::routing_decision, 10 * kSecond, 1, "task \"one\"")
               .text("selectedAgent", "b")
               .text("decisionId", "d1")
               .text("taskType", "review")
               .text("policyVersion", "v7")
               .text("context", R"({"size":1.50})")
               .real("propensity", 0.25)
               .alternatives({{"a", 0.5, 0.75}, {"b", -1, 0.25}})
               .values());
  view.add(Made(Kind::task_execution, 13 * kSecond, 2, "task \"one\"")
               .text("agentId", "b")
               .text("decisionId", "d1")
               .time("startedAtNs", 11 * kSecond)
               .flag("outcome.success", true)
               .values());
  view.add(Made(Kind::evaluation_outcome, 14 * kSecond, 3, "task \"one\"")
               .flag("evaluation.passed", true)
               .real("evaluation.score", 0.875)
               .values());
  view.add(Made(Kind::routing_decision, 20 * kSecond, 4, "two").text("selectedAgent", "a").values());
  view.add(Made(Kind::task_execution, 21 * kSecond, 5, "two").text("agentId", "a").flag("outcome.success", false).values());
  view.add(Made(Kind::routing_decision, 30 * kSecond, 8, "three").text("selectedAgent", "c").real("propensity", 0.5).values());
  view.add(Made(Kind::routing_decision, 40 * kSecond, 9, "four").text("selectedAgent", "c").real("propensity", 0).values());
}

fs::path publish(const TemporaryDirectory& directory, const MemoryView& view) {
  snapshot::ExportOptions options;
  options.directory = directory.string();
  options.formats = {"decisions.dsjson", "decisions.dsjson.zst", "decisions.npy"};
  auto published = snapshot::publish(view, options);
  if (!published) FAIL(published.error().message);
  return published->path;
}

// Writes the snapshot's file anew, and makes manifest and sums fit.
std::vector<std::string> problems_after(const fs::path& path, const std::string& name, const std::string& content) {
  write_file(path / name, content);
  const std::string sum = run_shell("sha256sum '" + (path / name).string() + "'").output.substr(0, 64);
  auto manifest = boost::json::parse(file_text(path / "manifest.json"));
  std::string sums;
  for (auto& file : manifest.at("files").as_array()) {
    if (file.at("name").as_string() == name) {
      file.at("sha256") = sum;
      file.at("bytes") = content.size();
    }
    sums += std::string(file.at("sha256").as_string()) + "  " + std::string(file.at("name").as_string()) + "\n";
  }
  write_file(path / "manifest.json", boost::json::serialize(manifest));
  write_file(path / "SHA256SUMS",
             sums + run_shell("sha256sum < '" + (path / "manifest.json").string() + "'").output.substr(0, 64) + "  manifest.json\n");
  const auto report = snapshot::verify(path.string());
  REQUIRE(report.has_value());
  return report->problems;
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

using Problems = std::vector<std::string>;

}  // namespace

TEST_CASE("a line of dsjson is a labelled example, its cost first") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view);
  const fs::path path = publish(directory, view);
  CHECK(file_text(path / "decisions.dsjson") ==
        R"({"_label_cost":-0.875,"_label_probability":0.25,"_label_Action":2,"_labelIndex":1,"Timestamp":"1970-01-01T00:00:10.000Z",)"
        R"("Version":"1","EventId":"ab000000000000000000000000000000-0-1","a":[2,1],"c":{"task":{"taskType":"review"},)"
        R"("context":{"size":1.50},"_multi":[{"agent":{"id":"a","score":0.5}},{"agent":{"id":"b"}}]},"p":[0.25,0.75],)"
        R"("VWState":{"m":"v7"}})"
        "\n");
  CHECK(run_shell("zstd -dcq '" + (path / "decisions.dsjson.zst").string() + "'").output == file_text(path / "decisions.dsjson"));
}

TEST_CASE("a chosen agent that is none of the alternatives is the last action, and unknown probabilities are not made up") {
  const TemporaryDirectory directory;
  MemoryView view;
  view.add(Made(Kind::routing_decision, kSecond, 1)
               .text("selectedAgent", "c")
               .real("propensity", 0.5)
               .alternatives({{"a", -1, 0.25}, {"b", -1, -1}})
               .values());
  view.add(Made(Kind::task_execution, 2 * kSecond, 2).text("agentId", "c").flag("outcome.success", false).values());
  const std::string text = file_text(publish(directory, view) / "decisions.dsjson");
  CHECK(text.starts_with(R"({"_label_cost":0,"_label_probability":0.5,"_label_Action":3,"_labelIndex":2,)"));
  CHECK(text.find(R"("a":[3,1,2],"c":{"task":{},"_multi":[{"agent":{"id":"a"}},{"agent":{"id":"b"}},{"agent":{"id":"c"}}]}})") !=
        std::string::npos);
  CHECK(text.find("\"p\"") == std::string::npos);
}

TEST_CASE("what dsjson leaves out is counted in the manifest, and the states of the join with it") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view);
  const fs::path path = publish(directory, view);
  const auto manifest = boost::json::parse(file_text(path / "manifest.json"));
  CHECK(boost::json::serialize(manifest.at("decisions")) ==
        R"({"total":4,"byJoinState":{"complete":1,"pending":2,"censored":0,"orphan":1},"withReward":2,"beyondJoin":0})");
  const auto& files = manifest.at("files").as_array();
  CHECK(files[0].at("name") == "decisions.dsjson.zst");
  CHECK(files[0].at("rows") == 1);
  CHECK(boost::json::serialize(files[0].at("leftOut")) == R"({"withoutPropensity":1,"zeroPropensity":1,"withoutReward":1})");
  CHECK(files[2].at("name") == "decisions.npy");
  CHECK(files[2].at("rows") == 4);
  CHECK_FALSE(files[2].as_object().contains("leftOut"));
}

TEST_CASE("decisions.npy is a structured array that NumPy maps: aligned header, rows of one size, nothing cut") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view);
  const std::string bytes = file_text(publish(directory, view) / "decisions.npy");
  const auto header = npy::read_header(bytes);
  REQUIRE(header.has_value());
  CHECK(header->header_bytes % 64 == 0);
  CHECK(header->rows == 4);
  CHECK(bytes.size() == header->header_bytes + 4 * header->row_bytes);
  const std::string text = bytes.substr(10, header->header_bytes - 10);
  CHECK(
      text.starts_with("{'descr': [('id', '|S36'), ('decidedAt', '<M8[ns]'), ('decisionId', '|S2'), ('taskId', '|S10'), "
                       "('taskType', '|S6'), ('selectedAgent', '|S1'), ('routingStrategy', '|S1'), ('policyVersion', '|S2'), "
                       "('confidence', '<f8'), ('propensity', '<f8'), ('chosenIndex', '<i8'), ('candidates', '<i8'), "
                       "('joinState', '|S8'), ('attempts', '<i8'), ('success', '|i1'), "));
  CHECK(text.find("('lossesBefore', '<i8'), ], 'fortran_order': False, 'shape': (4,), }") != std::string::npos);
  CHECK(text.back() == '\n');

  const auto row = [&](std::size_t i) { return bytes.substr(header->header_bytes + i * header->row_bytes, header->row_bytes); };
  const std::string first = row(0), second = row(1), third = row(2);
  CHECK(first.substr(0, 36) == "ab000000000000000000000000000000-0-1");
  CHECK(number_at<std::int64_t>(first, 36) == 10 * kSecond);
  CHECK(first.substr(44, 12) == "d1task \"one\"");
  // id 36, decidedAt 8, decisionId 2, taskId 10, taskType 6, selectedAgent 1, strategy 1, policy 2: 66, then confidence
  CHECK(std::isnan(number_at<double>(first, 66)));
  CHECK(number_at<double>(first, 74) == 0.25);
  CHECK(number_at<std::int64_t>(first, 82) == 1);  // chosenIndex
  CHECK(number_at<std::int64_t>(first, 90) == 2);  // candidates
  CHECK(first.substr(98, 8) == "complete");
  CHECK(number_at<std::int64_t>(first, 106) == 1);  // attempts
  CHECK(first[114] == 1);                           // success
  CHECK(second[114] == 0);
  CHECK(third[114] == -1);
  CHECK(std::isnan(number_at<double>(second, 74)));  // propensity
  CHECK(number_at<std::int64_t>(second, 82) == -1);
  CHECK(number_at<std::int64_t>(third, third.size() - 8) == 2);  // lossesBefore: 6, 7
  // qualityScore 115, tokens 123, durationNs 131, startedAt 139, completedAt 147, reward 155
  CHECK(number_at<std::int64_t>(first, 131) == 2 * kSecond);
  CHECK(number_at<std::int64_t>(third, 139) == INT64_MIN);  // NaT
  CHECK(number_at<double>(first, 155) == 0.875);
  CHECK(number_at<double>(second, 155) == 0.0);
  CHECK(std::isnan(number_at<double>(third, 155)));
}

TEST_CASE("NumPy maps decisions.npy and finds in it what was recorded") {
  if (run_shell("/usr/bin/python3 -c 'import numpy'").status != 0) {
    MESSAGE("not run: NumPy and decisions.npy: there is no python3-numpy");
    return;
  }
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view);
  const fs::path path = publish(directory, view);
  write_file(directory.path / "read.py", R"(import sys, numpy
a = numpy.load(sys.argv[1], mmap_mode="r")
print(type(a).__name__, a.shape, len(a.dtype.names))
print(a["taskId"].tolist(), a["decidedAt"][0], a["startedAt"].tolist()[0], numpy.isnat(a["startedAt"]).tolist())
print(a["reward"].tolist(), a["success"].tolist(), a["chosenIndex"].tolist(), a["joinState"].tolist())
print(a["rewardSource"].tolist(), a["rewardLatency"][0], a["lossesBefore"].tolist())
)");
  const Ran read =
      run_shell("/usr/bin/python3 '" + (directory.path / "read.py").string() + "' '" + (path / "decisions.npy").string() + "'");
  CHECK(read.status == 0);
  CHECK(read.output ==
        "memmap (4,) 31\n"
        "[b'task \"one\"', b'two', b'three', b'four'] 1970-01-01T00:00:10.000000000 11000000000 [False, True, True, True]\n"
        "[0.875, 0.0, nan, nan] [1, 0, -1, -1] [1, -1, -1, -1] [b'complete', b'orphan', b'pending', b'pending']\n"
        "[b'evaluation', b'success', b'', b''] 0.967741935483871 [0, 0, 2, 0]\n");
}

TEST_CASE("a header of an array is read back, and nothing else is") {
  const std::vector<npy::Field> fields = {{"a", "<f8"}, {"b", "|S300"}, {"c", "|i1"}};
  for (const std::uint64_t rows : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{123'456'789'012}}) {
    const std::string header = npy::header(fields, rows);
    CHECK(header.size() % 64 == 0);
    const auto claimed = npy::read_header(header + "rows");
    REQUIRE(claimed.has_value());
    CHECK(claimed->rows == rows);
    CHECK(claimed->row_bytes == 309);
    CHECK(claimed->header_bytes == header.size());
    for (std::size_t cut = 0; cut < header.size(); ++cut) CHECK_FALSE(npy::read_header(header.substr(0, cut)).has_value());
  }
  std::string other = npy::header(fields, 7);
  other.replace(other.find("<f8"), 3, "<c8");
  CHECK_FALSE(npy::read_header(other).has_value());
}

TEST_CASE("verify looks into both: rows, labels, and that none is missing") {
  const TemporaryDirectory directory;
  MemoryView view;
  fill(view);
  const fs::path path = publish(directory, view);
  const auto good = snapshot::verify(path.string());
  REQUIRE(good.has_value());
  CHECK(good->problems == Problems{});
  CHECK(good->decisions == 1);  // of the first file of decisions

  const std::string line = file_text(path / "decisions.dsjson"), array = file_text(path / "decisions.npy");
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = line;
    return text.replace(text.find(from), from.size(), to);
  };
  const auto line_is = [&](const std::string& content) { return problems_after(path, "decisions.dsjson", content); };
  CHECK(line_is("") == Problems{"decisions.dsjson: decisions: 3, but the manifest says 4: export again"});
  CHECK(line_is("x\n") == Problems{"decisions.dsjson: line 1: is not JSON: export again"});
  CHECK(line_is(with("_label_cost", "_label_kost")) == Problems{"decisions.dsjson: line 1: does not begin with its cost: export again"});
  CHECK(line_is(with("0.25", "0.0")) == Problems{"decisions.dsjson: line 1: its probability is not above 0 and at most 1: export again"});
  CHECK(line_is(with("\"_labelIndex\":1", "\"_labelIndex\":2")) ==
        Problems{"decisions.dsjson: line 1: its label is on none of its actions: export again"});
  CHECK(line_is(with("\"p\":[0.25,0.75]", "\"p\":[1]")) ==
        Problems{"decisions.dsjson: line 1: has not a probability for each action: export again"});
  CHECK(line_is(line) == Problems{});

  const auto array_is = [&](const std::string& content) { return problems_after(path, "decisions.npy", content); };
  CHECK(array_is(array.substr(0, array.size() - 1)) ==
        Problems{"decisions.npy: does not hold the number of rows that its header says: export again"});
  CHECK(array_is(array.substr(0, 100)) == Problems{"decisions.npy: has no header of a NumPy array of decisions: export again"});
  CHECK(array_is(array.substr(1)) == Problems{"decisions.npy: has no header of a NumPy array of decisions: export again"});
  CHECK(array_is(array) == Problems{});
}
