/* Every function of the C interface, called as a C program calls it; compiled as C99 and as C++.
 *
 *   every_function alone       in a directory that nobody collects (ARBITER_RING_DIR): what each function answers
 *   every_function collected   with a collector: every kind, by function, in a batch and by a run; says what flush said
 *
 * Exit status 0 if everything was as it should be; what was not is on stderr. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "every_kind.h"

static int failures = 0;

#define CHECK(claim)                                                                                             \
  do {                                                                                                           \
    if (!(claim)) {                                                                                              \
      fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__, #claim, arbiter_last_error()); \
      ++failures;                                                                                                \
    }                                                                                                            \
  } while (0)
#define CHECK_ERROR(field, rule)                           \
  do {                                                     \
    CHECK(strcmp(arbiter_last_error_field(), field) == 0); \
    CHECK(strcmp(arbiter_last_error_rule(), rule) == 0);   \
  } while (0)
#define SAYS(text) (strcmp(arbiter_last_error(), text) == 0)
#define IS(string, text) ((string).size == sizeof(text) - 1 && memcmp((string).data, text, sizeof(text) - 1) == 0)

static void versions(void) {
  CHECK(arbiter_abi_version() == ARBITER_ABI_VERSION);
  CHECK(strchr(arbiter_version(), '.') != NULL);
}

static void the_wrong_calls(arbiter_producer* producer) {
  arbiter_agent_status_change change = {0};
  arbiter_producer_options options = {0};
  arbiter_account account = {0};
  arbiter_completion done = {0};
  arbiter_batch_item item = {0};
  arbiter_run run;
  memset(&run, 0, sizeof run);
  change.struct_size = sizeof change;
  CHECK(arbiter_record_agent_status_change(NULL, &change) == ARBITER_INVALID);
  CHECK(SAYS("invalid call: producer: is null"));
  CHECK(arbiter_record_agent_status_change(producer, NULL) == ARBITER_INVALID);
  CHECK(SAYS("invalid call: event: is null"));
  change.struct_size = 0;
  CHECK(arbiter_record_agent_status_change(producer, &change) == ARBITER_INVALID);
  CHECK(SAYS("invalid call: struct_size: is not the size of the struct: set it to its sizeof"));
  CHECK(arbiter_record(producer, (arbiter_kind)14, &change, NULL) == ARBITER_INVALID);
  CHECK(SAYS("invalid call: kind: is none that this version of the library knows"));
  CHECK(arbiter_producer_create(&options) == NULL);
  CHECK(arbiter_producer_account(producer, &account) == ARBITER_INVALID);
  CHECK(arbiter_producer_account(NULL, NULL) == ARBITER_INVALID);
  CHECK(arbiter_start_task(producer, NULL, &run) == ARBITER_INVALID);
  CHECK(arbiter_start_task(producer, NULL, NULL) == ARBITER_INVALID);
  done.struct_size = sizeof done;
  CHECK(arbiter_run_complete(&run, &done) == ARBITER_INVALID);
  CHECK(SAYS("invalid call: run: is null, or was not started"));
  CHECK(arbiter_run_complete(NULL, &done) == ARBITER_INVALID);
  CHECK(arbiter_run_task_id(NULL).data == NULL);
  CHECK(arbiter_run_agent_id(&run).size == 0);
  CHECK(arbiter_record_batch(producer, NULL, 3) == 0);
  CHECK(arbiter_record_batch(producer, &item, 1) == 0);
  CHECK(arbiter_attach_thread(NULL) == 0);
  arbiter_detach_thread(NULL);
  CHECK(arbiter_flush(NULL, 0) == 0);
  CHECK(arbiter_producer_problem(NULL, NULL, 0) == strlen("producer is null"));
  arbiter_producer_destroy(NULL);
}

static void the_refused(arbiter_producer* producer) {
  arbiter_routing_decision decision = {0};
  arbiter_evaluation_outcome outcome = {0};
  arbiter_thinking_budget_usage usage = {0};
  arbiter_event event = {0};
  arbiter_id made;
  decision.struct_size = sizeof decision;
  CHECK(arbiter_record_routing_decision(producer, &decision, &made) == ARBITER_REFUSED);
  CHECK(SAYS("routing-decision: taskId: is required and is missing or empty"));
  CHECK(made.size == 0 && made.text[0] == '\0');
  decision.task_id = arbiter_str("task-1");
  decision.selected_agent = arbiter_str("agent-7");
  decision.confidence = arbiter_num(1.01);
  CHECK(arbiter_record_routing_decision(producer, &decision, NULL) == ARBITER_REFUSED);
  CHECK_ERROR("confidence", "is out of its range");
  decision.confidence = arbiter_num(NAN);
  CHECK(arbiter_record_routing_decision(producer, &decision, NULL) == ARBITER_REFUSED);
  CHECK_ERROR("confidence", "is not a finite number");
  usage.struct_size = sizeof usage;
  usage.task_id = arbiter_str("task-1");
  usage.tokens_used = arbiter_int(-1);
  CHECK(arbiter_record_thinking_budget_usage(producer, &usage) == ARBITER_REFUSED);
  CHECK_ERROR("tokensUsed", "is out of its range");
  outcome.struct_size = sizeof outcome;
  outcome.task_id = arbiter_str("task-1");
  CHECK(arbiter_record_evaluation_outcome(producer, &outcome) == ARBITER_REFUSED);
  CHECK_ERROR("evaluation.passed", "is required and is missing or empty");
  event.struct_size = sizeof event;
  event.type = arbiter_strn("\xff", 1);
  event.data = arbiter_str("{}");
  CHECK(arbiter_record_event(producer, &event) == ARBITER_REFUSED);
  CHECK(SAYS("event: type: is not UTF-8"));
}

/* What each says of itself is what a single call would have said. */
static void a_batch_that_is_not_all_good(arbiter_producer* producer) {
  arbiter_routing_decision good = {0}, bad = {0};
  arbiter_batch_item items[4] = {{0}};
  arbiter_id made;
  good.struct_size = bad.struct_size = sizeof good;
  good.task_id = bad.task_id = arbiter_str("task-1");
  good.selected_agent = arbiter_str("agent-7");
  items[0].event = items[2].event = items[3].event = &good;
  items[1].event = &bad;
  items[2].made_id = &made;
  for (int i = 0; i < 4; ++i) {
    items[i].struct_size = sizeof *items;
    items[i].kind = ARBITER_ROUTING_DECISION;
  }
  items[3].kind = (arbiter_kind)14;
  CHECK(arbiter_record_batch(producer, items, 4) == 2);
  CHECK(items[0].status == ARBITER_RECORDED && items[0].field[0] == '\0' && items[0].rule[0] == '\0');
  CHECK(items[1].status == ARBITER_REFUSED && strcmp(items[1].field, "selectedAgent") == 0);
  CHECK(strcmp(items[1].rule, "is required and is missing or empty") == 0);
  CHECK(items[2].status == ARBITER_RECORDED && items[2].field[0] == '\0' && made.size >= 26);
  CHECK(items[3].status == ARBITER_INVALID && strcmp(items[3].field, "kind") == 0);
  CHECK(strcmp(items[3].rule, "is none that this version of the library knows") == 0);
}

static void a_run(arbiter_producer* producer) {
  arbiter_task_start start = {0};
  arbiter_completion done = {0};
  arbiter_run run, copy;
  start.struct_size = sizeof start;
  start.task_id = arbiter_str("task-3");
  start.agent_id = arbiter_str("agent-7");
  start.decision_id = arbiter_str("decision-3");
  start.time = arbiter_at(THEN_NS + 200);
  CHECK(arbiter_start_task(producer, &start, &run) == ARBITER_RECORDED);
  CHECK(IS(arbiter_run_task_id(&run), "task-3"));
  CHECK(IS(arbiter_run_agent_id(&run), "agent-7"));
  CHECK(IS(arbiter_run_decision_id(&run), "decision-3"));
  CHECK(arbiter_run_execution_id(&run).size >= 26);
  memcpy(&copy, &run, sizeof run);
  memset(&run, 0xff, sizeof run);
  done.struct_size = sizeof done;
  done.time = arbiter_at(THEN_NS + 2000200);
  CHECK(arbiter_run_complete(&copy, &done) == ARBITER_REFUSED);
  CHECK_ERROR("outcome.success", "is required and is missing or empty");
  done.outcome.success = arbiter_bool(7);
  done.outcome.quality_score = arbiter_num(0.9);
  CHECK(arbiter_run_complete(&copy, &done) == ARBITER_RECORDED);
  CHECK(arbiter_run_complete(&copy, &done) == ARBITER_INVALID);
  CHECK(SAYS("invalid call: run: was completed before"));
}

static void the_account(arbiter_producer* producer, uint64_t recorded, uint64_t refused) {
  arbiter_account account = {0};
  account.struct_size = sizeof account;
  CHECK(arbiter_producer_account(producer, &account) == ARBITER_RECORDED);
  CHECK(account.struct_size == sizeof account);
  CHECK(account.recorded == recorded);
  CHECK(account.refused == refused);
  CHECK(account.attempted == recorded + refused);
  CHECK(account.lane_full == 0 && account.no_lane == 0 && account.reentrant == 0);
}

static int alone(void) {
  char problem[256];
  arbiter_routing_decision decision = {0};
  arbiter_id made;
  arbiter_producer* producer = arbiter_producer_create(NULL);
  CHECK(producer != NULL);
  CHECK(SAYS(""));
  versions();
  CHECK(arbiter_flush(producer, 0) == 1); /* nothing was recorded */
  CHECK(arbiter_attach_thread(producer) == 1);
  CHECK(arbiter_flush(producer, 0) == 1);
  CHECK(arbiter_producer_problem(producer, problem, sizeof problem) == 0 && problem[0] == '\0');
  CHECK(record_every_kind(producer) == 13);
  CHECK(SAYS(""));
  CHECK(record_every_kind_in_a_batch(producer) == 13);
  the_wrong_calls(producer);
  the_account(producer, 26, 0);
  the_refused(producer);
  the_account(producer, 26, 6);
  a_run(producer);
  the_account(producer, 28, 7);
  decision.struct_size = sizeof decision;
  decision.task_id = arbiter_str("task-1");
  decision.selected_agent = arbiter_str("agent-7");
  CHECK(arbiter_record(producer, ARBITER_ROUTING_DECISION, &decision, &made) == ARBITER_RECORDED);
  CHECK(made.size >= 26 && made.text[made.size] == '\0' && strlen(made.text) == made.size);
  a_batch_that_is_not_all_good(producer);
  arbiter_detach_thread(producer);
  arbiter_detach_thread(producer);
  the_account(producer, 31, 8);
  CHECK(arbiter_flush(producer, 0) == 0); /* nobody took it */
  CHECK(arbiter_flush(producer, 2000000) == 0);
  arbiter_producer_destroy(producer);
  return failures;
}

static int collected(void) {
  arbiter_producer* producer = arbiter_producer_create(NULL);
  int flushed;
  CHECK(record_every_kind(producer) == 13);
  CHECK(record_every_kind_in_a_batch(producer) == 13);
  a_run(producer);
  arbiter_detach_thread(producer);
  flushed = arbiter_flush(producer, INT64_C(20000000000));
  CHECK(flushed == 1);
  CHECK(arbiter_flush(producer, 0) == 1);
  printf("flushed %d\n", flushed);
  arbiter_producer_destroy(producer);
  return failures;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "alone") == 0) return alone() != 0;
  if (argc == 2 && strcmp(argv[1], "collected") == 0) return collected() != 0;
  fprintf(stderr, "usage: every_function alone|collected\n");
  return 2;
}
