"""What can be recorded: a dataclass for each kind of event, with the words of the exports in snake_case. Fill in what is known.

Rules that hold for all of them: ids and words are 1 to 255 bytes of UTF-8; numbers are finite, a "share" is 0 to 1, an "amount" 0 or more,
a count an int from 0 to 2**63 - 1; JSON is an object, nested no deeper than 64; an event, encoded, is at most 64 KiB. Nothing is checked
when one is made: recording it does that.

Written by generate.py out of arbiter/events.h: change that one."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Union

__all__ = [
    "AgentRegistration", "AgentStatusChange", "Alternative", "BaselineMetrics", "ConstitutionalValidation", "DecisionOfExecution",
    "Evaluation", "EvaluationOutcome", "Event", "Json", "Kind", "MinimalityEvaluation", "ModelJudgment", "Outcome", "RlTrainingMetrics",
    "RoutingDecision", "TaskExecution", "TaskStart", "ThinkingBudgetAllocation", "ThinkingBudgetUsage", "Time", "ValidationResult",
    "Violation",
]

Json = Union[Mapping[str, object], str]
"""A JSON object: a mapping, or its text, which is kept as given, numbers to the digit."""
Time = Union[int, datetime.datetime]
"""A moment: nanoseconds since 1970 in UTC, or a datetime that knows its time zone."""


class Kind:
    """What the kinds have in common."""

    __slots__ = ()
    number: ClassVar[int]
    """As in the C interface: 1 to 13."""


@dataclass(slots=True, kw_only=True)
class Alternative:
    """An agent that a routing decision weighed."""

    agent_id: str  # id
    score: float | None = None  # any finite number
    probability: float | None = None  # share: with which the policy would have chosen it
    reason: str | None = None  # text


@dataclass(slots=True, kw_only=True)
class Violation:
    """A rule that was broken."""

    severity: str  # "low", "medium", "high" or "critical"
    message: str | None = None  # text
    rule: str | None = None  # word


@dataclass(slots=True, kw_only=True)
class BaselineMetrics:
    """What an agent promises of itself."""

    latency_ms: float | None = None  # amount, milliseconds
    accuracy: float | None = None  # share
    cost_per_task: float | None = None  # amount, in the currency of the caller's choice
    reliability: float | None = None  # share


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a task came out."""

    success: bool
    quality_score: float | None = None  # share
    efficiency_score: float | None = None  # share
    tokens_consumed: int | None = None
    completion_time_ms: float | None = None  # amount, milliseconds, as the agent measured it
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None  # amount, US dollars
    error_type: str | None = None  # word


@dataclass(slots=True, kw_only=True)
class DecisionOfExecution:
    """The decision behind an execution, where the recorder knows it. Not given, the collector joins it."""

    decision_id: str | None = None  # id
    selected_agent: str | None = None  # id
    routing_strategy: str | None = None  # word
    confidence: float | None = None  # share
    propensity: float | None = None  # share
    policy_version: str | None = None  # word
    decided_at_ns: Time | None = None


@dataclass(slots=True, kw_only=True)
class ValidationResult:
    """The members of `validation_result`."""

    valid: bool | None = None
    violations: Sequence[Violation] | None = None
    compliance_score: float | None = None  # share
    processing_time_ms: float | None = None  # amount, milliseconds
    rule_count: int | None = None


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """The members of `evaluation`."""

    passed: bool
    score: float | None = None  # any finite number
    rubric_scores: Mapping[str, float] | None = None
    feedback: str | None = None  # text


@dataclass(slots=True, kw_only=True)
class AgentRegistration(Kind):
    """An agent came up."""

    agent_id: str  # id
    capabilities: Sequence[str] | None = None
    baseline_metrics: BaselineMetrics | None = None
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 1


@dataclass(slots=True, kw_only=True)
class AgentStatusChange(Kind):
    """An agent changed its state."""

    agent_id: str  # id
    status: str  # "available", "busy", "offline" or "maintenance"
    previous_status: str | None = None  # word
    reason: str | None = None  # text
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 2


@dataclass(slots=True, kw_only=True)
class RoutingDecision(Kind):
    """The arbiter chose an agent for a task."""

    task_id: str  # id
    selected_agent: str  # id
    decision_id: str | None = None  # id; when not given the library makes one
    task_type: str | None = None  # word
    routing_strategy: str | None = None  # word: "multi-armed-bandit", "capability-match", "load-balance", "random", or one of your own
    confidence: float | None = None  # share
    propensity: float | None = None  # share: probability with which the policy chose this agent, what off-policy learning needs
    policy_version: str | None = None  # word
    context: Json | None = None  # JSON: features the policy saw
    alternatives_considered: Sequence[Alternative] | None = None
    rationale: str | None = None  # text
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 3


@dataclass(slots=True, kw_only=True)
class TaskStart(Kind):
    """An agent began a task."""

    task_id: str  # id
    agent_id: str  # id
    execution_id: str | None = None  # id; when not given the library makes one
    task_type: str | None = None  # word
    decision_id: str | None = None  # id of the routing decision that led here
    context: Json | None = None  # JSON
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 4


@dataclass(slots=True, kw_only=True)
class TaskExecution(Kind):
    """An agent finished a task."""

    task_id: str  # id
    agent_id: str  # id
    outcome: Outcome
    execution_id: str | None = None  # id of the start
    decision_id: str | None = None  # id of the routing decision
    task_type: str | None = None  # word
    started_at_ns: Time | None = None  # when it started, if known here; the duration is `time` less this
    routing_decision: DecisionOfExecution | None = None
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 5


@dataclass(slots=True, kw_only=True)
class ConstitutionalValidation(Kind):
    """The policy checker looked at what an agent did for a task."""

    task_id: str  # id
    agent_id: str  # id
    execution_id: str | None = None  # id: which attempt it is about
    decision_id: str | None = None  # id: which decision it is about
    validation_result: ValidationResult | None = None
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 6


@dataclass(slots=True, kw_only=True)
class ThinkingBudgetAllocation(Kind):
    """A task was given a budget of tokens to think with."""

    task_id: str  # id
    allocated_tokens: int | None = None
    complexity_level: str | None = None  # word: "trivial", "standard", "complex", or one of your own
    confidence: float | None = None  # share
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 7


@dataclass(slots=True, kw_only=True)
class ThinkingBudgetUsage(Kind):
    """What a task used of its budget."""

    task_id: str  # id
    tokens_used: int | None = None
    tokens_allocated: int | None = None
    utilization_rate: float | None = None  # amount: 1 is the whole budget, more is over-use
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 8


@dataclass(slots=True, kw_only=True)
class MinimalityEvaluation(Kind):
    """How small a change was that does the job."""

    task_id: str  # id
    minimality_factor: float | None = None  # share
    ast_similarity: float | None = None  # share
    scaffolding_penalty: float | None = None  # share
    lines_changed: int | None = None
    quality_assessment: str | None = None  # word
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 9


@dataclass(slots=True, kw_only=True)
class ModelJudgment(Kind):
    """A model judged what was done for a task."""

    task_id: str  # id
    execution_id: str | None = None  # id: which attempt it is about
    decision_id: str | None = None  # id: which decision it is about
    overall_score: float | None = None  # share
    overall_confidence: float | None = None  # share
    all_criteria_pass: bool | None = None
    criteria_scores: Mapping[str, float] | None = None
    evaluation_time_ms: float | None = None  # amount, milliseconds
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 10


@dataclass(slots=True, kw_only=True)
class RlTrainingMetrics(Kind):
    """How a training step went."""

    trajectories_processed: int | None = None
    average_reward: float | None = None  # any finite number, as the next three
    policy_loss: float | None = None
    value_loss: float | None = None
    kl_divergence: float | None = None
    training_time_ms: float | None = None  # amount, milliseconds
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 11


@dataclass(slots=True, kw_only=True)
class EvaluationOutcome(Kind):
    """An evaluator looked at the result of a task."""

    task_id: str  # id
    evaluation: Evaluation
    agent_id: str | None = None  # id
    execution_id: str | None = None  # id: which attempt it is about
    decision_id: str | None = None  # id: which decision it is about
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 12


@dataclass(slots=True, kw_only=True)
class Event(Kind):
    """Anything else. `taskId` and `agentId` are lifted out of `data` where its top level has them as strings."""

    type: str  # wordnone of the types above
    data: Json  # JSON
    time: Time | None = None
    trace_id: str | None = None
    span_id: str | None = None

    number: ClassVar[int] = 13
