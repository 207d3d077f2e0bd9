#!/usr/bin/env python3
"""Reads the snapshots that the Arbiter performance tracker exports for training jobs.

    import arbiter_snapshots

    with arbiter_snapshots.latest("exports") as snapshot:
        for event in snapshot.events():               # dicts, in order of time
            ...
        for trajectory in snapshot.trajectories():    # one dict a task
            ...
        rows = snapshot.decisions()                   # NumPy structured array, mapped, not read
        frame = snapshot.decisions_frame()            # the same as a pandas DataFrame

One file, Python 3.11, nothing but the standard library. NumPy and pandas are used by the calls that return their types, zstandard where it
is installed; without it `.zst` files are read through the program zstd. The README.md of every snapshot says what its files hold.

A snapshot that is open stays whole: its directory is locked (a shared flock, at which the collector leaves it where it is) and all its
files are open. Every error is a SnapshotError, whose text is "what: what is wrong: what to do".
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import heapq
import io
import itertools
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy
    import pandas

__all__ = ["Snapshot", "SnapshotError", "latest", "list_snapshots"]

_FORMAT = "arbiter-snapshot"
_FORMAT_VERSION = 1
_MANIFEST = "manifest.json"
_SUMS = "SHA256SUMS"
_SMALL_FILE_BYTES_MAX = 16 << 20  # manifest and sums: what is larger is none of the tracker's
_NUMBER = re.compile(r"[0-9]{20}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ATTEMPTS = 10


def _event_order(event: dict[str, Any]) -> tuple[int, str, int, int]:
    segment, lane, sequence = event["id"].split("-")
    return int(event["timestampNs"]), segment, int(lane), int(sequence)


class SnapshotError(Exception):
    """A snapshot that cannot be read; its text says why, and what to do."""


def list_snapshots(exports: str | os.PathLike[str]) -> list[str]:
    """Paths of the complete snapshots in an export directory, oldest first.

    What is being built, or on its way out, is not among them. Any of them may be removed before it is opened: Snapshot() says so then.
    """
    try:
        names = os.listdir(exports)
    except OSError as error:
        raise SnapshotError(f"{exports}: {error.strerror}: name the export directory of a collector") from None
    return [os.path.join(exports, name) for name in sorted(names) if _NUMBER.fullmatch(name)]


def latest(exports: str | os.PathLike[str]) -> Snapshot:
    """Opens the newest snapshot of an export directory, even while newer ones appear and old ones go."""
    link = os.path.join(exports, "latest")
    for attempt in range(_ATTEMPTS):
        try:
            name = os.readlink(link)
        except FileNotFoundError:
            raise SnapshotError(f"{exports}: has no snapshot: make one with 'arbiterctl export --wait'") from None
        except OSError as error:
            raise SnapshotError(f"{link}: {error.strerror}: name the export directory of a collector") from None
        try:
            return Snapshot(os.path.join(exports, name))
        except SnapshotError:
            # Where the link leads elsewhere by now, what it led to was removed.
            if attempt + 1 == _ATTEMPTS or os.readlink(link) == name:
                raise
    raise AssertionError("every attempt returns or raises")


class Snapshot:
    """One snapshot, open for reading; close() it, or use it in a `with` statement.

    Attributes: `path`, its directory, with links followed; `number`; `manifest`, the manifest as a dict (what is in the snapshot, which
    range, what was lost, how good each file is); `manifest_sha256`, by which an increment names the snapshot that it follows.

    Iterators and arrays that were taken from it go on working after close(); the lock does not.
    """

    path: str
    number: int
    manifest: dict[str, Any]
    manifest_sha256: str

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens the directory of a snapshot, such as exports/latest, and all its files; waits for nobody but the collector's look at the
        lock."""
        self._directory = -1
        self._files: dict[str, int] = {}
        self.path = os.path.realpath(path)
        if os.path.basename(self.path).startswith((".building-", ".removing-")):
            raise SnapshotError(f"{path}: is not complete: name a snapshot, such as exports/latest")
        try:
            self._directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SnapshotError(f"{path}: {error.strerror}: name the directory of a snapshot, such as exports/latest") from None
        try:
            fcntl.flock(self._directory, fcntl.LOCK_SH)
            self._manifest_bytes = self._read_small(_MANIFEST)
            self.manifest = self._parse_manifest(self._manifest_bytes)
            self.manifest_sha256 = hashlib.sha256(self._manifest_bytes).hexdigest()
            self.number = self.manifest["snapshot"]
            # The collector may have been about to remove the directory before it could see the lock. What is open cannot vanish any more.
            for entry in self.manifest["files"]:
                self._files[entry["name"]] = self._open_file(entry["name"])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the snapshot; a second time does nothing."""
        for fd in self._files.values():
            os.close(fd)
        self._files = {}
        if self._directory >= 0:
            os.close(self._directory)
        self._directory = -1

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Snapshot({self.path!r})"

    @property
    def files(self) -> list[str]:
        """Names of its files, as the manifest has them."""
        return [entry["name"] for entry in self.manifest["files"]]

    def verify(self) -> list[str]:
        """What is wrong with it, one line each; nothing when its files are what the manifest and SHA256SUMS say.

        Compares sizes and SHA-256 of every file, and looks for files that neither names. It finds damage and mistakes: who can write the
        directory can also write a manifest that fits. `arbiterctl verify` reads the rows besides.
        """
        self._check_open()
        problems = []
        for entry in self.manifest["files"]:
            name = entry["name"]
            size = os.fstat(self._files[name]).st_size
            if size != entry["bytes"]:
                problems.append(f"{name}: is of {size} bytes, the manifest says {entry['bytes']}: export again")
                continue
            with self._reopen(name) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                    problems.append(f"{name}: SHA-256 differs from the manifest: export again")
        expected = {entry["name"]: entry["sha256"] for entry in self.manifest["files"]}
        expected[_MANIFEST] = self.manifest_sha256
        try:
            lines = self._read_small(_SUMS).decode("utf-8", "replace").splitlines()
        except SnapshotError as error:
            problems.append(str(error))
        else:
            if sorted(lines) != sorted(f"{digest}  {name}" for name, digest in expected.items()):
                problems.append(f"{_SUMS}: says otherwise than the manifest, or of other files: export again")
        for name in sorted(os.listdir(self._directory)):
            if name != _SUMS and name not in expected:
                problems.append(f"{name}: is not named in the manifest: it does not belong here, move it away")
        return problems

    def events(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """Its events, in order of time: `id`, `type`, `timestamp`, `timestampNs`, `agentId` and `taskId` where there are some, `data`.

        `split`, here and below: of one that is split, "train" or "validation" alone.
        """
        return self._rows("events.jsonl", "jsonl", split, _event_order)

    def trajectories(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """Its tasks, in order of their ids: `taskId`, `taskType`, `agentId`, `events`, `reward` (None where nothing is known),
        `rewardSource`, `done`."""
        return self._rows("trajectories.jsonl", "jsonl", split, lambda row: row["taskId"].encode())

    def examples(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """Its decisions of known propensity and reward, as Vowpal Wabbit's dsjson has them; the manifest counts those left out. Those of
        both sides of a split come train first."""
        return self._rows("decisions.dsjson", "dsjson", split, lambda row: 0)

    def decisions(self, split: str | None = None) -> numpy.ndarray:
        """All its routing decisions, each with what became of it, as a NumPy structured array that is mapped read-only, not read; those of
        both sides of a split are read, train first.

        Texts are bytes in UTF-8, times datetime64[ns] in UTC; what is not known is NaN, NaT, b"" and, of whole numbers and `success`, -1.
        """
        try:
            import numpy
        except ImportError:
            raise SnapshotError("decisions(): needs NumPy: install it (Debian: apt-get install python3-numpy)") from None
        arrays = []
        for name in itertools.chain(*self._find(["decisions.npy"], "npy", split)):
            try:
                arrays.append(numpy.load(f"/proc/self/fd/{self._files[name]}", mmap_mode="r", allow_pickle=False))
            except ValueError as error:
                raise self._damaged(name, error) from None
        return arrays[0] if len(arrays) == 1 else numpy.concatenate(arrays)

    def decisions_frame(self, split: str | None = None) -> pandas.DataFrame:
        """decisions() as a pandas DataFrame, read into memory: texts are str, times datetime64[ns, UTC], whole numbers Int64, `success`
        boolean; what is not known is missing (None, NaN, NaT, NA)."""
        try:
            import pandas
        except ImportError:
            raise SnapshotError("decisions_frame(): needs pandas: install it (Debian: apt-get install python3-pandas)") from None
        array = self.decisions(split)
        columns: dict[str, Any] = {}
        for name in array.dtype.names:
            values = array[name]
            if values.dtype.kind == "S":
                columns[name] = pandas.Series([text.decode("utf-8") or None for text in values.tolist()], dtype=object)
            elif values.dtype.kind == "M":
                columns[name] = pandas.Series(values).dt.tz_localize("UTC")
            elif values.dtype.kind == "i":
                whole = pandas.Series(values).astype("Int64").mask(values == -1)
                columns[name] = whole.astype("boolean") if values.dtype.itemsize == 1 else whole
            else:
                columns[name] = pandas.Series(values)
        return pandas.DataFrame(columns)

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of one of its files of lines, by its name in `files`."""
        if not re.search(r"\.(jsonl|dsjson)(\.zst)?$", name):
            raise SnapshotError(f"{name}: is no file of lines: name one that ends in .jsonl, .dsjson, or these and .zst")
        self._check_open()
        if name not in self._files:
            self._find([name], name, None)  # says so
        return self._lines(name)

    def _rows(self, name: str, export_format: str, split: str | None, order: Callable[[dict[str, Any]], Any]) -> Iterator[dict[str, Any]]:
        sides = [itertools.chain(*[self._lines(part) for part in parts]) for parts in self._find([name, name + ".zst"], export_format, split)]
        return sides[0] if len(sides) == 1 else heapq.merge(*sides, key=order)

    def _find(self, formats: list[str], export_format: str, split: str | None) -> list[list[str]]:
        """Names of the files of the first of these formats that is there: for each side of its split, or of the one wanted, in their order."""
        self._check_open()
        if split is not None and split not in ("train", "validation"):
            raise SnapshotError(f"split {split}: there is none of this name: write train or validation")
        for name in formats:
            sides: dict[str | None, list[str]] = {}
            for entry in self.manifest["files"]:
                if entry.get("format", entry["name"]) == name:
                    sides.setdefault(entry.get("split"), []).append(entry["name"])
            if sides and split is None:
                return list(sides.values())
            if split in sides:
                return [sides[split]]
            if sides:
                raise SnapshotError(
                    f"{self.path}: is not split: set export.validation_percent in the collector's configuration and export again"
                )
        raise SnapshotError(
            f"{self.path}: has no {formats[0]}, only {', '.join(self.files)}: export it with 'arbiterctl export --format {export_format}'"
        )

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        # Opened here, so that it may be read after close().
        file = self._reopen(name)
        return self._parse_lines(name, _unzstd(name, file) if name.endswith(".zst") else _plain(file))

    def _parse_lines(self, name: str, lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
        expected = next(entry.get("rows") for entry in self.manifest["files"] if entry["name"] == name)
        number = 0
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise self._damaged(f"{name}, line {number}", error) from None
            yield row
        if number != expected:  # cut off between two lines, or two blocks
            raise self._damaged(name, f"it has {number} rows, the manifest says {expected}")

    def _damaged(self, where: str, why: object) -> SnapshotError:
        return SnapshotError(f"{self.path}/{where}: cannot be read ({why}): 'arbiterctl verify {self.path}' says what is damaged")

    def _check_open(self) -> None:
        if self._directory < 0:
            raise SnapshotError(f"{self.path}: the snapshot is closed: read it inside its 'with' statement")

    def _open_file(self, name: str) -> int:
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=self._directory)
        except FileNotFoundError:
            hint = "name the directory of a snapshot, such as exports/latest" if name == _MANIFEST else "export again"
            if os.path.lexists(f"{self.path}/{name}.enc"):
                hint = f"it is encrypted: make a plain one of it with 'arbiterctl decrypt {self.path} --key-file KEY --to OUT'"
            raise SnapshotError(f"{self.path}: has no {name}: {hint}") from None
        except OSError as error:
            raise SnapshotError(f"{self.path}/{name}: {error.strerror}: export again") from None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise SnapshotError(f"{self.path}/{name}: is not a regular file: export again")
        return fd

    def _reopen(self, name: str) -> BinaryIO:
        # The same file, removed or not, with a position of its own.
        return open(f"/proc/self/fd/{self._files[name]}", "rb")

    def _read_small(self, name: str) -> bytes:
        with open(self._open_file(name), "rb") as file:
            content = file.read(_SMALL_FILE_BYTES_MAX + 1)
        if len(content) > _SMALL_FILE_BYTES_MAX:
            raise SnapshotError(f"{self.path}/{name}: is larger than any such file: export again")
        return content

    def _parse_manifest(self, content: bytes) -> dict[str, Any]:
        where = f"{self.path}/{_MANIFEST}"
        try:
            manifest = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise SnapshotError(f"{where}: is not JSON ({error}): export again") from None
        if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
            raise SnapshotError(f"{where}: is not the manifest of a snapshot: name a snapshot, such as exports/latest")
        if manifest.get("formatVersion") != _FORMAT_VERSION:
            raise SnapshotError(
                f"{where}: is of version {manifest.get('formatVersion')}, this module reads {_FORMAT_VERSION}: "
                "use the module that came with the collector"
            )
        files = manifest.get("files")
        if not isinstance(manifest.get("snapshot"), int) or not isinstance(files, list):
            raise SnapshotError(f"{where}: says neither number nor files: export again")
        names = set()
        for entry in files:
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str) or not _FILE_NAME.fullmatch(name) or name in names:
                raise SnapshotError(f"{where}: names a file that is none of a snapshot: export again")
            if not isinstance(entry.get("bytes"), int) or not isinstance(entry.get("sha256"), str):
                raise SnapshotError(f"{where}: does not say bytes and sha256 of {name}: export again")
            names.add(name)
        return manifest


def _plain(file: BinaryIO) -> Iterator[bytes]:
    with file:
        yield from file


def _unzstd(name: str, file: BinaryIO) -> Iterator[bytes]:
    """Lines of what is compressed in `file`, which it closes."""
    try:
        import zstandard
    except ImportError:
        program = shutil.which("zstd")
        if program is None:
            file.close()
            raise SnapshotError(
                f"{name}: needs zstd to be read: install the program zstd (Debian: apt-get install zstd) or the Python module zstandard"
            ) from None
        return _unzstd_by_program(program, name, file)
    return _unzstd_by_module(zstandard, name, file)


def _unzstd_by_module(zstandard: Any, name: str, file: BinaryIO) -> Iterator[bytes]:
    # A file may be several frames, one behind the other.
    with file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
        try:
            yield from io.BufferedReader(stream)
        except zstandard.ZstdError as error:
            raise SnapshotError(f"{name}: cannot be decompressed ({error}): export again") from None


def _unzstd_by_program(program: str, name: str, file: BinaryIO) -> Iterator[bytes]:
    with file:
        process = subprocess.Popen([program, "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    try:
        yield from process.stdout
    finally:
        process.stdout.close()  # which ends it where who iterated has stopped before the end
        said = process.stderr.read().decode("utf-8", "replace").strip()
        process.stderr.close()
        status = process.wait()
    if status != 0:
        raise SnapshotError(f"{name}: cannot be decompressed ({said or f'zstd ended with {status}'}): export again")


_EXAMPLES = """examples:
  arbiter_snapshots.py list exports
  arbiter_snapshots.py verify exports/latest
  arbiter_snapshots.py head exports/latest
  arbiter_snapshots.py head exports/latest --file trajectories.jsonl.zst -n 1 | python3 -m json.tool
"""


def _list(arguments: argparse.Namespace) -> int:
    for path in list_snapshots(arguments.exports):
        try:
            with Snapshot(path) as snapshot:
                events = snapshot.manifest.get("events", {}).get("total")
                print(f"{snapshot.path}  {snapshot.manifest.get('createdAt')}  {events} events  {' '.join(snapshot.files)}")
        except SnapshotError as error:
            if os.path.exists(path):  # it may have been removed meanwhile
                raise error
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    with Snapshot(arguments.snapshot) as snapshot:
        problems = snapshot.verify()
        for problem in problems:
            print(f"arbiter_snapshots: {problem}", file=sys.stderr)
        if not problems:
            size = sum(entry["bytes"] for entry in snapshot.manifest["files"])
            print(f"{snapshot.path}: {len(snapshot.files)} files, {size} bytes, as the manifest says")
    return 1 if problems else 0


def _head(arguments: argparse.Namespace) -> int:
    with Snapshot(arguments.snapshot) as snapshot:
        rows = snapshot.rows(arguments.file) if arguments.file else snapshot.events()
        for _, row in zip(range(arguments.rows), rows):
            print(json.dumps(row, ensure_ascii=False))
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


_count.__name__ = "number of rows"  # what argparse calls it in its message


def main(words: list[str]) -> int:
    """The command line; returns the exit status: 0 success, 1 failure, 2 usage."""
    parser = argparse.ArgumentParser(
        prog="arbiter_snapshots.py",
        description="Lists, verifies and shows the snapshots that the Arbiter performance tracker exports.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="the complete snapshots of an export directory, oldest first")
    listing.add_argument("exports", metavar="EXPORTS", help="export directory of a collector")
    listing.set_defaults(run=_list)
    verify = commands.add_parser("verify", help="compare sizes and SHA-256 of all files with the manifest")
    verify.add_argument("snapshot", metavar="SNAPSHOT", help="directory of a snapshot, such as exports/latest")
    verify.set_defaults(run=_verify)
    head = commands.add_parser("head", help="the first rows of a file, one JSON object a line")
    head.add_argument("snapshot", metavar="SNAPSHOT", help="directory of a snapshot, such as exports/latest")
    head.add_argument("--file", metavar="NAME", help="a file of the snapshot (default: its events)")
    head.add_argument("-n", "--rows", metavar="N", type=_count, default=5, help="how many (default 5)")
    head.set_defaults(run=_head)
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run(arguments))
    except SnapshotError as error:
        print(f"arbiter_snapshots: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
