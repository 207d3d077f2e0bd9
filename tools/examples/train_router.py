#!/usr/bin/env python3
"""Trains a router from a snapshot, and says what it would have earned on work that it has not seen.

    tools/quickstart --input runs.jsonl
    tools/examples/train_router.py build/quickstart/exports/latest

The router chooses an agent for each task family. Whether that is better than always choosing the best single agent is asked of tasks that it
was not trained on:

 1. The tasks of each family are dealt into two halves (by `task_id` in the context of the decision: no task is on both sides).
 2. On one half, the rewards of each agent in each family are estimated, and so are the propensities: how often whoever chose the agents chose
    which. (Nobody recorded them. Where somebody did, the `propensity` of the decisions is better than any estimate.)
 3. On the other half, router and best single agent are valued by two off-policy estimates: inverse propensity weights (IPS), and doubly
    robust (DR), which weights only what the estimated rewards leave unexplained.
 4. The halves change places, so that each run is held out once.
 5. The difference gets a 95% interval by a bootstrap over tasks: runs of one task are no independent observations.

The best single agent is the one that the training half shows to be best, as it would have been chosen without a router. Exit status: 0 if the
router beats it (the DR interval of the difference is above 0), 1 if not, 2 usage.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

try:
    import numpy as np
    import pandas as pd
except ImportError as missing:
    sys.exit(f"train_router: {missing}: install NumPy and pandas (Debian: apt-get install python3-numpy python3-pandas)")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
from arbiter_snapshots import Snapshot, SnapshotError  # noqa: E402

# How many tasks' worth of evidence a family needs before it outweighs what is known of an agent in general; chosen on the training half.
SHRINKAGES = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, float("inf")]


def read_runs(snapshot: Snapshot) -> tuple[pd.DataFrame, int]:
    """One row a run: task, family, agent, reward; and how many trajectories are not such a run (no single decision, or no reward)."""
    rows, left_out = [], 0
    for trajectory in snapshot.trajectories():
        decisions = [event["data"] for event in trajectory["events"] if event["type"] == "routing-decision"]
        task = decisions[0].get("context", {}).get("task_id") if len(decisions) == 1 else None
        if task is None or "taskType" not in decisions[0] or trajectory["reward"] is None:
            left_out += 1
            continue
        rows.append((task, decisions[0]["taskType"], decisions[0]["selectedAgent"], trajectory["reward"]))
    return pd.DataFrame(rows, columns=["task", "family", "agent", "reward"]), left_out


def deal_tasks(runs: pd.DataFrame, salt: str = "") -> pd.Series:
    """The half, 0 or 1, of each run: the tasks of a family in turn, in the order of their hashes. It depends on nothing but ids and salt."""

    def shuffled(text: str) -> str:
        return hashlib.sha256((salt + text).encode()).hexdigest()

    half = {}
    for family, tasks in runs.groupby("family")["task"]:
        first = int(shuffled(family), 16) % 2
        for turn, task in enumerate(sorted(tasks.unique(), key=shuffled)):
            half[task] = (first + turn) % 2
    return runs["task"].map(half)


def means_by_task(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean reward: a row for each (family, task), a column for each agent; NaN where an agent was not tried."""
    return runs.groupby(["family", "task", "agent"])["reward"].mean().unstack("agent")


class Rewards:
    """Estimated reward of an agent in a family.

    The mean reward of an agent at a task is taken as level of the task + effect of the agent + what the agent is worth more in this family.
    The last is the mean over the family's tasks, drawn towards 0 as if `shrinkage` more tasks had shown nothing.
    """

    def __init__(self, means: pd.DataFrame) -> None:
        levels, effects = means.mean(axis=1), pd.Series(0.0, index=means.columns)
        for _ in range(20):  # least squares, although not every agent was tried at every task
            effects = means.sub(levels, axis=0).mean()
            levels = means.sub(effects, axis=1).mean(axis=1)
        unexplained = means.sub(levels, axis=0).sub(effects, axis=1).groupby("family")
        self.tried, self.unexplained = unexplained.count(), unexplained.sum()  # by family and agent
        self.effects = effects
        self.family_levels, self.level = levels.groupby("family").mean(), levels.mean()

    def advantage(self, shrinkage: float) -> pd.DataFrame:
        """Of each agent in each family over the level of its tasks; NaN where it was not tried."""
        return (self.unexplained / (self.tried + shrinkage)).add(self.effects, axis=1).where(self.tried > 0)

    def predict(self, families: pd.Series, agents: pd.Series, shrinkage: float) -> np.ndarray:
        """For each pair; an agent or a family that is new counts as an average one."""
        advantage = self.advantage(shrinkage).stack().reindex(pd.MultiIndex.from_arrays([families, agents])).to_numpy()
        general = agents.map(self.effects).fillna(self.effects.mean()).to_numpy()
        return families.map(self.family_levels).fillna(self.level).to_numpy() + np.where(np.isnan(advantage), general, advantage)


def choose_shrinkage(runs: pd.DataFrame) -> float:
    """The one with which the router does best at tasks that are left out of the training half, one at a time."""
    means, weights = means_by_task(runs), runs.groupby(["family", "task"]).size()
    earned = dict.fromkeys(SHRINKAGES, 0.0)
    for family, task in means.index:
        rest = means.drop(index=(family, task))
        if family not in rest.index.get_level_values("family"):
            continue
        rewards, here = Rewards(rest), means.loc[(family, task)]
        for shrinkage in SHRINKAGES:
            advantage = rewards.advantage(shrinkage).loc[family][here.notna()].dropna()
            if not advantage.empty:
                earned[shrinkage] += weights[family, task] * here[advantage.idxmax()]
    return max(SHRINKAGES, key=lambda shrinkage: (round(earned[shrinkage], 9), shrinkage))


def best_single(runs: pd.DataFrame) -> str:
    """The agent with the highest mean reward, each task counting by the number of its runs, whoever they were by.

    It is one that was tried at every task: what another would earn at the rest, nobody knows.
    """
    everywhere, share = means_by_task(runs).dropna(axis=1), runs.groupby(["family", "task"]).size() / len(runs)
    if everywhere.empty:
        raise SnapshotError("no agent was tried at every task: no single agent can be valued: record more runs")
    return everywhere.mul(share, axis=0).sum().idxmax()


class Policies:
    """What is learnt from one half: the best single agent, the router, and the estimates that both are valued with."""

    def __init__(self, runs: pd.DataFrame) -> None:
        self.shrinkage = choose_shrinkage(runs)
        self.rewards = Rewards(means_by_task(runs))

        self.best = best_single(runs)

        # The router chooses among the agents that were tried in the family; in a family that it has not seen, the best single agent.
        self.route = self.rewards.advantage(self.shrinkage).idxmax(axis=1)

        # Propensities, estimated: frequencies in the family, with one run's weight of those in general.
        self.general = runs["agent"].value_counts(normalize=True)
        counts = runs.groupby(["family", "agent"]).size().unstack("agent", fill_value=0).reindex(columns=self.general.index)
        self.propensities = counts.add(self.general, axis=1).div(counts.sum(axis=1) + 1, axis=0)

    def chosen(self, runs: pd.DataFrame, policy: str) -> pd.Series:
        if policy == "best":
            return pd.Series(self.best, index=runs.index)
        return runs["family"].map(self.route).fillna(self.best)

    def propensity(self, runs: pd.DataFrame) -> np.ndarray:
        """Of the agent that was chosen, for each run."""
        pairs = pd.MultiIndex.from_arrays([runs["family"], runs["agent"]])
        known = self.propensities.stack().reindex(pairs).to_numpy()
        general = runs["agent"].map(self.general).to_numpy(dtype=float)
        return np.where(np.isnan(known), general, known)  # NaN: an agent that the training half never saw, and no policy chooses

    def value(self, runs: pd.DataFrame) -> pd.DataFrame:
        """What each run says about each policy: the mean of a column is the estimate."""
        propensity, explained = self.propensity(runs), self.rewards.predict(runs["family"], runs["agent"], self.shrinkage)
        out = pd.DataFrame({"task": runs["task"], "family": runs["family"]})
        for policy in ("router", "best"):
            agents = self.chosen(runs, policy)
            weight = np.where(runs["agent"] == agents, 1 / propensity, 0.0)
            out[f"agent {policy}"] = agents
            out[f"weight {policy}"] = weight
            out[f"IPS {policy}"] = weight * runs["reward"]
            out[f"DR {policy}"] = self.rewards.predict(runs["family"], agents, self.shrinkage) + weight * (runs["reward"] - explained)
        return out


def interval(per_run: pd.Series, tasks: pd.Series, resamples: int, seed: int) -> tuple[float, float, float]:
    """Mean, and the 95% interval of its bootstrap over tasks."""
    by_task = per_run.groupby(tasks).agg(["sum", "size"]).to_numpy()
    drawn = np.random.default_rng(seed).integers(len(by_task), size=(resamples, len(by_task)))
    sums, sizes = by_task[drawn].sum(axis=1).T
    low, high = np.percentile(sums / sizes, [2.5, 97.5])
    return per_run.mean(), low, high


def rewards_of(runs: pd.DataFrame, agents: pd.Series) -> pd.Series:
    """Of each run's task, the mean reward of the runs by that agent; NaN where it was not tried."""
    means = runs.groupby(["task", "agent"])["reward"].mean()
    return pd.Series(means.reindex(pd.MultiIndex.from_arrays([runs["task"], agents])).to_numpy(), index=runs.index)


def report(runs: pd.DataFrame, resamples: int, seed: int) -> bool:
    """Prints the figures; True if the router beats the best single agent."""
    halves, parts = deal_tasks(runs), []
    for held_out in (1, 0):
        train, test = runs[halves != held_out], runs[halves == held_out]
        assert not set(train["task"]) & set(test["task"])
        policies = Policies(train)
        parts.append(policies.value(test))
        known = test[test["family"].isin(policies.route.index)]
        print(f"\nTrained on {len(train)} runs at {train['task'].nunique()} tasks; held out: {len(test)} at {test['task'].nunique()}")
        print(f"  best single agent: {policies.best}")
        print(f"  router ({known['family'].nunique()} of the {test['family'].nunique()} held-out families are known to it, the others go to the "
              f"best single agent; shrinkage {policies.shrinkage:g} tasks):")
        for agent, families in policies.route.groupby(policies.route).groups.items():
            print(f"    {agent}: {', '.join(families)}")
    valued = pd.concat(parts)
    runs, tasks = runs.loc[valued.index], valued["task"]

    differ = valued["agent router"] != valued["agent best"]
    print(f"\nHeld out: {len(valued)} runs at {tasks.nunique()} tasks. The router chooses another agent than the best single one in "
          f"{differ.mean():.1%} of the runs, at {tasks[differ].nunique()} tasks. Propensities are estimated.")
    for policy in ("router", "best"):
        weight = valued[f"weight {policy}"]
        print(f"  weights of {policy + ':':8s} mean {weight.mean():.2f} (1 if the propensities are right), largest {weight.max():.1f}, "
              f"effective sample size {weight.sum() ** 2 / (weight**2).sum():.0f}")

    def line(name: str, router: pd.Series, other: pd.Series) -> float:
        both = router.notna() & other.notna()
        mean, low, high = interval((router - other)[both], tasks[both], resamples, seed)
        print(f"  {name:32s} {both.sum():5d} {router[both].mean():8.4f} {other[both].mean():8.4f} {mean:+11.4f}   {low:+.4f} .. {high:+.4f}")
        return low

    print(f"\n  {'mean reward':32s} {'runs':>5s} {'router':>8s} {'best':>8s} {'difference':>11s}   95% interval")
    line("inverse propensity", valued["IPS router"], valued["IPS best"])
    low = line("doubly robust", valued["DR router"], valued["DR best"])
    # Where agents were tried at the very task that is held out, no estimate is needed: a check of the two above.
    router = rewards_of(runs, valued["agent router"])
    line("by what the agents got there", router, rewards_of(runs, valued["agent best"]))

    print("\n  The same against each agent, at the tasks where it was tried. Which of them is best was not known beforehand; with hindsight it is "
          f"{best_single(runs)}:")
    print(f"  {'':32s} {'runs':>5s} {'router':>8s} {'agent':>8s} {'difference':>11s}   95% interval")
    single = {agent: pd.Series(agent, index=runs.index) for agent in sorted(runs["agent"].unique())}
    unbeaten = [agent for agent, always in single.items() if not line(agent, router, rewards_of(runs, always)) > 0]
    if unbeaten:
        print(f"  Not shown to be worse than the router: {', '.join(unbeaten)}")
    return low > 0


def report_deals(runs: pd.DataFrame, deals: int, resamples: int, seed: int) -> None:
    """How much depends on which task is on which side: the same with the tasks dealt in other ways."""
    hindsight = best_single(runs)
    intervals: dict[str, list[tuple[float, float, float]]] = {"inverse propensity": [], "doubly robust": [], f"always {hindsight}": []}
    for deal in range(deals):
        halves = deal_tasks(runs, f"{deal}/")
        valued = pd.concat([Policies(runs[halves != held_out]).value(runs[halves == held_out]) for held_out in (1, 0)])
        here = runs.loc[valued.index]
        over_hindsight = rewards_of(here, valued["agent router"]) - rewards_of(here, pd.Series(hindsight, index=here.index))
        differences = (valued["IPS router"] - valued["IPS best"], valued["DR router"] - valued["DR best"], over_hindsight.dropna())
        for found, difference in zip(intervals.values(), differences):
            found.append(interval(difference, valued.loc[difference.index, "task"], resamples, seed))
    print(f"\nDealt in {deals} other ways: the difference, and how often its interval is above 0")
    for name, found in intervals.items():
        mean, low, _ = np.transpose(found)
        print(f"  {name:32s} mean {mean.mean():+.4f}   {mean.min():+.4f} .. {mean.max():+.4f}   above 0: {(low > 0).sum()} of {deals}")


def main() -> int:
    summary, details = (__doc__ or "").split("\n", 1)
    parser = argparse.ArgumentParser(description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", metavar="SNAPSHOT", help="directory of a snapshot with trajectories, such as exports/latest")
    parser.add_argument("--resamples", metavar="N", type=int, default=10000, help="of the bootstrap (default 10000)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of the bootstrap (default 1)")
    parser.add_argument("--deals", metavar="N", type=int, default=0, help="also deal the tasks in N other ways (a second or two each)")
    arguments = parser.parse_args()
    try:
        with Snapshot(arguments.snapshot) as snapshot:
            runs, left_out = read_runs(snapshot)
        if len(runs) == 0:
            raise SnapshotError(f"{arguments.snapshot}: has no run with one decision, a task_id in its context, and a reward: record some")
        print(f"{len(runs)} runs of {runs['agent'].nunique()} agents at {runs['task'].nunique()} tasks of {runs['family'].nunique()} families; "
              f"mean reward {runs['reward'].mean():.4f}; {left_out} trajectories left out")
        if deal_tasks(runs).nunique() < 2:
            raise SnapshotError(f"{arguments.snapshot}: has too few tasks to hold half of them out: record more")
        beaten = report(runs, arguments.resamples, arguments.seed)
        if arguments.deals > 0:
            report_deals(runs, arguments.deals, arguments.resamples, arguments.seed)
    except SnapshotError as error:
        print(f"train_router: {error}", file=sys.stderr)
        return 1
    print("\nThe router beats the best single agent, as the training halves name it." if beaten else
          "\nThe router does not beat the best single agent: the doubly robust interval of the difference is not above 0.")
    return 0 if beaten else 1


if __name__ == "__main__":
    sys.exit(main())
