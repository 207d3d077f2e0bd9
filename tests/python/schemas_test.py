"""What the schemas in config/schemas promise: every line of a real snapshot fits them, and they say no less than there is."""

import copy
import importlib.util
import json
import unittest
from pathlib import Path

from real_collector import SOURCE, Collector, not_run

SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_text()) for path in (SOURCE / "config/schemas").glob("*.schema.json")}
KINDS = SCHEMAS["event"]["$defs"]
HAS_JSONSCHEMA = importlib.util.find_spec("jsonschema") is not None
if not HAS_JSONSCHEMA:
    not_run("tests/python/schemas_test.py", "there is no python3-jsonschema")


def closed(schema: object) -> object:
    """Nothing may be there that the schema does not name. (As shipped it is open: later minor versions append members.)"""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    return out | {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else out


def instance(schema: dict) -> object:
    """A value with every member that the schema names."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object" and "properties" in schema:
        return {key: instance(value) for key, value in schema["properties"].items()}
    if kind == "object":
        return {"größe": instance(schema["additionalProperties"]) if "additionalProperties" in schema else 1}
    if kind == "array":
        return [instance(schema["items"])] * 2
    if kind == "string":
        pattern = schema.get("pattern", "")
        if pattern.startswith("^[0-9a-f]{"):
            return "a" * int(pattern[len("^[0-9a-f]{"):].split("}")[0])
        return "1700000000000000000" if pattern else "größe"
    return {"boolean": True, "integer": 7, "number": 0.25}[kind]


def event_lines() -> list[dict]:
    """An event of each kind with all its members, of each with only those it must have, and one of the callers' own types."""
    lines = []
    for number, (kind, schema) in enumerate(KINDS.items()):
        whole = instance(schema)
        least = {key: value for key, value in whole.items() if key in schema["required"]}
        for step, data in enumerate((whole, least)):
            data.pop("joinState", None)
            lines.append({"type": kind, "timestampNs": str(1_700_000_001_000_000_000 + 10 * number + step), "data": data})
    return lines + [{"type": "my-own", "timestampNs": "1700000002000000000", "data": {"anything": [1, None, {}]}}]


@unittest.skipUnless(HAS_JSONSCHEMA, "there is no python3-jsonschema")
class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        import jsonschema

        schemas = [closed(schema) for schema in SCHEMAS.values()]
        store = {schema["$id"]: schema for schema in schemas}
        cls.validators = {
            name: jsonschema.Draft202012Validator(closed(schema), resolver=jsonschema.RefResolver(schema["$id"], closed(schema), store))
            for name, schema in SCHEMAS.items()
        }
        cls.collector = cls.enterClassContext(Collector())
        cls.collector.replay(cls.collector.sample(20))
        cls.collector.replay(event_lines())
        cls.path = cls.collector.snapshot("events.jsonl", "trajectories.jsonl", "decisions.dsjson", "npy", "parquet")

    def rows(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (Path(self.path) / name).read_text().splitlines()]

    def assert_fit(self, schema: str, rows: list[dict]) -> None:
        self.assertTrue(rows)
        for row in rows:
            faults = [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in self.validators[schema].iter_errors(row)]
            self.assertEqual(faults, [], json.dumps(row))

    def test_schemas_are_schemas(self) -> None:
        self.assertEqual(set(SCHEMAS), {"event", "trajectory", "decision", "manifest"})
        for name, validator in self.validators.items():
            with self.subTest(name):
                validator.check_schema(SCHEMAS[name])

    def test_every_line_fits_and_has_no_member_that_is_not_named(self) -> None:
        self.assert_fit("event", self.rows("events.jsonl"))
        self.assert_fit("trajectory", self.rows("trajectories.jsonl"))
        self.assert_fit("decision", self.rows("decisions.dsjson"))
        self.assert_fit("manifest", [json.loads((Path(self.path) / "manifest.json").read_text())])

    def test_an_event_with_all_that_its_schema_names_is_recorded_and_comes_out_with_all_of_it(self) -> None:
        exported = {(row["type"], row["timestampNs"]): row["data"] for row in self.rows("events.jsonl")}
        for line in event_lines():
            with self.subTest(line["type"], time=line["timestampNs"]):
                data = exported[line["type"], line["timestampNs"]]
                self.assertEqual({key: data[key] for key in line["data"] if key != "durationMs"}, {key: value for key, value in line["data"].items() if key != "durationMs"})

    def test_a_line_without_a_member_that_must_be_there_does_not_fit(self) -> None:
        seen = set()
        for row in self.rows("events.jsonl"):
            for where, required in ((row, SCHEMAS["event"]["required"]), (row["data"], KINDS.get(row["type"], {}).get("required", []))):
                for key in required:
                    if (row["type"], where is row, key) in seen:
                        continue
                    seen.add((row["type"], where is row, key))
                    less = copy.deepcopy(row)
                    del (less if where is row else less["data"])[key]
                    with self.subTest(row["type"], without=key):
                        self.assertFalse(self.validators["event"].is_valid(less))
        self.assertGreater(len(seen), 80)


if __name__ == "__main__":
    unittest.main()
