#include "tools/arbiter-replay/import.hpp"

#include <doctest/doctest.h>

namespace arbiter::replay {
namespace {

constexpr Kind kDecision = Kind::routing_decision;
constexpr unsigned kConfidence = schema::field(kDecision, "confidence");
constexpr unsigned kContext = schema::field(kDecision, "context");
constexpr unsigned kAlternatives = schema::field(kDecision, "alternativesConsidered");
constexpr unsigned kTask = schema::field(kDecision, "taskId");

std::string line(std::string_view type, std::string_view data, std::string_view more = {}) {
  return "{\"id\":\"x-0-1\",\"type\":\"" + std::string(type) +
         "\",\"timestamp\":\"2026-11-23T06:40:00.123Z\",\"timestampNs\":\"1795416000123456789\"" + std::string(more) +
         ",\"data\":" + std::string(data) + "}";
}

std::string why(const std::string& text) {
  Importer importer(true);
  const auto values = importer.read(text);
  return values ? "" : values.error().message;
}

}  // namespace

TEST_CASE("an exported decision is read back field by field") {
  Importer importer(true);
  const std::string text = line(
      "routing-decision",
      R"({"taskId":"t \"1\"","selectedAgent":"a","confidence":0.1,"context":{"n":1.50,"big":123456789012345678901},"alternativesConsidered":[{"reason":"r","agentId":"b","score":-2},{"agentId":"anon-000102030405060708090a0b0c0d0e0f"}],"rationale":""})",
      R"(,"agentId":"a","taskId":"t \"1\"")");
  const auto read = importer.read(text);
  REQUIRE_MESSAGE(read.has_value(), why(text));
  const event::Values& v = **read;
  CHECK(v.kind == kDecision);
  CHECK(v.time_ns == 1'795'416'000'123'456'789);
  CHECK(v.text[kTask].bytes() == "t \"1\"");
  CHECK(v.real(kConfidence) == 0.1);
  CHECK(v.text[kContext].bytes() == R"({"n":1.50,"big":123456789012345678901})");  // numbers to the digit
  CHECK(v.has(schema::field(kDecision, "rationale")));
  CHECK_FALSE(v.has(schema::field(kDecision, "decisionId")));
  CHECK_FALSE(event::validate(v));

  event::ListReader items(schema::kAlternatives, v.text[kAlternatives]);
  REQUIRE(items.next());
  CHECK(items.text(0).bytes() == "b");
  CHECK(items.real(1) == -2);
  CHECK_FALSE(items.has(2));
  CHECK(items.text(3).bytes() == "r");
  REQUIRE(items.next());
  CHECK(items.text(0).hashed);
  CHECK(items.text(0).shown() == "anon-000102030405060708090a0b0c0d0e0f");
  CHECK_FALSE(items.next());
}

TEST_CASE("what an export derives is not taken from it") {
  Importer importer(true);
  const std::string text = line(
      "task-execution",
      R"({"executionId":"e","taskId":"t","agentId":"a","startedAtNs":"1795415999000000000","outcome":{"success":true,"tokensConsumed":9223372036854775807},"durationMs":1000.123456,"joinState":"complete"})",
      R"(,"revision":2)");
  const auto read = importer.read(text);
  REQUIRE_MESSAGE(read.has_value(), why(text));
  CHECK((*read)->time(schema::field(Kind::task_execution, "startedAtNs")) == 1'795'415'999'000'000'000);
  CHECK((*read)->flag(schema::field(Kind::task_execution, "outcome.success")));
  CHECK((*read)->count(schema::field(Kind::task_execution, "outcome.tokensConsumed")) == INT64_MAX);

  SUBCASE("and recorded as of now it carries no time of its start") {
    Importer now(false);
    const auto again = now.read(text);
    REQUIRE(again.has_value());
    CHECK((*again)->time_ns == abi::kNoTime);
    CHECK_FALSE((*again)->has(schema::field(Kind::task_execution, "startedAtNs")));
  }
}

TEST_CASE("a start that was let go stays let go") {
  Importer importer(true);
  const std::string text = line("task-start", R"({"executionId":"e","taskId":"t","agentId":"a","joinState":"censored"})");
  const auto read = importer.read(text);
  REQUIRE_MESSAGE(read.has_value(), why(text));
  CHECK((*read)->flag(schema::field(Kind::task_start, "censored")));
}

TEST_CASE("an event of a type of the caller's own keeps its data as it is written, and its trace") {
  Importer importer(true);
  const std::string text =
      line("deploy-finished", R"({"a":[1.0,{"b":null}]})", R"(,"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef")");
  const auto read = importer.read(text);
  REQUIRE_MESSAGE(read.has_value(), why(text));
  CHECK((*read)->kind == Kind::generic);
  CHECK((*read)->text[schema::field(Kind::generic, "type")].bytes() == "deploy-finished");
  CHECK((*read)->text[schema::field(Kind::generic, "data")].bytes() == R"({"a":[1.0,{"b":null}]})");
  CHECK((*read)->text[schema::field(Kind::generic, "traceId")].bytes() == "0123456789abcdef0123456789abcdef");
  CHECK_FALSE(event::validate(**read));
}

TEST_CASE("maps, lists of strings and nested objects are read") {
  Importer importer(true);
  const std::string judgment =
      line("model-judgment",
           R"({"taskId":"t","allCriteriaPass":false,"criteriaScores":{"clear":0.5,"\"odd\"":-1e3},"eventType":"model_judgment"})");
  auto read = importer.read(judgment);
  REQUIRE_MESSAGE(read.has_value(), why(judgment));
  event::ListReader scores(schema::kScores, (*read)->text[schema::field(Kind::model_judgment, "criteriaScores")]);
  REQUIRE(scores.next());
  CHECK(scores.text(0).bytes() == "clear");
  CHECK(scores.real(1) == 0.5);
  REQUIRE(scores.next());
  CHECK(scores.text(0).bytes() == "\"odd\"");
  CHECK(scores.real(1) == -1000);
  CHECK_FALSE(scores.next());

  const std::string registration = line(
      "agent-registration",
      R"({"agentId":"a","capabilities":["x","y z"],"baselineMetrics":{"latencyMs":12.5,"accuracy":1},"eventType":"agent_registration"})");
  read = importer.read(registration);
  REQUIRE_MESSAGE(read.has_value(), why(registration));
  CHECK((*read)->real(schema::field(Kind::agent_registration, "baselineMetrics.accuracy")) == 1);
  event::ListReader capabilities(schema::kCapabilities, (*read)->text[schema::field(Kind::agent_registration, "capabilities")]);
  CHECK(capabilities.size() == 2);
}

TEST_CASE("an unknown, doubled or ill-typed field is refused by its name") {
  CHECK(why(line("task-start", R"({"executionId":"e","taskId":"t","agentId":"a","taskid":"t"})")) ==
        "'data.taskid' is no field of a task-start");
  CHECK(why(line("task-start", R"({"executionId":"e","executionId":"f"})")) == "'data.executionId' is there twice");
  CHECK(why(line("task-start", R"({"executionId":7})")) == "'data.executionId' is not a string");
  CHECK(why(line("task-start", R"({"censored":true})")) == "'data.censored' is no field of a task-start");
  CHECK(why(line("task-execution", R"({"outcome":{"success":"yes"}})")) == "'data.outcome.success' is neither true nor false");
  CHECK(why(line("task-execution", R"({"outcome":{"tokensConsumed":-1}})")) ==
        "'data.outcome.tokensConsumed' is not a whole number from 0 to 9223372036854775807");
  CHECK(why(line("task-execution", R"({"outcome":7})")) == "'data.outcome' is not an object");
  CHECK(why(line("task-execution", R"({"outcome":{"qualityScore":1e999}})")) ==
        "'data.outcome.qualityScore' is not a number that a double can hold");
  CHECK(why(line("routing-decision", R"({"alternativesConsidered":[{"agent":"b"}]})")) ==
        "'data.alternativesConsidered.agent' is no field of its items");
  CHECK(why(line("model-judgment", R"({"criteriaScores":{"a":"b"}})")) ==
        "data.criteriaScores: 'an item' is not a number that a double can hold");
  CHECK(why(line("rl-training-metrics", R"({"eventType":"budget_usage"})")) ==
        "'data.eventType' is not \"rl_training\", as for a rl-training-metrics");
  CHECK(why(line("task-start", "{}", R"(,"note":1)")) == "'note' is no field of an event");
  CHECK(why(R"({"data":{}})") == "'type' is missing or empty");
  CHECK(why(R"({"type":"x","data":{}})") == "'timestamp' is missing");
  CHECK(why(R"({"type":"x","timestamp":"yesterday","data":{}})") == "'timestamp' is not a time such as 2026-11-23T06:40:00.123Z");
}

TEST_CASE("a timestamp alone says the time to what it says") {
  CHECK(*parse_timestamp("1970-01-01T00:00:00Z") == 0);
  CHECK(*parse_timestamp("2026-11-23T06:40:00.123Z") == 1'795'416'000'123'000'000);
  CHECK(*parse_timestamp("1969-12-31T23:59:59.999999999Z") == -1);
  for (const char* bad : {"", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
                          "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+01:00"})
    CHECK_FALSE_MESSAGE(parse_timestamp(bad).has_value(), bad);
}

}  // namespace arbiter::replay
