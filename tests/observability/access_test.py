"""Who may read and change, by real clients of other users; and that every change and every export is in the audit."""

import http.client
import json
import os
import socket
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

import apart
from real_collector import Collector, not_run

STRANGER, READER, READERS = 64_901, 64_902, 64_903


def ask(collector: Collector, method: str, target: str, body: str = "") -> tuple[int, dict]:
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(30)
        connection.sock.connect(collector.environment["ARBITER_SOCKET"])
        connection.request(method, target, body=body or None, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or "{}")
    finally:
        connection.close()


def as_user(uid: int, groups: list[int], what: Callable[[], object]) -> object:
    """What `what` answers in a process of that user."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(writing, json.dumps(what()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def audit(collector: Collector) -> list[dict]:
    return [json.loads(line) for line in (collector.root / "state/audit.jsonl").read_text().splitlines()]


class Audit(unittest.TestCase):
    def test_every_change_and_every_export_is_there_with_who_when_and_what(self) -> None:
        with Collector() as collector:
            began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            me = {"uid": os.geteuid(), "pid": os.getpid()}
            self.assertEqual(ask(collector, "POST", "/v1/pause")[0], 200)
            self.assertEqual(ask(collector, "POST", "/v1/resume")[0], 200)
            self.assertEqual(ask(collector, "PATCH", "/v1/config", '{"retention": {"max_events": 7}, "limits": {"max_agents": 5}}')[0], 200)
            self.assertEqual(ask(collector, "PATCH", "/v1/config", '{"retention": {"max_events": 9, "max_evens": 7}}')[0], 400)
            self.assertEqual(ask(collector, "POST", "/v1/export")[0], 200)
            self.assertEqual(ask(collector, "DELETE", "/v1/data")[0], 200)
            collector.reload({"export": {"interval": "soon"}})
            collector.wait_for(lambda: len(audit(collector)) == 7)
            collector.reload({"export": {"interval": "1h"}})
            collector.wait_for(lambda: len(audit(collector)) == 8)
            lines = audit(collector)
            actions = [(line["action"], line["outcome"]) for line in lines]
            self.assertEqual(actions, [("pause", "done"), ("resume", "done"), ("config set", "done"), ("config set", "failed"),
                                       ("export", "published"), ("clear", "done"), ("reload", "failed"), ("reload", "done")])
            for line in lines[:6]:
                self.assertEqual(line["by"], me)
            for line in lines[6:]:
                self.assertEqual(line["by"], {"trigger": "SIGHUP"})
            for line in lines:
                self.assertGreaterEqual(line["at"], began)
            self.assertEqual(lines[2]["changes"], [
                {"key": "retention.max_events", "from": None, "to": 7, "applied": True},
                {"key": "limits.max_agents", "from": 10_000, "to": 5, "applied": False}])
            self.assertIn("max_events", lines[3]["error"])
            self.assertIn("collector.json", lines[6]["error"])
            changed = {change["key"]: change["to"] for change in lines[7]["changes"]}
            self.assertEqual(changed, {"retention.max_events": None, "export.interval": "1h"})
            self.assertEqual((collector.root / "state/audit.jsonl").stat().st_mode & 0o777, 0o600)
            # All of it or nothing: the one that was wrong changed nothing.
            self.assertIsNone(ask(collector, "GET", "/v1/config")[1]["retention"]["max_events"])

    def test_the_configuration_is_shown_beside_its_defaults(self) -> None:
        with Collector(export={"keep": 3}) as collector:
            collector.ask("arbiterctl", "config", "set", "log.level=warning")
            differing = json.loads(collector.ask("arbiterctl", "--json", "config", "get", "--diff"))
            self.assertEqual(differing["export.keep"], {"running": 3, "default": 24})
            self.assertEqual(differing["log.level"], {"running": "warning", "default": "info"})
            self.assertEqual(differing["retention.max_age"], {"running": None, "default": "7d"})
            self.assertNotIn("journal.sync", differing)
            self.assertIn("export.keep = 3   (default 24)\n", collector.ask("arbiterctl", "config", "get", "--diff"))
            self.assertEqual(collector.ask("arbiterctl", "config", "get", "export.keep", "--defaults"), "24\n")
            self.assertEqual(collector.ask("arbiterctl", "config", "get", "export.keep"), "3\n")
            for wrong in (["--diff", "--defaults"], ["--diff", "export"]):
                self.assertEqual(collector.run("arbiterctl", "config", "get", *wrong).returncode, 2)


class Users(unittest.TestCase):
    """In a mount namespace, whose /etc/group has the group of readers."""

    @classmethod
    def setUpClass(cls) -> None:
        apart.leave()
        with tempfile.NamedTemporaryFile("w", delete=False) as groups:
            groups.write(Path("/etc/group").read_text().rstrip("\n") + f"\narbiter-readers:x:{READERS}:\n")
        os.chmod(groups.name, 0o644)
        apart.replace("/etc/group", Path(groups.name))
        os.unlink(groups.name)

    def collector(self) -> Collector:
        collector = Collector()
        collector.memory.chmod(0o711)  # so that others get as far as the socket
        return collector

    def test_a_stranger_gets_403_whatever_it_asks(self) -> None:
        with self.collector() as collector:
            for method, target in (("GET", "/v1/status"), ("GET", "/metrics"), ("GET", "/v1/events"), ("GET", "/healthz"), ("POST", "/v1/pause")):
                status, answer = as_user(STRANGER, [], lambda: ask(collector, method, target))
                self.assertEqual(status, 403)
                self.assertEqual(answer["error"], f"uid {STRANGER} may not read here: join the group arbiter-readers, or ask as root or as the "
                                                  "collector's own user")

    def test_a_reader_reads_and_cannot_change(self) -> None:
        with self.collector() as collector:
            before = ask(collector, "GET", "/v1/config")[1]
            for groups in ([READERS], [1, 2, READERS, 3]):
                for target in ("/v1/status", "/v1/stats", "/v1/agents", "/v1/config", "/healthz"):
                    self.assertEqual(as_user(READER, groups, lambda: ask(collector, "GET", target))[0], 200)
                for method, target, body in (("POST", "/v1/pause", ""), ("POST", "/v1/resume", ""), ("POST", "/v1/export", ""), ("POST", "/v1/flush", ""),
                                             ("PATCH", "/v1/config", '{"enabled": false}'), ("DELETE", "/v1/data", "")):
                    status, answer = as_user(READER, groups, lambda: ask(collector, method, target, body))
                    self.assertEqual(status, 403)
                    self.assertEqual(answer["error"], "changing is for root and the collector's own user; this caller may do: reading")
            self.assertEqual(ask(collector, "GET", "/v1/config")[1], before)
            self.assertTrue(ask(collector, "GET", "/v1/status")[1]["enabled"])
            self.assertFalse((collector.root / "state/audit.jsonl").exists())
            self.assertIn(f"PATCH /v1/config by uid {READER} (pid ", collector.log())

    def test_readers_that_are_silent_slow_or_many_hold_up_nobody(self) -> None:
        with self.collector() as collector:
            held, gone = os.pipe()

            def hold() -> None:
                os.setgroups([READERS])
                os.setresgid(READER, READER, READER)
                os.setresuid(READER, READER, READER)
                kept = []
                for number in range(200):
                    silent = socket.socket(socket.AF_UNIX)
                    silent.settimeout(5)
                    try:
                        silent.connect(collector.environment["ARBITER_SOCKET"])
                        silent.sendall(b"" if number % 2 else b"GET /v1/sta")
                    except OSError:
                        pass  # sent away
                    kept.append(silent)
                os.write(gone, b"x")
                time.sleep(60)

            child = os.fork()
            if child == 0:
                try:
                    hold()
                finally:
                    os._exit(0)
            try:
                os.read(held, 1)
                began = time.monotonic()
                self.assertEqual(ask(collector, "GET", "/v1/status")[0], 200)
                collector.replay(collector.sample(100))
                self.assertEqual(ask(collector, "POST", "/v1/flush")[0], 200)
                self.assertEqual(ask(collector, "GET", "/v1/stats")[1]["totalTaskExecutions"], 100)
                self.assertLess(time.monotonic() - began, 20)
            finally:
                os.kill(child, 9)
                os.waitpid(child, 0)
                os.close(held)
                os.close(gone)


if __name__ == "__main__":
    if why := apart.impossible():
        not_run("observability_access, other users", why)
        del Users
    unittest.main()
