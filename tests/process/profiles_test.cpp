// How each agent does, over windows and over all that is retained: figures that are computed here another way, from the file.
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

// The same runs, as if all had been completed within the last minutes.
fs::path of_today(const fs::path& runs, Place& place) {
  std::ifstream in(runs);
  std::string lines;
  const std::int64_t now_ms = now_ns() / 1'000'000;
  std::int64_t n = 0;
  for (std::string line; std::getline(in, line); ++n) {
    json::object run = json::parse(line).as_object();
    const auto took = run.at("completed_at_ms").to_number<std::int64_t>() - run.at("started_at_ms").to_number<std::int64_t>();
    const std::int64_t completed = now_ms - n % 60'000;
    run["started_at_ms"] = completed - took;
    run["completed_at_ms"] = completed;
    lines += json::serialize(run) + "\n";
  }
  return place.write("today.jsonl", lines);
}

// The same but for the last bits of sums of reals, which depend on what was added to what first.
bool same(const json::value& a, const json::value& b) {
  if (a.is_double() || b.is_double())
    return a.is_number() && b.is_number() && a.to_number<double>() == doctest::Approx(b.to_number<double>()).epsilon(1e-12);
  if (a.is_array() && b.is_array())
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(), same);
  if (a.is_object() && b.is_object())
    return a.get_object().size() == b.get_object().size() &&
           std::all_of(a.get_object().begin(), a.get_object().end(), [&](const auto& member) {
             const json::value* other = b.get_object().if_contains(member.key());
             return other != nullptr && same(member.value(), *other);
           });
  return a == b;
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

void check_agents(Collector& collector, const std::map<std::string, Truth>& expected, const Arguments& more) {
  const bool all_of_them = !more.empty();  // a run may have begun before the longest window, and so its first events

  Arguments asked = {"agents"};
  asked.insert(asked.end(), more.begin(), more.end());
  const json::object all = collector.ask(asked).as_object();
  const json::array& agents = all.at("agents").as_array();
  CHECK(agents.size() == expected.size());
  for (const json::value& item : agents) {
    const json::object& agent = item.as_object();
    const std::string name(agent.at("agentId").as_string());
    CAPTURE(name);
    const Truth& truth = expected.at(name);
    CHECK(agent.at("executions") == truth.runs);
    CHECK(agent.at("successes") == truth.successes);
    if (all_of_them) {
      CHECK(agent.at("chosen") == truth.runs);
      CHECK(agent.at("events") == 4 * truth.runs);
    }
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
  place.replay(of_today(*runs, place), {"--processes", "2"});
  check_agents(collector, expected, {});
  check_agents(collector, expected, {"--window", "retained"});

  const json::object one = collector.ask({"agents", "Claude 3.5 Sonnet (New)"}).as_object();
  CHECK(one.at("executions").at("successes") == 366);
  CHECK(one.at("executions").at("count") == 802);
  check_latency(one.at("latencyMs").as_object(), expected.at("Claude 3.5 Sonnet (New)"));
  std::uint64_t of_types = 0;
  for (const json::value& type : one.at("byTaskType").as_array()) of_types += type.at("executions").at("count").to_number<std::uint64_t>();
  CHECK(of_types == 802);

  const json::value before = collector.ask({"agents"}).at("agents");
  const auto restarted = [&] {
    collector.kill();
    collector.start();
    return collector.ask({"agents"}).at("agents");
  };
  CHECK(same(restarted(), before));
  collector.stop();  // which leaves a checkpoint
  collector.start();
  CHECK(same(restarted(), before));
  REQUIRE(fs::remove(place.state() / "figures"));  // and without it they are counted anew, from the journal
  CHECK(same(restarted(), before));
}

TEST_CASE("runs of years ago are in no window, but in all that is retained") {
  const auto runs = real_runs("the profiles of what is older than any window");
  if (!runs) return;
  Place place;
  Collector collector(place, plain_config());
  place.replay(*runs, {"--processes", "2"});
  CHECK(collector.ask({"agents", "--window", "7d"}).at("agents").as_array().empty());
  check_agents(collector, truths(*runs), {"--window", "retained"});
  const json::value retained = collector.ask({"agents"});  // who names no window is not told that there is nothing
  CHECK(retained.at("window").is_null());
  CHECK(retained.at("agents").as_array().size() == truths(*runs).size());
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
    CHECK(count(collector, {"--task-type", "review"}) == 70);
    CHECK(count(collector, {"--task-type", "review", "--window", "retained"}) == 120);
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
  const json::object retained = collector.ask({"stats", "--window", "retained"}).as_object();
  CHECK(retained.at("executions").at("count") == 30);  // ten of the 40 are left
  const std::string started(collector.ask({"stats"}).at("collectionStartedAt").as_string());
  const auto day = [&] { return collector.ask({"stats", "--window", "24h"}).as_object(); };
  CHECK(day().at("executions").at("count") == 60);  // panes outlive what retention removes
  CHECK(day().at("completeFrom").as_string() == started);
  CHECK(hour.at("completeFrom").as_string() == std::max(started, std::string(hour.at("from").as_string())));
  collector.kill();
  collector.start();
  CHECK(day().at("executions").at("count") == 60);
}

TEST_CASE("a clear empties the windows, and what is counted after it survives a kill") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("runs.jsonl", executions("a", "review", 40, 10s)));
  CHECK(count(collector, {"--window", "7d"}) == 40);
  collector.stop();
  collector.start();
  CHECK(collector.ctl({"clear", "--yes"}).exit == 0);
  CHECK(count(collector, {"--window", "7d"}) == 0);
  CHECK_FALSE(fs::exists(place.state() / "figures"));
  place.replay(place.write("more.jsonl", executions("a", "review", 7, 10s)));
  CHECK(count(collector, {"--window", "7d"}) == 7);
  collector.kill();
  collector.start();
  CHECK(count(collector, {"--window", "7d"}) == 7);
  CHECK(count(collector, {"--window", "retained"}) == 7);
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
  const json::array retained = trends({"--window", "retained"});
  REQUIRE(retained.size() == 2);
  CHECK(retained[0].at("direction") == "declining");
  CHECK(retained[0].at("points") == 40);
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
  CHECK(collector.ctl({"agents", "nobody", "--window", "7d"}).err ==
        "arbiterctl: no event of agent nobody is in the last 7d: --window retained looks through all that is retained\n");
  const Ran wrong = collector.ctl({"stats", "--window", "5h"});
  CHECK(wrong.exit == 2);
  CHECK(wrong.err == "arbiterctl: there is no window of 5h: write 5m, 1h, 24h, 7d, or retained for all that is retained\n");
  CHECK(collector.ctl({"stats", "--window", "soon"}).exit == 2);
  const Ran text = collector.ctl({"agents", shown});
  CHECK(text.exit == 0);
  CHECK_MESSAGE(text.out.find("50.00 % (6 of 12), 95 %: 25.4 to 74.6 %") != std::string::npos, text.out);
}

}  // namespace arbiter::test
