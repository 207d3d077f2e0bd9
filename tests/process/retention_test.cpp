// What is retained is exact to the event, in exports and in statistics alike.
#include <doctest/doctest.h>

#include <thread>

#include <algorithm>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// `count` executions one second apart, the last at `end_ns`, in an order that is not that of time.
fs::path executions(Place& place, int count, std::int64_t end_ns) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    const int n = i * 7 % count;  // every number once, since 7 divides none of the counts used here
    lines += event_line("task-execution", end_ns - (count - 1 - n) * kSecond,
                        R"({"executionId":"x-)" + std::to_string(n) + R"(","taskId":"t-)" + std::to_string(n) +
                            R"(","agentId":"a","outcome":{"success":)" + (n % 2 == 0 ? "true" : "false") + "}}");
  }
  return place.write("executions.jsonl", lines);
}

std::vector<std::string> tasks_of(const std::vector<json::object>& events) {
  std::vector<std::string> tasks;
  for (const json::object& e : events) tasks.push_back(std::string(e.at("taskId").as_string()));
  return tasks;
}

std::string config(const std::string& retention) { return std::string("{") + kNoAnonymization + R"(, "retention": )" + retention + "}"; }

}  // namespace

TEST_CASE("of 500 events with a limit of 100, exactly the newest 100 are in the export and in the statistics") {
  Place place;
  Collector collector(place, config(R"({"max_age": null, "max_events": 100})"));
  place.replay(executions(place, 500, now_ns()));
  const json::object stats = collector.stats();
  CHECK(stats.at("retainedEvents") == 100);
  CHECK(stats.at("totalTaskExecutions") == 100);
  CHECK(stats.at("overallSuccessRate").to_number<double>() == 0.5);

  std::vector<std::string> expected;
  for (int n = 400; n < 500; ++n) expected.push_back("t-" + std::to_string(n));
  CHECK(tasks_of(read_lines(collector.snapshot() / "events.jsonl.zst")) == expected);
  CHECK(tasks_of(collector.events()) == expected);

  SUBCASE("and after the collector was killed") {
    collector.kill();
    collector.start();
    CHECK(collector.stats().at("retainedEvents") == 100);
    CHECK(tasks_of(read_lines(collector.snapshot() / "events.jsonl.zst")) == expected);
  }
  SUBCASE("and one, when the limit is set to 1 while it runs") {
    CHECK(collector.ctl({"config", "set", "retention.max_events=1"}).exit == 0);
    CHECK(collector.stats().at("retainedEvents") == 1);
    CHECK(tasks_of(read_lines(collector.snapshot() / "events.jsonl.zst")) == std::vector<std::string>{"t-499"});
  }
}

TEST_CASE("a limit of one event retains one") {
  Place place;
  Collector collector(place, config(R"({"max_age": null, "max_events": 1})"));
  place.replay(executions(place, 500, now_ns()));
  CHECK(collector.stats().at("retainedEvents") == 1);
  CHECK(tasks_of(read_lines(collector.snapshot() / "events.jsonl.zst")) == std::vector<std::string>{"t-499"});
}

TEST_CASE("what is older than the limit of age is gone, what is newer stays, and an event goes by its own time") {
  Place place;
  Collector collector(place, config(R"({"max_age": "100s"})"));
  // Recorded now, with times of the last 500 s: those of the last 100 s stay, but for what has grown too old meanwhile.
  const std::int64_t began = now_ns();
  place.replay(executions(place, 500, began));
  const std::uint64_t retained = collector.stats().at("retainedEvents").to_number<std::uint64_t>();
  const auto meanwhile = static_cast<std::uint64_t>((now_ns() - began) / 1'000'000'000);
  CHECK(retained <= 100);
  CHECK(retained + meanwhile + 2 >= 100);
  const std::vector<std::string> tasks = tasks_of(read_lines(collector.snapshot() / "events.jsonl.zst"));
  CHECK(tasks.size() <= retained);
  CHECK(tasks.back() == "t-499");
  CHECK(tasks.front() == "t-" + std::to_string(500 - tasks.size()));  // the newest ones, without a hole
}

TEST_CASE("with an age of 100 ms everything is gone 100 ms later") {
  Place place;
  Collector collector(place, config(R"({"max_age": "100ms"})"));
  place.replay(executions(place, 20, now_ns()), {"--time", "now"});
  std::this_thread::sleep_for(150ms);
  const json::object stats = collector.stats();
  CHECK(stats.at("retainedEvents") == 0);
  CHECK(stats.at("totalTaskExecutions") == 0);
  CHECK(stats.at("overallSuccessRate").to_number<double>() == 0);
  CHECK(read_lines(collector.snapshot() / "events.jsonl.zst").empty());
  CHECK(stats.at("lifetime").at("totalTaskExecutions") == 20);
}

}  // namespace arbiter::test
