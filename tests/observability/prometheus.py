"""A real Prometheus on a directory and a port of its own, that scrapes one collector twice a second.

    with Prometheus(collector.tcp_address()) as prometheus:
        prometheus.wait_for("arbiter_lanes > 0")

It ends, and all it made is gone, when the `with` is left.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from real_collector import SOURCE

RULES = SOURCE / "config/prometheus/arbiter.rules.yml"
_WAIT_SECONDS = 60


def missing() -> str | None:
    """Why there is none; nothing: there is."""
    return None if shutil.which("prometheus") and shutil.which("promtool") else "there is no prometheus (tools/install-dependencies check)"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    def __init__(self, target: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="arbiter-prometheus-"))
        rules = [str(RULES)] if RULES.exists() else []
        (self._root / "prometheus.yml").write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
            "rule_files": rules,
            "scrape_configs": [{"job_name": "arbiter", "static_configs": [{"targets": [target]}]}],
        }))
        self._port = _free_port()
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Prometheus":
        command = ["setpriv", "--pdeathsig", "KILL", "prometheus", f"--config.file={self._root}/prometheus.yml"]
        command += [f"--storage.tsdb.path={self._root}/data", f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn"]
        with open(self._root / "log", "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._until(lambda: self._get("/-/ready") is not None, "be ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._root)

    def _get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read().decode() if refused.code == 400 else None
        except OSError:
            return None

    def _until(self, done, what: str) -> None:
        end = time.monotonic() + _WAIT_SECONDS
        while not done():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"prometheus did not {what}: {(self._root / 'log').read_text()}")
            time.sleep(0.1)

    def api(self, path: str, **parameters: str):
        text = self._get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(text) if text else {"status": "error", "error": "no answer"}
        if answer["status"] != "success":
            raise RuntimeError(f"{path} {parameters}: {answer['error']}")
        return answer["data"]

    def query(self, expression: str) -> list[dict]:
        return self.api("query", query=expression)["result"]

    def value(self, expression: str) -> float | None:
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def wait_for(self, expression: str) -> list[dict]:
        """Until the expression has a sample."""
        self._until(lambda: self.query(expression), f"find {expression}")
        return self.query(expression)

    def firing(self) -> list[dict]:
        """Rules whose alert fires."""
        rules = [rule for group in self.api("rules", type="alert")["groups"] for rule in group["rules"]]
        return [rule for rule in rules if rule["state"] == "firing"]
