"""A mount namespace of this test's own, where root may put what it likes in place of the machine's."""

import ctypes
import os
import subprocess
from pathlib import Path

_CLONE_NEWNS = 0x20000


def impossible() -> str | None:
    """Why there can be none; nothing: there can."""
    if os.geteuid() != 0:
        return "needs root"
    # Tried in a child: it is left for good.
    child = os.fork()
    if child == 0:
        os._exit(0 if _leave() else 1)
    return None if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 else "no mount namespace can be made here"


def _leave() -> bool:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode == 0


def leave() -> None:
    """From now on what this process and its children mount is seen by them alone."""
    if not _leave():
        raise RuntimeError("no mount namespace can be made here")


def replace(path: str, with_file: Path) -> None:
    subprocess.run(["mount", "--bind", with_file, path], check=True)


def empty(path: str) -> None:
    """A directory with nothing in it."""
    subprocess.run(["mount", "-t", "tmpfs", "none", path], check=True)
