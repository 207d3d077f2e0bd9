#include "every_kind.h"

#include <stdio.h>
#include <string.h>

/* Everything that is recorded lies here: one struct of each kind. */
typedef struct {
  arbiter_string capabilities[3];
  arbiter_alternative alternatives[2];
  arbiter_violation violations[2];
  arbiter_score scores[2];
  arbiter_agent_registration registration;
  arbiter_agent_status_change status_change;
  arbiter_routing_decision decision;
  arbiter_task_start start;
  arbiter_task_execution execution;
  arbiter_constitutional_validation validation;
  arbiter_thinking_budget_allocation allocation;
  arbiter_thinking_budget_usage usage;
  arbiter_minimality_evaluation minimality;
  arbiter_model_judgment judgment;
  arbiter_rl_training_metrics training;
  arbiter_evaluation_outcome evaluation;
  arbiter_event event;
} every_kind;

#define BEGIN(member) (e->member.struct_size = sizeof e->member)
#define END(member, number) \
  (e->member.time = arbiter_at(first_ns + number), e->member.trace_id = arbiter_str(TRACE_ID), e->member.span_id = arbiter_str(SPAN_ID))

static void fill_lists(every_kind* e) {
  e->capabilities[0] = arbiter_str("c++");
  e->capabilities[1] = arbiter_strn("caf\xc3\xa9\0nul", 9); /* not ASCII, and with a NUL in it */
  e->capabilities[2] = arbiter_str("");
  e->alternatives[0].agent_id = arbiter_str("agent-7");
  e->alternatives[0].score = arbiter_num(0.75);
  e->alternatives[0].probability = arbiter_num(0.6);
  e->alternatives[0].reason = arbiter_str("the fastest");
  e->alternatives[1].agent_id = arbiter_str("agent-9"); /* and no more */
  e->violations[0].severity = arbiter_str("critical");
  e->violations[0].message = arbiter_str("wrote outside of its directory");
  e->violations[0].rule = arbiter_str("CAWS-7");
  e->violations[1].severity = arbiter_str("low");
  e->scores[0].name = arbiter_str("correctness");
  e->scores[0].value = 0.1;
  e->scores[1].name = arbiter_str("style");
  e->scores[1].value = -3;
}

static void fill_agents_and_tasks(every_kind* e, int64_t first_ns) {
  arbiter_strings capabilities = ARBITER_LIST(e->capabilities);
  arbiter_alternatives alternatives = ARBITER_LIST(e->alternatives);

  BEGIN(registration);
  e->registration.agent_id = arbiter_str("agent-7");
  e->registration.capabilities = capabilities;
  e->registration.baseline_metrics.latency_ms = arbiter_num(120.5);
  e->registration.baseline_metrics.accuracy = arbiter_num(0.9);
  e->registration.baseline_metrics.cost_per_task = arbiter_num(0.02);
  e->registration.baseline_metrics.reliability = arbiter_num(1);
  END(registration, 1);

  BEGIN(status_change);
  e->status_change.agent_id = arbiter_str("agent-7");
  e->status_change.status = arbiter_str("busy");
  e->status_change.previous_status = arbiter_str("available");
  e->status_change.reason = arbiter_str("task-1");
  END(status_change, 2);

  BEGIN(decision);
  e->decision.decision_id = arbiter_str("decision-1");
  e->decision.task_id = arbiter_str("task-1");
  e->decision.task_type = arbiter_str("fix_failing_test");
  e->decision.selected_agent = arbiter_str("agent-7");
  e->decision.routing_strategy = arbiter_str("multi-armed-bandit");
  e->decision.confidence = arbiter_num(0.85);
  e->decision.propensity = arbiter_num(0);
  e->decision.policy_version = arbiter_str("policy-3");
  e->decision.context = arbiter_str("{\"files\": 3, \"size\": 1.50}");
  e->decision.alternatives_considered = alternatives;
  e->decision.rationale = arbiter_str("it did well before");
  END(decision, 3);

  BEGIN(start);
  e->start.execution_id = arbiter_str("execution-1");
  e->start.task_id = arbiter_str("task-1");
  e->start.agent_id = arbiter_str("agent-7");
  e->start.task_type = arbiter_str("fix_failing_test");
  e->start.decision_id = arbiter_str("decision-1");
  e->start.context = arbiter_str("{\"attempt\": 1}");
  END(start, 4);

  BEGIN(execution);
  e->execution.execution_id = arbiter_str("execution-2");
  e->execution.decision_id = arbiter_str("decision-2");
  e->execution.task_id = arbiter_str("task-2");
  e->execution.agent_id = arbiter_str("agent-9");
  e->execution.task_type = arbiter_str("write_docs");
  e->execution.started_at_ns = arbiter_at(first_ns - 1500000);
  e->execution.routing_decision.decision_id = arbiter_str("decision-2");
  e->execution.routing_decision.selected_agent = arbiter_str("agent-9");
  e->execution.routing_decision.routing_strategy = arbiter_str("random");
  e->execution.routing_decision.confidence = arbiter_num(0.5);
  e->execution.routing_decision.propensity = arbiter_num(0.25);
  e->execution.routing_decision.policy_version = arbiter_str("policy-4");
  e->execution.routing_decision.decided_at_ns = arbiter_at(first_ns - 2500000);
  e->execution.outcome.success = arbiter_bool(0);
  e->execution.outcome.quality_score = arbiter_num(0.3);
  e->execution.outcome.efficiency_score = arbiter_num(0.4);
  e->execution.outcome.tokens_consumed = arbiter_int(1500);
  e->execution.outcome.completion_time_ms = arbiter_num(1.5);
  e->execution.outcome.tokens_in = arbiter_int(0);
  e->execution.outcome.tokens_out = arbiter_int(INT64_MAX);
  e->execution.outcome.cost_usd = arbiter_num(0.125);
  e->execution.outcome.error_type = arbiter_str("timeout");
  END(execution, 5);
}

static void fill_judgments(every_kind* e, int64_t first_ns) {
  arbiter_violations violations = ARBITER_LIST(e->violations);
  arbiter_scores scores = ARBITER_LIST(e->scores);

  BEGIN(validation);
  e->validation.task_id = arbiter_str("task-1");
  e->validation.agent_id = arbiter_str("agent-7");
  e->validation.execution_id = arbiter_str("execution-1");
  e->validation.decision_id = arbiter_str("decision-1");
  e->validation.validation_result.valid = arbiter_bool(0);
  e->validation.validation_result.violations = violations;
  e->validation.validation_result.compliance_score = arbiter_num(0.7);
  e->validation.validation_result.processing_time_ms = arbiter_num(12.25);
  e->validation.validation_result.rule_count = arbiter_int(40);
  END(validation, 6);

  BEGIN(allocation);
  e->allocation.task_id = arbiter_str("task-1");
  e->allocation.allocated_tokens = arbiter_int(8000);
  e->allocation.complexity_level = arbiter_str("complex");
  e->allocation.confidence = arbiter_num(0.8);
  END(allocation, 7);

  BEGIN(usage);
  e->usage.task_id = arbiter_str("task-1");
  e->usage.tokens_used = arbiter_int(9000);
  e->usage.tokens_allocated = arbiter_int(8000);
  e->usage.utilization_rate = arbiter_num(1.125);
  END(usage, 8);

  BEGIN(minimality);
  e->minimality.task_id = arbiter_str("task-1");
  e->minimality.minimality_factor = arbiter_num(0.9);
  e->minimality.ast_similarity = arbiter_num(0.95);
  e->minimality.scaffolding_penalty = arbiter_num(0.05);
  e->minimality.lines_changed = arbiter_int(12);
  e->minimality.quality_assessment = arbiter_str("minimal");
  END(minimality, 9);

  BEGIN(judgment);
  e->judgment.task_id = arbiter_str("task-1");
  e->judgment.execution_id = arbiter_str("execution-1");
  e->judgment.decision_id = arbiter_str("decision-1");
  e->judgment.overall_score = arbiter_num(0.88);
  e->judgment.overall_confidence = arbiter_num(0.77);
  e->judgment.all_criteria_pass = arbiter_bool(1);
  e->judgment.criteria_scores = scores;
  e->judgment.evaluation_time_ms = arbiter_num(345.5);
  END(judgment, 10);

  BEGIN(training);
  e->training.trajectories_processed = arbiter_int(64);
  e->training.average_reward = arbiter_num(-0.5);
  e->training.policy_loss = arbiter_num(1e-300);
  e->training.value_loss = arbiter_num(2.5);
  e->training.kl_divergence = arbiter_num(0.01);
  e->training.training_time_ms = arbiter_num(60000);
  END(training, 11);

  BEGIN(evaluation);
  e->evaluation.task_id = arbiter_str("task-1");
  e->evaluation.agent_id = arbiter_str("agent-7");
  e->evaluation.execution_id = arbiter_str("execution-1");
  e->evaluation.decision_id = arbiter_str("decision-1");
  e->evaluation.evaluation.passed = arbiter_bool(1);
  e->evaluation.evaluation.score = arbiter_num(97);
  e->evaluation.evaluation.rubric_scores = scores;
  e->evaluation.evaluation.feedback = arbiter_str("good");
  END(evaluation, 12);

  BEGIN(event);
  e->event.type = arbiter_str("cache-warmed");
  e->event.data = arbiter_str("{\"taskId\": \"task-1\", \"big\": 12345678901234567890123, \"list\": [1, null]}");
  END(event, 13);
}

static void fill(every_kind* e, int64_t first_ns) {
  memset(e, 0, sizeof *e);
  fill_lists(e);
  fill_agents_and_tasks(e, first_ns);
  fill_judgments(e, first_ns);
}

static int one(arbiter_status status) {
  if (status != ARBITER_RECORDED) fprintf(stderr, "status %d: %s\n", (int)status, arbiter_last_error());
  return status == ARBITER_RECORDED;
}

int record_every_kind(arbiter_producer* producer) {
  every_kind e;
  arbiter_id made;
  int recorded = 0;
  fill(&e, THEN_NS);
  recorded += one(arbiter_record_agent_registration(producer, &e.registration));
  recorded += one(arbiter_record_agent_status_change(producer, &e.status_change));
  recorded += one(arbiter_record_routing_decision(producer, &e.decision, &made));
  recorded += one(arbiter_record_task_start(producer, &e.start, NULL));
  recorded += one(arbiter_record_task_execution(producer, &e.execution));
  recorded += one(arbiter_record_constitutional_validation(producer, &e.validation));
  recorded += one(arbiter_record_thinking_budget_allocation(producer, &e.allocation));
  recorded += one(arbiter_record_thinking_budget_usage(producer, &e.usage));
  recorded += one(arbiter_record_minimality_evaluation(producer, &e.minimality));
  recorded += one(arbiter_record_model_judgment(producer, &e.judgment));
  recorded += one(arbiter_record_rl_training_metrics(producer, &e.training));
  recorded += one(arbiter_record_evaluation_outcome(producer, &e.evaluation));
  recorded += one(arbiter_record_event(producer, &e.event));
  return recorded;
}

int record_every_kind_in_a_batch(arbiter_producer* producer) {
  every_kind e;
  const void* events[13];
  arbiter_batch_item items[13];
  int i;
  fill(&e, THEN_NS + 100);
  events[0] = &e.registration;
  events[1] = &e.status_change;
  events[2] = &e.decision;
  events[3] = &e.start;
  events[4] = &e.execution;
  events[5] = &e.validation;
  events[6] = &e.allocation;
  events[7] = &e.usage;
  events[8] = &e.minimality;
  events[9] = &e.judgment;
  events[10] = &e.training;
  events[11] = &e.evaluation;
  events[12] = &e.event;
  memset(items, 0, sizeof items);
  for (i = 0; i < 13; ++i) {
    items[i].struct_size = sizeof items[i];
    items[i].kind = (arbiter_kind)(i + 1);
    items[i].event = events[i];
  }
  return (int)arbiter_record_batch(producer, items, 13);
}
