"""The structs of the C interface as ctypes lays them out, and where in them each field of a kind lies."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from arbiter._table import KINDS, STRUCTS

_LIST = [("items", ctypes.c_void_p), ("count", ctypes.c_uint32), ("item_size", ctypes.c_uint32)]


def _struct(name: str, members: list[tuple[str, Any]]) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": members})


class String(ctypes.Structure):
    """An arbiter_string."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


_TYPES: dict[str, Any] = {
    "size_t": ctypes.c_size_t,
    "double": ctypes.c_double,
    "string": String,
    "number": _struct("number", [("value", ctypes.c_double), ("given", ctypes.c_uint8)]),
    "count": _struct("count", [("value", ctypes.c_int64), ("given", ctypes.c_uint8)]),
    "time": _struct("time", [("unix_ns", ctypes.c_int64), ("given", ctypes.c_uint8)]),
    "flag": _struct("flag", [("value", ctypes.c_uint8), ("given", ctypes.c_uint8)]),
    **{name: _struct(name, _LIST) for name in ("strings", "alternatives", "violations", "scores")},
}
for _name, _members in STRUCTS.items():
    _TYPES[_name] = _struct(_name, [(_member, _TYPES[_type]) for _member, _type in _members])


class MadeId(ctypes.Structure):
    """An id that the library made."""

    _fields_ = [("size", ctypes.c_uint32), ("text", ctypes.c_char * 44)]


def struct_bytes(name: str) -> int:
    return ctypes.sizeof(_TYPES[name])


def offset(struct: str, path: str) -> int:
    """Of the member at that path, "outcome.success", from the struct's beginning."""
    at, kind = 0, _TYPES[struct]
    for step in path.split("."):
        at += getattr(kind, step).offset
        kind = dict(kind._fields_)[step]
    return at


# How the values of a field lie in its struct: the format of `struct`, and the values that go in. All are two, but a score's double.
FORMATS = {
    "string": "PN", "json": "PN", "number": "dB", "count": "qB", "time": "qB", "flag": "BB", "double": "d",
    "strings": "PII", "alternatives": "PII", "violations": "PII", "scores": "PII",
}


def camel(name: str) -> str:
    """As exports name it."""
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


class Field(NamedTuple):
    offset: int
    kind: str  # how it is converted: a key of FORMATS
    shown: str  # as exports name it


class Kind:
    """A kind of event, or what completes a run."""

    def __init__(self, number: int, name: str, python: str, fields: tuple[tuple[str, str, str, bool, str], ...]) -> None:
        self.number = number
        self.name = name
        self.python = python  # the class
        self.type = name.replace("_", "-")  # as exports name it
        self.bytes = struct_bytes(name)
        self.fields = {keyword: Field(offset(name, path), kind, shown) for keyword, path, kind, _, shown in fields}
        # Members of groups: `outcome` of a dataclass is told to go to the keywords that begin with "", `routing_decision` to its own.
        self.groups: dict[str, str] = {}
        for keyword, path, _, _, _ in fields:
            group, dot, _ = path.partition(".")
            if dot:
                self.groups[group] = group + "." if keyword == path else ""
        self.members: dict[str, object] = {**self.fields, **self.groups}  # of a dataclass, or of what is given by keyword
        self.group_fields = {
            group: {k.removeprefix(prefix): f for k, f in self.fields.items() if f.shown.startswith(camel(group) + ".")}
            for group, prefix in self.groups.items()
        }
        self.makes_id = {"routing_decision": "decision_id", "task_start": "execution_id"}.get(name, "")


_ALL = tuple(Kind(number, name, python, fields) for number, (name, python, fields) in enumerate(KINDS, 1))
EVENTS = _ALL[:-1]
COMPLETION = _ALL[-1]


class Item:
    """An item of a list: its members by name, all at the top."""

    def __init__(self, name: str) -> None:
        self.bytes = struct_bytes(name)
        self.fields = {member: Field(offset(name, member), kind, member) for member, kind in STRUCTS[name]}


ALTERNATIVE, VIOLATION, SCORE = Item("alternative"), Item("violation"), Item("score")
