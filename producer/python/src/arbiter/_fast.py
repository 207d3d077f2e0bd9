"""The usual call, quick: texts, numbers and truths given by keyword. A plan, made once for each set of keywords that a kind is called with,
puts all of it into a struct of C. What a plan does not take (lists, mappings, None, what is of a wrong type) _convert.py does."""

from __future__ import annotations

import ctypes
from struct import Struct, calcsize
from typing import Any, Callable, Union

from arbiter._layout import FORMATS, Kind, MadeId

_ARENA_BYTES = 72 * 1024  # more than an event may have
_PLANS_MAX = 512  # per kind: who makes up keywords as he goes is served by _convert.py


class Room:
    """Where one call writes its struct and its texts."""

    __slots__ = ("arena", "event", "event_address", "made_id", "made_id_address", "texts", "texts_at")

    def __init__(self) -> None:
        self.event = ctypes.create_string_buffer(1024)
        self.event_address = ctypes.addressof(self.event)
        self.arena = ctypes.create_string_buffer(_ARENA_BYTES)
        self.texts = memoryview(self.arena).cast("B")
        self.texts_at = ctypes.addressof(self.arena)
        self.made_id = MadeId()
        self.made_id_address = ctypes.addressof(self.made_id)


# Taken and put back by list's own methods, which are whole: threads, signal handlers and finalizers each find another one.
rooms: list[Room] = []


_SOURCE = """\
def write(room, fields):
    {names} = {values}
    try:
        data = "".join(({texts})).encode("ascii")
        {sizes} = {lengths}
    except UnicodeEncodeError:
        {encoded} = {encodings}
        data = b"".join(({encoded}))
        {sizes} = {encoded_lengths}
    total = len(data)
    if total > {room} or {sum} != total:
        raise TypeError
    room.texts[:total] = data
    at = room.texts_at
    pack(room.event, 0, {bytes}, {packed})
"""

Write = Callable[[Room, dict[str, Any]], None]


def _tuple(form: str, count: int) -> str:
    """"(t0, t1, )", of as many as there are."""
    return "(" + "".join(form.format(i) + ", " for i in range(count)) + ")"


def plan(kind: Kind, names: tuple[str, ...]) -> Write:
    """A function that writes what is given under these names into a room, made as dataclasses make theirs: it does nothing but what these
    fields need. It raises where what is given is not for it."""
    fields = sorted(((kind.fields[name], name) for name in names), key=lambda f: f[0].offset)
    texts = [name for field, name in fields if field.kind in ("string", "json")]
    if ctypes.sizeof(ctypes.c_void_p) != 8 or any(FORMATS[field.kind] == "PII" for field, _ in fields):
        raise TypeError
    layout, packed, at = "=Q", [], 8  # the struct's size; then field by field, with zeros between them
    for field, name in fields:
        pair = FORMATS[field.kind]
        layout += "x" * (field.offset - at) + pair.replace("P", "Q").replace("N", "Q")
        at = field.offset + calcsize(pair)
        if name in texts:
            i = texts.index(name)
            packed += ["at" + "".join(f" + n{before}" for before in range(i)), f"n{i}"]
        else:
            packed += [f"truth[fields[{name!r}]]" if field.kind == "flag" else f"fields[{name!r}]", "1"]
    count = len(texts)
    source = _SOURCE.format(
        names=_tuple("t{}", count), values=f"({''.join(f'fields[{name!r}], ' for name in texts)})", texts=_tuple("t{}", count)[1:-1],
        sizes=_tuple("n{}", count), lengths=_tuple("len(t{})", count), encoded=_tuple("e{}", count),
        encodings=_tuple('t{}.encode("utf-8", "surrogatepass")', count), encoded_lengths=_tuple("len(e{})", count),
        sum=" + ".join(["0", *(f"n{i}" for i in range(count))]), room=_ARENA_BYTES, bytes=kind.bytes, packed=", ".join(packed),
    )
    names_of: dict[str, Any] = {"truth": {True: 1, False: 0}, "pack": Struct(layout + "x" * (kind.bytes - at)).pack_into}
    exec(source, names_of)
    write: Write = names_of["write"]
    return write


Plans = dict[tuple[str, ...], Union[Write, None]]


def plan_for(kind: Kind, plans: Plans, names: tuple[str, ...]) -> Write | None:
    """Makes one, or notes that there can be none."""
    try:
        made: Write | None = plan(kind, names)
    except (TypeError, KeyError):
        made = None
    if len(plans) < _PLANS_MAX:
        plans[names] = made
    return made


def through_room(kind: Kind, plans: Plans, fields: dict[str, Any], call: Callable[[int], int]) -> int | None:
    """What `call` answers, which is given the address of the struct. None: it was not called, this is not for a plan."""
    names = (*fields,)
    write = plans[names] if names in plans else plan_for(kind, plans, names)
    if write is None:
        return None
    try:
        room = rooms.pop()
    except IndexError:
        room = Room()
    try:
        write(room, fields)
        return call(room.event_address)
    except Exception:  # of whatever an object of the caller's own does: _convert.py says what is wrong
        return None
    finally:
        rooms.append(room)
