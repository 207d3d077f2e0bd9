#!/usr/bin/python3
"""What a record call from Python costs, for `arbiter-bench bindings`: prints one JSON object of nanoseconds per call.

    binding.py BURSTS      in the environment of a running collector; ARBITER_PYTHON: native or ctypes

Bursts that fit a lane, each behind a flush, so that what is measured is the call and not the growth of the lane. Of all bursts the median."""

import gc
import json
import statistics
import sys
import time
import uuid

import arbiter

PER_BURST = 200
TASK, AGENT, EXECUTION = (str(uuid.uuid4()) for _ in range(3))


def empty(*, task_id: str, agent_id: str, execution_id: str, success: bool, quality_score: float, tokens_consumed: int) -> None:
    pass


def burst(call: "object") -> float:
    """A typical event: three ids of 36 bytes, a truth, a share and a count."""
    began = time.perf_counter_ns()
    for tokens in range(PER_BURST):
        call(task_id=TASK, agent_id=AGENT, execution_id=EXECUTION, success=True, quality_score=0.9, tokens_consumed=tokens)
    return (time.perf_counter_ns() - began) / PER_BURST


def run_burst(producer: arbiter.Producer) -> float:
    began = time.perf_counter_ns()
    for tokens in range(PER_BURST):
        with producer.task(task_id=TASK, agent_id=AGENT) as run:
            run.set(quality_score=0.9, tokens_consumed=tokens)
    return (time.perf_counter_ns() - began) / PER_BURST


def main(bursts: int) -> None:
    producer = arbiter.Producer(strict=True)
    measured: dict[str, list[float]] = {"empty": [], "record": [], "task": []}
    gc.disable()
    for _ in range(bursts):
        measured["empty"].append(burst(empty))
        measured["record"].append(burst(producer.record_task_execution))
        producer.flush(5)
        measured["task"].append(run_burst(producer))
        producer.flush(5)
    account = producer.account()
    if account.recorded != bursts * PER_BURST * 3:
        sys.exit(f"binding.py: not all was recorded: {account}: {producer.problem()}")
    print(json.dumps({name: statistics.median(values) for name, values in measured.items()} | {"implementation": arbiter.IMPLEMENTATION}))


main(int(sys.argv[1]))
