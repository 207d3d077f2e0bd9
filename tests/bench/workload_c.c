#include "workload_c.h"

#define TASK "0b5f7a2e-5a41-4d02-9a06-7a1d3c0e9f11"
#define EXECUTION "91c1e7d4-22cb-4f7e-8d3a-55d0a1b2c3d4"
#define DECISION "4a7e01f3-9c55-4b1e-8f60-b2f4de3c7a90"
#define AGENT "c8d2b6aa-70e9-4f3c-a4d5-1e6f90b7c283"
#define RATIONALE "lowest expected latency among the agents that hold the needed skills; second best was busy just then"

int bench_c_small(arbiter_producer* producer, uint64_t i) {
  const arbiter_thinking_budget_usage usage = {
      .struct_size = sizeof usage, .task_id = arbiter_str(TASK), .tokens_used = arbiter_int((uint32_t)i)};
  return arbiter_record_thinking_budget_usage(producer, &usage) == ARBITER_RECORDED;
}

int bench_c_typical(arbiter_producer* producer, uint64_t i) {
  const arbiter_task_execution execution = {.struct_size = sizeof execution,
                                            .execution_id = arbiter_str(EXECUTION),
                                            .task_id = arbiter_str(TASK),
                                            .agent_id = arbiter_str(AGENT),
                                            .task_type = arbiter_str("code-review"),
                                            .outcome = {.success = arbiter_bool(1),
                                                        .quality_score = arbiter_num(0.9),
                                                        .efficiency_score = arbiter_num(0.8),
                                                        .tokens_consumed = arbiter_int((uint32_t)i)}};
  return arbiter_record_task_execution(producer, &execution) == ARBITER_RECORDED;
}

int bench_c_kept(arbiter_producer* producer, arbiter_task_execution* kept, uint64_t i) {
  kept->execution_id = arbiter_str(EXECUTION);
  kept->task_id = arbiter_str(TASK);
  kept->agent_id = arbiter_str(AGENT);
  kept->task_type = arbiter_str("code-review");
  kept->outcome.success = arbiter_bool(1);
  kept->outcome.quality_score = arbiter_num(0.9);
  kept->outcome.efficiency_score = arbiter_num(0.8);
  kept->outcome.tokens_consumed = arbiter_int((uint32_t)i);
  return arbiter_record_task_execution(producer, kept) == ARBITER_RECORDED;
}

int bench_c_large(arbiter_producer* producer, uint64_t i) {
  const arbiter_alternative weighed[3] = {
      {.agent_id = arbiter_str("agent-of-the-first-alternative-000001"), .score = arbiter_num(0.7), .probability = arbiter_num(0.2)},
      {.agent_id = arbiter_str("agent-of-the-second-alternative-00002"), .score = arbiter_num(0.5), .probability = arbiter_num(0.1)},
      {.agent_id = arbiter_str("agent-of-the-third-alternative-000003"), .score = arbiter_num(0.4), .probability = arbiter_num(0.05)}};
  const arbiter_routing_decision decision = {.struct_size = sizeof decision,
                                             .decision_id = arbiter_str(DECISION),
                                             .task_id = arbiter_str(TASK),
                                             .task_type = arbiter_str("code-review"),
                                             .selected_agent = arbiter_str(AGENT),
                                             .routing_strategy = arbiter_str("multi-armed-bandit"),
                                             .confidence = arbiter_num(0.85),
                                             .propensity = arbiter_num((double)(i & 1023) / 1024),
                                             .alternatives_considered = ARBITER_LIST(weighed),
                                             .rationale = arbiter_str(RATIONALE)};
  return arbiter_record_routing_decision(producer, &decision, NULL) == ARBITER_RECORDED;
}

int bench_c_start(arbiter_producer* producer, arbiter_run* run) {
  const arbiter_task_start start = {.struct_size = sizeof start,
                                    .execution_id = arbiter_str(EXECUTION),
                                    .task_id = arbiter_str(TASK),
                                    .agent_id = arbiter_str(AGENT),
                                    .task_type = arbiter_str("code-review")};
  return arbiter_start_task(producer, &start, run) == ARBITER_RECORDED;
}

int bench_c_complete(arbiter_run* run, uint64_t i) {
  const arbiter_completion done = {.struct_size = sizeof done,
                                   .outcome = {.success = arbiter_bool(1),
                                               .quality_score = arbiter_num(0.9),
                                               .efficiency_score = arbiter_num(0.8),
                                               .tokens_consumed = arbiter_int((uint32_t)i)}};
  return arbiter_run_complete(run, &done) == ARBITER_RECORDED;
}
