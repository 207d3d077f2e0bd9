// What is wrong is refused with its name, and changes nothing.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arbiter/producer.hpp>
#include <cmath>
#include <fstream>
#include <limits>

#include "shm/abi.hpp"
#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

struct Refused {
  const char* what;
  RecordResult result;
  const char* field;
  const char* rule;
};

std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += R"({"a":)";
  return text + "1" + std::string(static_cast<std::size_t>(depth), '}');
}

}  // namespace

TEST_CASE("calls that break a rule are refused with field and rule, are counted, and lose nothing else") {
  Place place;
  Collector collector(place, plain_config());
  const std::string lanes = place.lanes();
  Producer p({.ring_dir = lanes});
  const auto decision = [&](RoutingDecision d) {
    if (d.task_id.data() == nullptr) d.task_id = "t";
    d.selected_agent = "a";
    return p.record(d);
  };
  const auto outcome = [&](Outcome o) { return p.record(TaskExecution{.task_id = "t", .agent_id = "a", .outcome = o}); };
  const std::string long_id(256, 'x'), too_big(64 * 1024 + 1, 'y'), deep = nested(65), not_deep = nested(64);

  REQUIRE(decision({.confidence = 0.5}).recorded());
  const Refused refused[] = {
      {"NaN", decision({.confidence = std::nan("")}), "confidence", "is not a finite number"},
      {"infinity", outcome({.success = true, .cost_usd = std::numeric_limits<double>::infinity()}), "outcome.costUsd",
       "is not a finite number"},
      {"over 1", decision({.confidence = 1.0000001}), "confidence", "is out of its range"},
      {"below 0", outcome({.success = true, .quality_score = -0.1}), "outcome.qualityScore", "is out of its range"},
      {"negative count", outcome({.success = true, .tokens_consumed = -1}), "outcome.tokensConsumed", "is out of its range"},
      {"empty id", decision({.task_id = ""}), "taskId", "is required and is missing or empty"},
      {"no success", outcome({}), "outcome.success", "is required and is missing or empty"},
      {"long id", decision({.task_id = long_id}), "taskId", "is longer than 255 bytes"},
      {"not UTF-8", decision({.rationale = "\xff\xfe"}), "rationale", "is not UTF-8"},
      {"64 KiB + 1", decision({.rationale = too_big}), "", "makes the event larger than 64 KiB"},
      {"JSON too deep", decision({.context = deep}), "context", "is JSON nested deeper than 64"},
      {"not JSON", decision({.context = "{"}), "context", "is not one JSON object"},
      {"not a choice", p.record(AgentStatusChange{.agent_id = "a", .status = "asleep"}), "status", "is not one of the words allowed"},
      {"trace id", decision({.trace_id = "xyz"}), "traceId", "is not the right number of lower-case hex digits"},
  };
  for (const Refused& r : refused) {
    CAPTURE(r.what);
    CHECK(r.result.status() == Status::refused);
    CHECK(std::string(r.result.rule()) == r.rule);
    if (*r.field != '\0') CHECK(std::string(r.result.field()) == r.field);
  }
  REQUIRE(decision({.context = not_deep}).recorded());

  const json::object stats = collector.stats();
  CHECK(stats.at("retainedEvents") == 2);
  CHECK(stats.at("losses").at("refused") == std::size(refused));
  CHECK(stats.at("losses").at("dropped") == 0);
  CHECK(stats.at("losses").at("quarantined") == 0);
  CHECK(p.account().refused == std::size(refused));
}

TEST_CASE("an event of exactly 64 KiB goes through unharmed, to the byte") {
  Place place;
  Collector collector(place, plain_config());
  const std::string lanes = place.lanes();
  Producer p({.ring_dir = lanes});
  std::string text(70'000, 'z');
  std::size_t largest = 0;
  for (std::size_t low = 0, high = text.size(); low < high;) {  // the largest that is not refused
    const std::size_t middle = (low + high + 1) / 2;
    if (p.record(EvaluationOutcome{.task_id = "t", .evaluation = {.passed = true, .feedback = std::string_view(text).substr(0, middle)}})
            .recorded())
      low = largest = middle;
    else
      high = middle - 1;
  }
  CHECK(largest > 65'000);
  CHECK(largest < 65'536);
  std::size_t longest = 0;
  for (const json::object& e : collector.events())
    longest = std::max(longest, e.at("data").at("evaluation").at("feedback").as_string().size());
  CHECK(longest == largest);
}

TEST_CASE("a directory of lanes that may not be written is said to be so, by the collector and by producers") {
  Place place;
  const fs::path file = place.write("file", "x");
  const Ran collector =
      place.run("arbiter-collector", {"--ring-dir", file / "lanes", "--state-dir", place.state(), "--socket", place.socket()});
  CHECK(collector.exit == 1);
  CHECK(collector.err.starts_with("arbiter-collector: "));
  CHECK(collector.err.find((file / "lanes").string()) != std::string::npos);

  const std::string lanes = file / "lanes";
  Producer producer({.ring_dir = lanes});
  CHECK(producer.record(Event{.type = "probe", .data = "{}"}).status() == Status::dropped);
  CHECK(producer.problem().find(lanes) != std::string::npos);
  const Ran replay = place.run("arbiter-replay", {"--input", place.sample(3), "--ring-dir", lanes});
  CHECK(replay.exit == 1);
  CHECK(replay.err.find(lanes) != std::string::npos);
}

TEST_CASE("files in the lanes directory that are none of ours, or of another ABI, or cut short, harm nothing and are left or set aside") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(10));
  REQUIRE(collector.stats().at("retainedEvents") == 40);
  REQUIRE(collector.stop() == 0);

  // A real segment, taken from a producer that no collector served.
  place.replay(place.sample(20));
  fs::path real;
  for (const auto& entry : fs::directory_iterator(place.lanes())) real = entry.path();
  const std::string bytes = read_file(real);
  const auto name = [&](char digit) { return place.lanes() / ("lanes-" + std::string(32, digit)); };
  const auto write = [](const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; };
  std::string foreign_magic = bytes.substr(0, 65536), foreign_abi = foreign_magic, half = foreign_magic;
  foreign_magic[0] = 'X';
  foreign_abi[offsetof(abi::SegmentHeader, major)] = 99;
  write(place.lanes() / "notes.txt", "not a segment");
  write(name('0'), "");
  write(name('1'), foreign_magic);
  write(name('2'), foreign_abi);
  write(name('3'), half);
  write(name('4'), bytes.substr(0, 100));
  fs::create_directory(name('5'));

  collector.start();
  CHECK(collector.stats().at("retainedEvents") == 40 + 80);
  place.replay(place.sample(30));
  CHECK(collector.stats().at("retainedEvents") == 40 + 80 + 120);
  CHECK(fs::exists(name('2')));  // of a newer producer, perhaps: not ours to remove
  CHECK(fs::exists(place.lanes() / "notes.txt"));
  CHECK(sum_of(collector.stats().at("losses")) == 0);
  CHECK(collector.stop() == 0);
}

TEST_CASE("a segment that is cut short while its producer lives does not hurt the collector or others") {
  Place place;
  Collector collector(place, plain_config());
  const std::string lanes = place.lanes();
  Producer producer({.ring_dir = lanes});
  REQUIRE(producer.record(Event{.type = "probe", .data = "{}"}).recorded());
  REQUIRE(collector.stats().at("retainedEvents") == 1);
  // A copy that nobody holds, truncated under the collector.
  fs::path real;
  for (const auto& entry : fs::directory_iterator(place.lanes())) real = entry.path();
  collector.kill();
  fs::resize_file(real, 65536);
  collector.start();
  place.replay(place.sample(10));
  CHECK(collector.stats().at("retainedEvents") == 41);
  CHECK(collector.running());
}

TEST_CASE("a second collector on the same lanes or the same state is refused, and names the first") {
  Place place;
  Collector collector(place, plain_config());
  const std::string pid = std::to_string(collector.pid());
  const fs::path other_lanes = place.root() / "other-lanes", other_state = place.root() / "other-state",
                 other_socket = place.root() / "other.sock";
  const Ran same_state = place.run("arbiter-collector", {"--ring-dir", other_lanes, "--state-dir", place.state(), "--export-dir",
                                                         place.exports(), "--socket", other_socket});
  CHECK(same_state.exit == 1);
  CHECK_MESSAGE(same_state.err.find(pid) != std::string::npos, same_state.err);
  const Ran same_lanes = place.run("arbiter-collector", {"--ring-dir", place.lanes(), "--state-dir", other_state, "--export-dir",
                                                         place.exports(), "--socket", other_socket});
  CHECK(same_lanes.exit == 1);
  CHECK_MESSAGE(same_lanes.err.find(pid) != std::string::npos, same_lanes.err);
  // The first goes on.
  place.replay(place.sample(5));
  CHECK(collector.stats().at("retainedEvents") == 20);
}

TEST_CASE("a state made under an anonymisation key is refused without it") {
  Place place;
  Collector collector(place);
  place.replay(place.sample(5), {"--time", "now"});
  REQUIRE(collector.stop() == 0);
  fs::path key;
  for (const auto& entry : fs::directory_iterator(place.state()))
    if (entry.path().extension() == ".key") key = entry.path();
  REQUIRE(!key.empty());
  struct stat status {};
  REQUIRE(::stat(key.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const std::string bytes = read_file(key);
  fs::remove(key);
  const Ran refused = place.run("arbiter-collector", {"--ring-dir", place.lanes(), "--state-dir", place.state(), "--export-dir",
                                                      place.exports(), "--socket", place.socket()});
  CHECK(refused.exit == 1);
  CHECK_MESSAGE(refused.err.find(key.filename().string()) != std::string::npos, refused.err);
  CHECK(!fs::exists(key));  // nothing was made up in its place

  std::ofstream(key, std::ios::binary) << bytes;
  fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
  collector.start();
  CHECK(collector.stats().at("retainedEvents") == 20);
}

}  // namespace arbiter::test
