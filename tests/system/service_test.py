"""What an operator gets: the package on a machine with a real systemd, from its installation over kills, a stuck drain, an upgrade and a reboot to
its removal; and who may do what to whose files.
"""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from machine import AGENT, BIN, NEWER, OTHER_AGENT, READER, STRANGER, Machine, Stuck, build_packages, impossible

SERVICE = "arbiter-collector.service"
SOCKET = "/run/arbiter/control.sock"
LANES = "/run/arbiter/lanes"
CONFIGURATION = "/etc/arbiter/collector.json"
EVENTS_OF_A_RUN = 4  # what arbiter-replay records of each
MIB = 1024 * 1024

_files: dict[str, Path] = {}
_work: Path | None = None


def setUpModule() -> None:
    global _work
    if (why := impossible()) is not None:
        print(f"\nnot run: system_service: {why}", flush=True)
        raise unittest.SkipTest(why)
    _work = Path(tempfile.mkdtemp(prefix="arbiter-packages-"))
    _files.update(build_packages(_work), agent=BIN / "example_agent_c")


def tearDownModule() -> None:
    if _work is not None:
        shutil.rmtree(_work)


def install(machine: Machine) -> None:
    machine.run("dpkg", "-i", "/opt/collector.deb", "/opt/producer.deb")


def figures(machine: Machine) -> dict[str, int]:
    """What was ever taken, and what was lost: all of it counts."""
    stats = machine.ask("stats")
    return {"executions": stats["totalTaskExecutions"], "decisions": stats["totalRoutingDecisions"], **stats["losses"]}


def difference(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


class Service(unittest.TestCase):
    """One machine; each test leaves the service running."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.machine = cls.enterClassContext(Machine(_files))
        install(cls.machine)
        cls.machine.run("sh", "-c", "arbiter-replay --make-sample 2000 >/opt/runs.jsonl")

    def setUp(self) -> None:
        self.wait_until_active()
        self.before = figures(self.machine)

    def wait_until_active(self) -> None:
        self.machine.wait_for(lambda: self.machine.unit("ActiveState") == "active", "the service is not active")

    def came(self) -> dict[str, int]:
        self.machine.run("arbiterctl", "flush")
        return difference(figures(self.machine), self.before)

    def away(self) -> float:
        """How many seconds there was no collector, by systemd's own clock: from the end of the one to the word of the next that it is ready."""
        began, ended = (int(self.machine.unit(f"{name}TimestampMonotonic")) for name in ("ActiveEnter", "InactiveEnter"))
        return (began - ended) / 1e6

    def replay(self, repeat: int, rate: int) -> subprocess.Popen:
        """An agent process that writes so many times 2,000 runs, at so many a second, and waits for room rather than drop anything."""
        return self.machine.start("arbiter-replay", "--input", "/opt/runs.jsonl", "--time", "now", "--repeat", repeat, "--rate", rate, user=AGENT)

    def finish(self, writer: subprocess.Popen) -> None:
        said, _ = writer.communicate(timeout=120)
        self.assertEqual(writer.returncode, 0, said)

    def test_the_unit_is_active_once_the_collector_says_so_and_starts_at_boot(self) -> None:
        self.assertEqual(self.machine.unit("Type"), "notify")
        self.assertRegex(self.machine.unit("StatusText"), f"^collecting( from {LANES}|, )")
        self.assertEqual(self.machine.unit("UnitFileState"), "enabled")
        self.assertEqual(self.machine.unit("UnitFileState", "arbiter-collector.socket"), "enabled")
        self.assertEqual(self.machine.run("stat", "-c", "%a %U %G", LANES).strip(), "3733 arbiter arbiter")
        self.assertIn("tmpfs", self.machine.run("findmnt", "-n", "-o", "FSTYPE", LANES))
        self.assertEqual(self.machine.run("stat", "-c", "%a %U", "/var/lib/arbiter", "/var/lib/arbiter/anonymization.key").split(),
                         ["700", "arbiter", "600", "arbiter"])
        self.assertEqual(self.machine.run("systemctl", "--failed", "--plain", "--no-legend"), "")

    def test_an_agent_of_another_user_records(self) -> None:
        said = self.machine.run("/opt/agent", 200, 0, user=AGENT)
        self.assertRegex(said, "^attempted 600 recorded 600 dropped 0 .*collected yes")
        self.assertEqual(self.came(), {"executions": 200, "decisions": 200})

    def test_another_agent_can_neither_list_nor_read_nor_change_nor_remove_a_lane(self) -> None:
        agent = self.machine.start("/opt/agent", 1, 20_000_000, user=AGENT)
        try:
            # Those of agents before it go once they are read.
            def owned() -> list[str]:
                return self.machine.run("find", LANES, "-name", "lanes-*", "-user", str(AGENT)).split()

            self.machine.wait_for(lambda: len(owned()) == 1, "its lane is not the only one")
            lane = owned()[0]
            size = self.machine.run("stat", "-c", "%s %i", lane)
            for words in (["ls", LANES], ["cat", lane], ["rm", "-f", lane], ["mv", lane, LANES + "/mine"], ["ln", lane, LANES + "/mine"],
                          ["truncate", "-s", "0", lane], ["dd", "if=/dev/zero", f"of={lane}", "count=1"], ["chmod", "666", lane],
                          ["rmdir", LANES], ["rm", "-f", SOCKET], ["touch", "/run/arbiter/x"], ["ls", "/var/lib/arbiter"]):
                with self.subTest(words):
                    refused = self.machine.try_run(*words, user=OTHER_AGENT)
                    self.assertNotEqual(refused.returncode, 0)
                    self.assertRegex(refused.stderr, "Permission denied|Operation not permitted")
            self.assertEqual(self.machine.run("stat", "-c", "%s %i", lane), size)
        finally:
            self.machine.run("pkill", "-KILL", "-U", str(AGENT), "-x", "agent")
            agent.communicate()

    def test_a_reader_reads_and_changes_nothing_and_a_stranger_gets_403(self) -> None:
        def status(method: str, target: str, user: int | None, groups: str | None = None) -> str:
            return self.machine.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, "--unix-socket", SOCKET,
                                    f"http://localhost{target}", user=user, groups=groups)

        for method, target, reader, root in (("GET", "/v1/stats", "200", "200"), ("GET", "/metrics", "200", "200"),
                                             ("POST", "/v1/flush", "403", "200"), ("POST", "/v1/pause", "403", "200"),
                                             ("POST", "/v1/resume", "403", "200"), ("POST", "/v1/export", "403", "200"),
                                             ("PATCH", "/v1/config", "403", "200"), ("DELETE", "/v1/data", "403", None)):
            with self.subTest(f"{method} {target}"):
                self.assertEqual(status(method, target, STRANGER), "403")
                self.assertEqual(status(method, target, READER, "arbiter-readers"), reader)
                if root is not None:
                    self.assertEqual(status(method, target, None), root)

    def test_killed_it_is_back_within_a_second_and_nothing_is_lost(self) -> None:
        writer = self.replay(repeat=2, rate=1000)
        gaps: list[float] = []
        # Three times at least; and where others keep the processors busy, until it was on its own.
        while len(gaps) < 3 or (min(gaps) >= 1.0 and len(gaps) < 20):
            pid, restarts = self.machine.unit("MainPID"), int(self.machine.unit("NRestarts"))
            self.machine.run("systemctl", "kill", "-s", "KILL", SERVICE)
            self.machine.wait_for(lambda pid=pid: self.machine.unit("MainPID") not in (pid, "0"), "the service does not come back")
            self.wait_until_active()
            self.assertEqual(int(self.machine.unit("NRestarts")), restarts + 1)
            gaps.append(self.away())
        self.finish(writer)
        self.assertEqual(self.came(), {"executions": 4000, "decisions": 4000})
        print(f"killed, and back after {', '.join(f'{gap:.2f}' for gap in gaps)} s")
        self.assertLess(min(gaps), 1.0)

    def test_a_drain_that_is_stuck_is_found_by_the_watchdog_and_nothing_is_lost(self) -> None:
        self.machine.write("/etc/systemd/system/arbiter-collector.service.d/watchdog.conf", "[Service]\nWatchdogSec=1s\n")
        self.addCleanup(self.machine.run, "systemctl", "daemon-reload")
        self.addCleanup(self.machine.run, "rm", "/etc/systemd/system/arbiter-collector.service.d/watchdog.conf")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", SERVICE)
        writer = self.replay(repeat=2, rate=1000)
        pid = self.machine.unit("MainPID")
        with Stuck(self.machine.host_pid(), "drain"):
            took = self.machine.wait_for(lambda: self.machine.unit("MainPID") not in (pid, "0"), "the watchdog does not bite")
        self.wait_until_active()
        self.finish(writer)
        self.assertEqual(self.came(), {"executions": 4000, "decisions": 4000})
        self.assertIn("Watchdog timeout (limit 1s)", self.machine.run("journalctl", "--no-pager", "-u", SERVICE))
        print(f"stuck, and another at work after {took:.1f} s")

    def test_reload_takes_a_good_file_and_leaves_everything_as_it_was_for_a_bad_one(self) -> None:
        original = self.machine.run("cat", CONFIGURATION)
        self.addCleanup(self.machine.run, "systemctl", "reload", SERVICE)
        self.addCleanup(self.machine.write, CONFIGURATION, original)
        self.machine.write(CONFIGURATION, '{"limits": {"max_agents": 77}}')
        self.machine.run("systemctl", "reload", SERVICE)
        self.assertEqual(self.machine.run("arbiterctl", "config", "get", "limits.max_agents").strip(), "77")
        self.machine.write(CONFIGURATION, '{"limits": {"max_agents": 78, "max_agent": 1}}')
        self.assertNotEqual(self.machine.try_run("systemctl", "reload", SERVICE).returncode, 0)
        self.assertEqual(self.machine.run("arbiterctl", "config", "get", "limits.max_agents").strip(), "77")
        self.assertEqual(self.machine.unit("ActiveState"), "active")
        self.assertIn("max_agent", self.machine.run("journalctl", "--no-pager", "-n", "20", "-u", SERVICE))

    def test_the_key_is_taken_from_a_credential(self) -> None:
        # One that a collector has made serves another as a credential: it is the same file.
        self.machine.run("install", "-D", "-m", "600", "/var/lib/arbiter/anonymization.key", "/etc/credstore/arbiter-held.anonymization.key")
        self.addCleanup(self.machine.run, "rm", "/etc/credstore/arbiter-held.anonymization.key")
        self.addCleanup(self.machine.run, "systemctl", "stop", "arbiter-collector@held")
        self.machine.run("systemctl", "start", "arbiter-collector@held")
        socket = "/run/arbiter-held/control.sock"
        taken = json.loads(self.machine.run("arbiterctl", "--json", "--socket", socket, "config", "get"))["anonymization"]["key_file"]
        self.assertEqual(taken, "/run/credentials/arbiter-collector@held.service/anonymization.key")
        self.assertNotEqual(self.machine.try_run("ls", "/var/lib/arbiter-held/anonymization.key").returncode, 0)

    def test_metrics_are_to_be_had_over_tcp_with_the_drop_in_that_opens_the_sandbox_so_far(self) -> None:
        drop_in = "/etc/systemd/system/arbiter-collector.service.d/listen.conf"
        original = self.machine.run("cat", CONFIGURATION)
        for undo in (("systemctl", "restart", SERVICE), ("systemctl", "daemon-reload"), ("rm", drop_in)):
            self.addCleanup(self.machine.run, *undo)
        self.addCleanup(self.machine.write, CONFIGURATION, original)
        self.machine.run("install", "-D", "-m", "644", "/usr/share/doc/arbiter-collector/examples/listen.conf", drop_in)
        self.machine.write(CONFIGURATION, '{"listen": "127.0.0.1:9464"}')
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", SERVICE)
        self.assertIn("arbiter_build_info", self.machine.run("curl", "-sS", "http://127.0.0.1:9464/metrics", user=STRANGER))
        self.assertEqual(self.machine.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
                                          "http://127.0.0.1:9464/v1/pause"), "403")

    def test_memory_stays_below_the_limit_of_the_unit_under_load(self) -> None:
        self.assertEqual(self.machine.unit("MemoryMax"), str(512 * MIB))
        restarts, pid = self.machine.unit("NRestarts"), self.machine.unit("MainPID")
        writer = self.replay(repeat=30, rate=1_000_000)
        export = self.machine.start("arbiterctl", "export", "--wait", "--format", "jsonl,trajectories,parquet,npy,dsjson")
        self.finish(writer)
        self.finish(export)
        self.machine.run("arbiterctl", "export", "--wait", "--format", "jsonl,trajectories,parquet,npy,dsjson")
        self.assertEqual(self.came(), {"executions": 60_000, "decisions": 60_000})
        self.assertEqual((self.machine.unit("NRestarts"), self.machine.unit("MainPID")), (restarts, pid))
        self.assertNotIn("oom", self.machine.run("journalctl", "--no-pager", "-u", SERVICE).lower())
        own = re.search(r"RssAnon:\s+(\d+) kB", self.machine.run("cat", f"/proc/{pid}/status"))
        print(f"under load: {int(own[1]) // 1024} MiB of its own memory, of 512 that it may have with its files")

    def test_an_upgrade_while_producers_write_loses_nothing(self) -> None:
        self.machine.write(CONFIGURATION, '{"limits": {"max_agents": 77}}')
        self.machine.run("systemctl", "start", "arbiter-collector@one")
        self.addCleanup(self.machine.run, "systemctl", "stop", "arbiter-collector@one")
        before = [self.machine.unit("MainPID", unit) for unit in (SERVICE, "arbiter-collector@one.service")]
        lanes = self.machine.run("findmnt", "-n", "-o", "ID", LANES)
        # One that lives through it, and one after the other that come and go.
        writer = self.replay(repeat=3, rate=1000)
        others = self.machine.start("sh", "-c", """n=0; while [ ! -e /run/enough ]; do /opt/agent 10 0 >/dev/null || exit 1; n=$((n + 10)); done
                                                   echo $n""", user=AGENT)
        self.machine.wait_for(lambda: figures(self.machine) != self.before, "nothing is recorded")
        self.machine.run("dpkg", "-i", "/opt/newer.deb")
        self.assertIsNone(others.poll(), "the producers had ended before the upgrade had")
        self.machine.run("touch", "/run/enough")
        self.finish(writer)
        said, _ = others.communicate(timeout=120)
        written = 6000 + int(said)
        self.assertGreater(written, 6000)
        self.assertEqual(self.came(), {"executions": written, "decisions": written})
        self.assertEqual(self.machine.run("dpkg-query", "-W", "-f", "${Version}", "arbiter-collector"), NEWER)
        after = [self.machine.unit("MainPID", unit) for unit in (SERVICE, "arbiter-collector@one.service")]
        self.assertEqual([new not in (old, "0") for new, old in zip(after, before)], [True, True])
        self.assertEqual(self.machine.run("findmnt", "-n", "-o", "ID", LANES), lanes)
        print(f"upgraded: away for {self.away():.2f} s")
        # What the administrator wrote is still there.
        self.assertEqual(self.machine.run("arbiterctl", "config", "get", "limits.max_agents").strip(), "77")

    def test_the_state_directory_is_all_that_a_restore_needs(self) -> None:
        self.machine.run("/opt/agent", 30, 0, user=AGENT)
        self.assertEqual(self.came(), {"executions": 30, "decisions": 30})
        expected = figures(self.machine)
        units = ("arbiter-collector.socket", SERVICE)
        self.machine.run("systemctl", "stop", *units)
        self.machine.run("tar", "-C", "/var/lib", "-cpf", "/root/arbiter.tar", "arbiter")
        self.machine.run("rm", "-rf", "/var/lib/arbiter")
        self.machine.run("tar", "-C", "/var/lib", "-xpf", "/root/arbiter.tar")
        self.machine.run("/opt/agent", 5, 0, user=AGENT)  # while it is stopped
        self.machine.run("systemctl", "start", *units)
        self.machine.run("arbiterctl", "flush")
        self.assertEqual(difference(figures(self.machine), expected), {"executions": 5, "decisions": 5})

    def test_after_a_reboot_the_state_is_back(self) -> None:
        self.machine.run("/opt/agent", 50, 0, user=AGENT)
        self.assertEqual(self.came(), {"executions": 50, "decisions": 50})
        expected = figures(self.machine)
        self.machine.reboot()
        self.wait_until_active()
        self.assertEqual(figures(self.machine), expected)
        self.machine.run("/opt/agent", 10, 0, user=AGENT)
        self.assertEqual(self.came(), {"executions": 60, "decisions": 60})


class Removal(unittest.TestCase):
    def test_what_was_recorded_outlives_a_removal_and_no_purge(self) -> None:
        with Machine(_files) as machine:
            install(machine)
            machine.run("/opt/agent", 20, 0, user=AGENT)
            expected = figures(machine)
            self.assertEqual(expected["executions"], 20)
            machine.run("dpkg", "-r", "arbiter-collector")
            self.assertNotEqual(machine.try_run("systemctl", "is-active", SERVICE).returncode, 0)
            self.assertEqual(machine.try_run("ls", SOCKET).returncode, 2)
            machine.run("test", "-f", "/var/lib/arbiter/anonymization.key", "-a", "-f", CONFIGURATION)
            # Agents do not notice, and what they record waits: here until the package is back.
            self.assertRegex(machine.run("/opt/agent", 5, 0, user=AGENT), "recorded 15 dropped 0")
            install(machine)
            machine.wait_for(lambda: figures(machine)["executions"] == 25, "what was recorded meanwhile is not taken")

            # The state of an instance goes with it, and nobody else's.
            machine.run("systemctl", "start", "arbiter-collector@other")
            machine.run("mkdir", "/var/lib/arbiter-of-somebody-else")
            machine.run("dpkg", "-P", "arbiter-collector")
            for path in ("/var/lib/arbiter", "/var/lib/arbiter-other", "/run/arbiter", "/run/arbiter-other", "/etc/arbiter",
                         "/etc/systemd/system/multi-user.target.wants/" + SERVICE, "/etc/systemd/system/" + SERVICE):
                with self.subTest(path):
                    self.assertNotEqual(machine.try_run("test", "-e", path).returncode, 0)
            machine.run("test", "-d", "/var/lib/arbiter-of-somebody-else")
            self.assertEqual(machine.try_run("findmnt", LANES).returncode, 1)
            self.assertEqual(machine.unit("LoadState"), "not-found")
            self.assertEqual(machine.try_run("pgrep", "arbiter-collect").returncode, 1)


if __name__ == "__main__":
    unittest.main()
