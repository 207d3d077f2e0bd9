"""Snapshots that are split into train and validation, in files of bounded size: read as a whole, by side, and followed."""

import hashlib
import importlib.util
import json
import sys
import unittest

from real_collector import SOURCE, Collector, not_run

sys.path.insert(0, str(SOURCE / "tools/python"))
from arbiter_follow import follow  # noqa: E402
from arbiter_snapshots import Snapshot, SnapshotError  # noqa: E402

FORMATS = ("events.jsonl", "trajectories.jsonl.zst", "npy")
PERCENT, SEED = 30, 5


def held_out(task: str) -> bool:
    digest = hashlib.blake2b(task.encode(), key=str(SEED).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big") % 100 < PERCENT


class Split(unittest.TestCase):
    """2,000 agent runs: more than a file of 1 MiB holds."""

    @classmethod
    def setUpClass(cls) -> None:
        split = {"validation_percent": PERCENT, "split_seed": SEED, "file_bytes": "1MiB"}
        cls.collector = cls.enterClassContext(Collector(export=split))
        cls.collector.replay(cls.collector.sample(2000))
        cls.path = cls.collector.snapshot(*FORMATS)

    def setUp(self) -> None:
        self.snapshot = self.enterContext(Snapshot(self.path))

    def test_each_side_has_the_tasks_that_the_hash_says(self) -> None:
        for side in ("train", "validation"):
            rows = [row["taskId"] for row in self.snapshot.trajectories(side)]
            self.assertEqual(rows, sorted(rows))
            self.assertEqual({held_out(task) for task in rows}, {side == "validation"})
            self.assertEqual({event["taskId"] for event in self.snapshot.events(side)}, set(rows))

    def test_both_sides_and_all_parts_are_one_order(self) -> None:
        self.assertGreater(len([name for name in self.snapshot.files if name.startswith("events-train-")]), 1)
        events = list(self.snapshot.events())
        self.assertEqual(len(events), self.snapshot.manifest["events"]["total"])
        self.assertEqual(len({event["id"] for event in events}), len(events))
        times = [int(event["timestampNs"]) for event in events]
        self.assertEqual(times, sorted(times))
        tasks = [row["taskId"] for row in self.snapshot.trajectories()]
        self.assertEqual(tasks, sorted(tasks))

    def test_decisions_are_mapped_by_side_and_read_together(self) -> None:
        if importlib.util.find_spec("numpy") is None:
            not_run("tests/python/split_test.py", "there is no python3-numpy")
            return
        train, validation = self.snapshot.decisions("train"), self.snapshot.decisions("validation")
        self.assertEqual(train.dtype, validation.dtype)
        self.assertEqual(len(self.snapshot.decisions()), len(train) + len(validation))
        self.assertTrue(all(held_out(task.decode()) for task in validation["taskId"].tolist()))

    def test_what_there_is_not_is_said(self) -> None:
        with self.assertRaisesRegex(SnapshotError, "write train or validation"):
            self.snapshot.events("test")
        self.assertEqual(self.snapshot.verify(), [])

    def test_it_can_be_verified_and_followed(self) -> None:
        self.collector.ask("arbiterctl", "verify", self.path)
        with follow(self.collector.exports) as rows:
            self.assertEqual(len(rows.next().added), self.snapshot.manifest["events"]["total"])
            self.assertEqual(list(rows.events()), list(self.snapshot.events()))


class Increments(unittest.TestCase):
    def test_a_chain_of_split_increments_in_parts_is_the_full_export(self) -> None:
        split = {"interval": None, "validation_percent": PERCENT, "split_seed": SEED, "file_bytes": "1MiB"}
        with Collector(export=split) as collector, follow(collector.exports) as rows:
            runs = collector.sample(4500)
            collector.replay(runs[:1500])
            collector.snapshot("events.jsonl")
            rows.next()
            for number, batch in enumerate((runs[1500:3000], runs[3000:]), start=1):
                collector.replay(batch)
                asked = ("export", "--since", f"snapshot:{number}", "--format", "events.jsonl")
                made = json.loads(collector.ask("arbiterctl", "--json", *asked))
                self.assertGreater(len(rows.next().added), 1500)
                with Snapshot(made["path"]) as increment:
                    self.assertEqual(increment.verify(), [])
                    self.assertGreater(len([name for name in increment.files if name.startswith("events-train-")]), 1)
                    for side in ("train", "validation"):
                        self.assertEqual({held_out(event["taskId"]) for event in increment.events(side)}, {side == "validation"})
            with Snapshot(collector.snapshot("events.jsonl")) as full:
                self.assertEqual(list(rows.events()), list(full.events()))


if __name__ == "__main__":
    unittest.main()
