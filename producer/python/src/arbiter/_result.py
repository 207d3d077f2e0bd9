"""What became of a call."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """What became of a call, in a word."""

    RECORDED = 0
    """In shared memory."""
    DISABLED = 1
    """Recording is switched off: by ARBITER_DISABLE=1 or by the collector's configuration. Not counted."""
    DROPPED = 2
    """There was no room for it, or no lane to put it into. Counted."""
    REFUSED = 3
    """The event breaks a rule, or the call is wrong. Counted."""
    UNAVAILABLE = 4
    """The library is not there: `producer.problem()` says what to do. Not counted."""


class Result:
    """What became of a call. True if the event is recorded.

    `id` is the id of the decision or execution that was recorded: the caller's own, or the one that was made for it; "" for the other kinds.
    `field` and `rule` say what a refused event breaks ("outcome.qualityScore", as exports name it: "is out of its range"); `rule` also why it
    was dropped."""

    __slots__ = ("field", "id", "rule", "status")

    def __init__(self, status: Status, id: str = "", field: str = "", rule: str = "") -> None:
        self.status = status
        self.id = id
        self.field = field
        self.rule = rule

    def __bool__(self) -> bool:
        return self.status is Status.RECORDED

    def __str__(self) -> str:
        what = self.status.name.lower()
        why = ": ".join(said for said in (self.field, self.rule) if said)
        return f"{what}: {why}" if why else what

    def __repr__(self) -> str:
        return f"<arbiter.Result {self}{' ' + self.id if self.id else ''}>"


class ArbiterError(Exception):
    """What a strict producer raises; nothing else here does."""


class RefusedError(ArbiterError, ValueError):
    """The event breaks a rule, or the call is wrong: `result.field` and `result.rule` say how."""

    def __init__(self, result: Result) -> None:
        super().__init__(str(result))
        self.result = result


class LibraryError(ArbiterError, OSError):
    """libarbiter_producer.so.1 cannot be loaded, or is not one that this package can use."""


RECORDED = Result(Status.RECORDED)
DISABLED = Result(Status.DISABLED, rule="recording is switched off")
UNAVAILABLE = Result(Status.UNAVAILABLE, rule="libarbiter_producer.so.1 is not loaded")
