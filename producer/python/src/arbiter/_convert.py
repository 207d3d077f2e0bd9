"""Any fields of a kind, written into a struct of C. Takes what _fast.py does not, and says what is wrong with it; what the library checks
is left to the library."""

from __future__ import annotations

import ctypes
import dataclasses
import datetime
import functools
import json
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from struct import pack_into
from typing import Any, Callable

from arbiter._layout import ALTERNATIVE, FORMATS, SCORE, VIOLATION, Field, Item, Kind, String, camel

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_INT64_MAX = 2**63 - 1
_ITEMS_MAX = 65_535  # of a list
_STRING_BYTES = ctypes.sizeof(String)


class Mistake(Exception):
    """What is wrong with a field, before the library sees it."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


def _a(value: object) -> str:
    return type(value).__name__


class Written:
    """One struct, and what its addresses lead to, which lives as long as this does."""

    def __init__(self, size: int) -> None:
        self.bytes = ctypes.create_string_buffer(size)
        self.kept: list[object] = [self.bytes]

    def address(self, data: bytes) -> int:
        held = ctypes.c_char_p(data)
        self.kept.append(held)
        return ctypes.cast(held, ctypes.c_void_p).value or 0

    def put(self, buffer: Any, at: int, field: Field, *values: object) -> None:
        pack_into(FORMATS[field.kind], buffer, at + field.offset, *values)

    def text(self, buffer: Any, at: int, field: Field, text: str) -> None:
        # What is no UTF-8 goes on as it is: the library refuses it, and counts that.
        data = text.encode("utf-8", "surrogatepass")
        self.put(buffer, at, field, self.address(data), len(data))

    def value(self, buffer: Any, at: int, field: Field, value: Any, shown: str) -> None:
        kind = field.kind
        if kind == "string":
            if not isinstance(value, str):
                raise Mistake(shown, f"is not a str but of type {_a(value)}")
            self.text(buffer, at, field, value)
        elif kind == "json":
            self.text(buffer, at, field, value if isinstance(value, str) else _json(value, shown))
        elif kind == "number" or kind == "double":
            number = _number(value, shown)
            self.put(buffer, at, field, number, *((1,) if kind == "number" else ()))
        elif kind == "count":
            count = _int(value, shown)
            self.put(buffer, at, field, count if 0 <= count <= _INT64_MAX else -1, 1)  # -1: the library says what is wrong, and counts it
        elif kind == "time":
            self.put(buffer, at, field, _time(value, shown), 1)
        elif kind == "flag":
            if not hasattr(type(value), "__bool__") or value is None:  # numpy's, for one; but not text, of which most is true
                raise Mistake(shown, f"is not a bool but of type {_a(value)}")
            self.put(buffer, at, field, 1 if value else 0, 1)
        else:
            self.items(buffer, at, field, value, shown)

    def items(self, buffer: Any, at: int, field: Field, value: Any, shown: str) -> None:
        if field.kind == "scores":
            if not isinstance(value, Mapping):
                raise Mistake(shown, f"is not a mapping but of type {_a(value)}")
            rows = list(islice(value.items(), _ITEMS_MAX + 1))
        elif isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise Mistake(shown, f"is not a sequence but of type {_a(value)}")
        else:
            rows = list(islice(value, _ITEMS_MAX + 1))
        if len(rows) > _ITEMS_MAX:
            raise Mistake(shown, f"has more than {_ITEMS_MAX:,} items")
        item: Item | None = {"alternatives": ALTERNATIVE, "violations": VIOLATION, "scores": SCORE}.get(field.kind)
        step = _STRING_BYTES if item is None else item.bytes
        array = ctypes.create_string_buffer(max(1, len(rows)) * step)
        self.kept.append(array)
        for number, row in enumerate(rows):
            where = f"{shown}[{number}]"
            if item is None:
                self.value(array, number * step, Field(0, "string", ""), row, where)
            elif item is SCORE:
                self.value(array, number * step, item.fields["name"], row[0], where)
                self.value(array, number * step, item.fields["value"], row[1], f"{shown}.{row[0]}")
            else:
                for name, member in members_of(row, item.fields, where):
                    self.value(array, number * step, item.fields[name], member, f"{where}.{name}")
        self.put(buffer, at, field, ctypes.addressof(array), len(rows), step)


def _number(value: Any, shown: str) -> float:
    try:
        return float(value) if not isinstance(value, (str, bytes, bytearray)) else _no_number(value, shown)
    except OverflowError:  # an int beyond all doubles: not finite, says the library
        return math.inf
    except TypeError:
        return _no_number(value, shown)


def _no_number(value: object, shown: str) -> float:
    raise Mistake(shown, f"is not a number but of type {_a(value)}")


def _int(value: Any, shown: str) -> int:
    try:
        return int(value.__index__())
    except AttributeError:
        raise Mistake(shown, f"is not an int but of type {_a(value)}") from None


def _time(value: Any, shown: str) -> int:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise Mistake(shown, "is a datetime that does not know its time zone")
        since = value - _EPOCH
        return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
    at = _int(value, shown)
    if not -_INT64_MAX - 1 <= at <= _INT64_MAX:
        raise Mistake(shown, "is out of its range")
    return at


def _json(value: object, shown: str) -> str:
    if not isinstance(value, Mapping):
        raise Mistake(shown, f"is neither a mapping nor the text of one but of type {_a(value)}")
    try:
        return json.dumps(value if isinstance(value, dict) else dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Mistake(shown, f"cannot be written as JSON: {error}") from None


def _read_names(dataclass: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(dataclass))


_names_of: Callable[[Any], tuple[str, ...]] = functools.lru_cache(maxsize=256)(_read_names)


def members_of(value: Any, known: Mapping[str, object], shown: str) -> Iterable[tuple[str, Any]]:
    """Of a mapping or of a dataclass, those that are given."""
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif dataclasses.is_dataclass(value):
        pairs = [(name, getattr(value, name)) for name in _names_of(type(value))]
    else:
        raise Mistake(shown, f"is neither a mapping nor one of this package's classes but of type {_a(value)}")
    for name, _ in pairs:
        if name not in known:
            raise Mistake(f"{shown}.{name}", "is no such field")
    return [(name, member) for name, member in pairs if member is not None]


def flat(kind: Kind, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Groups resolved, and what is None left out."""
    given = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name in kind.fields:
            given[name] = value
        elif name in kind.groups:
            prefix = kind.groups[name]
            given.update((prefix + member, its) for member, its in members_of(value, kind.group_fields[name], camel(name)))
        else:
            raise Mistake(str(name), f"is no field of {kind.type}")
    return given


def written(kind: Kind, fields: Mapping[str, Any]) -> Written:
    """The struct of that kind. Mistake: what is wrong."""
    writer = Written(kind.bytes)
    pack_into("N", writer.bytes, 0, kind.bytes)
    for name, value in flat(kind, fields).items():
        field = kind.fields[name]
        try:
            writer.value(writer.bytes, 0, field, value, field.shown)
        except Mistake:
            raise
        except Exception as error:  # of an object of the caller's own, in what Python calls of it
            raise Mistake(field.shown, f"cannot be read: {type(error).__name__}: {error}") from None
    return writer
