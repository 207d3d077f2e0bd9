"""Producers."""

from __future__ import annotations

import ctypes
import logging
import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from struct import pack
from typing import Any, Callable

from arbiter import _library
from arbiter._convert import Mistake, flat, members_of, written
from arbiter._layout import EVENTS, MadeId, String, struct_bytes
from arbiter._recorder import Recorder
from arbiter._result import DISABLED, RECORDED, UNAVAILABLE, LibraryError, RefusedError, Result, Status
from arbiter._run import Tasks
from arbiter.events import Kind

_log = logging.getLogger("arbiter")
_LOOK_NS = 100_000_000  # flush hands over to signal handlers so often


class _Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("ring_dir", String), ("instance", String), ("wait_up_to_ns", ctypes.c_int64)]


class _Account(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t)] + [
        (name, ctypes.c_uint64) for name in ("attempted", "recorded", "lane_full", "no_lane", "reentrant", "refused")
    ]


@dataclass(frozen=True)
class Account:
    """What this process has tried to record into a producer's directory, and what became of it: attempted == recorded + dropped + refused."""

    attempted: int = 0
    recorded: int = 0
    lane_full: int = 0
    """Dropped: the collector was not fast enough, or there is none."""
    no_lane: int = 0
    """Dropped: no lane could be had; `problem()` says why."""
    reentrant: int = 0
    """Dropped: recorded in a signal handler of C that had interrupted a record."""
    refused: int = 0

    @property
    def dropped(self) -> int:
        return self.lane_full + self.no_lane + self.reentrant


# A handle for each set of options, kept for as long as the process lives: the library keeps some memory of each for ever, and nobody can
# be in the middle of a call on one that is gone. What was made before a fork serves the child as well. No lock: a signal handler may come in
# between, and a fork; at worst one handle is made for nothing.
_handles: dict[tuple[object, ...], int] = {}
_ENVIRONMENT = ("ARBITER_RING_DIR", "ARBITER_DISABLE", "XDG_RUNTIME_DIR")


def _handle(library: _library.Library, ring_dir: str | None, instance: str | None, wait_ns: int) -> int:
    key = (ring_dir, instance, wait_ns, *map(os.environ.get, _ENVIRONMENT))
    handle = _handles.get(key)
    if handle is None:
        options = _Options(struct_size=ctypes.sizeof(_Options), wait_up_to_ns=wait_ns)
        held = []
        for name, value in (("ring_dir", ring_dir), ("instance", instance)):
            if value is not None:
                data = os.fsencode(value)
                held.append(ctypes.c_char_p(data))
                setattr(options, name, String(ctypes.cast(held[-1], ctypes.c_void_p), len(data)))
        made = library.create(ctypes.byref(options))
        if not made:
            raise LibraryError((library.last_error() or b"").decode("utf-8", "replace"))
        handle = _handles.setdefault(key, made)
    return handle


class Producer(Tasks, Recorder):
    """Records what agents do. Nothing here blocks, prints, or raises, whether or not a collector runs; see `strict`.

    ring_dir    the directory of lanes. None: ARBITER_RING_DIR, else where a collector would make one.
    instance    keeps several collectors of one machine apart: with "blue", /run/arbiter-blue/lanes.
    wait_up_to  how long, in seconds, a record call may wait for room in a full lane before it drops the event. 0: not at all.
    strict      record functions raise RefusedError for an event that breaks a rule, and the constructor LibraryError where the library
                cannot be loaded. For tests and development. What is dropped or disabled is nobody's mistake, and is never raised.

    Any number of threads may use one, before and after fork. Making one that is like another costs next to nothing; a pickled one is made
    anew from its options."""

    __slots__ = ("_handle", "_options", "_problem", "_strict", "_wait_ns")

    def __init__(
        self,
        *,
        ring_dir: str | os.PathLike[str] | None = None,
        instance: str | None = None,
        wait_up_to: float = 0.0,
        strict: bool = False,
    ) -> None:
        directory = None if ring_dir is None else os.fspath(ring_dir)
        if not wait_up_to >= 0 or math.isinf(wait_up_to):
            raise ValueError("wait_up_to: seconds, 0 or more")
        self._options = {"ring_dir": directory, "instance": instance, "wait_up_to": wait_up_to, "strict": strict}
        self._strict = strict
        self._wait_ns = round(wait_up_to * 1e9)
        self._problem = ""
        self._handle: int | None = None
        address = 0
        try:
            library = _library.library()
            self._handle, address = _handle(library, directory, instance, self._wait_ns), library.record_address
        except LibraryError as error:
            if strict:
                raise
            self._problem = str(error)
            _warn_once(self._problem)
        self._bind(self._handle, address, self._wait_ns > 0)

    def __reduce__(self) -> tuple[Callable[..., Producer], tuple[dict[str, Any]]]:
        return _again, (self._options,)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._options.items() if value)
        return f"arbiter.Producer({given})"

    def record(self, event: Kind) -> Result:
        """Records an event that is one of this package's classes: `producer.record(arbiter.RoutingDecision(task_id=..., ...))`."""
        try:
            kind = EVENTS[event.number - 1]
            fields = flat(kind, dict(members_of(event, kind.members, kind.type)))
        except Mistake as mistake:
            return self._mistake(mistake)
        except Exception:
            return self._mistake(Mistake("", f"is no event but of type {type(event).__name__}"))
        result: Result = getattr(self, f"record_{kind.name}")(**fields)
        return result

    def record_batch(self, events: Iterable[Kind]) -> list[Result]:
        """Records them in their order, each by itself: one that is refused or dropped holds up no other, and a strict producer raises what
        it refuses when all others are recorded."""
        results, refused = [], None  # a call each: what costs is to read the events, not to cross into the library
        for event in events:
            try:
                results.append(self.record(event))
            except RefusedError as error:
                refused = refused or error
                results.append(error.result)
        if refused:
            raise refused
        return results

    def attach_thread(self) -> bool:
        """Claims the calling thread's lane ahead of its first record. False: none could be had now; `problem()` says why."""
        return not self._problem and bool(_library.library().attach_thread(self._handle))

    def detach_thread(self) -> None:
        """Gives the calling thread's lane back, and its memory with it, before the thread ends: for a thread that records no more, or seldom.
        What was recorded stays to be collected; the next record claims a lane again. `flush` goes on waiting for what is not collected yet."""
        if not self._problem:
            _library.library().detach_thread(self._handle)

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Waits until the collector has journalled all that this process has recorded into the producer's directory before the call, by
        all its threads and producers. False: not within so many seconds (None: for ever), or it never will. Other threads run meanwhile;
        in a coroutine: `await asyncio.to_thread(producer.flush, 1.0)`."""
        if self._problem:
            return False
        flush = _library.library().flush
        until = math.inf if timeout is None else time.monotonic_ns() + max(0.0, timeout) * 1e9
        while True:
            began = time.monotonic_ns()
            look = int(max(0, min(until - began, _LOOK_NS)))
            if flush(self._handle, look):
                return True
            now = time.monotonic_ns()
            if now >= until or now < began + look // 2:  # the latter: it did not wait, because it never will be
                return False

    def account(self) -> Account:
        """Exact, but for calls that are under way."""
        if self._problem:
            return Account()
        account = _Account(struct_size=ctypes.sizeof(_Account))
        _library.library().account(self._handle, ctypes.byref(account))
        return Account(*(getattr(account, name) for name, _ in _Account._fields_[1:]))

    def problem(self) -> str:
        """Why this process last got no lane, or has no library: "what failed on what: why". "" if it has one, or has not tried."""
        if self._problem:
            return self._problem
        buffer = ctypes.create_string_buffer(1024)
        _library.library().problem(self._handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    # --- what the record functions call

    def _slow(self, number: int, args: tuple[Any, ...], fields: dict[str, Any]) -> Result:
        """Any event, whatever is in it."""
        if self._problem:
            return UNAVAILABLE
        kind = EVENTS[number - 1]
        library = _library.library()
        function = (library.patient if self._wait_ns else library.quick)[number - 1]
        id = ""
        try:
            if args:
                raise Mistake("", f"record_{kind.name} takes keywords alone")
            event = written(kind, fields)
            if kind.makes_id:
                made = MadeId()
                status = function(self._handle, event.bytes, ctypes.byref(made))
                id = fields.get(kind.makes_id) or made.text.decode()
                if status == Status.RECORDED:
                    return Result(Status.RECORDED, id)
            else:
                status = function(self._handle, event.bytes)
        except Mistake as mistake:
            return self._mistake(mistake)
        except Exception as error:
            return self._mistake(Mistake("", f"cannot be read: {type(error).__name__}: {error}"))
        return RECORDED if status == Status.RECORDED else self._answer(status, id)

    def _answer(self, status: int, id: str) -> Result:
        """Of a call that the library has just answered so, on this thread."""
        if status == Status.DISABLED:
            return DISABLED
        if self._problem:
            return UNAVAILABLE
        library = _library.library()
        rule = (library.last_error_rule() or b"").decode("utf-8", "replace")
        if status == Status.DROPPED:
            return Result(Status.DROPPED, id, rule=rule)
        return self._refused(Result(Status.REFUSED, field=(library.last_error_field() or b"").decode("utf-8", "replace"), rule=rule))

    def _mistake(self, mistake: Mistake) -> Result:
        """The library is handed an event that it refuses, so that this one is counted."""
        if self._problem:
            return UNAVAILABLE
        status = _library.library().quick[1](self._handle, _nothing)
        if status != Status.REFUSED:
            return self._answer(status, "")
        return self._refused(Result(Status.REFUSED, field=mistake.field, rule=mistake.rule))

    def _refused(self, result: Result) -> Result:
        if self._strict:
            raise RefusedError(result)
        return result


_nothing = ctypes.create_string_buffer(pack("N", struct_bytes("agent_status_change")), struct_bytes("agent_status_change"))


def _again(options: dict[str, Any]) -> Producer:
    return Producer(**options)


_warned = False


def _warn_once(problem: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        _log.warning("nothing is recorded: %s", problem)
