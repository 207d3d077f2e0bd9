"""What tools/python/arbiter_follow.py promises, behind a real collector."""

import json
import shutil
import sys
import unittest

from real_collector import SOURCE, Collector, run_python

sys.path.insert(0, str(SOURCE / "tools/python"))
from arbiter_follow import follow  # noqa: E402
from arbiter_snapshots import Snapshot, SnapshotError  # noqa: E402

ON_REQUEST = {"interval": None}
TIME_NS = 1_790_000_000_000_000_000


def step(kind: str, at_ms: int, run: int) -> dict:
    data = {"executionId": f"x-{run}", "taskId": f"t-{run}", "agentId": "a"}
    if kind == "task-execution":
        data["outcome"] = {"success": True}
    return {"type": kind, "timestampNs": str(TIME_NS + at_ms * 1_000_000), "data": data}


def increment(collector: Collector, follows: int) -> Snapshot:
    path = json.loads(collector.ask("arbiterctl", "--json", "export", "--since", f"snapshot:{follows}"))["path"]
    with Snapshot(path) as snapshot:
        return snapshot


class Following(unittest.TestCase):
    def setUp(self) -> None:
        self.collector = self.enterContext(Collector(export=ON_REQUEST))

    def same_as_full(self, rows: object) -> None:
        with Snapshot(self.collector.snapshot()) as full:
            self.assertEqual(list(rows.events()), list(full.events()))

    def test_added_changed_and_removed_rows_come_with_the_increment_that_brings_them(self) -> None:
        self.collector.replay([step("task-execution", 20, n) for n in range(3)])
        self.collector.snapshot()
        rows = self.enterContext(follow(self.collector.exports))
        change = rows.next()
        self.assertEqual((change.snapshot, change.restarted, len(change.added), change.changed, change.removed), (1, True, 3, [], []))
        self.assertIsNone(rows.next())

        self.collector.replay([step("task-start", 10, 1)])
        increment(self.collector, follows=1)
        change = rows.next(timeout=60)
        self.assertEqual([event["type"] for event in change.added], ["task-start"])
        self.assertEqual([(event["taskId"], event["revision"], event["data"]["durationMs"]) for event in change.changed], [("t-1", 1, 10)])
        self.assertEqual((change.snapshot, change.restarted, change.removed), (2, False, []))

        self.collector.ask("arbiterctl", "config", "set", "retention.max_events=2")
        self.collector.replay([step("task-start", 30, 9)])
        increment(self.collector, follows=2)
        change = rows.next()
        self.assertEqual((change.snapshot, len(change.added), len(change.removed), len(rows)), (3, 1, 3, 2))
        self.same_as_full(rows)

    def test_a_full_snapshot_in_between_is_compared_with_what_there_was(self) -> None:
        self.collector.replay(self.collector.sample(5))
        self.collector.snapshot()
        rows = self.enterContext(follow(self.collector.exports))
        rows.next()
        self.collector.replay([step("task-start", 0, 1)])
        self.collector.snapshot()
        change = rows.next()
        self.assertEqual((change.restarted, [event["taskId"] for event in change.added], change.removed), (True, ["t-1"], []))
        self.collector.ask("arbiterctl", "clear", "--yes")
        increment(self.collector, follows=2)
        self.assertEqual((len(rows.next().removed), len(rows)), (21, 0))

    def test_a_lost_increment_is_an_error_until_a_full_one_comes(self) -> None:
        self.collector.replay([step("task-start", 0, 0)])
        self.collector.snapshot()
        rows = self.enterContext(follow(self.collector.exports))
        rows.next()
        self.collector.replay([step("task-start", 1, 1)])
        lost = increment(self.collector, follows=1)
        self.collector.replay([step("task-start", 2, 2)])
        increment(self.collector, follows=2)
        shutil.rmtree(lost.path)
        with self.assertRaisesRegex(SnapshotError, "no snapshot follows 1, though there are newer increments: one between them is gone"):
            rows.next()
        self.assertEqual(len(rows), 1)
        self.collector.snapshot()
        self.assertEqual((rows.next().snapshot, len(rows)), (4, 3))

    def test_increments_of_others_are_left_aside(self) -> None:
        self.collector.replay([step("task-start", 0, 0)])
        self.collector.snapshot()
        self.collector.replay([step("task-start", 1, 1)])
        increment(self.collector, follows=1)
        rows = self.enterContext(follow(self.collector.exports))
        self.assertEqual([rows.next().snapshot, rows.next().snapshot], [1, 2])
        increment(self.collector, follows=1)
        self.assertIsNone(rows.next())
        self.collector.snapshot("npy")
        self.assertIsNone(rows.next())

    def test_the_command_line_prints_what_there_is(self) -> None:
        self.collector.replay(self.collector.sample(5))
        self.collector.snapshot()
        ran = run_python("python/arbiter_follow.py", self.collector.exports, "--seconds", 0)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertEqual([list(json.loads(line)) for line in ran.stdout.splitlines()], [["added"]] * 20)
        ran = run_python("python/arbiter_follow.py", "/nonexistent")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertTrue(ran.stderr.startswith("arbiter_follow: /nonexistent: "))


class OnTime(unittest.TestCase):
    def test_rows_follow_a_collector_that_publishes_increments_by_itself(self) -> None:
        with Collector(export={"interval": "1s", "increments": 3, "keep": 2}) as collector, follow(collector.exports) as rows:
            wanted = set()
            for n in range(4):
                collector.replay([step("task-start", n, n), step("task-execution", n + 5, n)])
                wanted.add(f"t-{n}")
                seen = {event["taskId"] for event in rows.events()}
                while seen != wanted:
                    change = rows.next(timeout=60)
                    self.assertIsNotNone(change)
                    seen |= {event["taskId"] for event in change.added}
            self.assertEqual(len(rows), 8)


if __name__ == "__main__":
    unittest.main()
