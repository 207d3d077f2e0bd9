#include "collector/detect/causes.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace arbiter;
using namespace arbiter::detect;

namespace {

constexpr std::int64_t kSince = 1'000'000;

struct Told {
  Causes causes{{Measure::errors, "a", "", kSince, 0}};
  int task = 0;

  // `n` executions of agent a, of which `bad` fail.
  void executions(std::int64_t time_ns, int n, int bad, std::string_view type, std::string_view strategy = "random") {
    for (int i = 0; i < n; ++i) {
      event::Values v;
      v.kind = Kind::task_execution;
      const std::string id = "t" + std::to_string(++task);
      v.set_text(schema::field(Kind::task_execution, "taskId"), std::string_view(id));
      v.set_text(schema::field(Kind::task_execution, "agentId"), std::string_view("a"));
      v.set_text(schema::field(Kind::task_execution, "taskType"), type);
      v.set_text(schema::field(Kind::task_execution, "routingDecision.routingStrategy"), strategy);
      v.set_flag(schema::field(Kind::task_execution, "outcome.success"), i >= bad);
      causes.add(v, time_ns);
    }
  }
  Anomaly anomaly() const {
    Anomaly a;
    causes.put(a);
    return a;
  }
};

}  // namespace

TEST_CASE("the type that got worse explains the change, and the one that did not explains nothing") {
  Told told;
  told.executions(1, 500, 50, "fix");
  told.executions(1, 500, 50, "review");
  told.executions(kSince, 50, 45, "fix");
  told.executions(kSince, 50, 5, "review");
  const Anomaly a = told.anomaly();
  REQUIRE(a.causes.size() == 1);
  CHECK(a.causes[0].kind == "taskType");
  CHECK(a.causes[0].value == "fix");
  CHECK(a.causes[0].explained == doctest::Approx(1));
  CHECK(a.causes[0].baseline == Counts{500, 50});
  CHECK(a.causes[0].current == Counts{50, 45});
  CHECK(a.example_tasks.size() == 5);
}

TEST_CASE("two that got worse share it by how much each brings") {
  Told told;
  told.executions(1, 300, 0, "x");
  told.executions(1, 300, 0, "y");
  told.executions(kSince, 100, 60, "x");
  told.executions(kSince, 100, 20, "y");
  const Anomaly a = told.anomaly();
  REQUIRE(a.causes.size() == 2);
  CHECK(a.causes[0].value == "x");
  CHECK(a.causes[0].explained == doctest::Approx(0.75));
  CHECK(a.causes[1].explained == doctest::Approx(0.25));
}

TEST_CASE("what gets worse while others get better explains the whole, and not more") {
  Told told;
  told.executions(1, 500, 0, "x");
  told.executions(1, 500, 250, "y");
  told.executions(kSince, 100, 80, "x");
  told.executions(kSince, 100, 20, "y");
  const Anomaly a = told.anomaly();
  REQUIRE(a.causes.size() == 1);
  CHECK(a.causes[0].value == "x");
  CHECK(a.causes[0].explained == 1);
}

TEST_CASE("a kind of task that fails as ever, and comes more often, explains the change") {
  Told told;
  told.executions(1, 900, 0, "easy");
  told.executions(1, 100, 50, "hard");
  told.executions(kSince, 100, 0, "easy");
  told.executions(kSince, 100, 50, "hard");
  const Anomaly a = told.anomaly();
  REQUIRE(!a.causes.empty());
  CHECK(a.causes[0].value == "hard");
  double all = 0;
  for (const Cause& cause : a.causes) all += cause.explained;
  CHECK(all == doctest::Approx(1));
}

TEST_CASE("others' events are no causes, and a change of status is one") {
  Told told;
  told.executions(1, 100, 0, "x");
  event::Values v;
  v.kind = Kind::agent_status_change;
  v.set_text(schema::field(Kind::agent_status_change, "agentId"), std::string_view("b"));
  v.set_text(schema::field(Kind::agent_status_change, "status"), std::string_view("maintenance"));
  told.causes.add(v, kSince - 1);
  v.set_text(schema::field(Kind::agent_status_change, "agentId"), std::string_view("a"));
  v.set_text(schema::field(Kind::agent_status_change, "previousStatus"), std::string_view("offline"));
  v.set_text(schema::field(Kind::agent_status_change, "status"), std::string_view("available"));
  told.causes.add(v, kSince - 1);
  told.executions(kSince, 100, 50, "x");
  const Anomaly a = told.anomaly();
  REQUIRE(a.causes.size() == 1);
  CHECK(a.causes[0].kind == "statusChange");
  CHECK(a.causes[0].value == "offline to available");
  CHECK(a.causes[0].explained == doctest::Approx(1));
}
