"""Ten thousand calls a second from Python while the collector is gone, comes late, is stopped, killed and started again: none raises, memory
does not grow, and the account is exact."""

import json
import os
import time
import unittest
from pathlib import Path

import arbiter
from real_collector import Collector

PER_S = 10_000


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Paced(unittest.TestCase):
    def setUp(self) -> None:
        self.collector = self.enterContext(Collector())
        self.collector.kill()
        self.producer = arbiter.Producer(ring_dir=self.collector.memory / "lanes")
        self.calls = 0

    def record_for(self, seconds: float) -> None:
        """A second's calls in a hundred bursts, each at its moment."""
        began = time.monotonic()
        for burst in range(round(seconds * 100)):
            for _ in range(PER_S // 100):
                self.calls += 1
                result = self.producer.record_task_execution(
                    task_id=f"task-{self.calls}-0123456789abcdef0123456789", agent_id="agent-7-0123456789abcdef0123456789",
                    success=self.calls % 5 != 0, quality_score=0.9, tokens_consumed=self.calls)
                self.assertIn(result.status, (arbiter.Status.RECORDED, arbiter.Status.DROPPED), str(result))
            time.sleep(max(0.0, began + (burst + 1) / 100 - time.monotonic()))

    def stats(self) -> dict:
        return json.loads(self.collector.ask("arbiterctl", "--json", "stats"))

    def test_with_the_collector_gone_nothing_raises_nothing_grows_and_the_loss_is_known_exactly(self) -> None:
        while self.producer.record_event(type="fills", data='{"text": "%s"}' % ("x" * 1000)):
            self.calls += 1
        self.calls += 1
        filled = self.producer.account().recorded
        self.record_for(0.5)
        before = resident()
        self.record_for(10)
        self.assertLess(resident() - before, 512 << 10)
        account = self.producer.account()
        self.assertEqual((account.attempted, account.recorded + account.lane_full), (self.calls, self.calls))
        self.assertGreater(account.lane_full, 100_000)
        self.assertLess(account.recorded, filled + 100)  # what the rest of the lane had room for
        self.collector.start()
        self.collector.wait_for(lambda: self.stats()["retainedEvents"] == account.recorded)
        losses = self.stats()["losses"]
        self.assertEqual((losses["dropped"], losses["droppedByReason"]["laneFull"]), (account.lane_full, account.lane_full))

    def test_while_the_collector_starts_late_stops_is_killed_and_starts_again_nothing_is_lost(self) -> None:
        self.record_for(0.7)
        self.collector.start()
        self.record_for(0.7)
        self.collector.stop()
        self.record_for(0.7)
        self.collector.start()
        self.record_for(0.7)
        for _ in range(3):
            self.collector.kill()
            self.record_for(0.3)
            self.collector.start()
            self.record_for(0.3)
        self.assertTrue(self.producer.flush(30))
        account = self.producer.account()
        self.assertEqual((account.attempted, account.recorded), (self.calls, self.calls))
        stats = self.stats()
        self.assertEqual((stats["totalTaskExecutions"], stats["overallSuccessRate"]), (self.calls, 0.8))
        self.assertEqual((stats["losses"]["dropped"], stats["losses"]["refused"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
