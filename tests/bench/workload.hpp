// The three events that everything is measured with, recorded as a user records them: a budget usage (the smallest kind that is common), a
// task's completion (typical; ids of 36 bytes), a routing decision (large: three alternatives, a rationale of 100 bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "arbiter/producer.hpp"

namespace arbiter::bench {

inline constexpr std::string_view kTask = "0b5f7a2e-5a41-4d02-9a06-7a1d3c0e9f11";
inline constexpr std::string_view kExecution = "91c1e7d4-22cb-4f7e-8d3a-55d0a1b2c3d4";
inline constexpr std::string_view kDecision = "4a7e01f3-9c55-4b1e-8f60-b2f4de3c7a90";
inline constexpr std::string_view kAgent = "c8d2b6aa-70e9-4f3c-a4d5-1e6f90b7c283";
inline constexpr std::string_view kRationale =
    "lowest expected latency among the agents that hold the needed skills; second best was busy just then";
static_assert(kTask.size() == 36 && kAgent.size() == 36 && kRationale.size() == 100);

// Each: `record(i)` records event number i. The numbers differ from event to event, the ids do not: what they say costs nothing.
struct Small {
  static constexpr std::string_view kName = "small";
  Producer& producer;
  bool record(std::uint64_t i) const noexcept {
    return producer.record(ThinkingBudgetUsage{.task_id = kTask, .tokens_used = static_cast<std::uint32_t>(i)}).recorded();
  }
};

struct Typical {
  static constexpr std::string_view kName = "typical";
  Producer& producer;
  bool record(std::uint64_t i) const noexcept {
    return producer
        .record(TaskExecution{
            .execution_id = kExecution,
            .task_id = kTask,
            .agent_id = kAgent,
            .task_type = "code-review",
            .outcome = {.success = true, .quality_score = 0.9, .efficiency_score = 0.8, .tokens_consumed = static_cast<std::uint32_t>(i)}})
        .recorded();
  }
};

// The same event by the handle that start_task gave.
struct Handle {
  static constexpr std::string_view kName = "typical, by handle";
  Producer& producer;
  Run run = producer.start_task({.execution_id = kExecution, .task_id = kTask, .agent_id = kAgent, .task_type = "code-review"});
  bool record(std::uint64_t i) const noexcept {
    return run.complete({.success = true, .quality_score = 0.9, .efficiency_score = 0.8, .tokens_consumed = static_cast<std::uint32_t>(i)})
        .recorded();
  }
};

struct Large {
  static constexpr std::string_view kName = "large";
  Producer& producer;
  bool record(std::uint64_t i) const noexcept {
    return producer
        .record(RoutingDecision{
            .decision_id = kDecision,
            .task_id = kTask,
            .task_type = "code-review",
            .selected_agent = kAgent,
            .routing_strategy = "multi-armed-bandit",
            .confidence = 0.85,
            .propensity = static_cast<double>(i & 1023) / 1024,
            .alternatives_considered = {{.agent_id = "agent-of-the-first-alternative-000001", .score = 0.7, .probability = 0.2},
                                        {.agent_id = "agent-of-the-second-alternative-00002", .score = 0.5, .probability = 0.1},
                                        {.agent_id = "agent-of-the-third-alternative-000003", .score = 0.4, .probability = 0.05}},
            .rationale = kRationale})
        .recorded();
  }
};

}  // namespace arbiter::bench
