#include "collector/snapshot/trajectory.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/snapshot/memory_view.hpp"

using namespace arbiter;
using snapshot::TrajectoryWriter;

namespace {

// One step of a made-up task.
struct Step {
  Kind kind;
  const char* agent = nullptr;
  const char* task_type = nullptr;
  std::optional<bool> success;
  std::optional<double> score;
  const char* error = nullptr;
};

boost::json::object trajectory(const std::vector<Step>& steps, const snapshot::RewardFormula& formula = {}) {
  TrajectoryWriter writer(formula);
  std::string out;
  std::int64_t time = sample::kStampNs;
  writer.begin(out, std::string_view("t"), time);
  for (const Step& step : steps) {
    event::Values v;
    v.kind = step.kind;
    v.stamp = static_cast<std::uint64_t>(time);
    const snapshot::CommonFields& fields = snapshot::common_fields(step.kind);
    v.set_text(static_cast<unsigned>(fields.task), std::string_view("t"));
    if (step.agent != nullptr) v.set_text(static_cast<unsigned>(fields.agent), std::string_view(step.agent));
    if (step.task_type != nullptr) v.set_text(static_cast<unsigned>(fields.task_type), std::string_view(step.task_type));
    if (step.success) v.set_flag(journal::field::kSuccess, *step.success);
    if (step.score) v.set_real(schema::field(Kind::evaluation_outcome, "evaluation.score"), *step.score);
    if (step.error != nullptr) v.set_text(schema::field(Kind::task_execution, "outcome.errorType"), std::string_view(step.error));
    writer.add(out, {LaneId{}, v, time, time, 0});
    time += 1'000'000;
  }
  writer.end(out);
  return boost::json::parse(out).as_object();
}

}  // namespace

TEST_CASE("a trajectory holds its events in order, and says from when to when") {
  const auto t = trajectory({{Kind::routing_decision, "a"}, {Kind::task_start, "a"}, {Kind::task_execution, "a", "k", true}});
  CHECK(t.at("taskId") == "t");
  CHECK(t.at("startTime") == "2023-11-14T22:13:20.123Z");
  CHECK(t.at("endTime") == "2023-11-14T22:13:20.125Z");
  CHECK(t.at("steps") == 3);
  const auto& events = t.at("events").as_array();
  REQUIRE(events.size() == 3);
  CHECK(events[0].at("type") == "routing-decision");
  CHECK(events[2].at("data").at("outcome").at("success") == true);
}

TEST_CASE("the reward is the latest score, else success, else nothing") {
  CHECK(trajectory({{Kind::task_execution, "a", nullptr, true}, {Kind::evaluation_outcome, "a", nullptr, {}, 0.25}}).at("reward") == 0.25);
  CHECK(trajectory({{Kind::evaluation_outcome, "a", nullptr, {}, 0.25}, {Kind::evaluation_outcome, "a", nullptr, {}, 0.75}}).at("reward") ==
        0.75);
  CHECK(trajectory({{Kind::evaluation_outcome, "a", nullptr, {}, 0.25}, {Kind::evaluation_outcome, "a"}}).at("reward") == 0.25);
  CHECK(trajectory({{Kind::task_execution, "a", nullptr, true}}).at("reward") == 1);
  CHECK(trajectory({{Kind::task_execution, "a", nullptr, false}}).at("reward") == 0);
  CHECK(trajectory({{Kind::task_execution, "a", nullptr, true}, {Kind::task_execution, "a", nullptr, false}}).at("reward") == 0);
  CHECK(trajectory({{Kind::task_start, "a"}}).at("reward").is_null());
  CHECK(trajectory({{Kind::evaluation_outcome, "a"}}).at("reward").is_null());
}

TEST_CASE("a trajectory says what its reward is made of, by the formula that is given") {
  const std::vector<Step> steps = {{Kind::task_execution, "a", nullptr, true}, {Kind::evaluation_outcome, "a", nullptr, {}, 0.25}};
  const auto by_default = trajectory(steps);
  CHECK(by_default.at("rewardSource") == "evaluation");
  CHECK(boost::json::serialize(by_default.at("rewardComponents")) == R"({"success":1,"evaluation":2.5E-1})");
  snapshot::RewardFormula formula;
  formula.weights = {2, 0, 0, 1, 0, 0, 0};
  const auto weighted = trajectory(steps, formula);
  CHECK(weighted.at("reward") == 0.75);  // (2*1 + 0.25) / 3
  CHECK(weighted.at("rewardSource") == "success+evaluation");
  CHECK(trajectory({{Kind::task_start, "a"}}).at("rewardSource").is_null());
}

TEST_CASE("a trajectory is done once there is an execution, successful or not") {
  CHECK(trajectory({{Kind::task_start, "a"}, {Kind::evaluation_outcome, "a", nullptr, {}, 1.0}}).at("done") == false);
  CHECK(trajectory({{Kind::task_execution, "a", nullptr, false}}).at("done") == true);
}

TEST_CASE("each event is a step that says whether it is the first, the last, and the end of the task, and the last one has the reward") {
  const auto flags = [](const std::vector<Step>& steps) {
    std::vector<std::string> all;
    const auto t = trajectory(steps);
    for (const auto& e : t.at("events").as_array())
      all.push_back(std::string(e.at("is_first").as_bool() ? "first " : "") + (e.at("is_last").as_bool() ? "last " : "") +
                    (e.at("is_terminal").as_bool() ? "terminal " : "") + boost::json::serialize(e.at("reward")));
    all.emplace_back(t.at("truncated").as_bool() ? "truncated" : "whole");
    return all;
  };
  using Flags = std::vector<std::string>;
  const Step start{Kind::task_start, "a"}, done{Kind::task_execution, "a", nullptr, true};
  const Step late{Kind::task_execution, "a", nullptr, false, {}, "timeout"}, broken{Kind::task_execution, "a", nullptr, false, {}, "crash"};
  CHECK(flags({start, done, {Kind::evaluation_outcome, "a", nullptr, {}, 0.5}}) == Flags{"first 0", "0", "last terminal 5E-1", "whole"});
  CHECK(flags({done}) == Flags{"first last terminal 1", "whole"});
  CHECK(flags({start, broken}) == Flags{"first 0", "last terminal 0", "whole"});
  CHECK(flags({start, late}) == Flags{"first 0", "last 0", "truncated"});
  CHECK(flags({start, late, start, done}) == Flags{"first 0", "0", "0", "last terminal 1", "whole"});
  CHECK(flags({start}) == Flags{"first last null", "truncated"});
  CHECK(flags({{Kind::routing_decision, "a"}, start}) == Flags{"first 0", "last null", "truncated"});
}

TEST_CASE("agent and type are those of the latest execution, else start, else decision, else any") {
  const auto agent = [](const std::vector<Step>& steps) {
    const auto t = trajectory(steps);
    const auto text = [&](const char* key) { return t.contains(key) ? std::string(t.at(key).as_string()) : "-"; };
    return text("agentId") + " " + text("taskType");
  };
  CHECK(agent({{Kind::routing_decision, "d", "dt"},
               {Kind::task_start, "s", "st"},
               {Kind::task_execution, "x", "xt", true},
               {Kind::evaluation_outcome, "e"}}) == "x xt");
  CHECK(agent({{Kind::task_execution, "x", nullptr, true}, {Kind::task_execution, "y", "yt", true}, {Kind::task_start, "s", "st"}}) ==
        "y yt");
  CHECK(agent({{Kind::task_start, "s", "st"}, {Kind::task_execution, "x", nullptr, true}}) == "x st");
  CHECK(agent({{Kind::task_start, "s"}, {Kind::routing_decision, "d", "dt"}}) == "s dt");
  CHECK(agent({{Kind::evaluation_outcome, "e"}}) == "e -");
  CHECK(agent({{Kind::thinking_budget_usage}}) == "- -");
}
