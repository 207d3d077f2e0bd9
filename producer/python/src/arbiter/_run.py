"""Runs: a task that was started, and will be completed."""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import functools
import inspect
import threading
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from arbiter import _library
from arbiter._convert import Mistake, written
from arbiter._fast import Plans, through_room
from arbiter._layout import COMPLETION, EVENTS, Kind, String
from arbiter._result import UNAVAILABLE, Result, Status

if TYPE_CHECKING:
    from arbiter._producer import Producer
    from arbiter._signatures import Completes
    from arbiter.events import Json, Time
else:
    Completes = object

_F = TypeVar("_F", bound=Callable[..., Any])
_TASK_START = EVENTS[3]
_RUN_BYTES = 192 * 8
_start_plans: Plans = {}
_completion_plans: Plans = {}
_current: contextvars.ContextVar[Run | None] = contextvars.ContextVar("arbiter_run", default=None)


def current_run() -> Run | None:
    """The innermost run whose block the caller is in, in this thread, coroutine or task of asyncio."""
    return _current.get()


def error_type(error: BaseException) -> str:
    """"ValueError", "requests.exceptions.Timeout": what a failed outcome gives as its `error_type`."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    return name if len(name.encode("utf-8", "replace")) <= 255 else kind.__name__[:60]


class Run(Completes):
    """A task that was started. Leaving its `with` completes it: as a success, or as a failure with the type of the exception that left it,
    which goes on its way. It may be completed in another thread, or in a child after fork, and more than once is ignored."""

    __slots__ = ("_completed", "_outcome", "_producer", "_raw", "_token", "agent_id", "decision_id", "execution_id", "result", "task_id")

    def __init__(self, producer: Producer, fields: dict[str, Any]) -> None:
        self._producer = producer
        self._raw = ctypes.create_string_buffer(_RUN_BYTES)
        self._outcome: dict[str, Any] = {}
        self._completed = threading.Lock()  # taken by the completion that counts
        self._token: contextvars.Token[Run | None] | None = None
        self.task_id: str = _text(fields.get("task_id"))
        self.agent_id: str = _text(fields.get("agent_id"))
        self.decision_id: str = _text(fields.get("decision_id"))
        self.execution_id: str = _text(fields.get("execution_id"))
        """Made by the library unless it was given; "" if nothing is recorded."""
        self.result = self._start(fields)
        """What became of the start."""

    def _start(self, fields: dict[str, Any]) -> Result:
        producer = self._producer
        if producer._problem:
            return UNAVAILABLE
        library = _library.library()
        start_task = library.start_task[producer._wait_ns > 0]
        answered = _called(producer, _TASK_START, _start_plans, fields, lambda start: start_task(producer._handle, start, self._raw))
        if answered is not None:
            return answered
        if not self.execution_id:
            id: String = library.run_execution_id(self._raw)
            self.execution_id = ctypes.string_at(id.data, id.size).decode()
        return Result(Status.RECORDED, self.execution_id)

    def _set(self, **outcome: Any) -> None:
        """Fields of the outcome that are known before the end: quality_score, tokens_consumed, ...; as `complete` takes them. `success` and
        `error_type` too, where a block that is left in the usual way has not succeeded."""
        self._outcome.update(outcome)

    def _complete_once(self, **outcome: Any) -> Result:
        """Records the completion (a task execution) with ids, decision and moment of the start, and what was `set` before. Where the call
        is refused or dropped, it may be tried again; where the run is completed, it does nothing."""
        producer = self._producer
        if producer._problem:
            return UNAVAILABLE
        if not self._completed.acquire(blocking=False):
            return Result(Status.REFUSED, field="run", rule="is completed already")
        result = None
        try:
            result = self._complete({**self._outcome, **outcome})
            return result
        finally:
            if not result:
                self._completed.release()

    if not TYPE_CHECKING:
        set, complete = _set, _complete_once

    def _complete(self, outcome: dict[str, Any]) -> Result:
        producer = self._producer
        run_complete = _library.library().run_complete[producer._wait_ns > 0]
        answered = _called(producer, COMPLETION, _completion_plans, outcome, lambda completion: run_complete(self._raw, completion))
        return Result(Status.RECORDED, self.execution_id) if answered is None else answered

    def __enter__(self) -> Run:
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:  # left in another context than entered: a generator that somebody else finished
                pass
            self._token = None
        if self._completed.locked():
            return
        if error is None or isinstance(error, GeneratorExit):  # the latter: who asked the generator has enough
            self._complete_once(**{"success": True, **self._outcome})
        else:
            self._complete_once(success=False, error_type=error_type(error))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a run belongs to its process: elsewhere, complete it by record_task_execution(execution_id=run.execution_id, ...)")

    def __repr__(self) -> str:
        return f"<arbiter.Run {self.execution_id} of task {self.task_id!r} by {self.agent_id!r}>"


def _called(producer: Producer, kind: Kind, plans: Plans, fields: dict[str, Any], call: Callable[[int], int]) -> Result | None:
    """Hands `call` the address of the struct. None: it is recorded."""
    try:
        status = through_room(kind, plans, fields, call)
        if status is None:
            struct = written(kind, fields)
            status = call(ctypes.addressof(struct.bytes))
    except Mistake as mistake:
        return producer._mistake(mistake)
    except Exception as error:
        return producer._mistake(Mistake("", f"cannot be read: {type(error).__name__}: {error}"))
    return None if status == Status.RECORDED else producer._answer(status, "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class Tasks:
    """Of producers: what starts runs."""

    __slots__ = ()

    def task(
        self: Any,
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
    ) -> Run:
        """Records the start of a task, and gives the run that records its completion:

            with producer.task(task_id="task-1", agent_id="agent-7") as run:
                answer = work()
                run.set(tokens_consumed=answer.tokens)
        """
        given = {
            "task_id": task_id, "agent_id": agent_id, "task_type": task_type, "decision_id": decision_id, "execution_id": execution_id,
            "context": context, "time": time, "trace_id": trace_id, "span_id": span_id,
        }
        return Run(self, {name: value for name, value in given.items() if value is not None})

    def as_task(
        self: Any,
        *,
        agent_id: str | Callable[..., str],
        task_id: str | Callable[..., str] | None = None,
        task_type: str | None = None,
        context: Json | Callable[..., Mapping[str, object]] | None = None,
    ) -> Callable[[_F], _F]:
        """Decorates a function, a coroutine or a generator of either kind: each call is a task, which ends as the function does, a
        generator's when it is exhausted or closed. What is a function itself is called with the arguments of the call:

            @producer.as_task(agent_id="agent-7", task_id=lambda job: job.id)
            async def solve(job): ...

        Without `task_id` each call gets one of its own. `task_type` is the function's name unless it is given."""

        def begun(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Run:
            given = {}
            for name, value in (("agent_id", agent_id), ("task_id", task_id), ("context", context)):
                try:
                    given[name] = value(*args, **kwargs) if callable(value) else value
                except Exception:  # the task has not: it is refused for want of that field, and the function runs
                    given[name] = None
            if task_id is None:
                given["task_id"] = f"task-{uuid.uuid4()}"
            return Run(self() if callable(self) else self, {**given, "task_type": task_type or function.__name__})

        def decorate(function: _F) -> _F:
            wrapper: Any
            if inspect.iscoroutinefunction(function):

                @functools.wraps(function)
                async def wrapper(*args: Any, **kwargs: Any) -> Any:
                    with begun(function, args, kwargs):
                        return await function(*args, **kwargs)

            elif inspect.isasyncgenfunction(function):

                @functools.wraps(function)
                async def wrapper(*args: Any, **kwargs: Any) -> Any:
                    with begun(function, args, kwargs):
                        async with contextlib.aclosing(function(*args, **kwargs)) as items:
                            async for item in items:
                                yield item

            elif inspect.isgeneratorfunction(function):

                @functools.wraps(function)
                def wrapper(*args: Any, **kwargs: Any) -> Any:
                    with begun(function, args, kwargs):
                        return (yield from function(*args, **kwargs))

            else:

                @functools.wraps(function)
                def wrapper(*args: Any, **kwargs: Any) -> Any:
                    with begun(function, args, kwargs):
                        return function(*args, **kwargs)

            return wrapper  # type: ignore[no-any-return]

        return decorate
