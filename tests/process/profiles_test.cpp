// How each agent does, over all that is retained and over windows: figures that are computed here another way, from the file.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

struct Truth {
  std::uint64_t runs = 0, successes = 0;
  std::vector<double> ms;
};

std::map<std::string, Truth> truths(const fs::path& runs) {
  std::map<std::string, Truth> all;
  std::ifstream in(runs);
  for (std::string line; std::getline(in, line);) {
    const json::object run = json::parse(line).as_object();
    Truth& truth = all[std::string(run.at("agent_id").as_string())];
    ++truth.runs;
    truth.successes += run.at("success").as_bool() ? 1u : 0u;
    truth.ms.push_back(run.at("completed_at_ms").to_number<double>() - run.at("started_at_ms").to_number<double>());
  }
  for (auto& [agent, truth] : all) std::sort(truth.ms.begin(), truth.ms.end());
  return all;
}

double rank(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()))) - 1];
}

void check_latency(const json::object& latency, const Truth& truth) {
  constexpr double error = 0.01;
  CHECK(latency.at("relativeError").to_number<double>() < error);
  CHECK(latency.at("count") == truth.ms.size());
  CHECK(latency.at("min").to_number<double>() == doctest::Approx(truth.ms.front()).epsilon(1e-12));
  CHECK(latency.at("max").to_number<double>() == doctest::Approx(truth.ms.back()).epsilon(1e-12));
  double sum = 0;
  for (const double ms : truth.ms) sum += ms;
  CHECK(latency.at("mean").to_number<double>() == doctest::Approx(sum / static_cast<double>(truth.ms.size())).epsilon(1e-9));
  for (const auto& quantile : {std::pair("p50", 0.5), {"p95", 0.95}, {"p99", 0.99}}) {
    CAPTURE(quantile.first);
    const double exact = rank(truth.ms, quantile.second);
    CHECK(std::abs(latency.at(quantile.first).to_number<double>() - exact) <= error * exact);
  }
}

void check_agents(Collector& collector, const std::map<std::string, Truth>& expected) {
  const json::object all = collector.ask({"agents"}).as_object();
  const json::array& agents = all.at("agents").as_array();
  CHECK(agents.size() == expected.size());
  for (const json::value& item : agents) {
    const json::object& agent = item.as_object();
    const std::string name(agent.at("agentId").as_string());
    CAPTURE(name);
    const Truth& truth = expected.at(name);
    CHECK(agent.at("executions") == truth.runs);
    CHECK(agent.at("successes") == truth.successes);
    CHECK(agent.at("chosen") == truth.runs);
    CHECK(agent.at("events") == 4 * truth.runs);
    check_latency(agent.at("latencyMs").as_object(), truth);
  }
}

// `n` executions of `agent` that ended `ago`, each one millisecond longer than the one before; every second of them a success.
std::string executions(const std::string& agent, std::string_view type, int n, std::chrono::nanoseconds ago) {
  std::string lines;
  const std::int64_t end = now_ns() - ago.count();
  for (int i = 1; i <= n; ++i)
    lines +=
        event_line("task-execution", end,
                   R"({"taskId": "t", "agentId": ")" + agent + R"(", "taskType": ")" + std::string(type) + R"(", "startedAtNs": ")" +
                       std::to_string(end - i * 1'000'000LL) + R"(", "outcome": {"success": )" + (i % 2 == 0 ? "true" : "false") + "}}");
  return lines;
}

std::uint64_t count(Collector& collector, const Arguments& more) {
  Arguments asked = {"stats"};
  asked.insert(asked.end(), more.begin(), more.end());
  return collector.ask(asked).at("executions").at("count").to_number<std::uint64_t>();
}

}  // namespace

TEST_CASE("the profiles of 6,852 real agent runs are what their file says, before and after the collector is killed") {
  const auto runs = real_runs("the profiles of real agents");
  if (!runs) return;
  const auto expected = truths(*runs);
  CHECK(expected.at("o1").successes == 363);
  CHECK(expected.at("o1").runs == 1014);
  CHECK(expected.at("Claude 3.5 Sonnet (New)").successes == 366);
  CHECK(expected.at("Claude 3.5 Sonnet (New)").runs == 802);
  CHECK(expected.at("o1-preview").successes == 304);
  CHECK(expected.at("o1-preview").runs == 567);
  CHECK(expected.at("davinci-002").successes == 0);
  CHECK(expected.at("davinci-002").runs == 68);
  Place place;
  Collector collector(place, plain_config());
  place.replay(*runs, {"--processes", "2"});
  check_agents(collector, expected);

  const json::object one = collector.ask({"agents", "Claude 3.5 Sonnet (New)"}).as_object();
  CHECK(one.at("executions").at("successes") == 366);
  CHECK(one.at("executions").at("count") == 802);
  check_latency(one.at("latencyMs").as_object(), expected.at("Claude 3.5 Sonnet (New)"));
  std::uint64_t of_types = 0;
  for (const json::value& type : one.at("byTaskType").as_array()) of_types += type.at("executions").at("count").to_number<std::uint64_t>();
  CHECK(of_types == 802);

  const std::string before = json::serialize(collector.ask({"agents"}).at("agents"));
  collector.kill();
  collector.start();
  CHECK(json::serialize(collector.ask({"agents"}).at("agents")) == before);
}

TEST_CASE("a window holds what happened in it by the events' own time, late and out of order, and still does after a kill") {
  Place place;
  Collector collector(place, plain_config());
  // From the latest to the earliest, so that each comes late; none near the edge of a window.
  place.replay(place.write("runs.jsonl", executions("a", "review", 10, 10s) + executions("b", "review", 20, 30min) +
                                             executions("a", "fix", 30, 10h) + executions("a", "review", 40, 100h) +
                                             executions("a", "review", 50, 400h)));
  const auto check = [&] {
    CHECK(count(collector, {"--window", "5m"}) == 10);
    CHECK(count(collector, {"--window", "1h"}) == 30);
    CHECK(count(collector, {"--window", "24h"}) == 60);
    CHECK(count(collector, {"--window", "7d"}) == 100);
    CHECK(count(collector, {"--window", "7d", "--agent", "a"}) == 80);
    CHECK(count(collector, {"--window", "7d", "--agent", "a", "--task-type", "review"}) == 50);
    CHECK(count(collector, {"--task-type", "review"}) == 120);
    const json::object hour = collector.ask({"stats", "--window", "1h"}).as_object();
    CHECK(hour.at("executions").at("successes") == 15);
    CHECK(hour.at("latencyMs").at("max").to_number<double>() == 20);
    CHECK(hour.at("latencyMs").at("p50").to_number<double>() == doctest::Approx(8).epsilon(0.01));  // of 1 to 10 and 1 to 20
    CHECK(collector.ask({"agents", "--window", "5m"}).at("agents").as_array().size() == 1);
  };
  check();
  collector.kill();
  collector.start();
  check();
}

TEST_CASE("an event from the future is in the window in which it was recorded, and does not move it") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("runs.jsonl", executions("a", "review", 3, -1000h) + executions("a", "review", 4, 10s)));
  CHECK(count(collector, {"--window", "5m"}) == 7);
}

TEST_CASE("an answer says from when on it is complete") {
  Place place;
  const auto limited = [](const std::string& events) {
    return std::string("{") + kNoAnonymization + R"(, "retention": {"max_age": null, "max_bytes": null, "max_events": )" + events + "}}";
  };
  Collector collector(place, limited("30"));
  place.replay(place.write("runs.jsonl", executions("a", "review", 40, 2h) + executions("a", "review", 20, 20min)));
  const json::object hour = collector.ask({"stats", "--window", "1h"}).as_object();
  CHECK(hour.at("executions").at("count") == 20);
  const json::object day = collector.ask({"stats", "--window", "24h"}).as_object();
  CHECK(day.at("executions").at("count") == 30);  // ten of the 40 are left
  CHECK(day.at("completeFrom").as_string() > day.at("from").as_string());
}

TEST_CASE("an agent that gets slower and no better is said to") {
  Place place;
  Collector collector(place, plain_config());
  std::string lines;
  for (int i = 0; i < 40; ++i) {  // a millisecond more for each hour; every second one a success
    const std::int64_t end = now_ns() - (40 - i) * 3'600'000'000'000;
    lines += event_line("task-execution", end,
                        R"({"taskId": "t", "agentId": "a", "startedAtNs": ")" + std::to_string(end - (100 + i) * 1'000'000LL) +
                            R"(", "outcome": {"success": )" + (i % 2 == 0 ? "true" : "false") + "}}");
  }
  place.replay(place.write("runs.jsonl", lines));
  const auto trends = [&](const Arguments& more) {
    Arguments asked = {"agents", "a"};
    asked.insert(asked.end(), more.begin(), more.end());
    return collector.ask(asked).at("trends").as_array();
  };
  const json::array all = trends({});
  REQUIRE(all.size() == 2);
  CHECK(all[0].at("measure") == "latencyMs");
  CHECK(all[0].at("direction") == "declining");
  CHECK(all[0].at("points") == 40);
  CHECK(all[0].at("perHour").to_number<double>() == doctest::Approx(1).epsilon(0.001));
  CHECK(all[0].at("confidence").to_number<double>() > 0.99);
  CHECK(all[1].at("measure") == "successRate");
  CHECK(all[1].at("direction") == "stable");
  CHECK(json::serialize(trends({"--window", "7d"})) == json::serialize(all));
}

TEST_CASE("agents are asked about by the names they were recorded under, anonymised or not") {
  Place place;
  Collector collector(place, std::string("{") + kNoRetention + "}");
  place.replay(place.write("runs.jsonl", executions("agent seven/of 9", "review", 12, 10s)));
  const json::object one = collector.ask({"agents", "agent seven/of 9", "--window", "5m"}).as_object();
  CHECK(one.at("executions").at("count") == 12);
  const std::string shown(one.at("agentId").as_string());
  CHECK(shown.starts_with("anon-"));
  CHECK(collector.ask({"agents", shown}).at("executions").at("successes") == 6);
  CHECK(count(collector, {"--agent", "agent seven/of 9"}) == 12);
  const Ran nobody = collector.ctl({"agents", "nobody"});
  CHECK(nobody.exit == 1);
  CHECK(nobody.err == "arbiterctl: no event of agent nobody is retained\n");
  const Ran wrong = collector.ctl({"stats", "--window", "5h"});
  CHECK(wrong.exit == 2);
  const Ran text = collector.ctl({"agents", shown});
  CHECK(text.exit == 0);
  CHECK_MESSAGE(text.out.find("50.00 % (6 of 12), 95 %: 25.4 to 74.6 %") != std::string::npos, text.out);
}

}  // namespace arbiter::test
