// What a program of C records is what training jobs read: each kind and each field, through ring, journal and export.
#include <doctest/doctest.h>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

// Of an exported event, what tests/c/every_kind.jsonl says of it.
json::object told(json::object event) {
  event.erase("id");
  event.erase("timestamp");
  return event;
}

std::vector<json::object> expected() { return read_lines(fs::path(ARBITER_SOURCE_DIR) / "tests/c/every_kind.jsonl"); }

}  // namespace

TEST_CASE("every kind and field that C records is in the export, value for value, from functions, a batch and a run; and flush says so") {
  std::string program;
  SUBCASE("compiled as C99") { program = "c_every_function"; }
  SUBCASE("compiled as C++") { program = "c_every_function_as_cpp"; }
  Place place;
  Collector collector(place, plain_config());
  const Ran ran = place.run(program, {"collected"});
  CHECK_MESSAGE(ran.exit == 0, ran.err);
  CHECK(ran.out == "flushed 1\n");

  const fs::path file = collector.snapshot({"--format", "events.jsonl"}) / "events.jsonl";
  const std::vector<json::object> events = read_lines(file), expected = test::expected();
  REQUIRE(expected.size() == 13);
  REQUIRE(events.size() == 28);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(told(events[i]) == expected[i]);

  // The batch: the same, 100 ns later.
  for (std::size_t i = 0; i < expected.size(); ++i) {
    json::object later = told(events[13 + i]), wanted = expected[i];
    CHECK(std::stoll(later.at("timestampNs").as_string().c_str()) == std::stoll(wanted.at("timestampNs").as_string().c_str()) + 100);
    later.erase("timestampNs");
    wanted.erase("timestampNs");
    if (later.at("type") == "task-execution") {
      CHECK(later.at("data").at("startedAtNs") == "1730000000121956889");
      CHECK(later.at("data").at("routingDecision").at("decidedAtNs") == "1730000000120956889");
      wanted.at("data").at("startedAtNs") = "1730000000121956889";
      wanted.at("data").at("routingDecision").at("decidedAtNs") = "1730000000120956889";
    }
    CHECK(later == wanted);
  }

  // The run: ids and decision of its start, and the time between the two.
  const json::object &start = events[26], &completion = events[27];
  CHECK(start.at("type") == "task-start");
  CHECK(completion.at("type") == "task-execution");
  CHECK(completion.at("data").at("executionId") == start.at("data").at("executionId"));
  CHECK(completion.at("data").at("decisionId") == "decision-3");
  CHECK(completion.at("agentId") == "agent-7");
  CHECK(completion.at("taskId") == "task-3");
  CHECK(completion.at("data").at("durationMs") == 2);
  CHECK(completion.at("data").at("outcome").at("success") == true);
  CHECK(completion.at("data").at("outcome").at("qualityScore") == 0.9);

  // JSON of the caller's own: to the digit.
  const std::string text = read_file(file);
  CHECK(text.find("1.50") != std::string::npos);
  CHECK(text.find("12345678901234567890123") != std::string::npos);
}

}  // namespace arbiter::test
