"""The record functions over ctypes. _native.c does the same, quicker; which of them is used _recorder.py says."""

from __future__ import annotations

from typing import Any, Callable

from arbiter._fast import Plans, Room, plan_for, rooms
from arbiter._layout import EVENTS, Kind
from arbiter._library import library
from arbiter._result import RECORDED, Result, Status

Function = Callable[..., int]
_UNAVAILABLE = int(Status.UNAVAILABLE)


class Recorder:
    """What a producer of Python has of its own, and the record functions. Those of a subclass are called back: `_slow` with what was not
    taken, `_answer` with what was not recorded."""

    __slots__ = ("_at", "_functions")

    def _bind(self, handle: int | None, address: int, patient: bool) -> None:
        """`handle`: of the library's producer; None: there is no library."""
        self._at = handle
        if handle is None:
            self._functions: tuple[Function, ...] = (lambda *_: _UNAVAILABLE,) * len(EVENTS)
        else:
            self._functions = library().patient if patient else library().quick

    def _slow(self, number: int, args: tuple[Any, ...], fields: dict[str, Any]) -> Result:
        raise NotImplementedError

    def _answer(self, status: int, id: str) -> Result:
        raise NotImplementedError


def _plain(kind: Kind) -> Callable[..., Result]:
    plans: Plans = {}
    number, index = kind.number, kind.number - 1

    def record(self: Recorder, *args: Any, **fields: Any) -> Result:
        names = (*fields,)
        plan = plans[names] if names in plans else plan_for(kind, plans, names)
        if plan is None or args:
            return self._slow(number, args, fields)
        try:
            room = rooms.pop()
        except IndexError:
            room = Room()
        try:
            plan(room, fields)
            status = self._functions[index](self._at, room.event_address)
        except Exception:
            status = -1
        rooms.append(room)
        if status == 0:
            return RECORDED
        return self._slow(number, args, fields) if status == -1 else self._answer(status, "")

    return record


def _with_id(kind: Kind) -> Callable[..., Result]:
    plans: Plans = {}
    number, index, own = kind.number, kind.number - 1, kind.makes_id

    def record(self: Recorder, *args: Any, **fields: Any) -> Result:
        names = (*fields,)
        plan = plans[names] if names in plans else plan_for(kind, plans, names)
        if plan is None or args:
            return self._slow(number, args, fields)
        try:
            room = rooms.pop()
        except IndexError:
            room = Room()
        try:
            plan(room, fields)
            status = self._functions[index](self._at, room.event_address, room.made_id_address)
            id = fields.get(own) or room.made_id.text.decode()
        except Exception:
            status = -1
        rooms.append(room)
        if status == 0:
            return Result(Status.RECORDED, id)
        return self._slow(number, args, fields) if status == -1 else self._answer(status, id)

    return record


for _kind in EVENTS:
    _method = _with_id(_kind) if _kind.makes_id else _plain(_kind)
    _method.__name__ = f"record_{_kind.name}"
    _method.__qualname__ = f"Recorder.{_method.__name__}"
    _keywords = dict.fromkeys(keyword.split(".")[0] for keyword in _kind.fields)
    _method.__doc__ = f"Records an arbiter.{_kind.python}: {', '.join(_keywords)}."
    setattr(Recorder, _method.__name__, _method)
