#include "collector/detect/anomaly.hpp"

#include <boost/json.hpp>

#include <doctest/doctest.h>

using namespace arbiter::detect;

namespace {

Anomaly sample() {
  Anomaly a;
  a.id = "0123456789abcdef";
  a.type = Type::error_rate_increase;
  a.severity = Severity::critical;
  a.agent = "agent-7";
  a.task_type = "fix";
  a.detector = "sequential";
  a.began_ns = 1'790'000'000'123'456'789;
  a.detected_ns = 1'790'000'030'000'000'001;
  a.summary = "agent-7 fails more";
  a.evidence = {{"errorRate", 0.1, 0.625, 1000, 64}};
  a.causes = {{"taskType", "fix", 0.75, {500, 50}, {40, 30}}};
  a.example_tasks = {"task-1", "task-2"};
  return a;
}

}  // namespace

TEST_CASE("an anomaly is the same after its way through JSON") {
  const Anomaly a = sample();
  const auto text = boost::json::serialize(json_of(a));
  const auto back = anomaly_of(boost::json::parse(text));
  REQUIRE(back);
  CHECK(boost::json::serialize(json_of(*back)) == text);
  CHECK(back->began_ns == a.began_ns);
  CHECK(back->open());
  CHECK(back->causes.at(0).current == Counts{40, 30});
}

TEST_CASE("what is no anomaly is none") {
  using boost::json::parse;
  for (const char* text : {"null", "[]", "{}", R"({"id": "x", "type": "bad", "severity": "low", "detectedAtNs": "1"})",
                           R"({"id": "x", "type": "data_loss", "severity": 3, "detectedAtNs": "1"})",
                           R"({"id": "x", "type": "data_loss", "severity": "low", "detectedAtNs": "-1"})",
                           R"({"id": "", "type": "data_loss", "severity": "low", "detectedAtNs": "1"})"})
    CHECK_FALSE(anomaly_of(parse(text)));
  CHECK(anomaly_of(
      parse(R"({"id": "x", "type": "data_loss", "severity": "low", "detectedAtNs": "1", "evidence": [1, {}], "exampleTaskIds": {}})")));
}
