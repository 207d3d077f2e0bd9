// Starts and completions find each other across processes and in any order; what never finds its other half is counted as what it is.
#include <doctest/doctest.h>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

constexpr std::int64_t kTime = 1'790'000'000'000'000'000;
constexpr std::int64_t kMs = 1'000'000;

std::string start(const std::string& id, std::int64_t at_ms) {
  return event_line("task-start", kTime + at_ms * kMs, R"({"executionId":")" + id + R"(","taskId":"t-)" + id + R"(","agentId":"a"})");
}
std::string completion(const std::string& id, std::int64_t at_ms, bool success) {
  return event_line("task-execution", kTime + at_ms * kMs,
                    R"({"executionId":")" + id + R"(","taskId":"t-)" + id + R"(","agentId":"a","outcome":{"success":)" +
                        (success ? "true" : "false") + "}}");
}
std::string decision(const std::string& id, std::int64_t at_ms) {
  return event_line("routing-decision", kTime + at_ms * kMs,
                    R"({"decisionId":"d-)" + id + R"(","taskId":"t-)" + id + R"(","selectedAgent":"a","propensity":0.25})");
}

json::object execution_of(const std::vector<json::object>& events, const std::string& id) {
  for (const json::object& e : events)
    if (e.at("type") == "task-execution" && e.at("data").at("executionId") == json::string(id)) return e.at("data").as_object();
  FAIL("no execution " << id);
  return {};
}

}  // namespace

TEST_CASE("a completion recorded by another process before its start is joined when the start comes") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("completion.jsonl", completion("x", 1500, true)));
  json::object stats = collector.stats();
  CHECK(stats.at("totalTaskExecutions") == 1);
  CHECK(stats.at("overallSuccessRate").to_number<double>() == 1);
  CHECK(stats.at("averageCompletionTimeMs").to_number<double>() == 0);
  CHECK(execution_of(collector.events(), "x").at("joinState") == "orphan");
  CHECK(execution_of(collector.events(), "x").at("durationMs").is_null());

  SUBCASE("at once") {}
  SUBCASE("after a kill of the collector") {
    collector.kill();
    collector.start();
  }
  SUBCASE("after a clean stop") {
    REQUIRE(collector.stop() == 0);
    collector.start();
  }
  place.replay(place.write("start.jsonl", decision("x", -10) + start("x", 0)));
  stats = collector.stats();
  CHECK(stats.at("totalTaskExecutions") == 1);
  CHECK(stats.at("averageCompletionTimeMs").to_number<double>() == 1500);
  const json::object joined = execution_of(read_lines(collector.snapshot() / "events.jsonl.zst"), "x");
  CHECK(joined.at("joinState") == "complete");
  CHECK(joined.at("durationMs").to_number<double>() == 1500);
  CHECK(joined.at("routingDecision").at("decisionId") == "d-x");
  CHECK(joined.at("routingDecision").at("propensity").to_number<double>() == 0.25);
}

TEST_CASE("a start waits for its completion through a restart of the collector") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("start.jsonl", decision("x", -10) + start("x", 0)));
  CHECK(collector.stats().at("retainedEvents") == 2);
  SUBCASE("killed") { collector.kill(); }
  SUBCASE("stopped") { REQUIRE(collector.stop() == 0); }
  collector.start();
  place.replay(place.write("completion.jsonl", completion("x", 250, false)));
  CHECK(collector.stats().at("averageCompletionTimeMs").to_number<double>() == 250);
  CHECK(execution_of(collector.events(), "x").at("joinState") == "complete");
}

TEST_CASE("completions without a start count in the success rate and not in the mean; starts without completions count as open") {
  Place place;
  Collector collector(place, plain_config());
  std::string lines;
  for (int i = 0; i < 4; ++i)
    lines += start("joined-" + std::to_string(i), 0) + completion("joined-" + std::to_string(i), 100 * (i + 1), true);
  for (int i = 0; i < 4; ++i) lines += completion("orphan-" + std::to_string(i), 5000, i == 0);
  for (int i = 0; i < 3; ++i) lines += start("open-" + std::to_string(i), 0);
  place.replay(place.write("mixed.jsonl", lines), {"--processes", "3"});

  const json::object stats = collector.stats();
  CHECK(stats.at("retainedEvents") == 15);
  CHECK(stats.at("totalTaskExecutions") == 8);
  CHECK(stats.at("overallSuccessRate").to_number<double>() == 5.0 / 8);
  CHECK(stats.at("averageCompletionTimeMs").to_number<double>() == 250);  // of 100, 200, 300, 400
  CHECK(stats.at("eventsByType").at("task-start") == 7);
  CHECK(collector.ask({"status"}).at("join").at("openExecutions") == 3);

  const fs::path snapshot = collector.snapshot();
  std::size_t done = 0, open = 0;
  for (const json::object& t : read_lines(snapshot / "trajectories.jsonl.zst")) ++(t.at("done").as_bool() ? done : open);
  CHECK(done == 8);
  CHECK(open == 3);
}

TEST_CASE("when the table of open executions is full the oldest start is let go, and is censored") {
  Place place;
  Collector collector(place, plain_config(R"("limits": {"max_open_executions": 5})"));
  std::string lines;
  for (int i = 0; i < 8; ++i) lines += start("s-" + std::to_string(i), i);
  place.replay(place.write("starts.jsonl", lines));
  CHECK(collector.stats().at("retainedEvents") == 8);
  std::vector<std::string> censored;
  for (const json::object& e : collector.events())
    if (const auto* state = e.at("data").as_object().if_contains("joinState"); state != nullptr && *state == "censored")
      censored.push_back(std::string(e.at("data").at("executionId").as_string()));
  CHECK(censored == std::vector<std::string>{"s-0", "s-1", "s-2"});
  CHECK(collector.ask({"status"}).at("join").at("censoredStarts") == 3);
}

TEST_CASE("a collector restarted over open executions of a large run joins every one of them") {
  Place place;
  Collector collector(place, plain_config());
  std::string starts, completions;
  for (int i = 0; i < 2000; ++i) starts += start(std::to_string(i), i), completions += completion(std::to_string(i), i + 1000, i % 4 == 0);
  place.replay(place.write("starts.jsonl", starts), {"--processes", "2"});
  collector.kill();
  collector.start();
  place.replay(place.write("completions.jsonl", completions), {"--processes", "2"});
  const json::object stats = collector.stats();
  CHECK(stats.at("totalTaskExecutions") == 2000);
  CHECK(stats.at("joinedExecutions") == 2000);
  CHECK(stats.at("overallSuccessRate").to_number<double>() == 0.25);
  CHECK(stats.at("averageCompletionTimeMs").to_number<double>() == 1000);
}

}  // namespace arbiter::test
