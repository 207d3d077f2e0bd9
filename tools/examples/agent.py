#!/usr/bin/python3
"""An agent, in Python: takes tasks in a loop, and records what becomes of them. The collector may start late, be killed or never run: nothing
here has to know.

    usage: agent.py [TASKS [MICROSECONDS_OF_WORK]]      by default 100 tasks of 1,000 microseconds

With an installed Arbiter: pip install producer/python"""

import logging
import sys
import time

import arbiter


class TestsStillFail(Exception):
    pass


def work(number: int, microseconds: int) -> int:
    """The tokens that it took."""
    time.sleep(microseconds / 1e6)
    if number % 5 == 0:
        raise TestsStillFail
    return 1500


def one_task(number: int, microseconds: int) -> None:
    task_id = f"task-{number}"

    # The arbiter chose this agent, and with which probability it did.
    decision = arbiter.record_routing_decision(
        task_id=task_id,
        task_type="fix_failing_test",
        selected_agent="agent-7",
        routing_strategy="multi-armed-bandit",
        confidence=0.85,
        propensity=0.6,
    )
    # Recording does not fail in a way that an agent must act upon. What was refused is a mistake in the program, and worth a line.
    if decision.status is arbiter.Status.REFUSED:
        logging.warning("agent: %s", decision)

    # The agent begins, works, and is done: the block completes the task, as a success or with the type of what it raised.
    with arbiter.task(task_id=task_id, agent_id="agent-7", decision_id=decision.id) as run:
        run.set(quality_score=0.9, tokens_consumed=work(number, microseconds))


def main(tasks: int = 100, microseconds: int = 1000) -> None:
    for number in range(1, tasks + 1):
        try:
            one_task(number, microseconds)
        except TestsStillFail:
            pass  # an agent goes on to its next task
    collected = arbiter.flush(timeout=2)
    account = arbiter.account()
    said = "yes" if collected else "no"
    print(f"attempted {account.attempted} recorded {account.recorded} dropped {account.dropped} collected {said}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
