"""Whatever a record call from Python is handed: it never raises, says what is wrong, and counts it. A strict producer raises the same."""

import datetime
import decimal
import enum
import fractions
import os
import tempfile
import unittest
from pathlib import Path

import arbiter
import every_kind
import numpy
from arbiter import Status, _layout

MISSING = "is required and is missing or empty"


class Hostile:
    """Raises at every touch."""

    def _raise(self, *_: object) -> None:
        raise ZeroDivisionError("hostile")

    __bool__ = __float__ = __index__ = __int__ = __len__ = __iter__ = __str__ = __eq__ = _raise
    __hash__ = None


class Liar(str):
    def __len__(self) -> int:
        return 1_000_000


class Text(str, enum.Enum):
    BUSY = "busy"


OF_NO_USE = [object(), Hostile(), b"bytes", bytearray(b"x"), [], (), {}, set(), 1, 1.5, True, "text", 2**63, -(2**63) - 1, 10**400, -1,
             float("nan"), float("inf"), 1e308, "\ud800", "x" * 300, "x" * 70_000, "", [1], [None], [Hostile()], {"a": Hostile()}, {1: 2},
             {"a": float("nan")}, {"": 1}, [{"agent_id": 1}], [{"nonsense": 1}], {"agent_id": object()}, range(10**9), "{", "[]", '{"a":1}',
             datetime.datetime(2024, 1, 1), datetime.date(2024, 1, 1), Liar("text"), lambda: 0, type, Exception("x"), 1j,
             decimal.Decimal("NaN"), fractions.Fraction(1, 3), numpy.float32(0.5), numpy.bool_(True), numpy.int64(7), Text.BUSY]


class Mistakes(unittest.TestCase):
    def setUp(self) -> None:
        self.lanes = Path(self.enterContext(tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)))
        self.producer = arbiter.Producer(ring_dir=self.lanes)
        self.strict = arbiter.Producer(ring_dir=self.lanes, strict=True)

    def refused(self, field: str, rule: str, kind: str, **fields: object) -> None:
        """By both producers, and counted twice."""
        before = self.producer.account()
        result = getattr(self.producer, f"record_{kind}")(**fields)
        self.assertEqual((result.status, result.field, result.rule), (Status.REFUSED, field, rule))
        self.assertFalse(result)
        with self.assertRaises(arbiter.RefusedError) as raised:
            getattr(self.strict, f"record_{kind}")(**fields)
        self.assertEqual((raised.exception.result.field, raised.exception.result.rule), (field, rule))
        after = self.producer.account()
        self.assertEqual((after.refused - before.refused, after.recorded), (2, before.recorded))

    def test_what_breaks_a_rule_is_refused_with_field_and_rule(self) -> None:
        done = {"task_id": "t", "agent_id": "a", "success": True}
        self.refused("taskId", MISSING, "task_execution", agent_id="a", success=True)
        self.refused("taskId", MISSING, "task_execution", task_id="", agent_id="a", success=True)
        self.refused("outcome.success", MISSING, "task_execution", task_id="t", agent_id="a")
        self.refused("outcome.qualityScore", "is out of its range", "task_execution", **done, quality_score=1.5)
        self.refused("outcome.qualityScore", "is not a finite number", "task_execution", **done, quality_score=float("nan"))
        self.refused("outcome.qualityScore", "is not a finite number", "task_execution", **done, quality_score=10**400)
        self.refused("outcome.tokensConsumed", "is out of its range", "task_execution", **done, tokens_consumed=-1)
        self.refused("outcome.tokensConsumed", "is out of its range", "task_execution", **done, tokens_consumed=2**63)
        self.refused("agentId", "is not UTF-8", "task_execution", task_id="t", agent_id="a\ud800", success=True)
        self.refused("agentId", "is longer than 255 bytes", "task_execution", task_id="t", agent_id="é" * 200, success=True)
        self.refused("status", "is not one of the words allowed", "agent_status_change", agent_id="a", status="asleep")
        self.refused("data", "is not one JSON object", "event", type="x", data="[1]")
        self.refused("traceId", "is not the right number of lower-case hex digits", "task_execution", **done, trace_id="12")

    def test_what_is_of_a_wrong_type_is_refused_with_field_and_type(self) -> None:
        done = {"task_id": "t", "agent_id": "a", "success": True}
        self.refused("taskId", "is not a str but of type int", "task_execution", task_id=7, agent_id="a", success=True)
        self.refused("outcome.success", "is not a bool but of type str", "task_execution", task_id="t", agent_id="a", success="yes")
        self.refused("outcome.qualityScore", "is not a number but of type str", "task_execution", **done, quality_score="0.9")
        self.refused("outcome.tokensConsumed", "is not an int but of type float", "task_execution", **done, tokens_consumed=1.0)
        self.refused("time", "is not an int but of type float", "task_execution", **done, time=1.7e9)
        self.refused("time", "is a datetime that does not know its time zone", "task_execution", **done, time=datetime.datetime(2024, 1, 1))
        self.refused("time", "is out of its range", "task_execution", **done, time=2**63)
        self.refused("capabilities", "is not a sequence but of type str", "agent_registration", agent_id="a", capabilities="tests")
        self.refused("capabilities[1]", "is not a str but of type int", "agent_registration", agent_id="a", capabilities=["tests", 1])
        weighed = {"task_id": "t", "selected_agent": "a"}
        self.refused("alternativesConsidered[0].score", "is not a number but of type str", "routing_decision", **weighed,
                     alternatives_considered=[{"agent_id": "b", "score": "1"}])
        self.refused("alternativesConsidered[1].agent", "is no such field", "routing_decision", **weighed,
                     alternatives_considered=[{"agent_id": "b"}, {"agent": "c"}])
        self.refused("context", "cannot be written as JSON: Object of type object is not JSON serializable", "routing_decision", **weighed,
                     context={"a": object()})
        self.refused("criteriaScores.style", "is not a number but of type str", "model_judgment", task_id="t", criteria_scores={"style": "1"})
        self.refused("outcome.qualityScore", "cannot be read: ZeroDivisionError: hostile", "task_execution", **done, quality_score=Hostile())

    def test_a_name_that_is_none_is_refused_and_so_is_what_has_no_name(self) -> None:
        self.refused("agentid", "is no field of task-execution", "task_execution", task_id="t", agentid="a", success=True)
        result = self.producer.record_task_execution("t", "a")
        self.assertEqual((result.status, result.rule), (Status.REFUSED, "record_task_execution takes keywords alone"))
        self.assertFalse(self.producer.record("task"))
        self.assertFalse(self.producer.record(None))
        self.assertFalse(self.producer.record(Hostile()))
        with self.assertRaises(arbiter.RefusedError):
            self.strict.record(object())
        self.assertEqual(self.producer.account().refused, 7)

    def test_what_is_none_is_not_given(self) -> None:
        for kind, fields in every_kind.keywords().items():
            nothing = {name: None for info in _layout.EVENTS if info.name == kind for name in info.fields if "." not in name}
            self.assertTrue(getattr(self.producer, f"record_{kind}")(**{**nothing, **fields}), kind)

    def test_plain_values_of_other_types_are_taken_for_what_they_are(self) -> None:
        done = {"task_id": "t", "agent_id": "a"}
        self.assertTrue(self.strict.record_task_execution(**done, success=numpy.bool_(True), quality_score=numpy.float32(0.5)))
        self.assertTrue(self.strict.record_task_execution(**done, success=True, quality_score=decimal.Decimal("0.5")))
        self.assertTrue(self.strict.record_task_execution(**done, success=1, tokens_consumed=numpy.int64(7), quality_score=numpy.float64(0.5)))
        self.assertTrue(self.strict.record_agent_status_change(agent_id="a", status=Text.BUSY))
        self.assertTrue(self.strict.record_agent_status_change(agent_id=Liar("a"), status="busy"))

    def test_no_value_in_no_field_raises_and_every_call_is_in_the_account(self) -> None:
        calls = 0
        for kind in _layout.EVENTS:
            good = {name: value for name, value in every_kind.keywords()[kind.name].items()}
            for name in good:
                for value in OF_NO_USE:
                    result = getattr(self.producer, f"record_{kind.name}")(**{**good, name: value})
                    self.assertIsInstance(result, arbiter.Result)
                    self.assertIn(result.status, (Status.RECORDED, Status.REFUSED, Status.DROPPED), (name, value))
                    self.assertEqual(bool(result.rule), result.status != Status.RECORDED, (name, type(value)))
                    calls += 1
        account = self.producer.account()
        self.assertEqual(account.attempted, calls)
        self.assertEqual(account.recorded + account.dropped + account.refused, calls)

    def test_a_call_that_was_refused_leaves_nothing_to_the_next_one(self) -> None:
        for half in ({"task_id": "t", "quality_score": 7}, {"task_id": "t", "quality_score": object()}, {"task_id": "t", "error_type": "\ud800"}):
            self.assertFalse(self.producer.record_task_execution(success=True, agent_id="a", **half))
            result = self.producer.record_task_execution(success=True, agent_id="a")
            self.assertEqual((result.field, result.rule), ("taskId", MISSING))
            result = self.producer.record_task_execution(task_id="t", agent_id="a")
            self.assertEqual((result.field, result.rule), ("outcome.success", MISSING))

    def test_a_batch_goes_on_behind_what_is_refused(self) -> None:
        events = every_kind.instances()
        events[3] = arbiter.TaskStart(task_id="", agent_id="a")
        events[5] = "nonsense"
        expected = [Status.REFUSED if number in (3, 5) else Status.RECORDED for number in range(13)]
        self.assertEqual([result.status for result in self.producer.record_batch(events)], expected)
        with self.assertRaises(arbiter.RefusedError) as raised:
            self.strict.record_batch(events)
        self.assertEqual(raised.exception.result.field, "taskId")
        self.assertEqual((self.producer.account().recorded, self.producer.account().refused), (22, 4))

    def test_a_batch_answers_of_each_event_what_a_call_of_its_own_does(self) -> None:
        def events() -> list:
            return [
                arbiter.RoutingDecision(task_id="t", selected_agent="a", decision_id="mine"),
                arbiter.RoutingDecision(task_id="t", selected_agent="a", confidence=1.5),
                arbiter.TaskStart(task_id="", agent_id="a"),
                arbiter.TaskExecution(task_id="t", agent_id="a", outcome={"success": True, "quality_score": 7}),
                arbiter.TaskExecution(task_id="t", agent_id="a", outcome=arbiter.Outcome(success="\ud800")),
                arbiter.TaskExecution(task_id="t", agent_id="a", outcome=arbiter.Outcome),
                arbiter.TaskExecution(task_id="t", agent_id="a", outcome={"no_such": 1}),
                arbiter.Event(type="x", data="{"),
                None,
                *every_kind.instances(),
            ]

        def said(results: list) -> list[tuple]:
            return [(result.status, result.field, result.rule, result.id if result.id == "mine" else bool(result.id)) for result in results]

        single = said([self.producer.record(event) for event in events()])
        self.assertEqual(said(self.producer.record_batch(events())), single)
        self.assertEqual(said(self.producer.record_batch(event for event in events())), single)
        self.assertEqual(single[1][:3], (Status.REFUSED, "confidence", "is out of its range"))
        self.assertEqual((single[0][3], single[6][1]), ("mine", "outcome.no_such"))

    def test_memory_does_not_grow_over_a_million_calls_of_all_sorts(self) -> None:
        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def calls(rounds: int) -> None:
            record, decide = self.producer.record_task_execution, self.producer.record_routing_decision
            for number in range(rounds):
                task_id = f"täsk-{number}"
                record(task_id=task_id, agent_id="agent-7", success=True, quality_score=0.9, tokens_consumed=number)
                record(task_id=task_id, agent_id="agent-7", success=True, quality_score=7)  # refused
                decide(task_id=task_id, selected_agent="agent-7")
                record(**{"task_id": task_id, f"field-{number}": 1})  # each time keywords of its own
                record(task_id=number, agent_id=None)
            for number in range(rounds // 20):
                decide(task_id="t", selected_agent="a", context={"n": number}, alternatives_considered=[{"agent_id": "b", "score": number}])
                with self.producer.task(task_id="t", agent_id="a") as run:
                    run.set(tokens_consumed=number)

        calls(20_000)  # the lane has grown by then, and all that is kept is there
        before = resident()
        calls(200_000)
        self.assertLess(resident() - before, 2 << 20)


if __name__ == "__main__":
    unittest.main()
