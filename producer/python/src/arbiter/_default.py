"""The producer that a process shares, and the functions that record through it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from arbiter._layout import EVENTS
from arbiter._producer import Account, Producer
from arbiter._result import Result
from arbiter.events import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arbiter._run import Run
    from arbiter._signatures import *
    from arbiter.events import Json, Time

__all__ = [
    "account", "as_task", "attach_thread", "configure", "detach_thread", "flush", "get_producer", "problem", "record",
    "record_agent_registration", "record_agent_status_change", "record_batch", "record_constitutional_validation",
    "record_evaluation_outcome", "record_event",
    "record_minimality_evaluation", "record_model_judgment", "record_rl_training_metrics", "record_routing_decision",
    "record_task_execution", "record_task_start", "record_thinking_budget_allocation", "record_thinking_budget_usage", "task",
]

_F = TypeVar("_F", bound=Callable[..., Any])
_producer: Producer | None = None


def get_producer() -> Producer:
    """The one that the functions of this module record through. Made by the first call, with default options, unless `configure` was
    there before."""
    global _producer
    producer = _producer
    if producer is None:  # two threads, or a thread and its signal handler, may make one each: they are alike, and one stays
        producer = _producer = Producer()
    return producer


def configure(
    *,
    ring_dir: str | os.PathLike[str] | None = None,
    instance: str | None = None,
    wait_up_to: float = 0.0,
    strict: bool = False,
) -> Producer:
    """Makes a producer with these options, see Producer, the one that the functions of this module record through from now on."""
    global _producer
    _producer = Producer(ring_dir=ring_dir, instance=instance, wait_up_to=wait_up_to, strict=strict)
    return _producer


def record(event: Kind) -> Result:
    return (_producer or get_producer()).record(event)


def record_batch(events: Iterable[Kind]) -> list[Result]:
    return (_producer or get_producer()).record_batch(events)


def attach_thread() -> bool:
    return (_producer or get_producer()).attach_thread()


def detach_thread() -> None:
    (_producer or get_producer()).detach_thread()


def flush(timeout: float | None = 10.0) -> bool:
    return (_producer or get_producer()).flush(timeout)


def account() -> Account:
    return (_producer or get_producer()).account()


def problem() -> str:
    return (_producer or get_producer()).problem()


if TYPE_CHECKING:

    def task(
        *,
        task_id: str,
        agent_id: str,
        task_type: str | None = None,
        decision_id: str | None = None,
        execution_id: str | None = None,
        context: Json | None = None,
        time: Time | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
    ) -> Run: ...

else:

    def task(**fields: Any) -> Run:
        return (_producer or get_producer()).task(**fields)


def as_task(
    *,
    agent_id: str | Callable[..., str],
    task_id: str | Callable[..., str] | None = None,
    task_type: str | None = None,
    context: Json | Callable[..., Mapping[str, object]] | None = None,
) -> Callable[[_F], _F]:
    # The producer is that of the call, not that of the definition: `configure` comes after the imports.
    return Producer.as_task(get_producer, agent_id=agent_id, task_id=task_id, task_type=task_type, context=context)


def _through_the_default(name: str) -> Callable[..., Result]:
    def record(*args: Any, **fields: Any) -> Result:
        result: Result = getattr(_producer or get_producer(), name)(*args, **fields)
        return result

    record.__name__ = record.__qualname__ = name
    record.__doc__ = f"As `Producer.{name}`."
    return record


for _kind in EVENTS:
    globals()[f"record_{_kind.name}"] = _through_the_default(f"record_{_kind.name}")
for _name in ("record", "record_batch", "attach_thread", "detach_thread", "flush", "account", "problem", "task", "as_task"):
    globals()[_name].__doc__ = getattr(Producer, _name).__doc__
