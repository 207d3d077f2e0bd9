#!/usr/bin/env python3
"""Follows the snapshots of a collector: what came, what changed and what was removed, as each is published.

    import arbiter_follow

    with arbiter_follow.follow("exports") as rows:
        while change := rows.next(timeout=60):        # the first one has everything
            learn(change.added, change.changed)       # dicts, in order of time
            forget(change.removed)                    # ids
        everything = rows.events()                    # now, in order of time

Best with `export.increments` in the collector's configuration; full snapshots are followed too, at the price of reading them whole. Beside
arbiter_snapshots.py it needs nothing but the standard library. Every error is a SnapshotError, whose text is "what: what is wrong: what to
do".
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from arbiter_snapshots import Snapshot, SnapshotError, list_snapshots

__all__ = ["Change", "Rows", "follow"]

_PLACES = "places.jsonl.zst"
_RETAINED = "retained.jsonl"
_POLL_SECONDS = 0.2


@dataclass
class Change:
    """What one snapshot changed. `restarted`: it was a full one, compared with what was there before; true of the first."""

    snapshot: int
    restarted: bool
    added: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


class _Row(NamedTuple):
    event: dict[str, Any]
    frame: int
    retention_ns: int


def _recorded(event_id: str) -> tuple[str, int, int]:
    segment, lane, sequence = event_id.split("-")
    return segment, int(lane), int(sequence)


def _order(row: _Row) -> tuple[int, tuple[str, int, int]]:
    return int(row.event["timestampNs"]), _recorded(row.event["id"])


def follow(exports: str | os.PathLike[str]) -> Rows:
    """Begins to follow an export directory, with its newest full snapshot of all events; next() reads it."""
    return Rows(exports)


class Rows:
    """The events of a chain of snapshots, all in memory: what a full snapshot of the newest moment would have. Not for several threads."""

    def __init__(self, exports: str | os.PathLike[str]) -> None:
        self._exports = exports
        self._rows: dict[str, _Row] = {}
        self._newest: Snapshot | None = None  # stays open, and so where it is: an increment to it can be asked for

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the newest snapshot; a second time does nothing. The rows stay."""
        if self._newest is not None:
            self._newest.close()
        self._newest = None

    def __len__(self) -> int:
        return len(self._rows)

    def events(self) -> Iterator[dict[str, Any]]:
        """All events there are now, in the order of a full snapshot."""
        return (row.event for row in sorted(self._rows.values(), key=_order))

    def next(self, timeout: float = 0) -> Change | None:
        """The change that the next snapshot makes, waiting up to `timeout` seconds for one; None: there is none by then.

        A SnapshotError leaves the rows as they were. One of a gap: a snapshot between was removed before it was read, and no full one has
        come since; begin again, or wait for a full one.
        """
        until = time.monotonic() + timeout
        while True:
            snapshot = self._find()
            if snapshot is not None:
                try:
                    return self._apply(snapshot)
                except BaseException:
                    snapshot.close()
                    raise
            if time.monotonic() >= until:
                return None
            time.sleep(min(_POLL_SECONDS, max(0.0, until - time.monotonic())))

    def _find(self) -> Snapshot | None:
        """The snapshot to apply next: one that follows the newest, else the newest full one after it."""
        lost, full = False, None
        for path in reversed(list_snapshots(self._exports)):
            if self._newest is not None and int(os.path.basename(path)) <= self._newest.number:
                break
            try:
                snapshot = Snapshot(path)
            except SnapshotError:
                if os.path.exists(path):  # it may have been removed meanwhile
                    raise
                continue
            chain = snapshot.manifest.get("chain")
            if chain is None:  # since a time, or without events
                snapshot.close()
            elif chain["follows"] is None:
                if full is None:
                    full = snapshot
                else:
                    snapshot.close()
            elif self._follows(chain["follows"]):
                if full is not None:
                    full.close()
                return snapshot
            else:
                lost = lost or self._is_behind(chain["follows"])
                snapshot.close()
        if full is None and lost and self._newest is None:
            raise SnapshotError(f"{self._exports}: has increments, and no full snapshot to begin with: make one with 'arbiterctl export'")
        if full is None and lost and self._newest is not None:
            raise SnapshotError(
                f"{self._exports}: no snapshot follows {self._newest.number}, though there are newer increments: one between them is gone; "
                "wait for a full one ('arbiterctl export'), and keep more of them (export.keep)"
            )
        return full

    def _follows(self, predecessor: dict[str, Any]) -> bool:
        return (
            self._newest is not None
            and predecessor["cursor"] == self._newest.manifest["range"]["toCursor"]
            and predecessor["manifestSha256"] in (None, self._newest.manifest_sha256)
        )

    def _is_behind(self, predecessor: dict[str, Any]) -> bool:
        """Whether that predecessor came after the newest; of one that is named by its cursor alone nobody can say."""
        return self._newest is None or (predecessor["snapshot"] or 0) > self._newest.number

    def _apply(self, snapshot: Snapshot) -> Change:
        chain = snapshot.manifest["chain"]
        change = Change(snapshot.number, restarted=chain["follows"] is None)
        came = {row.event["id"]: row for row in self._placed(snapshot)}
        if change.restarted:
            rows = came
            change.removed = [event_id for event_id in self._rows if event_id not in came]
        else:
            stays = _Retained(snapshot)
            change.removed = [event_id for event_id, row in self._rows.items() if not stays.has(event_id, row)]
            rows = dict(self._rows)
            for event_id in change.removed:
                del rows[event_id]
            rows |= came
        for event_id, row in came.items():
            before = self._rows.get(event_id)
            if before is None:
                change.added.append(row.event)
            elif before.event.get("revision", 0) < row.event.get("revision", 0):
                change.changed.append(row.event)
        if len(rows) != chain["retained"] and not snapshot.manifest["damagedBlocks"]:
            raise SnapshotError(
                f"{snapshot.path}: {len(rows)} rows where it has {chain['retained']}: the snapshots of this chain do not belong together; "
                "begin again with a full one"
            )
        self.close()
        self._rows, self._newest = rows, snapshot
        return change

    @staticmethod
    def _placed(snapshot: Snapshot) -> Iterator[_Row]:
        rows = snapshot.events()
        for run in snapshot.rows(_PLACES):
            for event in itertools.islice(rows, run["rows"]):
                yield _Row(event, run["frame"], int(run.get("retentionNs", event["timestampNs"])))
        if next(rows, None) is not None:
            raise SnapshotError(f"{snapshot.path}/{_PLACES}: names fewer rows than there are events: export again")


class _Retained:
    """What retained.jsonl says of the rows of earlier snapshots."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._ranges = list(snapshot.rows(_RETAINED))
        self._firsts = [entry["firstFrame"] for entry in self._ranges]

    def has(self, event_id: str, row: _Row) -> bool:
        at = bisect.bisect_right(self._firsts, row.frame) - 1
        if at < 0 or row.frame > self._ranges[at]["lastFrame"]:
            return False
        edge = self._ranges[at].get("from")
        if edge is None:
            return True
        return (row.retention_ns, _recorded(event_id)) >= (int(edge["retentionNs"]), (edge["segment"], edge["lane"], int(edge["sequence"])))


_EXAMPLES = """examples:
  arbiter_follow.py exports | jq -c 'select(.added) | .added.type'
  arbiter_follow.py exports --seconds 0      what is there now, and end
"""


def main(words: list[str]) -> int:
    """The command line; returns the exit status: 0 success, 1 failure, 2 usage."""
    parser = argparse.ArgumentParser(
        prog="arbiter_follow.py",
        description='Prints every change that snapshots bring, one JSON object a line: {"added": EVENT}, {"changed": EVENT} or {"removed": ID}.',
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("exports", metavar="EXPORTS", help="export directory of a collector")
    parser.add_argument("--seconds", metavar="N", type=float, default=float("inf"), help="end when nothing has come for so long (default: never)")
    arguments = parser.parse_args(words)
    try:
        with follow(arguments.exports) as rows:
            while change := rows.next(arguments.seconds):
                for kind in ("added", "changed", "removed"):
                    for what in getattr(change, kind):
                        print(json.dumps({kind: what}, ensure_ascii=False))
                sys.stdout.flush()
    except SnapshotError as error:
        print(f"arbiter_follow: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
