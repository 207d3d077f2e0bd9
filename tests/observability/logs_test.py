"""What the collector says: entries with fields in a real journal, cut off where it repeats itself, and never an id while it anonymises."""

import json
import os
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import apart
from real_collector import Collector, not_run

JOURNALD = Path("/lib/systemd/systemd-journald")
STREAM = "/run/systemd/journal/stdout"


def refused_over_tcp(address: str, times: int) -> None:
    for _ in range(times):
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://{address}/v1/pause", method="POST"), timeout=10).close()
        except urllib.error.HTTPError as refused:
            refused.close()


class Ids(unittest.TestCase):
    def test_nothing_that_is_said_has_an_id_or_free_text_of_an_anonymised_event(self) -> None:
        options = {"anonymization": {"enabled": True, "free_text": "drop"}, "log": {"level": "debug", "format": "text"}}
        with Collector(**options) as collector:
            secrets = ["agent-sesame", "task-sesame", "run-sesame", "because-sesame"]
            at = int(time.time() * 1000)
            collector.replay([
                {"id": "1", "type": "routing-decision", "timestampNs": str(at * 1_000_000),
                 "data": {"taskId": "task-sesame", "selectedAgent": "agent-sesame", "rationale": "because-sesame"}},
                {"id": "2", "type": "task-start", "timestampNs": str(at * 1_000_000),
                 "data": {"executionId": "run-sesame", "taskId": "task-sesame", "agentId": "agent-sesame"}},
                {"id": "3", "type": "task-execution", "timestampNs": str(at * 1_000_000 + 1),
                 "data": {"executionId": "run-sesame", "taskId": "task-sesame", "agentId": "agent-sesame", "outcome": {"success": True}}}])
            collector.ask("arbiterctl", "task", "task-sesame")
            collector.run("arbiterctl", "task", "no-task-sesame")
            collector.run("arbiterctl", "agents", "agent-sesame")
            collector.run("arbiterctl", "events", "--agent", "agent-sesame")
            collector.snapshot("jsonl")
            said = {"log": collector.log(), "metrics": collector.get("/metrics"), "status": collector.get("/v1/status"),
                    "audit": (collector.root / "state/audit.jsonl").read_text(), "agents": collector.get("/v1/agents")}
            self.assertIn('"executions":1', said["agents"])
            for where, text in said.items():
                for secret in secrets:
                    self.assertNotIn(secret, text, where)


class Journal(unittest.TestCase):
    """In a mount namespace, with a journald of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        apart.leave()
        for directory in ("/run", "/var/log"):
            apart.empty(directory)
        for directory in ("/run/systemd/journal", "/run/log/journal"):
            os.makedirs(directory)
        cls.journald = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", JOURNALD], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not Path(STREAM).exists():
            if time.monotonic() > end:
                raise RuntimeError("journald did not start")
            time.sleep(0.05)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.journald.kill()
        cls.journald.wait()

    def collector(self, **configuration: object) -> Collector:
        """As systemd starts it: stderr is the journal, and the environment says so."""
        collector = Collector(**configuration)
        collector.stderr = socket.socket(socket.AF_UNIX)
        self.addCleanup(collector.stderr.close)
        collector.stderr.connect(STREAM)
        collector.stderr.sendall(b"plain\n\n5\n0\n0\n0\n0\n")
        stream = os.fstat(collector.stderr.fileno())
        collector.environment["JOURNAL_STREAM"] = f"{stream.st_dev}:{stream.st_ino}"
        return collector

    def entries(self, *matches: str) -> list[dict]:
        subprocess.run(["journalctl", "--sync"], check=True, capture_output=True, timeout=60)
        found = subprocess.run(["journalctl", "-o", "json", "--no-pager", *matches], capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in found.stdout.splitlines()]

    def test_entries_have_fields(self) -> None:
        with self.collector() as collector:
            collector.ask("arbiterctl", "pause")
            entry, = self.entries(f"_PID={collector.pid()}", "ARBITER_ROOM=control", "PRIORITY=6")
            self.assertEqual(entry["MESSAGE"], "recording paused")
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], "arbiter-collector")
            self.assertEqual(entry["_TRANSPORT"], "journal")
            self.assertTrue(entry["CODE_FILE"].endswith("collector/service/collector_service.cpp"), entry["CODE_FILE"])
            self.assertGreater(int(entry["CODE_LINE"]), 0)
            rooms = {entry.get("ARBITER_ROOM") for entry in self.entries(f"_PID={collector.pid()}")}
            self.assertLessEqual({"main", "control"}, rooms)
            self.assertNotIn(None, rooms)  # nothing of it is a plain line

    def test_what_repeats_itself_is_cut_off(self) -> None:
        with self.collector(listen="127.0.0.1:0") as collector:
            collector.log = lambda: "\n".join(entry["MESSAGE"] for entry in self.entries(f"_PID={collector.pid()}"))
            refused_over_tcp(collector.tcp_address(), 50)
            entries = self.entries(f"_PID={collector.pid()}", "PRIORITY=4")
            self.assertEqual(len(entries), 10)
            self.assertEqual({entry["MESSAGE"] for entry in entries}, {"POST /v1/pause over TCP: refused: reading alone is answered there"})

    def test_json_and_text_go_to_stderr_as_they_are(self) -> None:
        with self.collector(log={"format": "json"}) as collector:
            collector.ask("arbiterctl", "pause")
            lines = [json.loads(entry["MESSAGE"]) for entry in self.entries("SYSLOG_IDENTIFIER=plain")]
            self.assertIn({"level": "info", "room": "control", "message": "recording paused"},
                          [{name: line[name] for name in ("level", "room", "message")} for line in lines])


if __name__ == "__main__":
    if why := apart.impossible() or (None if JOURNALD.exists() else f"there is no {JOURNALD}"):
        not_run("observability_logs, in a journal", why)
        del Journal
    unittest.main()
