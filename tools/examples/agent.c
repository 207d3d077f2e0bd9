/* An agent, in C: takes tasks in a loop, and records what becomes of them. The collector may start late, be killed or never run: nothing
 * here has to know.
 *
 *   usage: agent [TASKS [MICROSECONDS_OF_WORK]]      by default 100 tasks of 1,000 microseconds
 *
 * With an installed Arbiter: cc -std=c99 agent.c $(pkg-config --cflags --libs arbiter-producer) */
#define _POSIX_C_SOURCE 199309L
#include <arbiter/producer.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void work(long microseconds) {
  struct timespec pause;
  pause.tv_sec = microseconds / 1000000;
  pause.tv_nsec = microseconds % 1000000 * 1000;
  nanosleep(&pause, NULL);
}

/* Recording does not fail in a way that an agent must act upon. What was refused is a mistake in the program, and worth a line. */
static void check(arbiter_status status) {
  if (status == ARBITER_REFUSED || status == ARBITER_INVALID) fprintf(stderr, "agent: %s\n", arbiter_last_error());
}

static void one_task(arbiter_producer* producer, long number, long microseconds) {
  char task_id[32];
  arbiter_id decision_id;
  arbiter_run run;
  snprintf(task_id, sizeof task_id, "task-%ld", number);

  /* The arbiter chose this agent, and with which probability it did. */
  arbiter_routing_decision decision = {.struct_size = sizeof decision,
                                       .task_id = arbiter_str(task_id),
                                       .task_type = arbiter_str("fix_failing_test"),
                                       .selected_agent = arbiter_str("agent-7"),
                                       .routing_strategy = arbiter_str("multi-armed-bandit"),
                                       .confidence = arbiter_num(0.85),
                                       .propensity = arbiter_num(0.6)};
  check(arbiter_record_routing_decision(producer, &decision, &decision_id));

  /* The agent begins, works, and is done: the run carries the ids and the moment of the start. */
  arbiter_task_start start = {.struct_size = sizeof start,
                              .task_id = arbiter_str(task_id),
                              .agent_id = arbiter_str("agent-7"),
                              .decision_id = arbiter_strn(decision_id.text, decision_id.size)};
  check(arbiter_start_task(producer, &start, &run));
  work(microseconds);
  arbiter_completion done = {
      .struct_size = sizeof done,
      .outcome = {.success = arbiter_bool(number % 5 != 0), .quality_score = arbiter_num(0.9), .tokens_consumed = arbiter_int(1500)}};
  check(arbiter_run_complete(&run, &done));
}

int main(int argc, char** argv) {
  const long tasks = argc > 1 ? atol(argv[1]) : 100, microseconds = argc > 2 ? atol(argv[2]) : 1000;
  arbiter_producer* const producer = arbiter_producer_create(NULL);
  arbiter_account account = {.struct_size = sizeof account};
  if (producer == NULL) {
    fprintf(stderr, "agent: %s\n", arbiter_last_error());
    return 1;
  }
  for (long number = 1; number <= tasks; ++number) one_task(producer, number, microseconds);

  const int collected = arbiter_flush(producer, INT64_C(2000000000));
  arbiter_producer_account(producer, &account);
  printf("attempted %llu recorded %llu dropped %llu collected %s\n", (unsigned long long)account.attempted,
         (unsigned long long)account.recorded, (unsigned long long)(account.lane_full + account.no_lane + account.reentrant),
         collected ? "yes" : "no");
  arbiter_producer_destroy(producer);
  return 0;
}
