"""Every kind with every field, unicode, empty and 64 KiB texts, through every format: read back by others' readers, value for value."""

import itertools
import json
import os
import subprocess
import unittest
from pathlib import Path

import numpy
from real_collector import SOURCE, Collector, not_run

EVENTS = json.loads((SOURCE / "config/schemas/event.schema.json").read_text())["$defs"]
READERS = Path(os.environ["ARBITER_SNAPSHOT_READERS"])
UNICODE = 'Größe \u2028 \U0001f600 "\\/ \x01\x1f\x7f\n\t\x00.'
LARGE = "ß€x" * (62 * 1024 // 6)  # an event is 64 KiB at most, with all that is in it
# What the collector says itself, of what it knows by then.
JOINED = {"durationMs", "joinState"}


def value(schema: dict, ids: str, texts: "itertools.chain[str]") -> object:
    """With every member that the schema names; ids and words contain `ids`, free texts are the next of `texts`."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][-1]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object" and "properties" in schema:
        return {key: value(its, ids, texts) for key, its in schema["properties"].items() if key not in JOINED}
    if kind == "object" and "additionalProperties" in schema:
        return {ids + str(i): value(schema["additionalProperties"], ids, texts) for i in range(3)}
    if kind == "object":
        return {ids: [1.5, None, {"tief": [ids, ""]}], "": True, "text": next(texts)}
    if kind == "array":
        return [value(schema["items"], ids, texts) for _ in range(3)]
    if kind == "string" and "pattern" in schema:
        digits = schema["pattern"].removeprefix("^[0-9a-f]{")
        return "0f" * (int(digits.split("}")[0]) // 2) if digits != schema["pattern"] else "1700000000000000001"
    if kind == "string":
        return ids if "minLength" in schema else next(texts)
    return {"boolean": True, "integer": 2**53 - 1, "number": 0.1}[kind]


def event_lines() -> list[dict]:
    """Of each kind one with texts of unicode, one with empty ones, one with a single large one."""
    lines = []
    kinds = EVENTS | {"my-own": {"type": "object"}}
    for step, texts in enumerate(([UNICODE], [""], [LARGE])):
        for number, (kind, schema) in enumerate(kinds.items()):
            ids = f"{step} {UNICODE}"
            data = value(schema, ids, itertools.chain(texts, itertools.repeat("" if texts == [LARGE] else texts[0])))
            time_ns = 1_700_000_001_000_000_007 + 100 * step + number
            lines.append({"type": kind, "timestampNs": str(time_ns), "data": data})
    return lines


def rows(text: str) -> list[dict]:
    return [json.loads(line) for line in text.split("\n") if line]


def by_time(events: list[dict]) -> dict:
    return {(event["type"], event["timestampNs"]): event for event in events}


class RoundTrip(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.collector = cls.enterClassContext(Collector())
        cls.lines = event_lines()
        cls.collector.replay(cls.lines)
        formats = ("events.jsonl", "events.jsonl.zst", "parquet", "decisions.dsjson", "npy", "trajectories.jsonl.zst")
        cls.path = cls.collector.snapshot(*formats)
        cls.events = rows((cls.path / "events.jsonl").read_text(encoding="utf-8"))
        cls.decisions = [line for line in cls.lines if line["type"] == "routing-decision"]

    def unzipped(self, name: str) -> str:
        return subprocess.run(["zstd", "-dc", self.path / name], capture_output=True, check=True).stdout.decode()

    def parquet(self, name: str) -> list[dict]:
        if not (READERS / "node_modules/hyparquet").exists():
            not_run("tests/python/round_trip_test.py", "hyparquet is not installed: tools/check does that, where there is npm")
            self.skipTest("there is no hyparquet")
        command = ["node", READERS / "read-parquet.mjs", self.path / name]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["rows"]

    def assert_as_recorded(self, events: list[dict]) -> None:
        exported = by_time(events)
        self.assertEqual(set(exported), set(by_time(self.lines)))
        for line in self.lines:
            with self.subTest(line["type"], time=line["timestampNs"]):
                event = exported[line["type"], line["timestampNs"]]
                if line["type"] != "task-execution":  # its decision may be another by then, where the collector has found one
                    self.assertEqual({key: its for key, its in event["data"].items() if key not in JOINED}, line["data"])
                else:
                    self.assertEqual(event["data"]["outcome"], line["data"]["outcome"])
                for key in ("agentId", "taskId"):
                    expected = line["data"].get("selectedAgent" if (line["type"], key) == ("routing-decision", "agentId") else key)
                    if line["type"] in EVENTS:
                        self.assertEqual(event.get(key), expected)

    def test_an_event_of_64_kib_is_among_them(self) -> None:
        self.assertGreater(max(len(json.dumps(line, ensure_ascii=False).encode()) for line in self.lines), 62 * 1024)
        self.assertEqual(len(self.lines), 3 * 13)

    def test_lines(self) -> None:
        self.assert_as_recorded(rows(self.unzipped("events.jsonl.zst")))
        self.assert_as_recorded(self.events)

    def test_json_tool_takes_every_line(self) -> None:
        tool = ["/usr/bin/python3", "-m", "json.tool", "--json-lines", "--no-ensure-ascii", "--compact"]
        ran = subprocess.run(tool, input=self.unzipped("events.jsonl.zst"), capture_output=True, encoding="utf-8", check=True)
        self.assertEqual(rows(ran.stdout), self.events)

    def test_events_parquet(self) -> None:
        table = self.parquet("events.parquet")
        events = [row | {"timestampNs": row["timestamp"], "data": json.loads(row["data"])} for row in table]
        events = [{key: its for key, its in event.items() if its is not None} for event in events]
        self.assert_as_recorded(events)
        self.assertEqual([event["id"] for event in events], [event["id"] for event in self.events])
        for row, event in zip(table, self.events):
            for key in ("traceId", "spanId"):
                self.assertEqual(row[key], event["data"].get(key) if event["type"] in EVENTS else None)

    def assert_decision(self, row: dict, data: dict) -> None:
        for key in ("decisionId", "taskId", "taskType", "selectedAgent", "routingStrategy", "policyVersion", "confidence", "propensity"):
            self.assertEqual(row[key], data[key], key)

    def test_decisions_parquet(self) -> None:
        table = self.parquet("decisions.parquet")
        self.assertEqual(len(table), len(self.decisions))
        for row, line in zip(table, self.decisions):
            self.assert_decision(row, line["data"])
            self.assertEqual(row["decidedAt"], line["timestampNs"])
            self.assertEqual(json.loads(row["context"]), line["data"]["context"])
            alternatives = line["data"]["alternativesConsidered"]
            self.assertEqual(row["candidateAgents"], [each["agentId"] for each in alternatives])
            self.assertEqual(row["candidateScores"], [each["score"] for each in alternatives])
            self.assertEqual(row["candidateProbabilities"], [each["probability"] for each in alternatives])

    def test_decisions_npy(self) -> None:
        array = numpy.load(self.path / "decisions.npy", mmap_mode="r")
        self.assertEqual(len(array), len(self.decisions))
        for row, line in zip(array, self.decisions):
            names = array.dtype.names
            texts = {name: row[name].decode() if isinstance(row[name], bytes) else row[name] for name in names}
            self.assert_decision(texts, line["data"])
            self.assertEqual(str(row["decidedAt"].astype("int64")), line["timestampNs"])
            self.assertEqual(row["candidates"], 3)

    def test_dsjson(self) -> None:
        examples = rows((self.path / "decisions.dsjson").read_text(encoding="utf-8"))
        self.assertTrue(examples)
        decided = {row["Timestamp"] for row in examples}
        manifest = json.loads((self.path / "manifest.json").read_text())
        left_out = next(file["leftOut"] for file in manifest["files"] if file["name"] == "decisions.dsjson")
        self.assertEqual(len(examples) + sum(left_out.values()), len(self.decisions))
        self.assertLessEqual(len(decided), 1)  # all within a millisecond
        for example in examples:
            line = next(line for line in self.decisions if line["data"]["policyVersion"] == example["VWState"]["m"])
            self.assertEqual(example["c"]["context"], line["data"]["context"])
            self.assertEqual(example["_label_probability"], line["data"]["propensity"])
            agents = [action["agent"]["id"] for action in example["c"]["_multi"]]
            self.assertEqual(agents[:3], [each["agentId"] for each in line["data"]["alternativesConsidered"]])

    def test_trajectories(self) -> None:
        stories = rows(self.unzipped("trajectories.jsonl.zst"))
        told = by_time([event for story in stories for event in story["events"]])
        for key, event in by_time(self.events).items():
            if "taskId" not in event:
                self.assertNotIn(key, told)
                continue
            self.assertEqual({member: told[key][member] for member in event}, event)


if __name__ == "__main__":
    unittest.main()
