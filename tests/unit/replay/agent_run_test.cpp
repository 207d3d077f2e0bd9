#include "tools/arbiter-replay/agent_run.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "tools/arbiter-replay/sample.hpp"

namespace arbiter::replay {
namespace {

std::string why(std::string_view line) {
  const auto run = parse_agent_run(line);
  return run ? "" : run.error().message;
}

}  // namespace

TEST_CASE("a run is read with all its fields") {
  const auto run = parse_agent_run(
      R"({"run_id":"r-1","task_id":"f/t","task_family":"f","agent_id":"Claude \"X\"","started_at_ms":1728601365278,"completed_at_ms":1728611086957,"score":1.22771e-05,"success":false,"error":"usageLimits"})");
  REQUIRE(run.has_value());
  CHECK(run->run_id == "r-1");
  CHECK(run->task_id == "f/t");
  CHECK(run->task_family == "f");
  CHECK(run->agent_id == "Claude \"X\"");
  CHECK(run->started_at_ns() == 1'728'601'365'278'000'000);
  CHECK(run->completed_at_ns() == 1'728'611'086'957'000'000);
  CHECK(run->score == 1.22771e-05);
  CHECK_FALSE(run->success);
  CHECK(run->context() == R"({"task_id":"f/t","error":"usageLimits"})");
}

TEST_CASE("task, family, score and error may be missing or null") {
  const auto run = parse_agent_run(
      R"({"run_id":"r","agent_id":"a","started_at_ms":1.5e3,"completed_at_ms":2000,"success":true,"score":null,"error":null})");
  REQUIRE(run.has_value());
  CHECK(run->started_at_ms == 1500);
  CHECK_FALSE(run->score.has_value());
  CHECK(run->context() == R"({"task_id":null,"error":null})");
}

TEST_CASE("what is wrong with a run is said of its field") {
  const std::string good = R"("run_id":"r","agent_id":"a","started_at_ms":1,"completed_at_ms":2,"success":true)";
  CHECK(why("{" + good + "}") == "");
  CHECK(why(R"({"agent_id":"a","started_at_ms":1,"completed_at_ms":2,"success":true})") == "'run_id' is missing or empty");
  CHECK(why(R"({"run_id":"","agent_id":"a","started_at_ms":1,"completed_at_ms":2,"success":true})") == "'run_id' is missing or empty");
  CHECK(why(R"({"run_id":7,"agent_id":"a"})") == "'run_id' is not a string");
  CHECK(why(R"({"run_id":")" + std::string(256, 'x') + R"(","agent_id":"a"})") == "'run_id' is longer than 255 bytes");
  CHECK(why(R"({"run_id":"r","agent_id":"a","completed_at_ms":2,"success":true})") == "'started_at_ms' is missing");
  CHECK(why(R"({"run_id":"r","agent_id":"a","started_at_ms":1.5,"completed_at_ms":2,"success":true})") ==
        "'started_at_ms' is not a time in whole milliseconds");
  CHECK(why(R"({"run_id":"r","agent_id":"a","started_at_ms":99999999999999999,"completed_at_ms":2,"success":true})") ==
        "'started_at_ms' is not a time in whole milliseconds");
  CHECK(why("{" + good + R"(,"score":1.5})") == "'score' is not within 0 to 1");
  CHECK(why("{" + good + R"(,"score":"high"})") == "'score' is not a number that a double can hold");
  CHECK(why("{" + good + R"(,"scores":1})") == "'scores' is no field of an agent run");
  CHECK(why(R"({"run_id":"r","agent_id":"a","started_at_ms":1,"completed_at_ms":2,"success":1})") == "'success' is neither true nor false");
}

TEST_CASE("made-up runs are always the same, are runs, and end when they are told to") {
  constexpr std::int64_t end = 1'800'000'000'000;
  std::ostringstream one, two;
  write_sample(one, 400, end);
  write_sample(two, 400, end);
  CHECK(one.str() == two.str());
  std::istringstream lines(one.str());
  std::uint64_t runs = 0, successes = 0;
  std::int64_t last_start = 0;
  for (std::string line; std::getline(lines, line); ++runs) {
    const auto run = parse_agent_run(line);
    REQUIRE_MESSAGE(run.has_value(), line);
    CHECK(run->started_at_ms >= last_start);
    CHECK(run->started_at_ms >= end - 7 * 3600 * 1000);
    CHECK(run->completed_at_ms > run->started_at_ms);
    CHECK(run->completed_at_ms <= end);
    CHECK((run->score == 1.0) == run->success);
    last_start = run->started_at_ms;
    successes += run->success ? 1u : 0u;
  }
  CHECK(runs == 400);
  CHECK(successes > 180);
  CHECK(successes < 320);
}

}  // namespace arbiter::replay
