"""An event of each kind with all of its fields: what tests/c/every_kind.c records, whose exports tests/c/every_kind.jsonl has."""

import json

import arbiter
from real_collector import SOURCE

THEN_NS = 1_730_000_000_123_456_789
TRACE = {"trace_id": "0123456789abcdef0123456789abcdef", "span_id": "fedcba9876543210"}
SCORES = {"correctness": 0.1, "style": -3}

# In the order of the kinds: what the record function of each takes.
KEYWORDS: dict[str, dict[str, object]] = {
    "agent_registration": {
        "agent_id": "agent-7", "capabilities": ["c++", "café\0nul", ""],
        "latency_ms": 120.5, "accuracy": 0.9, "cost_per_task": 0.02, "reliability": 1,
    },
    "agent_status_change": {"agent_id": "agent-7", "status": "busy", "previous_status": "available", "reason": "task-1"},
    "routing_decision": {
        "decision_id": "decision-1", "task_id": "task-1", "task_type": "fix_failing_test", "selected_agent": "agent-7",
        "routing_strategy": "multi-armed-bandit", "confidence": 0.85, "propensity": 0, "policy_version": "policy-3",
        "context": '{"files": 3, "size": 1.50}',
        "alternatives_considered": [
            arbiter.Alternative(agent_id="agent-7", score=0.75, probability=0.6, reason="the fastest"),
            {"agent_id": "agent-9"},
        ],
        "rationale": "it did well before",
    },
    "task_start": {
        "execution_id": "execution-1", "task_id": "task-1", "agent_id": "agent-7", "task_type": "fix_failing_test",
        "decision_id": "decision-1", "context": {"attempt": 1},
    },
    "task_execution": {
        "execution_id": "execution-2", "decision_id": "decision-2", "task_id": "task-2", "agent_id": "agent-9", "task_type": "write_docs",
        "started_at_ns": THEN_NS - 1_500_000,
        "routing_decision": {
            "decision_id": "decision-2", "selected_agent": "agent-9", "routing_strategy": "random", "confidence": 0.5, "propensity": 0.25,
            "policy_version": "policy-4", "decided_at_ns": THEN_NS - 2_500_000,
        },
        "success": False, "quality_score": 0.3, "efficiency_score": 0.4, "tokens_consumed": 1500, "completion_time_ms": 1.5, "tokens_in": 0,
        "tokens_out": 2**63 - 1, "cost_usd": 0.125, "error_type": "timeout",
    },
    "constitutional_validation": {
        "task_id": "task-1", "agent_id": "agent-7", "execution_id": "execution-1", "decision_id": "decision-1", "valid": False,
        "violations": [
            {"severity": "critical", "message": "wrote outside of its directory", "rule": "CAWS-7"},
            arbiter.Violation(severity="low"),
        ],
        "compliance_score": 0.7, "processing_time_ms": 12.25, "rule_count": 40,
    },
    "thinking_budget_allocation": {"task_id": "task-1", "allocated_tokens": 8000, "complexity_level": "complex", "confidence": 0.8},
    "thinking_budget_usage": {"task_id": "task-1", "tokens_used": 9000, "tokens_allocated": 8000, "utilization_rate": 1.125},
    "minimality_evaluation": {
        "task_id": "task-1", "minimality_factor": 0.9, "ast_similarity": 0.95, "scaffolding_penalty": 0.05, "lines_changed": 12,
        "quality_assessment": "minimal",
    },
    "model_judgment": {
        "task_id": "task-1", "execution_id": "execution-1", "decision_id": "decision-1", "overall_score": 0.88, "overall_confidence": 0.77,
        "all_criteria_pass": True, "criteria_scores": SCORES, "evaluation_time_ms": 345.5,
    },
    "rl_training_metrics": {
        "trajectories_processed": 64, "average_reward": -0.5, "policy_loss": 1e-300, "value_loss": 2.5, "kl_divergence": 0.01,
        "training_time_ms": 60000,
    },
    "evaluation_outcome": {
        "task_id": "task-1", "agent_id": "agent-7", "execution_id": "execution-1", "decision_id": "decision-1", "passed": True, "score": 97,
        "rubric_scores": SCORES, "feedback": "good",
    },
    "event": {"type": "cache-warmed", "data": '{"taskId": "task-1", "big": 12345678901234567890123, "list": [1, null]}'},
}
GROUPS: dict[str, tuple[str, type, tuple[str, ...]]] = {
    "agent_registration": ("baseline_metrics", arbiter.BaselineMetrics, ("latency_ms", "accuracy", "cost_per_task", "reliability")),
    "task_execution": ("outcome", arbiter.Outcome, tuple(arbiter.Outcome.__dataclass_fields__)),
    "constitutional_validation": ("validation_result", arbiter.ValidationResult, tuple(arbiter.ValidationResult.__dataclass_fields__)),
    "evaluation_outcome": ("evaluation", arbiter.Evaluation, tuple(arbiter.Evaluation.__dataclass_fields__)),
}


def keywords(first_ns: int = THEN_NS) -> dict[str, dict[str, object]]:
    """With time and trace: the first is of `first_ns` and a nanosecond, each later one a nanosecond later."""
    return {kind: fields | {"time": first_ns + number} | TRACE for number, (kind, fields) in enumerate(KEYWORDS.items(), 1)}


def instances(first_ns: int = THEN_NS) -> list[arbiter.events.Kind]:
    """The same as objects of the classes."""
    made = []
    for kind, fields in keywords(first_ns).items():
        if kind in GROUPS:
            group, its_class, members = GROUPS[kind]
            fields[group] = its_class(**{name: fields.pop(name) for name in members})
        made.append(getattr(arbiter, kind.title().replace("_", ""))(**fields))
    return made


def expected() -> list[dict]:
    """What exports say of them, but for `id` and `timestamp`."""
    return [json.loads(line) for line in (SOURCE / "tests/c/every_kind.jsonl").read_text().splitlines()]
