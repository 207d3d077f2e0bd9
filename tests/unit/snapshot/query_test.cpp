#include "collector/snapshot/query.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/snapshot/memory_view.hpp"

using namespace arbiter;
using snapshot::EventFilter;

namespace {

// "type task" of each event found, in order.
std::vector<std::string> found(const journal::View& view, const EventFilter& filter, std::uint64_t limit) {
  std::vector<std::string> out;
  const auto ok = snapshot::query_events(view, filter, limit, [&](std::string_view line) {
    CHECK(line.find('\n') == std::string_view::npos);
    const auto e = boost::json::parse(boost::json::string_view(line.data(), line.size())).as_object();
    out.push_back(std::string(e.at("type").as_string()) + " " + (e.contains("taskId") ? std::string(e.at("taskId").as_string()) : ""));
    return true;
  });
  CHECK(ok.has_value());
  return out;
}

MemoryView three_runs(bool reversed = true) {
  MemoryView view;
  for (std::uint64_t i = 0; i < 3; ++i) sample::add_run(view, i);
  if (reversed) view.reverse();
  return view;
}

}  // namespace

TEST_CASE("the newest events are found, and shown in order of time") {
  for (const bool reversed : {false, true}) {
    const MemoryView view = three_runs(reversed);
    CHECK(found(view, {}, 3) == std::vector<std::string>{"task-start task-2", "task-execution task-2", "evaluation-outcome task-2"});
    CHECK(found(view, {}, 1000).size() == 12);
    CHECK(found(view, {}, 12).front() == "routing-decision task-0");
    CHECK(found(view, {}, 0).empty());
  }
}

TEST_CASE("events are found by time, type, agent and task, and all together") {
  const MemoryView view = three_runs();
  EventFilter filter;
  filter.type = "task-execution";
  CHECK(found(view, filter, 10) == std::vector<std::string>{"task-execution task-0", "task-execution task-1", "task-execution task-2"});
  filter.agent = std::string_view("agent-1");
  CHECK(found(view, filter, 10) == std::vector<std::string>{"task-execution task-1"});
  filter.task = std::string_view("task-0");
  CHECK(found(view, filter, 10).empty());
  filter = {};
  filter.task = std::string_view("task-0");
  CHECK(found(view, filter, 10).size() == 4);
  filter = {};
  filter.since_ns = sample::kStampNs + 1'000'000'000;
  filter.until_ns = sample::kStampNs + 2'000'000'000;
  CHECK(found(view, filter, 10).size() == 4);
  filter.until_ns = *filter.until_ns + 1;
  CHECK(found(view, filter, 10).size() == 6);
  filter = {};
  filter.agent = std::string_view("agent-0");  // of a decision: the agent that it selected
  CHECK(found(view, filter, 10).front() == "routing-decision task-0");
}

TEST_CASE("callers' own types are told apart") {
  MemoryView view = three_runs();
  for (const char* type : {"mine", "other", "mine"}) {
    event::Values v;
    v.kind = Kind::generic;
    v.stamp = 1;
    v.set_text(schema::field(Kind::generic, "type"), std::string_view(type));
    v.set_text(schema::field(Kind::generic, "data"), std::string_view("{}"));
    view.add(v);
  }
  EventFilter filter;
  filter.type = "mine";
  CHECK(found(view, filter, 10) == std::vector<std::string>{"mine ", "mine "});
}

TEST_CASE("who has seen enough gets no more") {
  int lines = 0;
  CHECK(snapshot::query_events(three_runs(), {}, 10, [&](std::string_view) { return ++lines < 4; }).has_value());
  CHECK(lines == 4);
}

TEST_CASE("a task's story is its trajectory") {
  const auto story = snapshot::task_story(three_runs(), std::string_view("task-1"));
  REQUIRE(story.has_value());
  REQUIRE(story->has_value());
  const boost::json::object& t = **story;
  CHECK(t.at("taskId") == "task-1");
  CHECK(t.at("agentId") == "agent-1");
  CHECK(t.at("taskType") == "review");
  CHECK(t.at("done") == true);
  CHECK(t.at("reward") == 0.501);
  const auto& events = t.at("events").as_array();
  REQUIRE(events.size() == 4);
  CHECK(events[0].at("type") == "routing-decision");
  CHECK(events[1].at("type") == "task-start");
  CHECK(events[2].at("type") == "task-execution");
  CHECK(events[3].at("type") == "evaluation-outcome");
}

TEST_CASE("a task that is not there has no story") {
  const auto story = snapshot::task_story(three_runs(), std::string_view("task-9"));
  REQUIRE(story.has_value());
  CHECK_FALSE(story->has_value());
}

TEST_CASE("a story takes a context as deep as any event may have") {
  MemoryView view;
  sample::Event e;
  sample::fill(e, Kind::task_start);
  std::string deep, shut;
  for (int i = 0; i < 63; ++i) deep += R"({"a":)", shut += '}';
  e.values.set_text(schema::field(Kind::task_start, "context"), e.keep(deep + "{}" + shut));
  view.add(e.values);
  const auto story = snapshot::task_story(view, std::string_view("raw-taskId"));
  REQUIRE(story.has_value());
  CHECK(story->has_value());
}

TEST_CASE("events beyond what a query may hold are an error that says what to do") {
  MemoryView view;
  sample::Event e;
  sample::fill(e, Kind::agent_status_change);
  e.values.kind = Kind::task_start;
  e.values.present = 0;
  e.values.set_text(schema::field(Kind::task_start, "taskId"), std::string_view("t"));
  const std::string json = R"({"x":")" + std::string(64'000, 'x') + R"("})";
  e.values.set_text(schema::field(Kind::task_start, "context"), std::string_view(json));
  for (std::uint64_t i = 0; i < 600; ++i) e.values.sequence = i, view.add(e.values);
  const auto story = snapshot::task_story(view, std::string_view("t"));
  REQUIRE(story.has_error());
  CHECK(story.error().message == "the events take more than 32 MiB: read the task from a snapshot's trajectories");
  CHECK(found(view, {}, 1000).size() == 600);
}
