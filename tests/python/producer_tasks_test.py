"""Tasks from Python: blocks, functions, coroutines and generators, which complete as they end; and the functions of the module."""

import asyncio
import concurrent.futures
import contextvars
import inspect
import json
import pickle
import threading
import unittest

import arbiter
from arbiter import Status
from real_collector import Collector


class OwnError(Exception):
    pass


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.collector = cls.enterClassContext(Collector())

    def setUp(self) -> None:
        self.producer = arbiter.configure(ring_dir=self.collector.memory / "lanes", strict=True)
        self.collector.ask("arbiterctl", "clear", "--yes")

    def events(self) -> list[dict]:
        self.assertTrue(arbiter.flush())
        lines = (self.collector.snapshot("events.jsonl") / "events.jsonl").read_text().split("\n")
        return [json.loads(line) for line in lines if line]

    def completions(self) -> list[tuple]:
        """Task, outcome, and was it joined to its start."""
        events = self.events()
        starts = {e["data"]["executionId"]: e for e in events if e["type"] == "task-start"}
        self.assertEqual(len(starts) * 2, len(events))
        for e in events:
            if e["type"] == "task-execution":
                self.assertIn(e["data"]["executionId"], starts)
                self.assertGreaterEqual(e["data"]["durationMs"], 0)
        return [(e["taskId"], e["data"]["outcome"]) for e in events if e["type"] == "task-execution"]

    def test_a_block_that_is_left_in_the_usual_way_is_a_success_with_what_was_set(self) -> None:
        with arbiter.task(task_id="task-1", agent_id="agent-7", decision_id="d", task_type="fix", context={"n": 1}, trace_id="0" * 32) as run:
            self.assertIs(arbiter.current_run(), run)
            self.assertEqual((run.task_id, run.agent_id, run.decision_id, run.result.id), ("task-1", "agent-7", "d", run.execution_id))
            self.assertTrue(run.execution_id)
            run.set(quality_score=0.9)
            run.set(tokens_consumed=1500)
        self.assertIsNone(arbiter.current_run())
        start, end = self.events()
        self.assertEqual(end["data"]["outcome"], {"success": True, "qualityScore": 0.9, "tokensConsumed": 1500})
        self.assertEqual((end["data"]["executionId"], end["data"]["decisionId"]), (run.execution_id, "d"))
        self.assertEqual((start["data"]["context"], start["data"]["taskType"]), ({"n": 1}, "fix"))

    def test_a_block_that_an_exception_leaves_is_a_failure_with_its_type_and_the_exception_goes_on(self) -> None:
        for error in (ValueError("x"), OwnError(), KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), json.JSONDecodeError("x", "", 0)):
            with self.assertRaises(type(error)) as raised:
                with arbiter.task(task_id="t", agent_id="a") as run:
                    run.set(quality_score=0.5, success=True)
                    raise error
            self.assertIs(raised.exception, error)
        self.assertEqual([outcome for _, outcome in self.completions()], [
            {"success": False, "qualityScore": 0.5, "errorType": name}
            for name in ("ValueError", "OwnError", "KeyboardInterrupt", "SystemExit", "asyncio.exceptions.CancelledError", "json.decoder.JSONDecodeError")
        ])

    def test_a_block_may_say_itself_how_it_came_out(self) -> None:
        with arbiter.task(task_id="task-1", agent_id="a") as run:
            run.set(success=False, error_type="tests still fail")
        with arbiter.task(task_id="task-2", agent_id="a") as run:
            self.assertTrue(run.complete(success=True, tokens_in=3))
        self.assertEqual(self.completions(), [
            ("task-1", {"success": False, "errorType": "tests still fail"}), ("task-2", {"success": True, "tokensIn": 3}),
        ])

    def test_a_run_is_completed_once_and_may_be_tried_again_where_it_was_refused(self) -> None:
        run = arbiter.Producer(ring_dir=self.collector.memory / "lanes").task(task_id="t", agent_id="a")
        self.assertFalse(run.complete(success=True, quality_score=2))
        self.assertFalse(run.complete(success="yes"))
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda n: run.complete(success=True, tokens_in=n), range(100)))
        self.assertEqual(sum(bool(result) for result in results), 1)
        self.assertEqual({str(result) for result in results if not result}, {"refused: run: is completed already"})
        self.assertEqual(len(self.completions()), 1)
        with self.assertRaisesRegex(TypeError, "belongs to its process"):
            pickle.dumps(run)

    def test_functions_coroutines_and_generators_are_tasks(self) -> None:
        @arbiter.as_task(agent_id="agent-7", task_id=lambda job, **_: job, context=lambda job, **_: {"job": job})
        def plain(job: str, *, fail: bool = False) -> str:
            """Says so."""
            arbiter.current_run().set(tokens_in=1)
            if fail:
                raise OwnError
            return job + " done"

        @arbiter.as_task(agent_id=lambda name: f"agent-{name}", task_id="c")
        async def coroutine(name: str) -> str:
            await asyncio.sleep(0)
            return name

        @arbiter.as_task(agent_id="a", task_id="g")
        def generator() -> "object":
            got = yield 1
            yield got
            return 3

        @arbiter.as_task(agent_id="a", task_id="ag")
        async def stream() -> "object":
            for number in range(3):
                yield number

        self.assertEqual((plain.__name__, plain.__doc__), ("plain", "Says so."))
        self.assertTrue(inspect.iscoroutinefunction(coroutine) and inspect.isasyncgenfunction(stream) and inspect.isgeneratorfunction(generator))
        self.assertEqual(plain("p"), "p done")
        with self.assertRaises(OwnError):
            plain("q", fail=True)
        self.assertEqual(asyncio.run(coroutine("x")), "x")
        running = generator()
        self.assertEqual((next(running), running.send("sent")), (1, "sent"))
        with self.assertRaises(StopIteration) as stopped:
            next(running)
        self.assertEqual(stopped.exception.value, 3)

        async def consume() -> list[int]:
            return [number async for number in stream()]

        self.assertEqual(asyncio.run(consume()), [0, 1, 2])
        first = generator()
        next(first)
        first.close()
        self.assertEqual(self.completions(), [
            ("p", {"success": True, "tokensIn": 1}), ("q", {"success": False, "tokensIn": 1, "errorType": f"{OwnError.__qualname__}"}),
            ("c", {"success": True}), ("g", {"success": True}), ("ag", {"success": True}), ("g", {"success": True}),
        ])
        starts = [e for e in self.events() if e["type"] == "task-start"]
        self.assertEqual([e["agentId"] for e in starts], ["agent-7", "agent-7", "agent-x", "a", "a", "a"])
        self.assertEqual([e["data"]["taskType"] for e in starts][:3], ["plain", "plain", "coroutine"])

    def test_a_function_runs_though_what_names_its_task_fails(self) -> None:
        arbiter.configure(ring_dir=self.collector.memory / "lanes")

        @arbiter.as_task(agent_id="a", task_id=lambda job: job.no_such)
        def work(job: object) -> str:
            return "done"

        self.assertEqual(work(1), "done")
        self.assertEqual(self.events(), [])

    def test_coroutines_that_interleave_have_runs_of_their_own(self) -> None:
        async def agent(number: int) -> None:
            async def step() -> None:
                await asyncio.sleep(0.001 * (number % 3))
                arbiter.current_run().set(tokens_in=number)

            with arbiter.task(task_id=f"task-{number}", agent_id=f"agent-{number}") as run:
                await asyncio.gather(step(), asyncio.to_thread(lambda: self.assertIs(arbiter.current_run(), run)))
                self.assertIs(arbiter.current_run(), run)
                if number % 5 == 0:
                    raise OwnError

        async def all_of_them() -> list:
            return await asyncio.gather(*(agent(number) for number in range(100)), return_exceptions=True)

        results = asyncio.run(all_of_them())
        self.assertEqual(sum(isinstance(result, OwnError) for result in results), 20)
        outcomes = dict(self.completions())
        self.assertEqual({task: (o["success"], o["tokensIn"]) for task, o in outcomes.items()},
                         {f"task-{number}": (number % 5 != 0, number) for number in range(100)})

    def test_a_run_is_finished_in_another_thread_and_in_another_context(self) -> None:
        run = arbiter.task(task_id="t", agent_id="a")
        context = contextvars.copy_context()
        context.run(run.__enter__)
        thread = threading.Thread(target=run.__exit__, args=(None, None, None))
        thread.start()
        thread.join()
        self.assertEqual(self.completions(), [("t", {"success": True})])

    def test_the_functions_of_the_module_record_where_configure_says(self) -> None:
        self.assertIs(arbiter.get_producer(), self.producer)
        self.assertTrue(arbiter.attach_thread())
        before = arbiter.account()
        self.assertTrue(arbiter.record_event(type="x", data={"a": 1}))
        self.assertTrue(arbiter.record(arbiter.Event(type="x", data='{"a": 1}')))
        self.assertTrue(all(arbiter.record_batch([arbiter.Event(type="x", data={"a": 1})] * 2)))
        with self.assertRaises(arbiter.RefusedError):
            arbiter.record_event(type="", data={})
        after = arbiter.account()
        self.assertEqual((after.recorded - before.recorded, after.refused - before.refused), (4, 1))
        self.assertEqual([e["data"] for e in self.events()], [{"a": 1}] * 4)
        self.assertEqual(arbiter.problem(), "")
        self.assertEqual(pickle.loads(pickle.dumps(self.producer)).account(), after)

    def test_what_is_paused_is_disabled_within_a_second_and_no_attempt(self) -> None:
        self.collector.ask("arbiterctl", "pause")
        self.collector.wait_for(lambda: arbiter.record_event(type="x", data={}).status == Status.DISABLED)
        before = arbiter.account()
        with arbiter.task(task_id="t", agent_id="a") as run:
            self.assertEqual((run.result.status, run.execution_id), (Status.DISABLED, ""))
        self.assertEqual(arbiter.record_event(type="x", data={}).status, Status.DISABLED)
        self.assertEqual(arbiter.record_event(type=1).status, Status.DISABLED)
        self.assertEqual(arbiter.account(), before)
        self.collector.ask("arbiterctl", "resume")
        self.collector.wait_for(lambda: bool(arbiter.record_event(type="x", data={})))


if __name__ == "__main__":
    unittest.main()
