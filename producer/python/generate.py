#!/usr/bin/python3
"""Writes what the package knows of the kinds of events and their fields, out of the C interface: ../include/arbiter/events.h and producer.h.

    generate.py            writes the files anew
    generate.py --check    says which of them are not what would be written, and fails (tests/python/drift_test.py)
"""

from __future__ import annotations

import difflib
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parent / "include/arbiter"
PACKAGE = HERE / "src/arbiter"
WIDTH = 140

# Groups whose members are keywords of the record functions themselves; their names are told apart from all others of the kind.
FLAT = ("outcome", "evaluation", "validation_result", "baseline_metrics")
SCALARS = {
    "arbiter_string": ("string", "str"),
    "arbiter_number": ("number", "float"),
    "arbiter_count": ("count", "int"),
    "arbiter_time": ("time", "Time"),
    "arbiter_flag": ("flag", "bool"),
}
LISTS = {
    "arbiter_strings": ("strings", "Sequence[str]"),
    "arbiter_alternatives": ("alternatives", "Sequence[Alternative]"),
    "arbiter_violations": ("violations", "Sequence[Violation]"),
    "arbiter_scores": ("scores", "Mapping[str, float]"),
}
ITEMS = ("arbiter_alternative", "arbiter_violation")


@dataclass
class Member:
    type: str  # in C
    name: str
    comment: str

    @property
    def required(self) -> bool:
        return "required" in self.comment

    @property
    def note(self) -> str:
        """The comment, in terms of Python."""
        return re.sub(r",? ?\brequired\b:? ?", "", self.comment).strip()


@dataclass
class Struct:
    name: str  # in C
    comment: str
    members: list[Member]

    @property
    def short(self) -> str:
        return self.name.removeprefix("arbiter_")

    @property
    def python(self) -> str:
        return self.short.title().replace("_", "")


def parse(text: str) -> dict[str, Struct]:
    structs = {}
    pattern = r"(?:/\*((?:[^*]|\*(?!/))*)\*/\s*)?typedef struct (\w+) \{(.*?)\n\} \2;"
    for comment, name, body in re.findall(pattern, text, re.S):
        members = [
            Member(kind, member, " ".join(said.split()))
            for kind, member, said in re.findall(r"^  (?:const )?(\w+)\*? (\w+)(?:\[\w+\])?;(?: +/\*((?:[^*]|\*(?!/))*)\*/)?", body, re.M)
        ]
        structs[name] = Struct(name, " ".join(comment.replace("*", " ").split()), members)
    return structs


def kind_numbers(text: str) -> list[str]:
    """The names of the kinds, in the order of their numbers from 1."""
    enum = re.search(r"typedef enum arbiter_kind \{(.*?)\}", text, re.S)
    assert enum
    found = sorted((int(number), name.lower()) for name, number in re.findall(r"ARBITER_(\w+) = (\d+)", enum[1]))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [name for _, name in found]


@dataclass
class Field:
    keyword: str  # of the record function; with a dot: of a group that is given as a whole
    path: str  # of the member of the C struct
    kind: str  # how it is converted
    hint: str  # its type in Python
    required: bool
    note: str

    @property
    def shown(self) -> str:
        """As exports and the library's errors name it."""
        return re.sub(r"_(\w)", lambda m: m[1].upper(), self.path)


class Generator:
    def __init__(self) -> None:
        events = (INCLUDE / "events.h").read_text()
        self.structs = parse(events) | {"arbiter_completion": parse((INCLUDE / "producer.h").read_text())["arbiter_completion"]}
        self.kinds = [self.structs["arbiter_" + name] for name in kind_numbers(events)]
        self.completion = self.structs["arbiter_completion"]

    def scalar(self, member: Member) -> tuple[str, str]:
        if member.type in LISTS:
            return LISTS[member.type]
        kind, hint = SCALARS[member.type]
        return ("json", "Json") if kind == "string" and "JSON" in member.comment else (kind, hint)

    def fields(self, struct: Struct, keyword: str = "", path: str = "") -> list[Field]:
        fields = []
        for member in struct.members:
            if member.name == "struct_size":
                continue
            if member.type in SCALARS or member.type in LISTS:
                fields.append(Field(keyword + member.name, path + member.name, *self.scalar(member), member.required, member.note))
            else:
                prefix = "" if member.name in FLAT else member.name + "."
                fields += self.fields(self.structs[member.type], keyword + prefix, path + member.name + ".")
        names = [field.keyword for field in fields]
        assert len(set(names)) == len(names), names
        return fields

    def hint(self, member: Member) -> str:
        if member.type in SCALARS or member.type in LISTS:
            return self.scalar(member)[1]
        return self.structs[member.type].python

    # --- events.py

    def dataclass(self, struct: Struct, number: int | None) -> str:
        lines = ["", "", "", "@dataclass(slots=True, kw_only=True)", f"class {struct.python}{'(Kind)' if number else ''}:"]
        said = struct.comment.split("Mostly recorded by")[0].split("; this struct is for")[0].split("For a completion whose")[0].strip()
        said = said.replace(", in arbiter_agent_registration", "") or "The members of `" + struct.short + "`."
        lines += textwrap.wrap(f'"""{said}"""', WIDTH - 4, initial_indent="    ", subsequent_indent="    ") + [""]
        for member in sorted((m for m in struct.members if m.name != "struct_size"), key=lambda m: not self.needed(m)):
            hint = self.hint(member)
            code = f"    {member.name}: {hint}" if self.needed(member) else f"    {member.name}: {hint} | None = None"
            lines.append(code + (f"  # {member.note}" if member.note and member.type not in self.structs else ""))
        if number:
            lines += ["", f"    number: ClassVar[int] = {number}"]
        return "\n".join(lines)

    def needed(self, member: Member) -> bool:
        return member.required or (member.type in self.structs and any(m.required for m in self.structs[member.type].members))

    def events(self) -> str:
        inner = [s for s in self.structs.values() if s.name in ITEMS or any(m.type == s.name for k in self.kinds for m in k.members)]
        inner = [s for s in inner if s.name not in LISTS]
        names = ["Json", "Kind", "Time", *(s.python for s in inner + self.kinds)]
        listed = textwrap.fill(", ".join(f'"{name}"' for name in sorted(names)) + ",", WIDTH, initial_indent="    ", subsequent_indent="    ")
        head = f'''\
"""What can be recorded: a dataclass for each kind of event, with the words of the exports in snake_case. Fill in what is known.

Rules that hold for all of them: ids and words are 1 to 255 bytes of UTF-8; numbers are finite, a "share" is 0 to 1, an "amount" 0 or more,
a count an int from 0 to 2**63 - 1; JSON is an object, nested no deeper than 64; an event, encoded, is at most 64 KiB. Nothing is checked
when one is made: recording it does that.

Written by generate.py out of arbiter/events.h: change that one."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Union

__all__ = [
{listed}
]

Json = Union[Mapping[str, object], str]
"""A JSON object: a mapping, or its text, which is kept as given, numbers to the digit."""
Time = Union[int, datetime.datetime]
"""A moment: nanoseconds since 1970 in UTC, or a datetime that knows its time zone."""


class Kind:
    """What the kinds have in common."""

    __slots__ = ()
    number: ClassVar[int]
    """As in the C interface: 1 to {len(self.kinds)}."""'''
        classes = [self.dataclass(struct, None) for struct in inner]
        classes += [self.dataclass(struct, number) for number, struct in enumerate(self.kinds, 1)]
        return head + "".join(classes) + "\n"

    # --- _table.py

    def table(self) -> str:
        lines = ['"""The C interface as tables: members of its structs, and fields of the kinds. Written by generate.py out of arbiter/events.h."""', ""]
        lines += ["from __future__ import annotations", "", "# Struct of C: its members and their types, in their order.", "STRUCTS: dict[str, tuple[tuple[str, str], ...]] = {"]
        for struct in self.structs.values():
            if struct.name in LISTS:
                continue
            lines.append(f'    "{struct.short}": (')
            lines += [f'        ("{m.name}", "{m.type.removeprefix("arbiter_")}"),' for m in struct.members]
            lines.append("    ),")
        lines += ["}", "", "# Kind, by its number less one, and behind them what completes a run: the names of struct and class, and its fields as",
                  "# (keyword, path in the struct, how it is converted, is it required, as exports name it).",
                  "KINDS: tuple[tuple[str, str, tuple[tuple[str, str, str, bool, str], ...]], ...] = ("]
        for struct in [*self.kinds, self.completion]:
            lines += ["    (", f'        "{struct.short}",', f'        "{struct.python}",', "        ("]
            lines += [f'            ("{f.keyword}", "{f.path}", "{f.kind}", {f.required}, "{f.shown}"),' for f in self.fields(struct)]
            lines += ["        ),", "    ),"]
        return "\n".join([*lines, ")", ""])

    # --- _signatures.pyi

    def parameters(self, struct: Struct, optional: bool) -> list[str]:
        parameters = []
        for member in struct.members:
            if member.type not in SCALARS and member.type not in LISTS and member.name != "struct_size" and member.name not in FLAT:
                parameters.append(f"{member.name}: {self.hint(member)} | Mapping[str, object] | None = ...")
        for field in self.fields(struct):
            if "." in field.keyword:
                continue
            hint = field.hint.replace("Sequence[Alternative]", "Sequence[Alternative | Mapping[str, object]]")
            hint = hint.replace("Sequence[Violation]", "Sequence[Violation | Mapping[str, object]]")
            parameters.append(f"{field.keyword}: {hint}" if field.required and not optional else f"{field.keyword}: {hint} | None = ...")
        return sorted(parameters, key=lambda p: p.endswith("..."))

    def signature(self, name: str, first: str, struct: Struct, answer: str, indent: str, optional: bool = False) -> list[str]:
        lines = [f"{indent}def {name}("] + ([f"{indent}    {first},"] if first else []) + [f"{indent}    *,"]
        lines += [f"{indent}    {parameter}," for parameter in self.parameters(struct, optional)]
        return [*lines, f"{indent}) -> {answer}: ..."]

    def signatures(self) -> str:
        used = ["Alternative", "DecisionOfExecution", "Json", "Time", "Violation"]
        lines = ["# What the record functions take. Written by generate.py out of arbiter/events.h.", "from collections.abc import Mapping, Sequence", "",
                 f"from arbiter._result import Result", f"from arbiter.events import {', '.join(used)}", ""]
        lines.append("class Recorder:")
        for struct in self.kinds:
            lines += self.signature(f"record_{struct.short}", "self", struct, "Result", "    ")
        lines += ["", "class Completes:", *self.signature("complete", "self", self.completion, "Result", "    "),
                  *self.signature("set", "self", self.completion, "None", "    ", optional=True), ""]
        for struct in self.kinds:
            lines += self.signature(f"record_{struct.short}", "", struct, "Result", "")
        return "\n".join([*lines, ""])

    # --- _native_fields.h

    def doc(self, struct: Struct) -> str:
        keywords = dict.fromkeys(field.keyword.split(".")[0] for field in self.fields(struct))
        return f"Records an arbiter.{struct.python}: {', '.join(keywords)}."

    def native(self) -> str:
        lines = ["/* The fields of the kinds, for _native.c. Written by generate.py out of arbiter/events.h. */", "/* clang-format off */", "#pragma once", ""]
        for struct in self.kinds:
            lines.append(f"static const Field {struct.short}_fields[] = {{")
            lines += [f'  {{"{f.keyword}", (uint16_t)offsetof({struct.name}, {f.path}), FIELD_{f.kind.upper()}}},' for f in self.fields(struct)]
            lines += ["};", ""]
        lines.append("#define FOR_EACH_KIND(X) \\")
        lines += [f'  X({number}, {struct.short}, "{self.doc(struct)}") \\' for number, struct in enumerate(self.kinds, 1)]
        return "\n".join(lines).removesuffix(" \\") + "\n"

    def files(self) -> dict[Path, str]:
        return {
            PACKAGE / "events.py": self.events(),
            PACKAGE / "_table.py": self.table(),
            PACKAGE / "_signatures.pyi": self.signatures(),
            PACKAGE / "_native_fields.h": self.native(),
        }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    drifted = 0
    for path, text in Generator().files().items():
        there = path.read_text() if path.exists() else ""
        if there == text:
            continue
        drifted += 1
        if arguments:
            sys.stdout.writelines(difflib.unified_diff(there.splitlines(True), text.splitlines(True), str(path), "what generate.py writes"))
        else:
            path.write_text(text)
            print(f"wrote {path.relative_to(HERE)}")
    if drifted and arguments:
        print(f"generate.py: {drifted} files are not what arbiter/events.h says: run {Path(__file__).name}", file=sys.stderr)
    return 1 if drifted and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
