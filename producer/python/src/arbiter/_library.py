"""The library behind the package: where it is found, and what of it is called."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any, Callable

from arbiter._layout import EVENTS, String
from arbiter._result import LibraryError

SONAME = "libarbiter_producer.so.1"
_ABI_MAJOR, _ABI_MINOR = 1, 1  # of arbiter/producer.h, from which _table.py is written

_pointer, _size = ctypes.c_void_p, ctypes.c_size_t


class Library:
    """Functions of the C interface. Those that return at once are called with the interpreter's lock held, which costs less; those in
    `patient`, and what waits by nature, without it."""

    def __init__(self, path: str) -> None:
        self.path = path
        quick, patient = ctypes.PyDLL(path), ctypes.CDLL(path)
        try:
            self.create = quick.arbiter_producer_create
        except AttributeError:
            raise OSError("it is another library") from None
        quick.arbiter_abi_version.restype = ctypes.c_uint32
        major, minor = divmod(quick.arbiter_abi_version(), 0x10000)
        if major != _ABI_MAJOR or minor < _ABI_MINOR:
            raise OSError(f"it is of version {major}.{minor}, and {_ABI_MAJOR}.{_ABI_MINOR} or a later {_ABI_MAJOR}.x is wanted")
        quick.arbiter_version.restype = ctypes.c_char_p
        self.version: str = quick.arbiter_version().decode()

        self.create.argtypes, self.create.restype = [_pointer], _pointer
        self.destroy = quick.arbiter_producer_destroy
        self.destroy.argtypes, self.destroy.restype = [_pointer], None
        self.attach_thread = quick.arbiter_attach_thread
        self.attach_thread.argtypes = [_pointer]
        self.detach_thread = quick.arbiter_detach_thread
        self.detach_thread.argtypes, self.detach_thread.restype = [_pointer], None
        self.account = quick.arbiter_producer_account
        self.account.argtypes = [_pointer, _pointer]
        self.problem = quick.arbiter_producer_problem
        self.problem.argtypes, self.problem.restype = [_pointer, ctypes.c_char_p, _size], _size
        self.flush = patient.arbiter_flush
        self.flush.argtypes = [_pointer, ctypes.c_int64]
        self.last_error = quick.arbiter_last_error
        self.last_error_field = quick.arbiter_last_error_field
        self.last_error_rule = quick.arbiter_last_error_rule
        for said in (self.last_error, self.last_error_field, self.last_error_rule):
            said.restype = ctypes.c_char_p

        self.quick, self.patient = (_recording(loaded) for loaded in (quick, patient))
        self.record_address = ctypes.cast(quick.arbiter_record, _pointer).value or 0  # for _native.c
        self.start_task = tuple(_typed(loaded.arbiter_start_task, 3) for loaded in (quick, patient))
        self.run_complete = tuple(_typed(loaded.arbiter_run_complete, 2) for loaded in (quick, patient))
        self.run_execution_id = quick.arbiter_run_execution_id
        self.run_execution_id.restype = String


def _typed(function: Any, addresses: int) -> Callable[..., int]:
    function.argtypes = [_pointer] * addresses
    return function  # type: ignore[no-any-return]


def _recording(loaded: ctypes.CDLL) -> tuple[Callable[..., int], ...]:
    """The record functions, in the order of the kinds: of producer and event, and, where the kind has one, of a place for its id."""
    return tuple(_typed(getattr(loaded, f"arbiter_record_{kind.name}"), 3 if kind.makes_id else 2) for kind in EVENTS)


def _candidates() -> list[str]:
    """The first that serves is taken; one that is named is the only one."""
    named = os.environ.get("ARBITER_LIBRARY")
    if named:
        return [named]
    beside = Path(__file__).with_name(SONAME)
    return ([str(beside)] if beside.exists() else []) + [SONAME]


_loaded: Library | str | None = None  # text: why not


def library() -> Library:
    """Loads it once. LibraryError says what was tried and what to do."""
    global _loaded
    if _loaded is None:
        tried = []
        for path in _candidates():
            try:
                _loaded = Library(path)
                break
            except (OSError, AttributeError) as error:
                tried.append(str(error) if path in str(error) else f"{path}: {error}")
        else:
            remedy = "put into ARBITER_LIBRARY the path of one that fits" if "ARBITER_LIBRARY" in os.environ else (
                "install it (cmake --install build/release, then ldconfig), or put its path into ARBITER_LIBRARY")
            _loaded = f"{SONAME} cannot be loaded: {'; '.join(tried)}: {remedy}"
    if isinstance(_loaded, str):
        raise LibraryError(_loaded)
    return _loaded
