"""Snapshots made by earlier versions must stay readable. Those in tests/golden are never made anew: where a format grows, one is added."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from real_collector import SOURCE

sys.path.insert(0, str(SOURCE / "tools/python"))
from arbiter_follow import follow  # noqa: E402
from arbiter_snapshots import Snapshot, list_snapshots  # noqa: E402

GOLDEN = SOURCE / "tests/golden/snapshots"


class Golden(unittest.TestCase):
    def test_arbiterctl_verifies_them_row_for_row_and_as_a_chain(self) -> None:
        command = [Path(os.environ["ARBITER_BIN_DIR"]) / "arbiterctl", "verify", *list_snapshots(GOLDEN)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn("snapshot 1: 10 files, 10 events, 3 trajectories, 2 decisions", ran.stdout)

    def test_the_reader_finds_what_was_recorded(self) -> None:
        with Snapshot(GOLDEN / f"{1:020}") as snapshot:
            self.assertEqual(snapshot.verify(), [])
            self.assertEqual(len(list(snapshot.events())), 10)
            self.assertEqual([cost["_label_cost"] for cost in snapshot.examples()], [-0.5, -0.5])
            steps = {row["taskId"][-1]: [step["is_terminal"] for step in row["events"]] for row in snapshot.trajectories()}
            self.assertEqual(steps, {"1": [False, False, False, True], "2": [False, False, False, True], "3": [False, False]})

    def test_the_increment_applies(self) -> None:
        with follow(GOLDEN) as rows:
            self.assertEqual(len(rows.next().added), 10)
            change = rows.next()
            self.assertEqual(([event["type"] for event in change.added], len(change.removed), len(rows)), (["task-execution"], 3, 8))


if __name__ == "__main__":
    unittest.main()
