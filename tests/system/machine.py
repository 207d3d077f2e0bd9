"""A throw-away machine: systemd as the first process of namespaces of its own (see private-systemd), our packages, and users that nobody else has.

    with Machine(packages) as machine:
        machine.run("dpkg", "-i", "/opt/arbiter-collector.deb")
        machine.run("arbiterctl", "status", user=STRANGER)

It is this machine's own files below an overlay: what is done in it is gone with it.
"""

import ctypes
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

_SCRIPT = Path(__file__).resolve().parent / "private-systemd"
BIN = Path(os.environ["ARBITER_BIN_DIR"])
NEWER = "999.0.0-1"
AGENT, OTHER_AGENT, STRANGER, READER = 64_901, 64_902, 64_903, 64_904
_WAIT_SECONDS = 60
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000


def impossible() -> str | None:
    """Why there can be none here; nothing: there can."""
    answer = subprocess.run([_SCRIPT, "can", "/tmp/arbiter-system"], capture_output=True, text=True)
    return None if answer.returncode == 0 else answer.stderr.strip().removeprefix("private-systemd: ")


def build_packages(into: Path) -> dict[str, Path]:
    """By name, as cpack makes them but for the time that compressing takes: what is installed, and what it is upgraded to."""
    command = ["cpack", "-G", "DEB", "-B", into, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=none", "-D", "CPACK_COMPONENTS_ALL=collector;library"]
    subprocess.run(command, cwd=BIN.parent, check=True, capture_output=True, timeout=300)
    made = {package: next(into.glob(f"{package}_*.deb")) for package in ("arbiter-collector", "libarbiter-producer1")}
    tree, newer = into / "tree", into / "newer.deb"
    subprocess.run(["dpkg-deb", "-R", made["arbiter-collector"], tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub("(?m)^Version: .*", f"Version: {NEWER}", control.read_text()))
    subprocess.run(["dpkg-deb", "-Znone", "-b", tree, newer], check=True, capture_output=True)
    return {"collector.deb": made["arbiter-collector"], "producer.deb": made["libarbiter-producer1"], "newer.deb": newer}


class Machine:
    def __init__(self, files: dict[str, Path]) -> None:
        """`files`: what lies in its /opt, by name."""
        self._directory = Path(tempfile.mkdtemp(prefix="arbiter-system-"))
        opt = self._directory / "files/opt"
        opt.mkdir(parents=True)
        for name, path in files.items():
            shutil.copy(path, opt / name)
        # mkdtemp's mode would be that of its /, which everybody in it has to pass.
        (self._directory / "files").chmod(0o755)

    def __enter__(self) -> "Machine":
        try:
            self._script("up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._script("down")
        shutil.rmtree(self._directory)

    def _script(self, verb: str) -> None:
        subprocess.run([_SCRIPT, verb, self._directory], check=True, timeout=120)

    def reboot(self) -> None:
        self._script("reboot")

    def _command(self, words: tuple[object, ...], user: int | None, groups: str | None) -> list[str]:
        to_user = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={groups}" if groups else "--clear-groups"]
        return [str(word) for word in (_SCRIPT, "sh", self._directory, *to_user, *words)]

    def start(self, *words: object, user: int | None = None) -> subprocess.Popen:
        """A program of its own, as this user (root); the caller waits for its end."""
        return subprocess.Popen(self._command(words, user, None), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def try_run(self, *words: object, user: int | None = None, groups: str | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(self._command(words, user, groups), capture_output=True, text=True, timeout=120)

    def run(self, *words: object, user: int | None = None, groups: str | None = None) -> str:
        """What it says; it has to succeed."""
        done = self.try_run(*words, user=user, groups=groups)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.log()}"
        return done.stdout

    def log(self) -> str:
        return self.try_run("journalctl", "--no-pager", "-n", "40").stdout

    def ask(self, *words: str) -> dict:
        return json.loads(self.run("arbiterctl", "--json", *words))

    def unit(self, name: str, unit: str = "arbiter-collector.service") -> str:
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def write(self, path: str, text: str) -> None:
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "sh", path, text)

    def wait_for(self, holds: Callable[[], bool], what: str) -> float:
        """The seconds that it took."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < _WAIT_SECONDS, f"{what}: not in {_WAIT_SECONDS} s\n{self.log()}"
            time.sleep(0.02)
        return time.monotonic() - began

    def host_pid(self, unit: str = "arbiter-collector.service") -> int:
        """That of the unit's first process, as it is called outside."""
        inside = self.unit("MainPID", unit)
        first = (self._directory / "pid").read_text().strip()
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()[1:]
                same = os.readlink(status.parent / "ns/pid") == os.readlink(f"/proc/{first}/ns/pid")
            except OSError:
                continue
            if same and numbers[-1] == inside:
                return int(status.parent.name)
        raise AssertionError(f"there is no process {inside} of {unit}")


class Stuck:
    """While it is entered, one thread of a process stands still, and the rest of it goes on."""

    def __init__(self, pid: int, thread: str) -> None:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        self._thread = next(int(task.name) for task in tasks if (task / "comm").read_text().strip() == thread)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _ptrace(self, request: int) -> int:
        return self._libc.ptrace(ctypes.c_long(request), ctypes.c_long(self._thread), None, None)

    def __enter__(self) -> "Stuck":
        assert self._ptrace(_PTRACE_SEIZE) == 0 and self._ptrace(_PTRACE_INTERRUPT) == 0, os.strerror(ctypes.get_errno())
        os.waitpid(self._thread, _WALL)
        # Killed, it has to be waited for: before that its process is none that has ended.
        self._reaper = threading.Thread(target=self._reap)
        self._reaper.start()
        return self

    def _reap(self) -> None:
        try:
            os.waitpid(self._thread, _WALL)
        except ChildProcessError:
            pass  # let go

    def __exit__(self, *_: object) -> None:
        self._ptrace(_PTRACE_DETACH)  # nothing, if the process has ended
        self._reaper.join()
