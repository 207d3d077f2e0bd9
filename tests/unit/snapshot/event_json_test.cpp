#include "collector/snapshot/event_json.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "shm/json_check.hpp"
#include "tests/unit/privacy/sample_event.hpp"

using namespace arbiter;

namespace {

const LaneId kLane = [] {
  LaneId lane;
  for (std::size_t i = 0; i < lane.segment.size(); ++i) lane.segment[i] = static_cast<std::uint8_t>(i * 16 + i);
  lane.lane = 3;
  return lane;
}();

std::string json(const event::Values& values, std::uint32_t revision = 0) {
  std::string out = "x";
  snapshot::append_event_json(out, kLane, values, revision);
  out.erase(0, 1);
  CHECK(check_json_object(out) == JsonCheck::ok);
  return out;
}

std::string json_of_all_fields(Kind kind) {
  sample::Event e;
  sample::fill(e, kind);
  for (const char* path : {"context", "data"})
    if (const int f = schema::find_field(kind, path); f >= 0)
      e.values.set_text(static_cast<unsigned>(f), e.keep(R"({"x":1.50,"agent":["a"]})"));
  return json(e.values);
}

std::string head(std::string_view type) {
  return R"({"id":"00112233445566778899aabbccddeeff-3-7","type":")" + std::string(type) +
         R"(","timestamp":"2023-11-14T22:13:20.123Z","timestampNs":"1700000000123456789",)";
}

const std::string kTrace = R"("traceId":"cccccccccccccccccccccccccccccccc","spanId":"cccccccccccccccc")";

}  // namespace

TEST_CASE("an agent's registration, every field") {
  CHECK(json_of_all_fields(Kind::agent_registration) ==
        head("agent-registration") + R"("agentId":"raw-agentId","data":{"agentId":"raw-agentId","capabilities":["item-0","item-1"],)" +
            R"("baselineMetrics":{"latencyMs":0.125,"accuracy":0.125,"costPerTask":0.125,"reliability":0.125},)" + kTrace +
            R"(,"eventType":"agent_registration"}})");
}

TEST_CASE("an agent's change of status, every field") {
  CHECK(
      json_of_all_fields(Kind::agent_status_change) ==
      head("agent-status-change") +
          R"("agentId":"raw-agentId","data":{"agentId":"raw-agentId","status":"available","previousStatus":"word of previousStatus","reason":"raw-reason",)" +
          kTrace + R"(,"eventType":"agent_status_change"}})");
}

TEST_CASE("a routing decision, every field") {
  CHECK(
      json_of_all_fields(Kind::routing_decision) ==
      head("routing-decision") +
          R"("agentId":"raw-selectedAgent","taskId":"raw-taskId","data":{"decisionId":"raw-decisionId","taskId":"raw-taskId","taskType":"word of taskType",)" +
          R"("selectedAgent":"raw-selectedAgent","routingStrategy":"word of routingStrategy","confidence":0.125,"propensity":0.125,)" +
          R"("policyVersion":"word of policyVersion","context":{"x":1.50,"agent":["a"]},"alternativesConsidered":[)" +
          R"({"agentId":"raw-agentId0","score":0.25,"probability":0.25,"reason":"raw-reason0"},)" +
          R"({"agentId":"raw-agentId1","score":0.5,"probability":0.5,"reason":"raw-reason1"}],"rationale":"raw-rationale",)" + kTrace +
          "}}");
}

TEST_CASE("a task's start, every field, and one that was let go") {
  const std::string expected =
      head("task-start") +
      R"("agentId":"raw-agentId","taskId":"raw-taskId","data":{"executionId":"raw-executionId","taskId":"raw-taskId","agentId":"raw-agentId",)" +
      R"("taskType":"word of taskType","decisionId":"raw-decisionId","context":{"x":1.50,"agent":["a"]},)" + kTrace;
  CHECK(json_of_all_fields(Kind::task_start) == expected + "}}");
  sample::Event e;
  sample::fill(e, Kind::task_start);
  e.values.set_text(schema::field(Kind::task_start, "context"), std::string_view(R"({"x":1.50,"agent":["a"]})"));
  e.values.set_flag(schema::field(Kind::task_start, "censored"), true);
  CHECK(json(e.values, 1) == expected + R"(,"joinState":"censored"},"revision":1})");
}

TEST_CASE("a task's execution, every field") {
  CHECK(
      json_of_all_fields(Kind::task_execution) ==
      head("task-execution") +
          R"("agentId":"raw-agentId","taskId":"raw-taskId","data":{"executionId":"raw-executionId","decisionId":"raw-decisionId","taskId":"raw-taskId",)" +
          R"("agentId":"raw-agentId","taskType":"word of taskType","startedAtNs":"1700000000121956789","routingDecision":{)" +
          R"("decisionId":"raw-routingDecision.decisionId","selectedAgent":"raw-routingDecision.selectedAgent",)" +
          R"("routingStrategy":"word of routingDecision.routingStrategy","confidence":0.125,"propensity":0.125,)" +
          R"("policyVersion":"word of routingDecision.policyVersion","decidedAtNs":"1700000000121956789"},"outcome":{"success":true,)" +
          R"("qualityScore":0.125,"efficiencyScore":0.125,"tokensConsumed":117,"completionTimeMs":0.125,"tokensIn":119,"tokensOut":120,)" +
          R"("costUsd":0.125,"errorType":"word of outcome.errorType"},)" + kTrace + R"(,"durationMs":1.5,"joinState":"complete"}})");
}

TEST_CASE("a validation, every field") {
  CHECK(
      json_of_all_fields(Kind::constitutional_validation) ==
      head("constitutional-validation") +
          R"("agentId":"raw-agentId","taskId":"raw-taskId","data":{"taskId":"raw-taskId","agentId":"raw-agentId","executionId":"raw-executionId",)" +
          R"("decisionId":"raw-decisionId","validationResult":{"valid":true,"violations":[{"severity":"low","message":"raw-message0","rule":"item-rule0"},)" +
          R"({"severity":"medium","message":"raw-message1","rule":"item-rule1"}],"complianceScore":0.125,"processingTimeMs":0.125,"ruleCount":108},)" +
          kTrace + R"(,"eventType":"constitutional_validation"}})");
}

TEST_CASE("a budget's allocation and usage, every field") {
  CHECK(
      json_of_all_fields(Kind::thinking_budget_allocation) ==
      head("thinking-budget-allocation") +
          R"("taskId":"raw-taskId","data":{"taskId":"raw-taskId","allocatedTokens":101,"complexityLevel":"word of complexityLevel","confidence":0.125,)" +
          kTrace + R"(,"eventType":"thinking_budget"}})");
  CHECK(json_of_all_fields(Kind::thinking_budget_usage) ==
        head("thinking-budget-usage") +
            R"("taskId":"raw-taskId","data":{"taskId":"raw-taskId","tokensUsed":101,"tokensAllocated":102,"utilizationRate":0.125,)" +
            kTrace + R"(,"eventType":"budget_usage"}})");
}

TEST_CASE("a diff's and a model's judgment, every field") {
  CHECK(
      json_of_all_fields(Kind::minimality_evaluation) ==
      head("minimality-evaluation") +
          R"("taskId":"raw-taskId","data":{"taskId":"raw-taskId","minimalityFactor":0.125,"astSimilarity":0.125,"scaffoldingPenalty":0.125,"linesChanged":104,)" +
          R"("qualityAssessment":"word of qualityAssessment",)" + kTrace + R"(,"eventType":"minimality_eval"}})");
  CHECK(
      json_of_all_fields(Kind::model_judgment) ==
      head("model-judgment") +
          R"("taskId":"raw-taskId","data":{"taskId":"raw-taskId","executionId":"raw-executionId","decisionId":"raw-decisionId","overallScore":0.125,)" +
          R"("overallConfidence":0.125,"allCriteriaPass":true,"criteriaScores":{"item-0":0.25,"item-1":0.5},"evaluationTimeMs":0.125,)" +
          kTrace + R"(,"eventType":"model_judgment"}})");
}

TEST_CASE("a training job's metrics, every field") {
  CHECK(
      json_of_all_fields(Kind::rl_training_metrics) ==
      head("rl-training-metrics") +
          R"("data":{"trajectoriesProcessed":100,"averageReward":0.125,"policyLoss":0.125,"valueLoss":0.125,"klDivergence":0.125,"trainingTimeMs":0.125,)" +
          kTrace + R"(,"eventType":"rl_training"}})");
}

TEST_CASE("an evaluation's outcome, every field") {
  CHECK(
      json_of_all_fields(Kind::evaluation_outcome) ==
      head("evaluation-outcome") +
          R"("agentId":"raw-agentId","taskId":"raw-taskId","data":{"taskId":"raw-taskId","agentId":"raw-agentId","executionId":"raw-executionId",)" +
          R"("decisionId":"raw-decisionId","evaluation":{"passed":true,"score":0.125,"rubricScores":{"item-0":0.25,"item-1":0.5},)" +
          R"("feedback":"raw-evaluation.feedback"},)" + kTrace + "}}");
}

TEST_CASE("a generic event shows its data as it is, and its trace beside it") {
  CHECK(json_of_all_fields(Kind::generic) ==
        head("word of type") + R"("agentId":"raw-agentId","taskId":"raw-taskId",)" + kTrace + R"(,"data":{"x":1.50,"agent":["a"]}})");
}

TEST_CASE("fields that are not there are not shown, and neither is an object of none") {
  event::Values v;
  v.stamp = 1;
  v.kind = Kind::agent_registration;
  v.set_text(0, std::string_view("a"));
  const std::string start = R"({"id":"00112233445566778899aabbccddeeff-3-0","type":")";
  const std::string time = R"(","timestamp":"1970-01-01T00:00:00.000Z","timestampNs":"1",)";
  CHECK(json(v) == start + "agent-registration" + time + R"("agentId":"a","data":{"agentId":"a","eventType":"agent_registration"}})");
  v.present = 0;
  v.kind = Kind::rl_training_metrics;
  CHECK(json(v) == start + "rl-training-metrics" + time + R"("data":{"eventType":"rl_training"}})");
  v.kind = Kind::task_execution;
  v.set_text(schema::field(Kind::task_execution, "taskId"), std::string_view("t"));
  v.set_text(schema::field(Kind::task_execution, "agentId"), std::string_view("a"));
  v.set_flag(schema::field(Kind::task_execution, "outcome.success"), false);
  CHECK(
      json(v, 2) ==
      start + "task-execution" + time +
          R"("agentId":"a","taskId":"t","data":{"taskId":"t","agentId":"a","outcome":{"success":false},"durationMs":null,"joinState":"orphan"},)" +
          R"("revision":2})");
  v.present = 0;
  v.kind = Kind::evaluation_outcome;
  std::string none;
  event::ListWriter writer(none);
  v.set_text(schema::field(Kind::evaluation_outcome, "evaluation.rubricScores"), std::string_view(none));
  CHECK(json(v) == start + "evaluation-outcome" + time + R"("data":{"evaluation":{"rubricScores":{}}}})");
}

TEST_CASE("the event's own time goes before its stamp") {
  sample::Event e;
  sample::fill(e, Kind::thinking_budget_usage);
  e.values.time_ns = -1;
  CHECK(json(e.values).find(R"("timestamp":"1969-12-31T23:59:59.999Z","timestampNs":"-1",)") != std::string::npos);
}

TEST_CASE("hashes are shown, everywhere a text may stand") {
  const std::array<char, 16> hash{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, static_cast<char>(255)};
  const std::string shown = R"("anon-000102030405060708090a0b0c0d0eff")";
  sample::Event e;
  sample::fill(e, Kind::routing_decision);
  for (unsigned f = 0; f < schema::info(Kind::routing_decision).fields.size(); ++f) {
    const schema::Field& field = schema::info(Kind::routing_decision).fields[f];
    if (field.string() && field.type != schema::Type::json) e.values.set_text(f, event::Text::hash(hash.data()));
  }
  std::string list;
  event::ListWriter writer(list);
  writer.item();
  writer.text(0, event::Text::hash(hash.data()));
  e.values.set_text(schema::field(Kind::routing_decision, "alternativesConsidered"), std::string_view(list));
  const std::string out = json(e.values);
  CHECK(out.find(R"("agentId":)" + shown + R"(,"taskId":)" + shown) != std::string::npos);
  CHECK(out.find(R"("alternativesConsidered":[{"agentId":)" + shown + "}]") != std::string::npos);
  CHECK(out.find(R"("rationale":)" + shown) != std::string::npos);
  CHECK(out.find(R"("traceId":)" + shown) != std::string::npos);
}

TEST_CASE("durations are exact to the nanosecond, and never negative") {
  const auto duration = [](std::int64_t started, std::int64_t ended) {
    sample::Event e;
    sample::fill(e, Kind::task_execution);
    e.values.set_time(schema::field(Kind::task_execution, "startedAtNs"), started);
    e.values.time_ns = ended;
    const std::string out = json(e.values);
    const std::size_t at = out.find("\"durationMs\":") + 13;
    return out.substr(at, out.find(',', at) - at);
  };
  CHECK(duration(0, 1'909'195'405'283) == "1909195.405283");
  CHECK(duration(0, 1'000'000) == "1");
  CHECK(duration(0, 1) == "0.000001");
  CHECK(duration(0, 100) == "0.0001");
  CHECK(duration(0, 10'100'000) == "10.1");
  CHECK(duration(5, 5) == "0");
  CHECK(duration(6, 5) == "0");
  CHECK(duration(INT64_MIN + 1, INT64_MAX) == "9223372036854.775807");  // as far as 64 bits go
}

TEST_CASE("reals are the shortest text that reads back as the same double") {
  const auto real = [](double value) {
    sample::Event e;
    sample::fill(e, Kind::rl_training_metrics);
    e.values.set_real(schema::field(Kind::rl_training_metrics, "averageReward"), value);
    const std::string out = json(e.values);
    const std::size_t at = out.find("\"averageReward\":") + 16;
    return out.substr(at, out.find(',', at) - at);
  };
  CHECK(real(0.1) == "0.1");
  CHECK(real(1.0 / 3) == "0.3333333333333333");
  CHECK(real(100) == "100");
  CHECK(real(-0.0) == "-0");
  CHECK(real(1e300) == "1e+300");
  CHECK(real(5e-324) == "5e-324");
  for (const double value : {0.1, 1.0 / 3, 123456789.123456789, 1e22, 1.22771e-05}) CHECK(std::stod(real(value)) == value);
}

TEST_CASE("counts above 2^53 and 2^63 keep every digit") {
  sample::Event e;
  sample::fill(e, Kind::thinking_budget_usage);
  e.values.set(schema::field(Kind::thinking_budget_usage, "tokensUsed"), UINT64_MAX);
  e.values.set(schema::field(Kind::thinking_budget_usage, "tokensAllocated"), (1ULL << 53) + 1);
  CHECK(json(e.values).find(R"("tokensUsed":18446744073709551615,"tokensAllocated":9007199254740993,)") != std::string::npos);
}

TEST_CASE("any UTF-8 comes out as the same text, on one line") {
  const std::string text = std::string("\0\x01\x1f\n\r\t\"\\/", 9) + "\x7f\u00e9\u2028\U0001F600";
  sample::Event e;
  sample::fill(e, Kind::agent_status_change);
  e.values.set_text(0, std::string_view(text));
  const std::string out = json(e.values);
  CHECK(out.find('\n') == std::string::npos);
  const auto parsed = boost::json::parse(out).as_object();
  CHECK(parsed.at("agentId").as_string() == text);
  CHECK(parsed.at("data").at("agentId").as_string() == text);
}

TEST_CASE("an event takes no more room than was counted for it, however much each value takes") {
  // Longer as text than in memory: 6 bytes for 1, 24 digits for 8 bytes, an item of which a bit says that nothing is there.
  const std::string text(200, '\x01'), long_text(20'000, '"');
  for (const Kind kind : sample::all_kinds()) {
    CAPTURE(kind);
    sample::Event e;
    sample::fill(e, kind);
    const auto& fields = schema::info(kind).fields;
    e.values.sequence = UINT64_MAX;
    e.values.time_ns = INT64_MIN + 1;
    for (unsigned f = 0; f < fields.size(); ++f) {
      if (fields[f].type == schema::Type::count) e.values.set(f, UINT64_MAX);
      if (fields[f].type == schema::Type::real) e.values.set_real(f, -1.2345678901234567e-300);
      if (fields[f].type == schema::Type::time) e.values.set_time(f, INT64_MIN);
      if (fields[f].type == schema::Type::id || fields[f].type == schema::Type::word) e.values.set_text(f, std::string_view(text));
      if (fields[f].type == schema::Type::text) e.values.set_text(f, std::string_view(long_text));
      if (fields[f].type != schema::Type::list) continue;
      std::string list;
      event::ListWriter items(list);
      for (int i = 0; i < 1'000; ++i) {
        items.item();
        for (unsigned j = 0; j < fields[f].list->fields.size(); ++j)
          if (!fields[f].list->fields[j].string())
            items.real(j, -1.2345678901234567e-300);
          else if (i % 3 == 0)
            items.text(j, std::string_view("\x02"));
          else
            items.text(j, std::string_view());
      }
      e.values.set_text(f, e.keep(list));
    }
    std::string out;  // empty: what it takes is what was counted, and the address sanitizer sees what is written behind that
    snapshot::append_event_json(out, kLane, e.values, UINT32_MAX);
    CHECK(check_json_object(out) == JsonCheck::ok);
    std::string data;
    snapshot::append_event_data(data, e.values);
    CHECK(out.find(",\"data\":" + data + ",\"revision\":4294967295}") != std::string::npos);
  }
}
