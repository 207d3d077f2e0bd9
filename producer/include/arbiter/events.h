/* What can be recorded, in C: one struct for each kind of event. The same kinds, fields and rules as events.hpp; fill in what is known.
 *
 *   arbiter_routing_decision decision = {.struct_size = sizeof decision};
 *   decision.task_id = arbiter_str("task-1");
 *   decision.selected_agent = arbiter_str("agent-7");
 *   decision.confidence = arbiter_num(0.85);
 *   arbiter_record_routing_decision(producer, &decision, NULL);
 *
 * A struct may be kept, and recorded again after setting what changes: that saves clearing it, which is most of what a call costs in C over
 * one in C++.
 *
 * Rules that hold for all of them. A record call that breaks one is refused as a whole, and arbiter_last_error() names field and rule:
 *   - Strings are UTF-8. Ids and words are 1 to 255 bytes. Text has no limit of its own.
 *   - Numbers are finite and within the range that is stated; "share" below means 0 to 1, "amount" means 0 or more.
 *   - JSON is the text of one object, nested no deeper than 64. The text is kept as it is given, numbers to the digit.
 *   - An event, encoded, is at most 64 KiB.
 *   - Fields marked "required" must be given.
 *
 * Sizes. Each struct begins with `struct_size`, which the caller sets to the sizeof that it was compiled with. Later versions of the
 * library append fields, and never move one; so old callers and new libraries agree, and new callers and old libraries mostly:
 *   - smaller than the library's own: the fields behind it are not given;
 *   - larger: what the library does not know must be zeros (not given), else the call answers ARBITER_INVALID and records nothing;
 *   - 0, or otherwise less than 8 or over 4096, is a struct_size that was forgotten: ARBITER_INVALID.
 * The structs inside of others (outcome, ...) keep their size; what is to be added to one is appended to the event. Items of lists grow as
 * structs do: the list says their size, by the same rules. */
#pragma once

#include <arbiter/values.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of the kinds, for arbiter_record and arbiter_record_batch. */
typedef enum arbiter_kind {
  ARBITER_AGENT_REGISTRATION = 1,
  ARBITER_AGENT_STATUS_CHANGE = 2,
  ARBITER_ROUTING_DECISION = 3,
  ARBITER_TASK_START = 4,
  ARBITER_TASK_EXECUTION = 5,
  ARBITER_CONSTITUTIONAL_VALIDATION = 6,
  ARBITER_THINKING_BUDGET_ALLOCATION = 7,
  ARBITER_THINKING_BUDGET_USAGE = 8,
  ARBITER_MINIMALITY_EVALUATION = 9,
  ARBITER_MODEL_JUDGMENT = 10,
  ARBITER_RL_TRAINING_METRICS = 11,
  ARBITER_EVALUATION_OUTCOME = 12,
  ARBITER_EVENT = 13
} arbiter_kind;

/* --- Items of lists, and the lists of them. A list is `count` items that lie behind each other, each of `item_size` bytes; it is not given
 * when `items` is null. An array becomes one by ARBITER_LIST:
 *
 *   arbiter_alternative weighed[2] = {{.agent_id = arbiter_str("agent-7")}, {.agent_id = arbiter_str("agent-9")}};
 *   arbiter_alternatives all = ARBITER_LIST(weighed); */
#define ARBITER_LIST(array) \
  { (array), (uint32_t)(sizeof(array) / sizeof *(array)), (uint32_t)sizeof *(array) }

/* An agent that a routing decision weighed. */
typedef struct arbiter_alternative {
  arbiter_string agent_id;    /* id, required */
  arbiter_number score;       /* any finite number */
  arbiter_number probability; /* share: with which the policy would have chosen it */
  arbiter_string reason;      /* text */
} arbiter_alternative;

/* A rule that was broken. */
typedef struct arbiter_violation {
  arbiter_string severity; /* required: "low", "medium", "high" or "critical" */
  arbiter_string message;  /* text */
  arbiter_string rule;     /* word */
} arbiter_violation;

/* One entry of a map of scores. */
typedef struct arbiter_score {
  arbiter_string name; /* word, required */
  double value;        /* any finite number */
} arbiter_score;

typedef struct arbiter_strings {
  const arbiter_string* items;
  uint32_t count;
  uint32_t item_size;
} arbiter_strings;

typedef struct arbiter_alternatives {
  const arbiter_alternative* items;
  uint32_t count;
  uint32_t item_size;
} arbiter_alternatives;

typedef struct arbiter_violations {
  const arbiter_violation* items;
  uint32_t count;
  uint32_t item_size;
} arbiter_violations;

typedef struct arbiter_scores {
  const arbiter_score* items;
  uint32_t count;
  uint32_t item_size;
} arbiter_scores;

/* --- The kinds. All end (as far as this version goes) with these three:
 *   time      when it happened, for replay and import; it is kept as given. Not given: the tracker stamps the call.
 *   trace_id  of a distributed trace: 32 lower-case hex digits.
 *   span_id   of that trace: 16 lower-case hex digits. */

/* What an agent promises of itself, in arbiter_agent_registration. */
typedef struct arbiter_baseline_metrics {
  arbiter_number latency_ms;    /* amount, milliseconds */
  arbiter_number accuracy;      /* share */
  arbiter_number cost_per_task; /* amount, in the currency of the caller's choice */
  arbiter_number reliability;   /* share */
} arbiter_baseline_metrics;

/* An agent came up. */
typedef struct arbiter_agent_registration {
  size_t struct_size;
  arbiter_string agent_id;      /* id, required */
  arbiter_strings capabilities; /* texts */
  arbiter_baseline_metrics baseline_metrics;
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_agent_registration;

/* An agent changed its state. */
typedef struct arbiter_agent_status_change {
  size_t struct_size;
  arbiter_string agent_id;        /* id, required */
  arbiter_string status;          /* required: "available", "busy", "offline" or "maintenance" */
  arbiter_string previous_status; /* word */
  arbiter_string reason;          /* text */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_agent_status_change;

/* The arbiter chose an agent for a task. */
typedef struct arbiter_routing_decision {
  size_t struct_size;
  arbiter_string decision_id;      /* id; when not given the library makes one */
  arbiter_string task_id;          /* id, required */
  arbiter_string task_type;        /* word */
  arbiter_string selected_agent;   /* id, required */
  arbiter_string routing_strategy; /* word: "multi-armed-bandit", "capability-match", "load-balance", "random", or one of your own */
  arbiter_number confidence;       /* share */
  arbiter_number propensity;       /* share: probability with which the policy chose this agent, what off-policy learning needs */
  arbiter_string policy_version;   /* word */
  arbiter_string context;          /* JSON: features the policy saw */
  arbiter_alternatives alternatives_considered;
  arbiter_string rationale; /* text */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_routing_decision;

/* An agent began a task. Mostly recorded by arbiter_start_task, whose run then records the completion. */
typedef struct arbiter_task_start {
  size_t struct_size;
  arbiter_string execution_id; /* id; when not given the library makes one */
  arbiter_string task_id;      /* id, required */
  arbiter_string agent_id;     /* id, required */
  arbiter_string task_type;    /* word */
  arbiter_string decision_id;  /* id of the routing decision that led here */
  arbiter_string context;      /* JSON */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_task_start;

/* How a task came out. */
typedef struct arbiter_outcome {
  arbiter_flag success;            /* required */
  arbiter_number quality_score;    /* share */
  arbiter_number efficiency_score; /* share */
  arbiter_count tokens_consumed;
  arbiter_number completion_time_ms; /* amount, milliseconds, as the agent measured it */
  arbiter_count tokens_in;
  arbiter_count tokens_out;
  arbiter_number cost_usd;   /* amount, US dollars */
  arbiter_string error_type; /* word */
} arbiter_outcome;

/* The decision behind an execution, where the recorder knows it. Not given, the collector joins it. */
typedef struct arbiter_decision_of_execution {
  arbiter_string decision_id;      /* id */
  arbiter_string selected_agent;   /* id */
  arbiter_string routing_strategy; /* word */
  arbiter_number confidence;       /* share */
  arbiter_number propensity;       /* share */
  arbiter_string policy_version;   /* word */
  arbiter_time decided_at_ns;
} arbiter_decision_of_execution;

/* An agent finished a task. For a completion whose start was recorded in this process, arbiter_run_complete says the same with less; this
 * struct is for completions recorded elsewhere: the collector joins them to their start by execution_id. */
typedef struct arbiter_task_execution {
  size_t struct_size;
  arbiter_string execution_id; /* id of the start */
  arbiter_string decision_id;  /* id of the routing decision */
  arbiter_string task_id;      /* id, required */
  arbiter_string agent_id;     /* id, required */
  arbiter_string task_type;    /* word */
  arbiter_time started_at_ns;  /* when it started, if known here; the duration is `time` less this */
  arbiter_decision_of_execution routing_decision;
  arbiter_outcome outcome; /* outcome.success is required */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_task_execution;

typedef struct arbiter_validation_result {
  arbiter_flag valid;
  arbiter_violations violations;
  arbiter_number compliance_score;   /* share */
  arbiter_number processing_time_ms; /* amount, milliseconds */
  arbiter_count rule_count;
} arbiter_validation_result;

/* The policy checker looked at what an agent did for a task. */
typedef struct arbiter_constitutional_validation {
  size_t struct_size;
  arbiter_string task_id;      /* id, required */
  arbiter_string agent_id;     /* id, required */
  arbiter_string execution_id; /* id: which attempt it is about */
  arbiter_string decision_id;  /* id: which decision it is about */
  arbiter_validation_result validation_result;
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_constitutional_validation;

/* A task was given a budget of tokens to think with. */
typedef struct arbiter_thinking_budget_allocation {
  size_t struct_size;
  arbiter_string task_id; /* id, required */
  arbiter_count allocated_tokens;
  arbiter_string complexity_level; /* word: "trivial", "standard", "complex", or one of your own */
  arbiter_number confidence;       /* share */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_thinking_budget_allocation;

/* What a task used of its budget. */
typedef struct arbiter_thinking_budget_usage {
  size_t struct_size;
  arbiter_string task_id; /* id, required */
  arbiter_count tokens_used;
  arbiter_count tokens_allocated;
  arbiter_number utilization_rate; /* amount: 1 is the whole budget, more is over-use */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_thinking_budget_usage;

/* How small a change was that does the job. */
typedef struct arbiter_minimality_evaluation {
  size_t struct_size;
  arbiter_string task_id;             /* id, required */
  arbiter_number minimality_factor;   /* share */
  arbiter_number ast_similarity;      /* share */
  arbiter_number scaffolding_penalty; /* share */
  arbiter_count lines_changed;
  arbiter_string quality_assessment; /* word */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_minimality_evaluation;

/* A model judged what was done for a task. */
typedef struct arbiter_model_judgment {
  size_t struct_size;
  arbiter_string task_id;            /* id, required */
  arbiter_string execution_id;       /* id: which attempt it is about */
  arbiter_string decision_id;        /* id: which decision it is about */
  arbiter_number overall_score;      /* share */
  arbiter_number overall_confidence; /* share */
  arbiter_flag all_criteria_pass;
  arbiter_scores criteria_scores;
  arbiter_number evaluation_time_ms; /* amount, milliseconds */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_model_judgment;

/* How a training step went. */
typedef struct arbiter_rl_training_metrics {
  size_t struct_size;
  arbiter_count trajectories_processed;
  arbiter_number average_reward; /* any finite number, as the next three */
  arbiter_number policy_loss;
  arbiter_number value_loss;
  arbiter_number kl_divergence;
  arbiter_number training_time_ms; /* amount, milliseconds */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_rl_training_metrics;

typedef struct arbiter_evaluation {
  arbiter_flag passed;  /* required */
  arbiter_number score; /* any finite number */
  arbiter_scores rubric_scores;
  arbiter_string feedback; /* text */
} arbiter_evaluation;

/* An evaluator looked at the result of a task. */
typedef struct arbiter_evaluation_outcome {
  size_t struct_size;
  arbiter_string task_id;        /* id, required */
  arbiter_string agent_id;       /* id */
  arbiter_string execution_id;   /* id: which attempt it is about */
  arbiter_string decision_id;    /* id: which decision it is about */
  arbiter_evaluation evaluation; /* evaluation.passed is required */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_evaluation_outcome;

/* Anything else. `taskId` and `agentId` are lifted out of `data` where its top level has them as strings. */
typedef struct arbiter_event {
  size_t struct_size;
  arbiter_string type; /* word, required: none of the types above */
  arbiter_string data; /* JSON, required */
  arbiter_time time;
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_event;

#ifdef __cplusplus
}
#endif
