#include <arbiter/producer.hpp>
#include <cstdio>

int main() {
  arbiter::Producer producer;  // never throws, never blocks, works before the collector is up

  // The arbiter chose an agent for a task, and with which probability it did.
  const auto decision = producer.record(arbiter::RoutingDecision{.task_id = "task-1",
                                                                 .task_type = "fix_failing_test",
                                                                 .selected_agent = "agent-7",
                                                                 .routing_strategy = "multi-armed-bandit",
                                                                 .confidence = 0.85,
                                                                 .propensity = 0.6,
                                                                 .context = R"({"files": 3})"});

  // The agent begins, works, and is done: the handle carries the ids and the moment of the start.
  const auto run = producer.start_task({.task_id = "task-1", .agent_id = "agent-7", .decision_id = decision.made_id()});
  const auto done = run.complete({.success = true, .quality_score = 0.9, .tokens_consumed = 1500});

  // Every call says what became of it.
  if (done.status() == arbiter::Status::refused)
    std::fprintf(stderr, "refused: %s %s\n", std::string(done.field()).c_str(), std::string(done.rule()).c_str());
  else if (done.status() == arbiter::Status::dropped)
    std::fprintf(stderr, "dropped: %s\n", producer.problem().c_str());
  return done.recorded() ? 0 : 1;
}
