// An agent that gets worse is told of while it happens, once, with what moved with it, and again when it is over; whatever is killed or
// hangs.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000;

// Executions of agent-7, half of them of each type; of every `bad_in` of a type one fails (0: none).
struct Outcomes {
  int n = 0, fix_bad_in = 10, review_bad_in = 10;
  std::int64_t from_ns = 0, step_ns = 0;
  std::string error = "refused";
  std::string lines() const {
    std::string out;
    for (int i = 0; i < n; ++i) {
      const bool fix = i % 2 == 0;
      const int bad_in = fix ? fix_bad_in : review_bad_in;
      const bool bad = bad_in != 0 && i / 2 % bad_in == 0;
      out += event_line("task-execution", from_ns + i * step_ns,
                        R"({"taskId": "task-)" + error + std::to_string(i) + R"(", "agentId": "agent-7", "taskType": ")" +
                            (fix ? "fix" : "review") + R"(", "outcome": {"success": )" +
                            (bad ? R"(false, "errorType": ")" + error + "\"" : "true") + "}}");
    }
    return out;
  }
};

Outcomes an_hour_of_work() { return {.n = 1200, .from_ns = now_ns() - 70 * kMinuteNs, .step_ns = kMinuteNs / 20}; }
Outcomes trouble() { return {.n = 200, .fix_bad_in = 1, .from_ns = now_ns(), .step_ns = 1000, .error = "timeout"}; }
Outcomes recovery() { return {.n = 400, .from_ns = now_ns(), .step_ns = 1000, .error = "fine"}; }

void record(Place& place, const Outcomes& outcomes) {
  static int file = 0;
  place.replay(place.write("outcomes-" + std::to_string(++file) + ".jsonl", outcomes.lines()));
}

json::array open_anomalies(Collector& collector) { return collector.ask({"anomalies", "--open"}).as_object().at("open").as_array(); }
bool is_open(Collector& collector) { return !open_anomalies(collector).empty(); }

// Lines of anomalies.jsonl: {id, resolved}.
std::vector<std::pair<std::string, bool>> book(const Place& place) {
  std::vector<std::pair<std::string, bool>> lines;
  if (!fs::exists(place.exports() / "anomalies.jsonl")) return lines;
  for (const json::object& line : read_lines(place.exports() / "anomalies.jsonl"))
    lines.emplace_back(line.at("id").as_string(), !line.at("resolvedAtNs").is_null());
  return lines;
}

// A program that keeps what it is told, a line each.
fs::path keeping_hook(const Place& place) {
  const fs::path hook = place.write("hook", "#!/bin/sh\ncat >>" + (place.root() / "told").string() + "\n");
  fs::permissions(hook, fs::perms::owner_all);
  return hook;
}

std::string with_hook(const fs::path& hook, const std::string& more = {}) {
  return plain_config(R"("anomalies": {"hook": ")" + hook.string() + "\"" + more + "}");
}

}  // namespace

TEST_CASE("a drop is told of within 30 s, with its figures and what moved with it, and is over once it has recovered") {
  Place place;
  Collector collector(place, with_hook(keeping_hook(place)));
  record(place, an_hour_of_work());
  const auto began = std::chrono::steady_clock::now();
  record(place, trouble());
  REQUIRE(wait_until([&] { return is_open(collector); }, 30s * kPatience));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(took < 30s * kPatience);

  const json::object anomaly = open_anomalies(collector).at(0).as_object();
  CHECK(open_anomalies(collector).size() == 1);
  CHECK(anomaly.at("type") == "error_rate_increase");
  CHECK(anomaly.at("severity") == "critical");
  CHECK(anomaly.at("agentId") == "agent-7");
  CHECK(anomaly.at("detector") == "sequential");
  const json::object figure = anomaly.at("evidence").at(0).as_object();
  CHECK(figure.at("figure") == "errorRate");
  const bool of_all = anomaly.at("taskType") == "";
  CHECK(figure.at("baseline").to_number<double>() == doctest::Approx(0.1).epsilon(0.05));
  CHECK(figure.at("current").to_number<double>() == doctest::Approx(of_all ? 0.55 : 1).epsilon(0.05));
  CHECK(figure.at("baselineSamples").to_number<std::uint64_t>() == (of_all ? 1200 : 600));
  CHECK(figure.at("currentSamples").to_number<std::uint64_t>() == (of_all ? 200 : 100));

  const json::array causes = anomaly.at("likelyCauses").as_array();
  const auto cause = [&](std::string_view kind, std::string_view value) -> const json::object* {
    for (const json::value& c : causes)
      if (std::string_view(c.at("kind").as_string()) == kind && std::string_view(c.at("value").as_string()) == value) return &c.as_object();
    return nullptr;
  };
  if (of_all) {
    REQUIRE(cause("taskType", "fix") != nullptr);
    CHECK(cause("taskType", "fix")->at("explained").to_number<double>() == doctest::Approx(1).epsilon(0.05));
    CHECK(cause("taskType", "fix")->at("currentBad") == 100);
    CHECK(cause("taskType", "review") == nullptr);
  }
  CHECK(cause("errorType", "timeout") != nullptr);
  CHECK(cause("errorType", "refused") == nullptr);
  const json::array examples = anomaly.at("exampleTaskIds").as_array();
  REQUIRE(examples.size() == 5);
  for (const json::value& task : examples) CHECK(std::string_view(task.as_string()).starts_with("task-timeout"));

  record(place, recovery());
  REQUIRE(wait_until([&] { return !is_open(collector); }, 30s * kPatience));
  const json::object over = collector.ask({"anomalies"}).as_object().at("resolved").at(0).as_object();
  CHECK(over.at("id") == anomaly.at("id"));
  CHECK(over.at("resolution") == "recovered");
  CHECK(wait_until([&] { return fs::exists(place.root() / "told") && read_lines(place.root() / "told").size() == 2; }));
  const auto told = read_lines(place.root() / "told");
  CHECK(told.at(0).at("id") == anomaly.at("id"));
  CHECK(told.at(0).at("resolvedAtNs").is_null());
  CHECK(told.at(1).at("resolution") == "recovered");
  CHECK(collector.log().find("error_rate_increase (critical)") != std::string::npos);
  const Ran text = collector.ctl({"anomalies"});
  CHECK(text.out.find("nothing is wrong now") != std::string::npos);
  CHECK(text.out.find("moved with it") != std::string::npos);
}

TEST_CASE("a collector that is killed in the middle tells of it once") {
  Place place;
  Collector collector(place, with_hook(keeping_hook(place)));
  record(place, an_hour_of_work());
  record(place, trouble());
  REQUIRE(wait_until([&] { return is_open(collector); }, 30s * kPatience));
  REQUIRE(wait_until([&] { return fs::exists(place.root() / "told") && !read_lines(place.root() / "told").empty(); }));
  const json::value before = open_anomalies(collector);
  collector.kill();
  collector.start();
  // The checkpoint is a minute apart: all of it is read again, and found again.
  record(place, trouble());
  std::this_thread::sleep_for(12s);
  CHECK(open_anomalies(collector) == before);
  CHECK(book(place).size() == 1);
  CHECK(read_lines(place.root() / "told").size() == 1);
  record(place, recovery());
  CHECK(wait_until([&] { return !is_open(collector); }, 30s * kPatience));
  CHECK(book(place).size() == 2);
  collector.kill();
  collector.start();
  std::this_thread::sleep_for(12s);
  CHECK(book(place).size() == 2);
  CHECK_FALSE(is_open(collector));
}

TEST_CASE("a hook that hangs, and one that cannot be run, hold up nothing") {
  Place place;
  const fs::path hanging = place.write("hanging", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n");
  fs::permissions(hanging, fs::perms::owner_all);
  Collector collector(place, with_hook(hanging, R"(, "hook_timeout": "1h")"));
  const auto status = [&](std::string_view agent, std::string_view word) {
    return event_line("agent-status-change", now_ns(),
                      R"({"agentId": ")" + std::string(agent) + R"(", "status": ")" + std::string(word) + "\"}");
  };
  place.replay(place.write("offline.jsonl", status("a", "offline") + status("b", "offline")));
  REQUIRE(wait_until([&] { return open_anomalies(collector).size() == 2; }));
  place.replay(place.write("back.jsonl", status("a", "available")));
  CHECK(wait_until([&] { return open_anomalies(collector).size() == 1; }));
  CHECK(open_anomalies(collector).at(0).at("type") == "agent_offline");
  CHECK(open_anomalies(collector).at(0).at("agentId") == "b");
  CHECK(collector.ctl({"config", "set", "anomalies.hook_timeout=100ms", "anomalies.hook=/nonexistent/hook"}).exit == 0);
  const auto began = std::chrono::steady_clock::now();
  CHECK(collector.stop() == 0);
  CHECK(std::chrono::steady_clock::now() - began < 10s * kPatience);
  collector.start();
  place.replay(place.write("gone.jsonl", status("c", "offline")));
  CHECK(wait_until([&] { return open_anomalies(collector).size() == 2; }));
}

TEST_CASE("steady work of any quality is nothing to tell of, and the command line says what there is to ask") {
  Place place;
  Collector collector(place, plain_config());
  record(place, {.n = 2000, .fix_bad_in = 2, .review_bad_in = 2, .from_ns = now_ns() - 100 * kMinuteNs, .step_ns = kMinuteNs / 20});
  std::this_thread::sleep_for(11s);
  CHECK_FALSE(is_open(collector));
  CHECK(collector.ctl({"anomalies"}).out.find("nothing is wrong now") != std::string::npos);
  const Ran wrong = collector.ctl({"anomalies", "--kind", "bad_mood"});
  CHECK(wrong.exit == 2);
  CHECK(place.shell("curl -s --unix-socket " + place.socket().string() + " 'http://x/v1/anomalies?type=bad_mood'")
            .out.find("latency_spike, accuracy_drop") != std::string::npos);
}

}  // namespace arbiter::test
