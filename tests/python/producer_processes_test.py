"""Python as it is run: forks, pools, servers that load before they fork, threads, exits of all sorts, without a collector, without the library."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import unittest
from pathlib import Path

from real_collector import PYTHON, Collector

HERE = Path(__file__).resolve().parent


class Processes(unittest.TestCase):
    def setUp(self) -> None:
        self.collector = self.enterContext(Collector())
        self.environment = os.environ | {"ARBITER_RING_DIR": str(self.collector.memory / "lanes")}
        self.script = self.collector.root / "agent.py"

    def start(self, source: str, *arguments: str, **environment: str) -> subprocess.Popen:
        self.script.write_text(textwrap.dedent(source))
        command = ["setpriv", "--pdeathsig", "KILL", PYTHON, "-B", "-X", "dev", "-W", "error", self.script, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment | environment)

    def run_agent(self, source: str, *arguments: str, status: int = 0, **environment: str) -> str:
        process = self.start(source, *arguments, **environment)
        out, err = process.communicate(timeout=120)
        self.assertEqual((process.returncode, err), (status, ""), out)
        return out

    def stats(self) -> dict:
        return json.loads(self.collector.ask("arbiterctl", "--json", "stats"))

    def by_agent(self) -> dict[str, int]:
        """Events in the journal, and nothing of them lost."""
        stats = self.stats()
        self.assertEqual(stats["losses"]["dropped"] + stats["losses"]["refused"] + stats["losses"]["quarantined"], 0)
        counts: dict[str, int] = {}
        for event in json.loads(self.collector.ask("arbiterctl", "--json", "events", "--limit", 100_000)):
            counts[event["agentId"]] = counts.get(event["agentId"], 0) + 1
        self.assertEqual(sum(counts.values()), stats["retainedEvents"])
        return counts

    def test_a_thread_that_gives_its_lane_back_keeps_no_segment_mapped_and_loses_nothing(self) -> None:
        self.run_agent("""
            import re, threading, time
            import arbiter

            producer = arbiter.get_producer()
            def mapped():
                with open("/proc/self/maps") as maps:
                    return sum(re.search(r"/lanes/#[0-9]+ ", line) is not None for line in maps)
            arbiter.detach_thread()  # without a lane: nothing
            for number in range(20):
                assert producer.record_task_execution(task_id="t", agent_id="main", success=True)
                assert mapped() == 1
                arbiter.detach_thread()
                assert mapped() == 0
                assert number % 5 or producer.flush(30)
            held, done = threading.Event(), threading.Event()
            def other():
                assert producer.record_task_execution(task_id="t", agent_id="other", success=True)
                held.set()
                done.wait()
                producer.detach_thread()
            thread = threading.Thread(target=other)
            thread.start()
            held.wait()
            assert producer.record_task_execution(task_id="t", agent_id="main", success=True)
            producer.detach_thread()
            assert mapped() == 1  # the other thread's lane is in it
            done.set()
            thread.join()
            assert mapped() == 0
            assert producer.flush(30) and producer.account().recorded == 22
        """)
        self.assertEqual(self.by_agent(), {"main": 21, "other": 1})

    def test_parent_and_children_go_on_recording_after_fork_whatever_was_made_before(self) -> None:
        self.run_agent("""
            import os, threading
            import arbiter

            producer = arbiter.get_producer()
            def record(agent, events):
                for number in range(events):
                    assert arbiter.record_task_execution(task_id="t", agent_id=agent, success=True, tokens_consumed=number)
            record("parent", 10)
            run = arbiter.task(task_id="t", agent_id="completed-in-the-child")
            busy = threading.Event()
            def other():
                while not busy.is_set():
                    record("thread", 1)
            thread = threading.Thread(target=other)
            thread.start()
            children = []
            for child in range(8):
                pid = os.fork()
                if pid == 0:
                    record(f"child-{child}", 100)
                    if child == 0:
                        assert run.complete(success=True)
                        if os.fork() == 0:
                            record("grandchild", 5)
                            os._exit(0)
                        os.wait()
                    assert producer.flush(20)
                    os._exit(0)
                children.append(pid)
            assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
            busy.set()
            thread.join()
            record("parent", 10)
            assert arbiter.flush(20)
        """.replace('record("thread", 1)', 'record("thread", 1); busy.wait(0.001)'))
        counts = self.by_agent()
        self.assertGreater(counts.pop("thread"), 0)
        self.assertEqual(counts, {"parent": 20, "completed-in-the-child": 2, "grandchild": 5} | {f"child-{n}": 100 for n in range(8)})

    def test_pools_of_processes_record_forked_or_spawned_with_a_producer_from_the_parent_and_one_of_their_own(self) -> None:
        self.run_agent("""
            import multiprocessing, sys
            import arbiter

            def work(arguments):
                producer, method, number = arguments
                assert producer.record_evaluation_outcome(task_id="t", agent_id=f"{method}-given", passed=True)
                assert arbiter.record_evaluation_outcome(task_id="t", agent_id=f"{method}-own", passed=True)
                return number

            if __name__ == "__main__":
                producer = arbiter.Producer()
                assert producer.record_evaluation_outcome(task_id="t", agent_id="parent", passed=True)
                for method in ("fork", "spawn", "forkserver"):
                    with multiprocessing.get_context(method).Pool(3) as pool:
                        assert pool.map(work, [(producer, method, n) for n in range(50)]) == list(range(50))
                        pool.close()
                        pool.join()
        """)
        expected = {f"{method}-{whose}": 50 for method in ("fork", "spawn", "forkserver") for whose in ("given", "own")}
        self.assertEqual(self.by_agent(), expected | {"parent": 1})

    def test_workers_of_a_server_that_loads_before_it_forks_record_and_may_be_killed_and_replaced(self) -> None:
        self.run_agent("""
            import os, signal, time
            import arbiter

            @arbiter.as_task(agent_id=lambda: f"worker-{os.getppid() == main}")   # as an application does when it is imported
            def request():
                pass

            main = os.getpid()
            arbiter.configure()
            def worker(requests):
                pid = os.fork()
                if pid:
                    return pid
                signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
                for _ in range(requests):
                    request()
                read_end.close()
                write_end.write("x")
                write_end.flush()
                signal.pause()

            read_end, write_end = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), "rw"))
            pids = [worker(30) for _ in range(4)]
            assert read_end.read(4) == "xxxx"
            os.kill(pids[0], signal.SIGKILL)
            pids.append(worker(30))
            assert read_end.read(1) == "x"
            for pid in pids[1:]:
                os.kill(pid, signal.SIGTERM)
            for pid in pids:
                os.waitpid(pid, 0)
            read_end.close(), write_end.close()
        """)
        self.assertEqual(self.by_agent(), {"worker-True": 5 * 30 * 2})

    def test_threads_record_side_by_side_into_lanes_of_their_own(self) -> None:
        out = self.run_agent("""
            import threading
            import arbiter

            def agent(number):
                for task in range(1000):
                    with arbiter.task(task_id=f"task-{number}-{task}", agent_id=f"agent-{number}") as run:
                        run.set(success=task % 5 != 0)
            threads = [threading.Thread(target=agent, args=(number,)) for number in range(16)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            assert arbiter.flush(20)
            account = arbiter.account()
            print(account.attempted, account.recorded)
        """)
        self.assertEqual(out, "32000 32000\n")
        self.assertEqual(self.by_agent(), {f"agent-{number}": 2000 for number in range(16)})
        self.assertEqual(self.stats()["overallSuccessRate"], 0.8)

    def test_nothing_is_lost_however_the_interpreter_ends(self) -> None:
        ends = {
            "returns": ("", 0),
            "exits": ("sys.exit(3)", 3),
            "exits at once": ("os._exit(4)", 4),
            "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
            "leaves a cycle": ("x = [arbiter.Producer(), run]; x.append(x); del x", 0),
            "records at exit": ("atexit.register(record, 1)", 0),
            "records in a finalizer": ("Last.them = Last()", 0),
            "in the middle of a block": ("arbiter.task(task_id='t', agent_id='a').__enter__()", 0),
            "while a daemon records": ("threading.Thread(target=lambda: [record(1) for _ in iter(int, 1)], daemon=True).start(); time.sleep(0.05)", 0),
        }
        for name, (end, status) in ends.items():
            with self.subTest(name):
                self.collector.ask("arbiterctl", "clear", "--yes")
                self.run_agent(f"""
                    import atexit, os, signal, sys, threading, time
                    import arbiter

                    def record(events):
                        for _ in range(events):
                            assert arbiter.record_agent_status_change(agent_id="a", status="busy") or events == 1
                    class Last:
                        def __del__(self):
                            record(1)
                    run = arbiter.task(task_id="t", agent_id="a")
                    record(100)
                    {end}
                """, status=status)
                expected = 101 + name.startswith(("records", "in the middle"))
                if name != "while a daemon records":
                    self.assertEqual(self.by_agent(), {"a": expected})
                else:
                    self.assertGreater(self.by_agent()["a"], expected)

    def test_signal_handlers_and_finalizers_record_in_the_middle_of_a_record(self) -> None:
        out = self.run_agent("""
            import gc, signal
            import arbiter

            handled, done = 0, False
            def handler(*_):
                global handled
                handled += bool(arbiter.record_routing_decision(task_id="t", selected_agent="handler", confidence=0.5))
                if not done:
                    signal.setitimer(signal.ITIMER_REAL, 0.001)
            class Cycle:
                def __init__(self): self.me = self
                def __del__(self):
                    arbiter.record_routing_decision(task_id="t", selected_agent="finalizer")
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            gc.set_threshold(50)
            for number in range(10000):
                Cycle()
                assert arbiter.record_routing_decision(decision_id=f"d{number}", task_id="t", selected_agent="main").id == f"d{number}"
                arbiter.record_routing_decision(task_id="t", selected_agent="main", rationale="\\ud800")
                if number % 1000 == 0:
                    assert arbiter.flush(20)
            done = True
            signal.setitimer(signal.ITIMER_REAL, 0)
            gc.collect()
            account = arbiter.account()
            print(handled, account.recorded, account.refused, account.dropped)
        """)
        handled, recorded, refused, dropped = map(int, out.split())
        self.assertGreater(handled, 10)
        self.assertEqual((recorded, refused, dropped), (20_000 + handled, 10_000, 0))
        lines = (self.collector.snapshot("events.jsonl") / "events.jsonl").read_text().splitlines()
        decisions = [json.loads(line)["data"] for line in lines]
        self.assertEqual(len(decisions), recorded)
        for agent in ("handler", "finalizer"):
            of_agent = [d for d in decisions if d["selectedAgent"] == agent]
            self.assertEqual(len(of_agent), handled if agent == "handler" else 10_000)
            self.assertTrue(all(set(d) - {"confidence"} == {"decisionId", "taskId", "selectedAgent"} for d in of_agent))
            self.assertFalse({d["decisionId"] for d in of_agent} & {f"d{number}" for number in range(10_000)})

    def test_a_producer_that_nobody_collects_records_until_its_lane_is_full_and_a_collector_that_comes_has_it_all(self) -> None:
        self.collector.kill()
        out = self.run_agent("""
            import arbiter
            for number in range(100000):
                result = arbiter.record_task_execution(task_id="t" * 36, agent_id="a" * 36, success=True, tokens_consumed=number)
                assert result or str(result) == "dropped: the lane is full", result
            assert not arbiter.flush(0.05)
            account = arbiter.account()
            print(account.attempted, account.recorded, account.lane_full)
        """)
        attempted, recorded, dropped = map(int, out.split())
        self.assertEqual((attempted, recorded + dropped), (100_000, 100_000))
        self.assertGreater(dropped, 0)
        self.collector.start()
        self.collector.wait_for(lambda: self.stats()["retainedEvents"] == recorded)
        self.assertEqual(self.stats()["losses"]["droppedByReason"]["laneFull"], dropped)

    def test_one_that_waits_for_room_lets_other_threads_run_meanwhile(self) -> None:
        self.collector.kill()
        self.run_agent("""
            import threading, time
            import arbiter
            producer = arbiter.Producer(wait_up_to=0.5)
            def waits():
                while arbiter.record_event(type="x", data='{"text": 1}'):
                    pass
                began = time.monotonic()
                for record in (lambda: producer.record_event(type="x", data='{"text": 1}'), lambda: producer.record_event(type="x", data={"text": 1})):
                    assert str(record()) == "dropped: the lane is full"
                took.append(time.monotonic() - began)
            took, longest = [], 0.0
            thread = threading.Thread(target=waits)
            thread.start()
            while thread.is_alive():
                before = time.monotonic()
                time.sleep(0.001)
                longest = max(longest, time.monotonic() - before)
            assert took and took[0] >= 1, took
            assert longest < 0.4, longest
        """)

    def test_without_the_library_an_agent_runs_and_is_told_once_what_to_do_and_a_strict_one_is_stopped(self) -> None:
        source = """
            import logging, pickle, sys
            logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", stream=sys.stdout)
            import arbiter
            for producer in (arbiter.Producer(), arbiter.get_producer(), pickle.loads(pickle.dumps(arbiter.Producer()))):
                result = producer.record_task_execution(task_id="t", agent_id="a", success=True)
                assert result.status == arbiter.Status.UNAVAILABLE and not result
                assert producer.record_task_execution(nonsense=1).status == arbiter.Status.UNAVAILABLE
                assert producer.record(arbiter.Event(type="x", data={})).status == arbiter.Status.UNAVAILABLE
                assert not producer.flush(5) and not producer.attach_thread() and producer.detach_thread() is None and producer.account() == arbiter.Account()
                with producer.task(task_id="t", agent_id="a") as run:
                    run.set(tokens_in=1)
                assert run.execution_id == "" and not run.complete(success=True)
                assert "ARBITER_LIBRARY" in producer.problem()
            try:
                arbiter.configure(strict=True)
            except arbiter.LibraryError as error:
                print(error)
        """
        remedy = "put into ARBITER_LIBRARY the path of one that fits"
        for named in ("/nonexistent/libarbiter_producer.so.1", "/lib/x86_64-linux-gnu/libm.so.6"):
            first, second = self.run_agent(source, ARBITER_LIBRARY=named).splitlines()
            self.assertRegex(first, f"^WARNING arbiter: nothing is recorded: libarbiter_producer.so.1 cannot be loaded: {named}: .*: {remedy}$")
            self.assertTrue(first.endswith(second))
        del self.environment["ARBITER_LIBRARY"]
        first, second = self.run_agent(source).splitlines()
        self.assertIn("install it (cmake --install build/release, then ldconfig), or put its path into ARBITER_LIBRARY", second)

    def test_switched_off_by_the_environment_it_does_nothing(self) -> None:
        self.run_agent("""
            import arbiter
            with arbiter.task(task_id="t", agent_id="a") as run:
                pass
            assert run.result.status == arbiter.record_event(type="x", data={}).status == arbiter.Status.DISABLED
            assert arbiter.account() == arbiter.Account()
        """, ARBITER_DISABLE="1")
        self.assertEqual(self.stats()["retainedEvents"], 0)


if __name__ == "__main__":
    if not shutil.which("setpriv"):
        sys.exit("setpriv is not installed")
    unittest.main()
