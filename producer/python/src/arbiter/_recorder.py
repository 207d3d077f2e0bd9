"""Which record functions are used: those of the accelerator where it is built, else those over ctypes. ARBITER_PYTHON names one of them,
`native` or `ctypes`, for who wants to know."""

from __future__ import annotations

import os

IMPLEMENTATION: str
_wanted = os.environ.get("ARBITER_PYTHON", "")

if _wanted == "ctypes":
    from arbiter._recorder_ctypes import Recorder as Recorder

    IMPLEMENTATION = "ctypes"
else:
    try:
        from arbiter._native import Recorder as Recorder

        IMPLEMENTATION = "native"
    except ImportError:
        if _wanted == "native":
            raise
        from arbiter._recorder_ctypes import Recorder as Recorder

        IMPLEMENTATION = "ctypes"
