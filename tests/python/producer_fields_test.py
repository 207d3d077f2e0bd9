"""Every kind and every field that Python records, through ring, journal and export, value for value."""

import datetime
import json
import os
import unittest

import arbiter
import every_kind
from arbiter import _layout
from real_collector import Collector


def told(event: dict) -> dict:
    """As in every_kind.jsonl."""
    return {key: value for key, value in event.items() if key not in ("id", "timestamp")}


def has(data: dict, path: str) -> bool:
    first, _, others = path.partition(".")
    return first in data and (not others or has(data[first], others))


class Fields(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.collector = cls.enterClassContext(Collector())

    def setUp(self) -> None:
        self.producer = arbiter.Producer(ring_dir=self.collector.memory / "lanes", strict=True)
        self.collector.ask("arbiterctl", "clear", "--yes")

    def events(self) -> list[dict]:
        self.assertTrue(self.producer.flush())
        exported = (self.collector.snapshot("events.jsonl") / "events.jsonl").read_text()
        events = [json.loads(line) for line in exported.split("\n") if line]
        shown = json.loads(self.collector.ask("arbiterctl", "--json", "events", "--limit", 1000))
        self.assertEqual([told(e) for e in shown], [told(e) for e in events])
        return events

    def test_is_the_implementation_that_was_asked_for(self) -> None:
        self.assertEqual(arbiter.IMPLEMENTATION, os.environ["ARBITER_PYTHON"])

    def test_every_field_of_every_kind_is_among_those_that_are_tested(self) -> None:
        for kind in _layout.EVENTS:
            given = set(every_kind.keywords()[kind.name])
            named = {keyword.split(".")[0] for keyword in kind.fields}
            self.assertEqual(named, given, kind.name)

    def test_what_keywords_say_is_in_the_export(self) -> None:
        for kind, fields in every_kind.keywords().items():
            result = getattr(self.producer, f"record_{kind}")(**fields)
            self.assertEqual(result.status, arbiter.Status.RECORDED)
            self.assertEqual(result.id, {"routing_decision": "decision-1", "task_start": "execution-1"}.get(kind, ""))
        self.assertEqual([told(event) for event in self.events()], every_kind.expected())

    def test_what_instances_of_the_classes_say_is_in_the_export_one_by_one_and_as_a_batch(self) -> None:
        for event in every_kind.instances():
            self.assertTrue(self.producer.record(event))
        self.assertEqual([told(event) for event in self.events()], every_kind.expected())
        self.collector.ask("arbiterctl", "clear", "--yes")
        results = self.producer.record_batch(every_kind.instances())
        self.assertEqual([result.status for result in results], [arbiter.Status.RECORDED] * 13)
        self.assertEqual([told(event) for event in self.events()], every_kind.expected())

    def test_each_field_alone_beside_the_required_ones_is_in_the_export_and_nothing_of_the_call_before(self) -> None:
        """So that each comes by each of the ways that calls go: with plain values, and with a list beside them."""
        wanted = []
        every = [event["data"] | {k: event[k] for k in ("traceId", "spanId") if k in event} for event in every_kind.expected()]
        for kind, expected in zip(_layout.EVENTS, every):
            all_of_it = every_kind.keywords()[kind.name]
            required = {"success", "passed", "status", "type", "data", "selected_agent"} & set(all_of_it)
            required |= {"task_id", "agent_id"} & set(all_of_it) if kind.name != "evaluation_outcome" else {"task_id"}
            for name, value in all_of_it.items():
                if name in ("time", "routing_decision"):
                    continue
                fields = {key: all_of_it[key] for key in required} | {name: value}
                at = every_kind.THEN_NS + 1000 + len(wanted)
                self.assertTrue(getattr(self.producer, f"record_{kind.name}")(time=at, **fields), name)
                shown_here = {kind.fields[key].shown for key in fields} | ({kind.fields[kind.makes_id].shown} if kind.makes_id else set())
                shown = kind.fields[name].shown if name in kind.fields else name
                if kind.name != "event" or name in ("trace_id", "span_id"):
                    wanted.append((shown, expected, kind, shown_here))
                else:
                    wanted.append(("taskId", expected, kind, shown_here))
        for event, (shown, expected, kind, shown_here) in zip(self.events(), wanted, strict=True):
            if kind.name != "event":  # whose data has what it likes
                there = {field.shown for field in kind.fields.values() if has(event["data"], field.shown)}
                self.assertEqual(there, shown_here, shown)
            got: object = event["data"] | {k: event[k] for k in ("traceId", "spanId") if k in event}
            for step in shown.split("."):
                got, expected = got[step], expected[step]
            self.assertEqual(got, expected, shown)

    def test_texts_are_what_they_were_whatever_is_in_them(self) -> None:
        texts = ["", "plain", "Größe", "\0", "a\0b", "\U0001f600" * 50, "ß" * 30_000, "x" * 60_000, "\u2028\ufeff"]
        for number, text in enumerate(texts):
            self.producer.record_agent_status_change(agent_id="é", status="busy", reason=text, time=number)
            self.producer.record_routing_decision(task_id="t", selected_agent="a", rationale=text, context={"größe": text[:99]}, time=number)
        events = self.events()
        self.assertEqual([e["data"]["reason"] for e in events if "reason" in e["data"]], texts)
        self.assertEqual([e["data"]["rationale"] for e in events if "rationale" in e["data"]], texts)
        self.assertEqual([e["data"]["context"]["größe"] for e in events if "context" in e["data"]], [text[:99] for text in texts])
        self.assertEqual({e["agentId"] for e in events if "reason" in e["data"]}, {"é"})

    def test_numbers_are_what_they_were_to_the_bit(self) -> None:
        numbers = [0.1, 5e-324, 1.7976931348623157e308, 1 / 3, -2.5, 3, True, 2**53]
        for number, value in enumerate(numbers):
            self.producer.record_rl_training_metrics(average_reward=value, trajectories_processed=2**62 + number, time=number)
        got = [(e["data"]["averageReward"], e["data"]["trajectoriesProcessed"]) for e in self.events()]
        self.assertEqual([(repr(float(reward)), count) for reward, count in got],
                         [(repr(float(value)), 2**62 + number) for number, value in enumerate(numbers)])

    def test_a_time_is_given_in_nanoseconds_or_as_a_datetime_that_knows_its_zone(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
        at = datetime.datetime(2024, 10, 27, 9, 3, 20, 123457, zone)
        self.producer.record_agent_status_change(agent_id="a", status="busy", time=at)
        self.producer.record_task_execution(task_id="t", agent_id="a", success=True, time=at, started_at_ns=at - datetime.timedelta(seconds=2))
        change, execution = self.events()
        self.assertEqual(change["timestampNs"], "1730000000123457000")
        self.assertEqual(execution["data"]["durationMs"], 2000)

    def test_without_a_time_an_event_is_of_now_and_ids_are_made_that_differ(self) -> None:
        ids = {self.producer.record_routing_decision(task_id="t", selected_agent="a").id for _ in range(50)}
        ids |= {self.producer.record_task_start(task_id="t", agent_id="a").id for _ in range(50)}
        self.assertEqual(len(ids), 100)
        events = self.events()
        self.assertEqual({e["data"].get("decisionId") or e["data"]["executionId"] for e in events}, ids)
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        self.assertTrue(all(abs(int(e["timestampNs"]) / 1e9 - now) < 60 for e in events))


if __name__ == "__main__":
    unittest.main()
