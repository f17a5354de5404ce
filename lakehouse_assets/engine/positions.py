"""Where each table stands: the newest position in raw, and the one its transformed table has applied.

Read from the Delta logs alone. State decides what runs, not events: losing every cursor loses nothing.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.deltalog import NO_VERSION, AddedFile

FOLD_APP = "lakehouse-fold"
HISTORY_APP = "lakehouse-history"
REBUILD_APP = "lakehouse-rebuild"  # a table folded anew to the position where it stood


@dataclass(frozen=True)
class Cut:
    """A raw version, and for each table the newest position and the newest day (`event_date`) it holds."""

    version: int
    positions: dict[str, int]
    days: dict[str, str]

    def position(self, table: str) -> int:
        """The table's newest position, NOTHING when raw holds none."""
        return self.positions.get(table, NOTHING)

    def to_json(self) -> str:
        """A text for a cursor or a tag."""
        return json.dumps({"version": self.version, "positions": self.positions, "days": self.days})

    @staticmethod
    def from_json(text: str) -> Cut:
        """The inverse of `to_json`; ValueError when the text is none of ours."""
        try:
            return Cut(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"not a cut: {error}") from None


EMPTY_CUT = Cut(NO_VERSION, {}, {})


@dataclass(frozen=True)
class Folded:
    """What a transformed table holds: position applied, the raw version it was read at, the highest LSN folded.

    `rebuilt` is the version of the newest rebuild since: the position is the same, the rows may be others.
    `unstorable`: the columns with cells that its last fold could not store, and that may not be in quarantine yet.
    """

    applied: int
    raw_version: int
    max_lsn: int
    rebuilt: int = NO_VERSION
    unstorable: tuple[str, ...] = ()


NEVER_FOLDED = Folded(NOTHING, NO_VERSION, -1)


def newest_cut(paths: LakePaths, known: Cut = EMPTY_CUT) -> Cut:
    """The newest cut of raw, reading only commits after `known`, or after the newest checkpoint."""
    version = deltalog.newest_version(paths.raw)
    if version == NO_VERSION:
        return EMPTY_CUT
    for start in _starts(paths, known, version):
        try:
            added = [f for commit in deltalog.commits(paths.raw, start.version, version) for f in commit.added]
            return _advanced(start, version, added)
        except KeyError:
            continue  # cleaned away since
    version, files = deltalog.all_files(paths.raw)
    return _advanced(EMPTY_CUT, version, files)


def seconds_since(paths: LakePaths, version: int) -> float:
    """The age of a commit of raw; infinite when it has been cleaned away."""
    commit = paths.raw / "_delta_log" / f"{version:020}.json"
    return time.time() - commit.stat().st_mtime if commit.exists() else math.inf


def _starts(paths: LakePaths, known: Cut, version: int) -> Iterator[Cut]:
    if NO_VERSION < known.version <= version:
        yield known
    checkpoint, maxima = deltalog.checkpoint_maxima(paths.raw, "table_name", "event_date", "position")
    yield Cut(checkpoint, {t: position for t, _, position in maxima}, {t: day for t, day, _ in maxima})


def floors(paths: LakePaths, moment_ms: int) -> dict[str, int]:
    """For each table a position that raw had reached at a moment (ms since the epoch) or before it."""
    lowest: dict[str, int] = {}
    newest = newest_cut(paths)
    for commit in deltalog.commits_backwards(paths.raw):
        if commit.timestamp_ms <= moment_ms:
            return {name: lowest.get(name, position + 1) - 1 for name, position in newest.positions.items()}
        for file in commit.added:
            name = file.partition["table_name"]
            lowest[name] = min(lowest.get(name, file.low["position"]), file.low["position"])
    return {}  # raw is younger, or its older commits were cleaned away


def files_between(paths: LakePaths, table: str, after_version: int, until_version: int) -> list[AddedFile]:
    """The table's raw files added by commits in (after, until], or all of them when those commits are gone."""
    try:
        files = [f for commit in deltalog.commits(paths.raw, after_version, until_version) for f in commit.added]
    except KeyError:
        _, files = deltalog.all_files(paths.raw)
    return [file for file in files if file.partition["table_name"] == table]


def folded(paths: LakePaths, table: str, version: int | None = None) -> Folded:
    """What the transformed table of `table` holds at a version (None: the newest), from the last commit of a fold."""
    return _applied(paths.transformed(table), FOLD_APP, version)


def told(paths: LakePaths, table: str) -> Folded:
    """What the history of `table` holds."""
    return _applied(paths.history(table), HISTORY_APP, None)


def _applied(path: Path, app: str, version: int | None) -> Folded:
    rebuilt = NO_VERSION
    for commit in deltalog.commits_backwards(path, version):
        if app in commit.transactions:
            note = json.loads(commit.user_metadata or "{}")
            raw_version, max_lsn = note.get("raw_version", NO_VERSION), note.get("max_lsn", -1)
            return Folded(commit.transactions[app], raw_version, max_lsn, rebuilt, tuple(note.get("unstorable", ())))
        if REBUILD_APP in commit.transactions:
            rebuilt = max(rebuilt, commit.version)
        if commit.version == 0:
            return NEVER_FOLDED
    if deltalog.newest_version(path) == NO_VERSION:
        return NEVER_FOLDED
    applied = deltalog.transaction_version(path, app, version)
    # Without a fold's note the whole raw table is looked at again: slower, never wrong.
    return NEVER_FOLDED if applied is None else Folded(applied, NO_VERSION, (1 << 63) - 1)


def exists(table: Path) -> bool:
    """Whether there is a Delta table."""
    return deltalog.newest_version(table) != NO_VERSION


def _advanced(known: Cut, version: int, files: Iterable[AddedFile]) -> Cut:
    positions, days = dict(known.positions), dict(known.days)
    for file in files:
        table = file.partition["table_name"]
        positions[table] = max(positions.get(table, NOTHING), file.high["position"])
        days[table] = max(days.get(table, ""), file.partition["event_date"])
    return Cut(version, positions, days)
