"""tools/examples/train_router.py says that a router pays where it does, and does not where it does not."""

import random
import re
import sys
import unittest

from real_collector import SOURCE, Collector, not_run, real_runs, run_python

try:
    import numpy as np
    import pandas as pd
except ImportError as missing:
    not_run("tests/python/train_router_test.py", str(missing))
    sys.exit(0)

sys.path.insert(0, str(SOURCE / "tools/examples"))
import train_router  # noqa: E402

FAMILIES = ["algebra", "botany", "chess", "drawing", "english", "french"]
# What an agent gets in the first and in the last three families.
SPECIALISTS = {"agent-a": (0.8, 0.2), "agent-b": (0.2, 0.8), "agent-c": (0.45, 0.45)}
ALL_ALIKE_BUT_ONE = {"agent-a": (0.7, 0.7), "agent-b": (0.3, 0.3), "agent-c": (0.3, 0.3)}


def made_runs(worth: dict[str, tuple[float, float]], tasks: int = 6, each: int = 4) -> list[dict]:
    """Agent runs: every agent, `each` times, at `tasks` tasks of every family."""
    dice, runs = random.Random(7), []
    for position, family in enumerate(FAMILIES):
        for task in range(tasks):
            for agent, rewards in worth.items():
                for _ in range(each):
                    score = min(1.0, max(0.0, dice.gauss(rewards[position >= 3], 0.1)))
                    started = 1_700_000_000_000 + len(runs) * 1000
                    runs.append({"run_id": f"run-{len(runs)}", "task_id": f"{family}/{task}", "task_family": family, "agent_id": agent,
                                 "started_at_ms": started, "completed_at_ms": started + 500, "score": score, "success": score > 0.5,
                                 "error": None})
    return runs


def figures(out: str) -> dict[str, list[float]]:
    """The lines of the tables by their names: runs, router, other, difference, low, high."""
    number = r"([+-]?\d+\.\d+)"
    found = re.findall(rf"^  (\S.*?) +(\d+) +{number} +{number} +{number} +{number} \.\. {number}$", out, re.MULTILINE)
    return {name: [float(value) for value in values] for name, *values in found}


class OnSnapshots(unittest.TestCase):
    def trained(self, runs, *options, **configuration):
        with Collector(**configuration) as collector:
            collector.replay(runs)
            return run_python("examples/train_router.py", collector.snapshot(), *options)

    def test_specialists_are_worth_a_router(self) -> None:
        ran = self.trained(made_runs(SPECIALISTS), "--deals", 3)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        self.assertEqual(ran.stdout.count("   above 0: 3 of 3\n"), 3)
        self.assertIn("432 runs of 3 agents at 36 tasks of 6 families; ", ran.stdout)
        self.assertEqual(ran.stdout.count("    agent-a: algebra, botany, chess\n    agent-b: drawing, english, french\n"), 2)
        self.assertTrue(ran.stdout.endswith("\nThe router beats the best single agent, as the training halves name it.\n"))
        table = figures(ran.stdout)
        self.assertEqual(len(table), 6)
        for name in ("inverse propensity", "doubly robust", "by what the agents got there"):
            runs, router, best, difference, low, high = table[name]
            self.assertEqual(runs, 432)
            self.assertAlmostEqual(router, 0.8, delta=0.03)
            self.assertAlmostEqual(best, 0.5, delta=0.05)
            self.assertAlmostEqual(difference, router - best, delta=0.00011)
            self.assertTrue(0.15 < low < difference < high < 0.45, (low, high))

    def test_one_agent_that_is_best_everywhere_is_not_beaten(self) -> None:
        ran = self.trained(made_runs(ALL_ALIKE_BUT_ONE))
        self.assertEqual((ran.returncode, ran.stderr), (1, ""))
        self.assertIn("\nThe router does not beat the best single agent: ", ran.stdout)
        self.assertIn("\n  Not shown to be worse than the router: agent-a\n", ran.stdout)
        self.assertEqual(figures(ran.stdout)["doubly robust"][3:], [0, 0, 0])

    def test_anonymised_runs_are_as_good(self) -> None:
        ran = self.trained(made_runs(SPECIALISTS), anonymization={"enabled": True})
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        self.assertIn("432 runs of 3 agents at 36 tasks of 6 families; ", ran.stdout)
        self.assertNotIn("agent-a", ran.stdout)
        self.assertAlmostEqual(figures(ran.stdout)["doubly robust"][1], 0.8, delta=0.03)

    def test_too_few_tasks_are_an_error_that_says_so(self) -> None:
        ran = self.trained([run for run in made_runs(SPECIALISTS) if run["task_id"] == "chess/0"])
        self.assertEqual(ran.returncode, 1)
        self.assertRegex(ran.stderr, r"^train_router: .*: has too few tasks to hold half of them out: record more\n$")
        self.assertEqual(run_python("examples/train_router.py").returncode, 2)
        self.assertRegex(run_python("examples/train_router.py", "/nonexistent").stderr, "^train_router: /nonexistent: No such file")

    def test_on_the_real_runs_the_router_beats_the_best_single_agent(self) -> None:
        runs = real_runs("a router from the real runs")
        if runs is None:
            return
        ran = self.trained(runs)
        print(ran.stdout)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        table = figures(ran.stdout)
        for name, expected in {  # runs, router, best single agent, difference, its interval
            "inverse propensity": [6852, 0.6129, 0.5552, 0.0577, 0.0144, 0.1067],
            "doubly robust": [6852, 0.5123, 0.4500, 0.0623, 0.0236, 0.1089],
            "by what the agents got there": [6811, 0.5753, 0.5145, 0.0608, 0.0216, 0.1075],
            "Claude 3.5 Sonnet (New)": [6811, 0.5753, 0.5251, 0.0501, -0.0149, 0.1158],
        }.items():
            np.testing.assert_allclose(table[name], expected, rtol=0, atol=0.00015, err_msg=name)


class Estimates(unittest.TestCase):
    def test_no_task_is_on_both_sides_and_every_family_is_dealt_evenly(self) -> None:
        runs = pd.DataFrame(made_runs(SPECIALISTS, tasks=5)).rename(
            columns={"task_id": "task", "task_family": "family", "agent_id": "agent", "score": "reward"})
        halves = train_router.deal_tasks(runs)
        self.assertEqual(set(halves.groupby(runs["task"]).nunique()), {1})
        by_family = runs.assign(half=halves).groupby(["family", "half"])["task"].nunique().unstack()
        self.assertEqual({tuple(sorted(counts)) for counts in by_family.to_numpy()}, {(2, 3)})
        shuffled = runs.sample(frac=1, random_state=3)
        pd.testing.assert_series_equal(train_router.deal_tasks(shuffled).sort_index(), halves)
        self.assertFalse(train_router.deal_tasks(runs, "1/").equals(halves))

    def test_both_estimates_are_right_where_agents_were_chosen_unevenly(self) -> None:
        # 60,000 runs of which the agent was chosen by family with probabilities of 0.1 to 0.8; what it gets at a task is known.
        dice = np.random.default_rng(5)
        agents, shares = np.array(list(SPECIALISTS)), np.array([[0.1, 0.8, 0.1], [0.6, 0.1, 0.3]])
        rows = []
        for position, family in enumerate(FAMILIES):
            for task in range(20):
                level = dice.normal(0, 0.1)
                for agent in dice.choice(3, size=500, p=shares[position % 2]):
                    rows.append((f"{family}/{task}", family, agents[agent], SPECIALISTS[agents[agent]][position >= 3] + level + dice.normal(0, 0.2)))
        runs = pd.DataFrame(rows, columns=["task", "family", "agent", "reward"])
        halves = train_router.deal_tasks(runs)
        policies, held_out = train_router.Policies(runs[halves == 0]), runs[halves == 1]
        valued = policies.value(held_out)
        self.assertEqual(set(policies.route), {"agent-a", "agent-b"})
        truth = train_router.rewards_of(held_out, valued["agent router"]).mean()
        self.assertAlmostEqual(valued["IPS router"].mean(), truth, delta=0.02)
        self.assertAlmostEqual(valued["DR router"].mean(), truth, delta=0.01)
        self.assertAlmostEqual(valued["weight router"].mean(), 1, delta=0.02)
        # What the rewards explain need not be weighted:
        self.assertLess(valued["DR router"].std(), valued["IPS router"].std())

    def test_the_interval_is_of_tasks_and_not_of_runs(self) -> None:
        # Ten tasks of 100 equal runs each: as wide as for ten runs.
        rewards = pd.Series(np.repeat(np.arange(10.0), 100))
        tasks = pd.Series(np.repeat(np.arange(10), 100))
        mean, low, high = train_router.interval(rewards, tasks, 20000, 1)
        ten = train_router.interval(pd.Series(np.arange(10.0)), pd.Series(np.arange(10)), 20000, 1)
        self.assertEqual((mean, low, high), ten)
        self.assertAlmostEqual(high - low, 2 * 1.96 * np.arange(10).std() / 10**0.5, delta=0.15)


if __name__ == "__main__":
    unittest.main()
