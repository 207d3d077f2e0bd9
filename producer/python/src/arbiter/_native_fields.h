/* The fields of the kinds, for _native.c. Written by generate.py out of arbiter/events.h. */
/* clang-format off */
#pragma once

static const Field agent_registration_fields[] = {
  {"agent_id", (uint16_t)offsetof(arbiter_agent_registration, agent_id), FIELD_STRING},
  {"capabilities", (uint16_t)offsetof(arbiter_agent_registration, capabilities), FIELD_STRINGS},
  {"latency_ms", (uint16_t)offsetof(arbiter_agent_registration, baseline_metrics.latency_ms), FIELD_NUMBER},
  {"accuracy", (uint16_t)offsetof(arbiter_agent_registration, baseline_metrics.accuracy), FIELD_NUMBER},
  {"cost_per_task", (uint16_t)offsetof(arbiter_agent_registration, baseline_metrics.cost_per_task), FIELD_NUMBER},
  {"reliability", (uint16_t)offsetof(arbiter_agent_registration, baseline_metrics.reliability), FIELD_NUMBER},
  {"time", (uint16_t)offsetof(arbiter_agent_registration, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_agent_registration, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_agent_registration, span_id), FIELD_STRING},
};

static const Field agent_status_change_fields[] = {
  {"agent_id", (uint16_t)offsetof(arbiter_agent_status_change, agent_id), FIELD_STRING},
  {"status", (uint16_t)offsetof(arbiter_agent_status_change, status), FIELD_STRING},
  {"previous_status", (uint16_t)offsetof(arbiter_agent_status_change, previous_status), FIELD_STRING},
  {"reason", (uint16_t)offsetof(arbiter_agent_status_change, reason), FIELD_STRING},
  {"time", (uint16_t)offsetof(arbiter_agent_status_change, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_agent_status_change, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_agent_status_change, span_id), FIELD_STRING},
};

static const Field routing_decision_fields[] = {
  {"decision_id", (uint16_t)offsetof(arbiter_routing_decision, decision_id), FIELD_STRING},
  {"task_id", (uint16_t)offsetof(arbiter_routing_decision, task_id), FIELD_STRING},
  {"task_type", (uint16_t)offsetof(arbiter_routing_decision, task_type), FIELD_STRING},
  {"selected_agent", (uint16_t)offsetof(arbiter_routing_decision, selected_agent), FIELD_STRING},
  {"routing_strategy", (uint16_t)offsetof(arbiter_routing_decision, routing_strategy), FIELD_STRING},
  {"confidence", (uint16_t)offsetof(arbiter_routing_decision, confidence), FIELD_NUMBER},
  {"propensity", (uint16_t)offsetof(arbiter_routing_decision, propensity), FIELD_NUMBER},
  {"policy_version", (uint16_t)offsetof(arbiter_routing_decision, policy_version), FIELD_STRING},
  {"context", (uint16_t)offsetof(arbiter_routing_decision, context), FIELD_JSON},
  {"alternatives_considered", (uint16_t)offsetof(arbiter_routing_decision, alternatives_considered), FIELD_ALTERNATIVES},
  {"rationale", (uint16_t)offsetof(arbiter_routing_decision, rationale), FIELD_STRING},
  {"time", (uint16_t)offsetof(arbiter_routing_decision, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_routing_decision, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_routing_decision, span_id), FIELD_STRING},
};

static const Field task_start_fields[] = {
  {"execution_id", (uint16_t)offsetof(arbiter_task_start, execution_id), FIELD_STRING},
  {"task_id", (uint16_t)offsetof(arbiter_task_start, task_id), FIELD_STRING},
  {"agent_id", (uint16_t)offsetof(arbiter_task_start, agent_id), FIELD_STRING},
  {"task_type", (uint16_t)offsetof(arbiter_task_start, task_type), FIELD_STRING},
  {"decision_id", (uint16_t)offsetof(arbiter_task_start, decision_id), FIELD_STRING},
  {"context", (uint16_t)offsetof(arbiter_task_start, context), FIELD_JSON},
  {"time", (uint16_t)offsetof(arbiter_task_start, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_task_start, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_task_start, span_id), FIELD_STRING},
};

static const Field task_execution_fields[] = {
  {"execution_id", (uint16_t)offsetof(arbiter_task_execution, execution_id), FIELD_STRING},
  {"decision_id", (uint16_t)offsetof(arbiter_task_execution, decision_id), FIELD_STRING},
  {"task_id", (uint16_t)offsetof(arbiter_task_execution, task_id), FIELD_STRING},
  {"agent_id", (uint16_t)offsetof(arbiter_task_execution, agent_id), FIELD_STRING},
  {"task_type", (uint16_t)offsetof(arbiter_task_execution, task_type), FIELD_STRING},
  {"started_at_ns", (uint16_t)offsetof(arbiter_task_execution, started_at_ns), FIELD_TIME},
  {"routing_decision.decision_id", (uint16_t)offsetof(arbiter_task_execution, routing_decision.decision_id), FIELD_STRING},
  {"routing_decision.selected_agent", (uint16_t)offsetof(arbiter_task_execution, routing_decision.selected_agent), FIELD_STRING},
  {"routing_decision.routing_strategy", (uint16_t)offsetof(arbiter_task_execution, routing_decision.routing_strategy), FIELD_STRING},
  {"routing_decision.confidence", (uint16_t)offsetof(arbiter_task_execution, routing_decision.confidence), FIELD_NUMBER},
  {"routing_decision.propensity", (uint16_t)offsetof(arbiter_task_execution, routing_decision.propensity), FIELD_NUMBER},
  {"routing_decision.policy_version", (uint16_t)offsetof(arbiter_task_execution, routing_decision.policy_version), FIELD_STRING},
  {"routing_decision.decided_at_ns", (uint16_t)offsetof(arbiter_task_execution, routing_decision.decided_at_ns), FIELD_TIME},
  {"success", (uint16_t)offsetof(arbiter_task_execution, outcome.success), FIELD_FLAG},
  {"quality_score", (uint16_t)offsetof(arbiter_task_execution, outcome.quality_score), FIELD_NUMBER},
  {"efficiency_score", (uint16_t)offsetof(arbiter_task_execution, outcome.efficiency_score), FIELD_NUMBER},
  {"tokens_consumed", (uint16_t)offsetof(arbiter_task_execution, outcome.tokens_consumed), FIELD_COUNT},
  {"completion_time_ms", (uint16_t)offsetof(arbiter_task_execution, outcome.completion_time_ms), FIELD_NUMBER},
  {"tokens_in", (uint16_t)offsetof(arbiter_task_execution, outcome.tokens_in), FIELD_COUNT},
  {"tokens_out", (uint16_t)offsetof(arbiter_task_execution, outcome.tokens_out), FIELD_COUNT},
  {"cost_usd", (uint16_t)offsetof(arbiter_task_execution, outcome.cost_usd), FIELD_NUMBER},
  {"error_type", (uint16_t)offsetof(arbiter_task_execution, outcome.error_type), FIELD_STRING},
  {"time", (uint16_t)offsetof(arbiter_task_execution, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_task_execution, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_task_execution, span_id), FIELD_STRING},
};

static const Field constitutional_validation_fields[] = {
  {"task_id", (uint16_t)offsetof(arbiter_constitutional_validation, task_id), FIELD_STRING},
  {"agent_id", (uint16_t)offsetof(arbiter_constitutional_validation, agent_id), FIELD_STRING},
  {"execution_id", (uint16_t)offsetof(arbiter_constitutional_validation, execution_id), FIELD_STRING},
  {"decision_id", (uint16_t)offsetof(arbiter_constitutional_validation, decision_id), FIELD_STRING},
  {"valid", (uint16_t)offsetof(arbiter_constitutional_validation, validation_result.valid), FIELD_FLAG},
  {"violations", (uint16_t)offsetof(arbiter_constitutional_validation, validation_result.violations), FIELD_VIOLATIONS},
  {"compliance_score", (uint16_t)offsetof(arbiter_constitutional_validation, validation_result.compliance_score), FIELD_NUMBER},
  {"processing_time_ms", (uint16_t)offsetof(arbiter_constitutional_validation, validation_result.processing_time_ms), FIELD_NUMBER},
  {"rule_count", (uint16_t)offsetof(arbiter_constitutional_validation, validation_result.rule_count), FIELD_COUNT},
  {"time", (uint16_t)offsetof(arbiter_constitutional_validation, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_constitutional_validation, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_constitutional_validation, span_id), FIELD_STRING},
};

static const Field thinking_budget_allocation_fields[] = {
  {"task_id", (uint16_t)offsetof(arbiter_thinking_budget_allocation, task_id), FIELD_STRING},
  {"allocated_tokens", (uint16_t)offsetof(arbiter_thinking_budget_allocation, allocated_tokens), FIELD_COUNT},
  {"complexity_level", (uint16_t)offsetof(arbiter_thinking_budget_allocation, complexity_level), FIELD_STRING},
  {"confidence", (uint16_t)offsetof(arbiter_thinking_budget_allocation, confidence), FIELD_NUMBER},
  {"time", (uint16_t)offsetof(arbiter_thinking_budget_allocation, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_thinking_budget_allocation, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_thinking_budget_allocation, span_id), FIELD_STRING},
};

static const Field thinking_budget_usage_fields[] = {
  {"task_id", (uint16_t)offsetof(arbiter_thinking_budget_usage, task_id), FIELD_STRING},
  {"tokens_used", (uint16_t)offsetof(arbiter_thinking_budget_usage, tokens_used), FIELD_COUNT},
  {"tokens_allocated", (uint16_t)offsetof(arbiter_thinking_budget_usage, tokens_allocated), FIELD_COUNT},
  {"utilization_rate", (uint16_t)offsetof(arbiter_thinking_budget_usage, utilization_rate), FIELD_NUMBER},
  {"time", (uint16_t)offsetof(arbiter_thinking_budget_usage, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_thinking_budget_usage, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_thinking_budget_usage, span_id), FIELD_STRING},
};

static const Field minimality_evaluation_fields[] = {
  {"task_id", (uint16_t)offsetof(arbiter_minimality_evaluation, task_id), FIELD_STRING},
  {"minimality_factor", (uint16_t)offsetof(arbiter_minimality_evaluation, minimality_factor), FIELD_NUMBER},
  {"ast_similarity", (uint16_t)offsetof(arbiter_minimality_evaluation, ast_similarity), FIELD_NUMBER},
  {"scaffolding_penalty", (uint16_t)offsetof(arbiter_minimality_evaluation, scaffolding_penalty), FIELD_NUMBER},
  {"lines_changed", (uint16_t)offsetof(arbiter_minimality_evaluation, lines_changed), FIELD_COUNT},
  {"quality_assessment", (uint16_t)offsetof(arbiter_minimality_evaluation, quality_assessment), FIELD_STRING},
  {"time", (uint16_t)offsetof(arbiter_minimality_evaluation, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_minimality_evaluation, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_minimality_evaluation, span_id), FIELD_STRING},
};

static const Field model_judgment_fields[] = {
  {"task_id", (uint16_t)offsetof(arbiter_model_judgment, task_id), FIELD_STRING},
  {"execution_id", (uint16_t)offsetof(arbiter_model_judgment, execution_id), FIELD_STRING},
  {"decision_id", (uint16_t)offsetof(arbiter_model_judgment, decision_id), FIELD_STRING},
  {"overall_score", (uint16_t)offsetof(arbiter_model_judgment, overall_score), FIELD_NUMBER},
  {"overall_confidence", (uint16_t)offsetof(arbiter_model_judgment, overall_confidence), FIELD_NUMBER},
  {"all_criteria_pass", (uint16_t)offsetof(arbiter_model_judgment, all_criteria_pass), FIELD_FLAG},
  {"criteria_scores", (uint16_t)offsetof(arbiter_model_judgment, criteria_scores), FIELD_SCORES},
  {"evaluation_time_ms", (uint16_t)offsetof(arbiter_model_judgment, evaluation_time_ms), FIELD_NUMBER},
  {"time", (uint16_t)offsetof(arbiter_model_judgment, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_model_judgment, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_model_judgment, span_id), FIELD_STRING},
};

static const Field rl_training_metrics_fields[] = {
  {"trajectories_processed", (uint16_t)offsetof(arbiter_rl_training_metrics, trajectories_processed), FIELD_COUNT},
  {"average_reward", (uint16_t)offsetof(arbiter_rl_training_metrics, average_reward), FIELD_NUMBER},
  {"policy_loss", (uint16_t)offsetof(arbiter_rl_training_metrics, policy_loss), FIELD_NUMBER},
  {"value_loss", (uint16_t)offsetof(arbiter_rl_training_metrics, value_loss), FIELD_NUMBER},
  {"kl_divergence", (uint16_t)offsetof(arbiter_rl_training_metrics, kl_divergence), FIELD_NUMBER},
  {"training_time_ms", (uint16_t)offsetof(arbiter_rl_training_metrics, training_time_ms), FIELD_NUMBER},
  {"time", (uint16_t)offsetof(arbiter_rl_training_metrics, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_rl_training_metrics, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_rl_training_metrics, span_id), FIELD_STRING},
};

static const Field evaluation_outcome_fields[] = {
  {"task_id", (uint16_t)offsetof(arbiter_evaluation_outcome, task_id), FIELD_STRING},
  {"agent_id", (uint16_t)offsetof(arbiter_evaluation_outcome, agent_id), FIELD_STRING},
  {"execution_id", (uint16_t)offsetof(arbiter_evaluation_outcome, execution_id), FIELD_STRING},
  {"decision_id", (uint16_t)offsetof(arbiter_evaluation_outcome, decision_id), FIELD_STRING},
  {"passed", (uint16_t)offsetof(arbiter_evaluation_outcome, evaluation.passed), FIELD_FLAG},
  {"score", (uint16_t)offsetof(arbiter_evaluation_outcome, evaluation.score), FIELD_NUMBER},
  {"rubric_scores", (uint16_t)offsetof(arbiter_evaluation_outcome, evaluation.rubric_scores), FIELD_SCORES},
  {"feedback", (uint16_t)offsetof(arbiter_evaluation_outcome, evaluation.feedback), FIELD_STRING},
  {"time", (uint16_t)offsetof(arbiter_evaluation_outcome, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_evaluation_outcome, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_evaluation_outcome, span_id), FIELD_STRING},
};

static const Field event_fields[] = {
  {"type", (uint16_t)offsetof(arbiter_event, type), FIELD_STRING},
  {"data", (uint16_t)offsetof(arbiter_event, data), FIELD_JSON},
  {"time", (uint16_t)offsetof(arbiter_event, time), FIELD_TIME},
  {"trace_id", (uint16_t)offsetof(arbiter_event, trace_id), FIELD_STRING},
  {"span_id", (uint16_t)offsetof(arbiter_event, span_id), FIELD_STRING},
};

#define FOR_EACH_KIND(X) \
  X(1, agent_registration, "Records an arbiter.AgentRegistration: agent_id, capabilities, latency_ms, accuracy, cost_per_task, reliability, time, trace_id, span_id.") \
  X(2, agent_status_change, "Records an arbiter.AgentStatusChange: agent_id, status, previous_status, reason, time, trace_id, span_id.") \
  X(3, routing_decision, "Records an arbiter.RoutingDecision: decision_id, task_id, task_type, selected_agent, routing_strategy, confidence, propensity, policy_version, context, alternatives_considered, rationale, time, trace_id, span_id.") \
  X(4, task_start, "Records an arbiter.TaskStart: execution_id, task_id, agent_id, task_type, decision_id, context, time, trace_id, span_id.") \
  X(5, task_execution, "Records an arbiter.TaskExecution: execution_id, decision_id, task_id, agent_id, task_type, started_at_ns, routing_decision, success, quality_score, efficiency_score, tokens_consumed, completion_time_ms, tokens_in, tokens_out, cost_usd, error_type, time, trace_id, span_id.") \
  X(6, constitutional_validation, "Records an arbiter.ConstitutionalValidation: task_id, agent_id, execution_id, decision_id, valid, violations, compliance_score, processing_time_ms, rule_count, time, trace_id, span_id.") \
  X(7, thinking_budget_allocation, "Records an arbiter.ThinkingBudgetAllocation: task_id, allocated_tokens, complexity_level, confidence, time, trace_id, span_id.") \
  X(8, thinking_budget_usage, "Records an arbiter.ThinkingBudgetUsage: task_id, tokens_used, tokens_allocated, utilization_rate, time, trace_id, span_id.") \
  X(9, minimality_evaluation, "Records an arbiter.MinimalityEvaluation: task_id, minimality_factor, ast_similarity, scaffolding_penalty, lines_changed, quality_assessment, time, trace_id, span_id.") \
  X(10, model_judgment, "Records an arbiter.ModelJudgment: task_id, execution_id, decision_id, overall_score, overall_confidence, all_criteria_pass, criteria_scores, evaluation_time_ms, time, trace_id, span_id.") \
  X(11, rl_training_metrics, "Records an arbiter.RlTrainingMetrics: trajectories_processed, average_reward, policy_loss, value_loss, kl_divergence, training_time_ms, time, trace_id, span_id.") \
  X(12, evaluation_outcome, "Records an arbiter.EvaluationOutcome: task_id, agent_id, execution_id, decision_id, passed, score, rubric_scores, feedback, time, trace_id, span_id.") \
  X(13, event, "Records an arbiter.Event: type, data, time, trace_id, span_id.")
