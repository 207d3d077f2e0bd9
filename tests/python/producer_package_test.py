"""The package is what the C interface and the table of the schema say, is typed, and installs: pure, with the accelerator, and as a wheel that
brings the library along."""

import ast
import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import arbiter
from arbiter import _layout, _library
from real_collector import PYTHON, SOURCE, not_run

PACKAGE = SOURCE / "producer/python"
# The library fills these in itself, or the collector does; no interface has them.
NOT_RECORDED = {(4, "censored"), (5, "startedTicks"), (13, "taskId"), (13, "agentId")}
# Required in the journal, and made by the library where the caller has none.
MADE = {(4, "executionId")}


def run(*command: object, **environment: str) -> str:
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240, env=os.environ | environment)
    if ran.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
    return ran.stdout


class Drift(unittest.TestCase):
    def test_what_is_generated_is_what_the_generator_writes(self) -> None:
        run(PYTHON, "-B", PACKAGE / "generate.py", "--check")

    def test_kinds_and_fields_their_types_and_what_is_required_are_those_of_the_schema(self) -> None:
        rows = [json.loads(line) for line in run(os.environ["ARBITER_SCHEMA_TABLE"]).splitlines()]
        types = {"boolean": "flag", "count": "count", "real": "number", "time": "time", "id": "string", "word": "string", "text": "string",
                 "hex": "string", "json": "json"}
        lists = {"capabilities": "strings", "alternativesConsidered": "alternatives", "validationResult.violations": "violations",
                 "criteriaScores": "scores", "evaluation.rubricScores": "scores"}
        fields = [row for row in rows if "[]" not in row["path"] and (row["kind"], row["path"]) not in NOT_RECORDED]
        expected = {(row["kind"], row["path"]): lists[row["path"]] if row["type"] == "list" else types[row["type"]] for row in fields}
        ours = {(kind.number, field.shown): field.kind for kind in _layout.EVENTS for field in kind.fields.values() if field.shown != "time"}
        self.assertEqual(ours, expected)
        required = {(row["kind"], row["path"]) for row in fields if row["required"]} - MADE
        self.assertEqual({(number, shown) for number, (_, _, its) in enumerate(_layout.KINDS[:-1], 1) for _, _, _, needed, shown in its if needed},
                         required)
        # So says the constructor of each class: what is required has no default, nor have groups that have something required.
        for kind in _layout.EVENTS:
            its_class = getattr(arbiter, kind.python)
            wanted = {shown.split(".")[0] for number, shown in required if number == kind.number}
            given = {field.name for field in dataclasses.fields(its_class) if field.default is dataclasses.MISSING}
            self.assertEqual({re.sub(r"_(\w)", lambda m: m[1].upper(), name) for name in given}, wanted, kind.name)
        # And the members of items.
        members = {row["path"].split("[].")[1] for row in rows if row["path"].startswith("alternativesConsidered[].")}
        self.assertEqual({field.name for field in dataclasses.fields(arbiter.Alternative)}, {"agent_id"} | members - {"agentId"})
        members = {row["path"].split("[].")[1] for row in rows if row["path"].startswith("validationResult.violations[].")}
        self.assertEqual({field.name for field in dataclasses.fields(arbiter.Violation)}, members)

    def test_the_version_is_that_of_the_project(self) -> None:
        project = re.search(r"project\(arbiter VERSION ([\d.]+)", (SOURCE / "CMakeLists.txt").read_text())
        self.assertEqual((arbiter.__version__, _library.library().version), (project[1], project[1]))

    def test_every_record_function_names_its_keywords_where_help_shows_it(self) -> None:
        for kind in _layout.EVENTS:
            said = getattr(arbiter.Producer, f"record_{kind.name}").__doc__
            for keyword in kind.fields:
                self.assertIn(keyword.split(".")[0], said)
        for name in arbiter.__all__:
            self.assertTrue(hasattr(arbiter, name), name)
            value = getattr(arbiter, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                self.assertTrue(value.__doc__, name)

    def test_the_sources_are_of_python_3_10(self) -> None:
        for path in (PACKAGE / "src/arbiter").glob("*.py*"):
            ast.parse(path.read_text(), feature_version=(3, 10))


class Types(unittest.TestCase):
    def check(self, source: str) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "agent.py")
            path.write_text(source)
            command = [PYTHON, "-m", "mypy", "--strict", "--cache-dir", Path(scratch, "cache"), path]
            return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240,
                                  env=os.environ | {"MYPYPATH": str(PACKAGE / "src")}).stdout

    def setUp(self) -> None:
        if subprocess.run([PYTHON, "-m", "mypy", "--version"], capture_output=True).returncode != 0:
            not_run(self.id(), "mypy is not installed")
            self.skipTest("mypy")

    def test_the_package_is_typed_strictly(self) -> None:
        with tempfile.TemporaryDirectory() as cache:
            run(PYTHON, "-m", "mypy", "--strict", "--cache-dir", cache, PACKAGE / "src/arbiter")

    def test_users_see_their_mistakes_and_nothing_else(self) -> None:
        self.assertIn("Success", self.check((SOURCE / "tools/examples/agent.py").read_text()))
        lines = [
            'import arbiter',
            'decision: arbiter.Result = arbiter.record_routing_decision(task_id="t", selected_agent="a", context={"n": 1}, confidence=1)',
            'arbiter.record_task_execution(task_id="t", agent_id="a", success=True, routing_decision={"decision_id": decision.id})',
            'arbiter.record(arbiter.TaskExecution(task_id="t", agent_id="a", outcome=arbiter.Outcome(success=True)))',
            'arbiter.Producer(strict=True).task(task_id="t", agent_id="a").complete(success=True, tokens_in=3)',
            '@arbiter.as_task(agent_id="a")',
            'async def work(n: int) -> str: return str(n)',
            'arbiter.record_task_execution(task_id="t", agent_id="a")  # missing',
            'arbiter.record_task_execution(task_id=1, agent_id="a", success=True)  # type',
            'arbiter.record_task_execution(task_id="t", agentid="a", success=True)  # name',
            'arbiter.Outcome(quality_score=0.5)  # missing',
            'arbiter.task(task_id="t", agent_id="a").set(quality_score="x")  # type',
            'work("x")  # type',
        ]
        said = self.check("\n".join(lines))
        self.assertEqual({int(number) for number in re.findall(r"agent\.py:(\d+): error", said)}, {8, 9, 10, 11, 12, 13}, said)


class Wheels(unittest.TestCase):
    """Built as pip builds them, but with what is installed instead of what is downloaded; each in an environment of its own."""

    AGENT = """if True:
        import sys, arbiter
        with arbiter.task(task_id="t", agent_id="a") as run: pass
        print(arbiter.IMPLEMENTATION, arbiter.account().recorded, arbiter.__version__)
        assert arbiter.__file__.startswith(sys.prefix), arbiter.__file__
    """

    def setUp(self) -> None:
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def built(self, **environment: str) -> Path:
        """In a copy: setuptools leaves things where it builds."""
        copy = self.scratch / "producer/python"
        run("cp", "-r", PACKAGE, self.scratch / "package")
        copy.parent.mkdir()
        run("mv", self.scratch / "package", copy)
        run("cp", "-r", SOURCE / "producer/include", copy.parent / "include")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-index", "--no-build-isolation", "--no-deps"]
        run(*pip, "-w", self.scratch / "wheels", copy, **environment)
        (wheel,) = (self.scratch / "wheels").iterdir()
        return wheel

    def recorded_from(self, wheel: Path, **environment: str) -> str:
        run(PYTHON, "-m", "venv", self.scratch / "venv")
        python = self.scratch / "venv/bin/python"
        run(python, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "--no-deps", wheel)
        run(python, "-m", "pip", "--disable-pip-version-check", "check")
        there = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ARBITER_LIBRARY", "ARBITER_PYTHON")}
        there |= {"ARBITER_RING_DIR": str(self.scratch / "lanes")} | environment
        return subprocess.run([python, "-c", self.AGENT], check=True, capture_output=True, text=True, timeout=60, env=there).stdout

    def test_pure(self) -> None:
        wheel = self.built(ARBITER_PURE="1")
        self.assertEqual(wheel.name, f"arbiter-{arbiter.__version__}-py3-none-any.whl")
        said = self.recorded_from(wheel, ARBITER_LIBRARY=os.environ["ARBITER_LIBRARY"])
        self.assertEqual(said, f"ctypes 2 {arbiter.__version__}\n")

    def test_with_the_accelerator_and_the_library(self) -> None:
        if not Path(run(PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('include'))").strip(), "Python.h").exists():
            not_run(self.id(), "python3-dev is not installed")
            self.skipTest("python3-dev")
        wheel = self.built(ARBITER_BUNDLE=os.environ["ARBITER_LIBRARY"])
        self.assertRegex(wheel.name, rf"^arbiter-{arbiter.__version__}-cp310-abi3-linux_\w+\.whl$")
        self.assertEqual(self.recorded_from(wheel), f"native 2 {arbiter.__version__}\n")

    def test_without_a_compiler_it_installs_all_the_same(self) -> None:
        wheel = self.built(CC="/bin/false")
        said = self.recorded_from(wheel, ARBITER_LIBRARY=os.environ["ARBITER_LIBRARY"])
        self.assertEqual(said, f"ctypes 2 {arbiter.__version__}\n")

    def test_with_the_library_alone(self) -> None:
        wheel = self.built(ARBITER_BUNDLE=os.environ["ARBITER_LIBRARY"], ARBITER_PURE="1")
        self.assertRegex(wheel.name, rf"^arbiter-{arbiter.__version__}-py3-none-linux_\w+\.whl$")
        self.assertEqual(self.recorded_from(wheel), f"ctypes 2 {arbiter.__version__}\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
