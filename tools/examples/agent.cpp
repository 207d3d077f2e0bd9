// An agent, in C++: takes tasks in a loop, and records what becomes of them. The collector may start late, be killed or never run: nothing
// here has to know.
//
//   usage: agent [TASKS [MICROSECONDS_OF_WORK]]      by default 100 tasks of 1,000 microseconds
//
// With an installed Arbiter: c++ -std=c++20 agent.cpp $(pkg-config --cflags --libs arbiter-producer)
#include <arbiter/producer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

// Recording does not fail in a way that an agent must act upon. What was refused is a mistake in the program, and worth a line.
void check(const arbiter::RecordResult& result) {
  if (result.status() == arbiter::Status::refused)
    std::fprintf(stderr, "agent: %s %s\n", std::string(result.field()).c_str(), std::string(result.rule()).c_str());
}

void one_task(arbiter::Producer& producer, long number, std::chrono::microseconds work) {
  const std::string task_id = "task-" + std::to_string(number);

  // The arbiter chose this agent, and with which probability it did.
  const auto decision = producer.record(arbiter::RoutingDecision{.task_id = task_id,
                                                                 .task_type = "fix_failing_test",
                                                                 .selected_agent = "agent-7",
                                                                 .routing_strategy = "multi-armed-bandit",
                                                                 .confidence = 0.85,
                                                                 .propensity = 0.6});
  check(decision);

  // The agent begins, works, and is done: the run carries the ids and the moment of the start.
  const auto run = producer.start_task({.task_id = task_id, .agent_id = "agent-7", .decision_id = decision.made_id()});
  check(run.result());
  std::this_thread::sleep_for(work);
  check(run.complete({.success = number % 5 != 0, .quality_score = 0.9, .tokens_consumed = 1500}));
}

}  // namespace

int main(int argc, char** argv) {
  const long tasks = argc > 1 ? std::atol(argv[1]) : 100;
  const std::chrono::microseconds work(argc > 2 ? std::atol(argv[2]) : 1000);
  arbiter::Producer producer;
  for (long number = 1; number <= tasks; ++number) one_task(producer, number, work);

  const bool collected = producer.flush(std::chrono::seconds(2));
  const arbiter::Account account = producer.account();
  std::printf("attempted %llu recorded %llu dropped %llu collected %s\n", static_cast<unsigned long long>(account.attempted),
              static_cast<unsigned long long>(account.recorded),
              static_cast<unsigned long long>(account.lane_full + account.no_lane + account.reentrant), collected ? "yes" : "no");
}
