#include "collector/control/routes.hpp"

#include <doctest/doctest.h>

#include "fake_service.hpp"

using namespace arbiter;
using namespace arbiter::control;

namespace {

// The status and body of an answer in one piece; of a stream, its lines.
std::string answer(service::Service& service, std::string_view method, std::string_view target, std::string body = {}) {
  Matched matched = match(method, target);
  if (matched.route == nullptr) return std::to_string(matched.refusal.status) + " " + matched.refusal.body;
  matched.call.body = std::move(body);
  if (matched.route->stream != nullptr) {
    std::string lines;
    const auto result = matched.route->stream(service, matched.call, [&lines](std::string_view line) {
      lines.append(line).append(";");
      return true;
    });
    const Response wrong = result ? Response{} : error_response(result.error());
    return std::to_string(wrong.status) + " " + (result ? lines : wrong.body);
  }
  const Response response = matched.route->answer(service, matched.call);
  return std::to_string(response.status) + " " + response.body;
}

}  // namespace

TEST_CASE("each route asks the service for what it says") {
  FakeService service;
  CHECK(answer(service, "GET", "/healthz") == "200 {\"healthy\":true}\n");
  CHECK(answer(service, "GET", "/metrics") == "200 arbiter_up 1\n");
  CHECK(answer(service, "GET", "/v1/status") == "200 {\"state\":\"running\"}\n");
  CHECK(answer(service, "GET", "/v1/stats") == "200 {\"fresh\":true}\n");
  CHECK(answer(service, "GET", "/v1/stats?fresh=0") == "200 {\"fresh\":false}\n");
  CHECK(answer(service, "GET", "/v1/tasks/task%2F1") == "200 {\"taskId\":\"task/1\"}\n");
  CHECK(answer(service, "POST", "/v1/flush") == "200 {\"flushed\":true}\n");
  CHECK(service.flushed == 1);
  CHECK(answer(service, "POST", "/v1/pause") == "200 {\"enabled\":false}\n");
  CHECK(service.enabled == 0);
  CHECK(answer(service, "POST", "/v1/resume") == "200 {\"enabled\":true}\n");
  CHECK(service.enabled == 1);
  CHECK(answer(service, "GET", "/v1/config") == "200 {\"enabled\":true}\n");
  CHECK(answer(service, "PATCH", "/v1/config", "{\"log\":{\"level\":\"debug\"}}") == "200 {\"changes\":{\"log\":{\"level\":\"debug\"}}}\n");
  CHECK(answer(service, "DELETE", "/v1/data") == "200 {\"cleared\":true}\n");
  CHECK(service.cleared == 1);
}

TEST_CASE("statistics of a window, an agent or a type are another question than the exact ones, and wait where long ones do") {
  FakeService service;
  CHECK(answer(service, "GET", "/v1/stats?window=1h") == "200 {\"window\":\"1h\",\"agent\":\"\",\"taskType\":\"\"}\n");
  CHECK(answer(service, "GET", "/v1/stats?agent=a%2F1&task_type=fix") == "200 {\"window\":\"\",\"agent\":\"a/1\",\"taskType\":\"fix\"}\n");
  CHECK(match("GET", "/v1/stats").route->effort == Effort::quick);
  CHECK(match("GET", "/v1/stats?window=1h").route->effort == Effort::heavy);
  CHECK(answer(service, "GET", "/v1/stats?window=1h&fresh=0") ==
        "200 {\"window\":\"1h\",\"agent\":\"\",\"taskType\":\"\",\"fresh\":false}\n");
  CHECK(answer(service, "GET", "/v1/agents?fresh=no").starts_with("400 "));
  CHECK(answer(service, "GET", "/v1/stats?windw=1h") == "400 {\"error\":\"no such parameter: windw: did you mean window?\"}\n");
  CHECK(answer(service, "GET", "/v1/agents") == "200 {\"window\":\"\",\"agent\":\"\",\"taskType\":\"\"}\n");
  CHECK(answer(service, "GET", "/v1/agents/a%2F1?window=24h") == "200 {\"window\":\"24h\",\"agent\":\"a/1\",\"taskType\":\"\"}\n");
}

TEST_CASE("an export takes a time in any form and formats by their short names") {
  FakeService service;
  CHECK(answer(service, "POST", "/v1/export") == "200 {\"since\":\"\",\"formats\":[]}\n");
  CHECK(answer(service, "POST", "/v1/export",
               R"({"since": "time:2026-11-23T07:40:00+01:00", "formats": ["jsonl", "trajectories", "events.jsonl.zst"]})") ==
        "200 {\"since\":\"time:2026-11-23T06:40:00.000000000Z\",\"formats\":[\"events.jsonl.zst\",\"trajectories.jsonl.zst\"]}\n");
  CHECK(answer(service, "POST", "/v1/export", R"({"since": "snapshot:7"})") == "200 {\"since\":\"snapshot:7\",\"formats\":[]}\n");
  CHECK(answer(service, "POST", "/v1/export", R"({"since": "time:soon"})").starts_with("400 {\"error\":\"since: \\\"soon\\\" is no time"));
  CHECK(answer(service, "POST", "/v1/export", R"({"formats": ["csv"]})")
            .starts_with("400 {\"error\":\"formats: \\\"csv\\\" is none: write some of a list of"));
  CHECK(answer(service, "POST", "/v1/export", R"({"format": "jsonl"})").starts_with("400 "));
  CHECK(answer(service, "POST", "/v1/export", "[]") == "400 {\"error\":\"the body is to be one JSON object\"}\n");
  CHECK(answer(service, "POST", "/v1/export", "{").starts_with("400 {\"error\":\"the body is not JSON: "));
}

TEST_CASE("the events asked for are those of the parameters") {
  FakeService service;
  service::EventsQuery asked;
  service.on_events = [&asked](const auto& query, const auto& line) {
    asked = query;
    line("{\"a\":1}");
    line("{\"b\":2}");
    return Result<void>();
  };
  CHECK(answer(service, "GET", "/v1/events") == "200 {\"a\":1};{\"b\":2};");
  CHECK_FALSE(asked.since_ns.has_value());
  CHECK_FALSE(asked.until_ns.has_value());
  CHECK(asked.type.empty());
  CHECK(asked.limit == 1000);
  CHECK(answer(service, "GET", "/v1/events?since=1000&until=1970-01-01T00:00:02Z&type=task-start&agent=a%20b&task=t&limit=7")
            .starts_with("200 "));
  CHECK(asked.since_ns == 1'000'000'000);
  CHECK(asked.until_ns == 2'000'000'000);
  CHECK(asked.type == "task-start");
  CHECK(asked.agent == "a b");
  CHECK(asked.task == "t");
  CHECK(asked.limit == 7);
}

TEST_CASE("a parameter that is wrong, unknown or there twice is refused by name") {
  FakeService service;
  CHECK(answer(service, "GET", "/v1/events?limit=0") == "400 {\"error\":\"limit=0: write a whole number from 1 up\"}\n");
  CHECK(answer(service, "GET", "/v1/events?limit=7x").starts_with("400 "));
  CHECK(answer(service, "GET", "/v1/events?since=soon").starts_with("400 {\"error\":\"since: \\\"soon\\\" is no time"));
  CHECK(answer(service, "GET", "/v1/events?limt=1") == "400 {\"error\":\"no such parameter: limt: did you mean limit?\"}\n");
  CHECK(answer(service, "GET", "/v1/events?colour=1") ==
        "400 {\"error\":\"no such parameter: colour: /v1/events takes since until type agent task limit\"}\n");
  CHECK(answer(service, "GET", "/v1/status?colour=1") == "400 {\"error\":\"no such parameter: colour: /v1/status takes none\"}\n");
  CHECK(answer(service, "GET", "/v1/events?limit=1&limit=2") == "400 {\"error\":\"parameter limit: is there twice\"}\n");
  CHECK(answer(service, "GET", "/v1/stats?fresh=yes") == "400 {\"error\":\"fresh=yes: write 0 or 1\"}\n");
}

TEST_CASE("what is not there is 404, what is there for another method 405 with the right ones") {
  FakeService service;
  CHECK(answer(service, "GET", "/v1/nothing").starts_with("404 {\"error\":\"no such thing here: there are GET /healthz, "));
  CHECK(answer(service, "GET", "/").starts_with("404 "));
  CHECK(answer(service, "GET", "/v1/tasks/").starts_with("404 "));
  CHECK(answer(service, "GET", "/v1/tasks/a/b").starts_with("404 "));
  CHECK(answer(service, "GET", "/v1/status/").starts_with("404 "));
  CHECK(answer(service, "POST", "/v1/config") == "405 {\"error\":\"POST is not for this: use GET, PATCH\"}\n");
  CHECK(match("PUT", "/v1/config").refusal.allow == "GET, PATCH");
  CHECK(answer(service, "GET", "/v1/flush").starts_with("405 "));
  CHECK(answer(service, "GET", "/%zz").starts_with("400 "));
}

TEST_CASE("reals are written in their shortest form") {
  FakeService service;
  service.on_status = [] {
    return boost::json::object{{"a", 0.35},
                               {"b", 1909195.405283},
                               {"c", 0.0},
                               {"d", 1e300},
                               {"e", {1, 2.5, "\"\n", nullptr, true}},
                               {"f", boost::json::array()},
                               {"g", boost::json::object()}};
  };
  CHECK(answer(service, "GET", "/v1/status") ==
        "200 {\"a\":0.35,\"b\":1909195.405283,\"c\":0,\"d\":1e+300,\"e\":[1,2.5,\"\\\"\\n\",null,true],\"f\":[],\"g\":{}}\n");
}

TEST_CASE("an error of the service keeps its status, and is 500 if it has none") {
  FakeService service;
  service.on_task = [](std::string_view) -> Result<boost::json::object> { return Error{"no such task", 404}; };
  CHECK(answer(service, "GET", "/v1/tasks/x") == "404 {\"error\":\"no such task\"}\n");
  service.on_task = [](std::string_view) -> Result<boost::json::object> { return Error{"reading x: Input/output error", 5}; };
  CHECK(answer(service, "GET", "/v1/tasks/x") == "500 {\"error\":\"reading x: Input/output error\"}\n");
  service.on_status = []() -> Result<boost::json::object> { return Error{"the drain does not answer", 500}; };
  CHECK(answer(service, "GET", "/healthz") == "503 {\"error\":\"the drain does not answer\"}\n");
}

TEST_CASE("whatever changes something is not for readers") {
  for (const Route& route : routes()) {
    CAPTURE(route.path);
    CHECK((route.needs == Access::read) == (route.method == "GET"));
    CHECK((route.answer == nullptr) == (route.effort == Effort::stream));
    CHECK((route.stream == nullptr) == (route.effort != Effort::stream));
  }
}
