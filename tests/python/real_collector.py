"""A real collector on directories of its own, for the tests in this folder.

    with Collector() as collector:
        collector.replay(lines)
        path = collector.snapshot("npy")

Its programs are those in ARBITER_BIN_DIR. All it started ends, and all it made is gone, when the `with` is left.
"""

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
PYTHON = "/usr/bin/python3"
_PLAIN = {"retention": {"max_age": None, "max_events": None, "max_bytes": None}, "anonymization": {"enabled": False}}
_WAIT_SECONDS = 120


def not_run(test: str, why: str) -> None:
    """In the form that tools/check collects: at the beginning of a line."""
    print(f"\nnot run: {test}: {why}", flush=True)


def real_runs(test: str) -> Path | None:
    """The real agent runs, which are not part of this repository: where ARBITER_RUNS says, or beside the clone."""
    runs = Path(os.environ.get("ARBITER_RUNS", SOURCE.parent / "shared/data/agent_runs.jsonl"))
    if runs.exists():
        return runs
    not_run(test, f"there is no {runs} (ARBITER_RUNS names it)")
    return None


def run_python(script: str, *arguments: object) -> subprocess.CompletedProcess:
    """Runs a script of tools/ to its end, as a user would."""
    command = [PYTHON, "-B", SOURCE / "tools" / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_SECONDS)


class Collector:
    def __init__(self, **configuration: object) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="arbiter-python-"))
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.memory = Path(tempfile.mkdtemp(prefix="arbiter-python-", dir=memory))  # also short enough for a socket's path
        self._bin = Path(os.environ["ARBITER_BIN_DIR"])
        self._configuration = _PLAIN | configuration
        self._process: subprocess.Popen | None = None
        self.stderr: socket.socket | None = None  # where the collector speaks; nothing: into log()
        self.exports = self.root / "exports"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("ARBITER_", "XDG_"))} | {
            "HOME": str(self.root),
            "ARBITER_RING_DIR": str(self.memory / "lanes"),
            "ARBITER_SOCKET": str(self.memory / "control.sock"),
        }

    def __enter__(self) -> "Collector":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.memory)
        shutil.rmtree(self.root)

    def _configure(self) -> Path:
        path = self.root / "collector.json"
        path.write_text(json.dumps(self._configuration))
        return path

    def start(self) -> None:
        configuration = self._configure()
        # setpriv: whatever becomes of the test, the collector ends with it.
        command = ["setpriv", "--pdeathsig", "KILL", self._bin / "arbiter-collector", "--config", configuration]
        command += ["--ring-dir", self.memory / "lanes", "--state-dir", self.root / "state", "--export-dir", self.exports]
        command += ["--socket", self.memory / "control.sock"]
        with open(self.root / "log", "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=self.stderr or log, env=self.environment)
        self.wait_for(lambda: self.run("arbiterctl", "status").returncode == 0)

    def wait_for(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + _WAIT_SECONDS
        while not done():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"what was waited for did not come: {self.log()}")
            time.sleep(0.02)

    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        if self._process.wait(_WAIT_SECONDS) != 0:
            raise RuntimeError(f"it ended with {self._process.returncode}: {self.log()}")

    def command(self, program: str, *arguments: str) -> str:
        """For a shell with the collector's `environment`."""
        return shlex.join([str(self._bin / program), *arguments])

    def log(self) -> str:
        return (self.root / "log").read_text()

    def reload(self, configuration: dict) -> None:
        """Another file, and SIGHUP."""
        self._configuration = _PLAIN | configuration
        self._configure()
        self._process.send_signal(signal.SIGHUP)

    def tcp_address(self) -> str:
        """Where it listens, given `listen="127.0.0.1:0"`."""
        self.wait_for(lambda: "reading over TCP" in self.log())
        return re.search(r"http://([^/]+)/metrics", self.log())[1]

    def get(self, target: str) -> str:
        """The answer to a GET on the control socket."""
        connection = http.client.HTTPConnection("localhost", timeout=_WAIT_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.memory / "control.sock"))
            connection.request("GET", target, headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status != 200:
                raise RuntimeError(f"GET {target}: {answer.status}: {body}")
            return body
        finally:
            connection.close()

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess:
        command = [self._bin / program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=_WAIT_SECONDS)

    def ask(self, program: str, *arguments: object) -> str:
        ran = self.run(program, *arguments)
        if ran.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(map(str, arguments))}: {ran.stderr}")
        return ran.stdout

    def sample(self, runs: int) -> list[dict]:
        """Made-up agent runs."""
        return [json.loads(line) for line in self.ask("arbiter-replay", "--make-sample", runs).splitlines()]

    def replay(self, lines: list[dict] | Path, time: str = "original") -> None:
        """Agent runs, or events, from another process, with their own time or as of now. All are recorded."""
        if not isinstance(lines, Path):
            rows, lines = lines, self.root / "input.jsonl"
            lines.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        summary = json.loads(self.ask("arbiter-replay", "--input", lines, "--processes", 2, "--time", time, "--json"))
        if summary["dropped"] or summary["refused"] or not summary["recorded"]:
            raise RuntimeError(f"not all was recorded: {summary}")

    def snapshot(self, *formats: str) -> Path:
        chosen = ["--format", ",".join(formats)] if formats else []
        return Path(json.loads(self.ask("arbiterctl", "--json", "export", "--wait", *chosen))["path"])
