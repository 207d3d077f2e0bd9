"""What tools/python/arbiter_snapshots.py promises, against snapshots of a real collector."""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from real_collector import SOURCE, Collector, not_run, run_python

sys.path.insert(0, str(SOURCE / "tools/python"))
import arbiter_snapshots  # noqa: E402
from arbiter_snapshots import Snapshot, SnapshotError, latest, list_snapshots  # noqa: E402

ALL_FORMATS = ("events.jsonl", "events.jsonl.zst", "trajectories.jsonl", "trajectories.jsonl.zst", "dsjson", "npy")


def has(*modules: str) -> bool:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        not_run("tests/python/snapshots_test.py", f"there is no python3-{missing[0]}")
    return not missing


def decision(number: int, propensity: float | None) -> dict:
    """An event line: a routing decision that chose `agent-b`."""
    data = {"decisionId": f"d-{number}", "taskId": f"job-{number}", "taskType": "größe", "selectedAgent": "agent-b",
            "alternativesConsidered": [{"agentId": "agent-a", "probability": 0.75}, {"agentId": "agent-b", "probability": 0.25}]}
    if propensity is not None:
        data["propensity"] = propensity
    return {"type": "routing-decision", "timestampNs": str(10**18 + number), "data": data}


def execution(number: int, success: bool) -> dict:
    data = {"taskId": f"job-{number}", "agentId": "agent-b", "decisionId": f"d-{number}", "outcome": {"success": success, "tokensConsumed": 40}}
    return {"type": "task-execution", "timestampNs": str(10**18 + 1000 + number), "data": data}


class Reading(unittest.TestCase):
    """One collector, 300 agent runs and three decisions, in all formats."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.collector = cls.enterClassContext(Collector())
        cls.runs = cls.collector.sample(300)
        cls.collector.replay(cls.runs)
        cls.collector.replay([decision(1, 0.25), decision(2, None), decision(3, 0.5), execution(1, True), execution(2, False)])
        cls.path = cls.collector.snapshot(*ALL_FORMATS)

    def setUp(self) -> None:
        self.snapshot = self.enterContext(Snapshot(self.path))

    def copy(self) -> Path:
        """The snapshot as a directory that may be damaged."""
        path = Path(tempfile.mkdtemp(dir=self.collector.root)) / self.path.name
        shutil.copytree(self.path, path)
        return path

    def test_every_event_is_there_once_in_order_of_time(self) -> None:
        events = list(self.snapshot.events())
        self.assertEqual(len(events), 4 * 300 + 5)
        self.assertEqual(len({event["id"] for event in events}), len(events))
        times = [int(event["timestampNs"]) for event in events]
        self.assertEqual(times, sorted(times))

    def test_every_trajectory_has_the_score_of_its_run_as_reward(self) -> None:
        expected = {run["run_id"]: run["score"] for run in self.runs} | {"job-1": 1, "job-2": 0, "job-3": None}
        self.assertEqual({row["taskId"]: row["reward"] for row in self.snapshot.trajectories()}, expected)

    def test_the_same_rows_come_from_plain_and_from_compressed_files(self) -> None:
        for kind in ("events.jsonl", "trajectories.jsonl"):
            self.assertEqual(list(self.snapshot.rows(kind)), list(self.snapshot.rows(kind + ".zst")))

    def test_the_same_rows_come_through_the_program_zstd_and_through_the_module(self) -> None:
        if not has("zstandard"):
            return
        by_module = list(self.snapshot.rows("events.jsonl.zst"))
        with mock.patch.dict(sys.modules, zstandard=None):
            self.assertEqual(list(self.snapshot.rows("events.jsonl.zst")), by_module)
        self.assertEqual(len(by_module), 1205)

    def test_without_any_zstd_it_says_what_to_install(self) -> None:
        with mock.patch.dict(sys.modules, zstandard=None), mock.patch.dict(os.environ, PATH="/nonexistent"):
            with self.assertRaisesRegex(SnapshotError, "apt-get install zstd"):
                self.snapshot.rows("events.jsonl.zst")

    def test_who_stops_early_leaves_no_zstd_behind(self) -> None:
        with mock.patch.dict(sys.modules, zstandard=None):
            rows = self.snapshot.rows("events.jsonl.zst")
            next(rows)
            rows.close()
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
        self.assertNotIn("zstd", [Path(f"/proc/{child}/comm").read_text().strip() for child in children])

    def test_examples_are_the_decisions_of_known_propensity_and_reward(self) -> None:
        (example,) = self.snapshot.examples()
        self.assertEqual((example["_label_cost"], example["_label_probability"], example["_label_Action"]), (-1, 0.25, 2))
        files = {entry["name"]: entry for entry in self.snapshot.manifest["files"]}
        self.assertEqual(files["decisions.dsjson.zst"]["leftOut"], {"withoutPropensity": 301, "zeroPropensity": 0, "withoutReward": 1})

    def test_decisions_are_a_mapped_array(self) -> None:
        if not has("numpy"):
            return
        import numpy

        rows = self.snapshot.decisions()
        self.assertIsInstance(rows, numpy.memmap)
        self.assertFalse(rows.flags.writeable)
        self.assertEqual(rows.shape, (303,))
        made = rows[numpy.isin(rows["taskId"], [b"job-1", b"job-2", b"job-3"])]
        self.assertEqual(made["taskType"][0].decode(), "größe")
        self.assertEqual(made["success"].tolist(), [1, 0, -1])
        self.assertEqual(made["tokensConsumed"].tolist(), [40, 40, -1])
        numpy.testing.assert_array_equal(made["propensity"], [0.25, numpy.nan, 0.5])

    def test_the_frame_has_what_is_not_known_as_missing(self) -> None:
        if not has("numpy", "pandas"):
            return
        import pandas

        frame = self.snapshot.decisions_frame()
        made = frame[frame["taskId"].str.startswith("job-")].set_index("decisionId")
        self.assertEqual(len(frame), 303)
        self.assertEqual(list(made["joinState"]), ["orphan", "orphan", "pending"])
        self.assertEqual(list(made["taskType"]), ["größe"] * 3)
        self.assertEqual(list(made["success"][:2]), [True, False])
        self.assertEqual(list(made["tokensConsumed"][:2]), [40, 40])
        self.assertTrue(made.loc["d-3", ["success", "tokensConsumed", "reward", "completedAt"]].isna().all())
        self.assertIsNone(made.loc["d-3", "routingStrategy"])
        self.assertEqual(made.loc["d-1", "decidedAt"], pandas.Timestamp(10**18 + 1, tz="UTC"))
        scores = {run["run_id"]: run["score"] for run in self.runs}
        sampled = frame[~frame["taskId"].str.startswith("job-")]
        self.assertEqual(dict(zip(sampled["taskId"], sampled["reward"])), scores)

    def test_a_snapshot_without_the_file_says_how_to_export_it(self) -> None:
        with Snapshot(self.collector.snapshot("events.jsonl")) as bare:
            with self.assertRaisesRegex(SnapshotError, "has no trajectories.jsonl, only .*: export it with 'arbiterctl export --format jsonl'"):
                bare.trajectories()

    def test_a_closed_snapshot_says_so_and_what_was_begun_goes_on(self) -> None:
        snapshot = Snapshot(self.path)
        events = snapshot.events()
        first = next(events)
        snapshot.close()
        snapshot.close()
        self.assertEqual([first, *events], list(self.snapshot.events()))
        for call in (snapshot.events, snapshot.verify, snapshot.trajectories):
            self.assertRaisesRegex(SnapshotError, "is closed", call)

    def test_verify_finds_every_damage(self) -> None:
        self.assertEqual(self.snapshot.verify(), [])

        def problems(damage) -> list[str]:
            path = self.copy()
            damage(path)
            with Snapshot(path) as snapshot:
                return [problem.replace(f"{path}: ", "").removesuffix(": export again") for problem in snapshot.verify()]

        def change_byte(path: Path) -> None:
            with open(path / "events.jsonl", "r+b") as file:
                file.seek(40)
                file.write(b"!")

        self.assertEqual(problems(change_byte), ["events.jsonl: SHA-256 differs from the manifest"])
        size = (self.path / "decisions.npy").stat().st_size
        self.assertEqual(problems(lambda path: os.truncate(path / "decisions.npy", 100)),
                         [f"decisions.npy: is of 100 bytes, the manifest says {size}"])
        self.assertEqual(problems(lambda path: (path / "SHA256SUMS").write_text("")),
                         ["SHA256SUMS: says otherwise than the manifest, or of other files"])
        self.assertEqual(problems(lambda path: (path / "SHA256SUMS").unlink()), ["has no SHA256SUMS"])
        self.assertEqual(problems(lambda path: (path / "more").touch()),
                         ["more: is not named in the manifest: it does not belong here, move it away"])

    def test_what_is_no_whole_snapshot_is_not_opened(self) -> None:
        def refused(why: str, damage, name: str = "") -> None:
            path = self.copy()
            damage(path)
            with self.assertRaisesRegex(SnapshotError, why):
                Snapshot(path / name)

        def rewrite(**changes):
            return lambda path: (path / "manifest.json").write_text(json.dumps(self.snapshot.manifest | changes))

        def replace_by_link(path: Path) -> None:
            (path / "stats.json").unlink()
            (path / "stats.json").symlink_to("/etc/hostname")

        refused("has no manifest.json: name the directory", lambda path: (path / "manifest.json").unlink())
        refused("has no events.jsonl: export again", lambda path: (path / "events.jsonl").unlink())
        refused("is not JSON", lambda path: os.truncate(path / "manifest.json", 50))
        refused("is of version 2, this module reads 1", rewrite(formatVersion=2))
        refused("is not the manifest of a snapshot", rewrite(format="other"))
        refused("names a file that is none", rewrite(files=[{"name": "../manifest.json", "bytes": 1, "sha256": ""}]))
        refused("stats.json: Too many levels", replace_by_link)
        refused("name the directory of a snapshot", lambda path: None, "nothing")
        building = self.copy()
        building = building.rename(building.with_name(".building-00000000000000000009"))
        with self.assertRaisesRegex(SnapshotError, "is not complete"):
            Snapshot(building)

    def test_a_damaged_file_is_an_error_and_not_a_shorter_file(self) -> None:
        path = self.copy()
        os.truncate(path / "events.jsonl.zst", (path / "events.jsonl.zst").stat().st_size - 9)
        os.truncate(path / "events.jsonl", (path / "events.jsonl").stat().st_size - 9)
        lines = (path / "trajectories.jsonl").read_bytes().splitlines(keepends=True)
        (path / "trajectories.jsonl").write_bytes(b"".join(lines[:-1]))
        (path / "trajectories.jsonl.zst").write_bytes(b"nothing of zstd's")
        with Snapshot(path) as snapshot:
            for why, name in (
                ("events.jsonl, line 1205: cannot be read .*: 'arbiterctl verify", "events.jsonl"),
                ("trajectories.jsonl: cannot be read .it has 302 rows, the manifest says 303", "trajectories.jsonl"),
                (r"events.jsonl.zst.*: cannot be (read|decompressed)", "events.jsonl.zst"),
                ("trajectories.jsonl.zst: cannot be decompressed", "trajectories.jsonl.zst"),
            ):
                with self.assertRaisesRegex(SnapshotError, why):
                    list(snapshot.rows(name))
                with mock.patch.dict(sys.modules, zstandard=None), self.assertRaisesRegex(SnapshotError, why):
                    list(snapshot.rows(name))

    def test_the_command_line_lists_verifies_and_shows(self) -> None:
        def run(*arguments: object) -> tuple[int, str, str]:
            ran = run_python("python/arbiter_snapshots.py", *arguments)
            return ran.returncode, ran.stdout, ran.stderr

        status, out, err = run("list", self.collector.exports)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([line.split()[0] for line in out.splitlines()], [str(path) for path in list_snapshots(self.collector.exports)])
        self.assertIn(" 1205 events ", out.splitlines()[0])
        self.assertRegex(run("verify", self.path)[1], r": 9 files, \d+ bytes, as the manifest says$")
        status, out, err = run("head", self.path, "-n", 3)
        self.assertEqual([json.loads(line) for line in out.splitlines()], list(self.snapshot.events())[:3])
        self.assertEqual(len(run("head", self.path, "--file", "decisions.dsjson.zst")[1].splitlines()), 1)
        damaged = self.copy()
        os.truncate(damaged / "stats.json", 1)
        status, out, err = run("verify", damaged)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"^arbiter_snapshots: stats.json: is of 1 bytes, the manifest says \d+: export again$")
        status, out, err = run("list", "/nonexistent")
        self.assertEqual(status, 1)
        self.assertEqual(err, "arbiter_snapshots: /nonexistent: No such file or directory: name the export directory of a collector\n")
        self.assertEqual(run("head", self.path, "-n", 0)[0], 2)
        self.assertEqual(run()[0], 2)
        self.assertIn("examples:\n  arbiter_snapshots.py list exports\n", run("--help")[1])


class Living(unittest.TestCase):
    """Beside a collector that goes on exporting."""

    def test_what_is_open_stays_until_it_is_closed(self) -> None:
        with Collector(export={"keep": 1}) as collector:
            collector.replay(collector.sample(10))
            old = collector.snapshot()
            with latest(collector.exports) as snapshot:
                self.assertEqual(snapshot.path, str(old))
                for _ in range(3):
                    newest = collector.snapshot()
                self.assertEqual(list_snapshots(collector.exports), [str(old), str(newest)])
                self.assertEqual(snapshot.verify(), [])
            newest = collector.snapshot()
            self.assertEqual(list_snapshots(collector.exports), [str(newest)])

    def test_what_is_open_can_be_read_even_if_it_is_removed(self) -> None:
        with Collector() as collector:
            collector.replay(collector.sample(10))
            with Snapshot(collector.snapshot()) as snapshot:
                shutil.rmtree(snapshot.path)
                self.assertEqual(len(list(snapshot.events())), 40)

    def test_latest_is_a_whole_snapshot_however_fast_they_come_and_go(self) -> None:
        with Collector(export={"keep": 1}) as collector:
            collector.replay(collector.sample(20))
            collector.snapshot()
            stop = threading.Event()

            def export() -> None:
                while not stop.is_set():
                    collector.snapshot()

            exporting = threading.Thread(target=export)
            exporting.start()
            numbers = set()
            try:
                while len(numbers) < 20 and exporting.is_alive():
                    with latest(collector.exports) as snapshot:
                        numbers.add(snapshot.number)
                        self.assertEqual((len(snapshot.files), len(list(snapshot.trajectories())), snapshot.verify()), (5, 20, []))
            finally:
                stop.set()
                exporting.join()
            self.assertGreaterEqual(len(numbers), 20)

    def test_latest_goes_on_to_the_next_where_the_one_it_was_led_to_is_gone(self) -> None:
        with Collector(export={"keep": 1}) as collector:
            collector.replay(collector.sample(10))
            gone, newest = collector.snapshot(), collector.snapshot()
            real, led = os.readlink, []

            def late(link: str) -> str:
                led.append(gone.name if not led else real(link))
                return led[-1]

            with mock.patch("os.readlink", late), latest(collector.exports) as snapshot:
                self.assertEqual(snapshot.path, str(newest))
            self.assertEqual(led[:2], [gone.name, newest.name])
            (collector.exports / "latest").unlink()
            (collector.exports / "latest").symlink_to(gone.name)
            with self.assertRaisesRegex(SnapshotError, "No such file or directory: name the directory of a snapshot"):
                latest(collector.exports)

    def test_an_export_directory_without_a_snapshot_says_how_to_make_one(self) -> None:
        with Collector() as collector:
            collector.exports.mkdir(exist_ok=True)
            self.assertEqual(list_snapshots(collector.exports), [])
            with self.assertRaisesRegex(SnapshotError, "make one with 'arbiterctl export --wait'"):
                latest(collector.exports)


if __name__ == "__main__":
    assert arbiter_snapshots.__file__ == str(SOURCE / "tools/python/arbiter_snapshots.py")
    unittest.main()
