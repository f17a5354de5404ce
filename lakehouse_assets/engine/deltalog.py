"""Reads Delta logs without a JVM and with bounded work: the newest commits, not the whole history.

A commit is one small JSON file, so following a table costs what happened since the last look. Only when the
place to start from is unknown, or its commits were cleaned away, is the whole table state loaded by `deltalake`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable

NO_VERSION = -1


@dataclass(frozen=True)
class AddedFile:
    """A data file a commit added: its path in the table, its partition values, rows, and min/max of the columns with
    statistics."""

    path: str
    partition: dict[str, str]
    rows: int
    low: dict[str, Any]
    high: dict[str, Any]


@dataclass(frozen=True)
class Commit:
    """One commit: its version, its time (ms since the epoch), added files, transaction versions and user metadata."""

    version: int
    timestamp_ms: int
    added: list[AddedFile] = field(default_factory=list)
    transactions: dict[str, int] = field(default_factory=dict)
    user_metadata: str = ""


def newest_version(table: Path) -> int:
    """The table's newest version, NO_VERSION when there is no table."""
    log = table / "_delta_log"
    version = _checkpoint_version(log)
    if version == NO_VERSION and not _commit_path(log, 0).exists():
        numbers = [int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()]
        version = max(numbers, default=NO_VERSION)
    while _commit_path(log, version + 1).exists():
        version += 1
    return version


def commits(table: Path, after: int, until: int) -> Iterator[Commit]:
    """Commits with after < version <= until, oldest first; KeyError when one of them was cleaned away."""
    for version in range(after + 1, until + 1):
        yield read_commit(table, version)


def commits_backwards(table: Path, version: int | None = None) -> Iterator[Commit]:
    """Commits from a version (None: the newest) to the oldest that is still a file."""
    version = newest_version(table) if version is None else version
    while version > NO_VERSION:
        try:
            yield read_commit(table, version)
        except KeyError:
            return
        version -= 1


def read_commit(table: Path, version: int) -> Commit:
    """One commit of a table; KeyError when it is not there (any more), ValueError when it holds something else."""
    try:
        # Split at newlines alone: texts in the statistics hold other ends of lines as they are.
        lines = _commit_path(table / "_delta_log", version).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise KeyError(version) from None
    info: dict[str, Any] = {}
    added: list[AddedFile] = []
    transactions: dict[str, int] = {}
    for action in map(json.loads, filter(str.strip, lines)):
        if not isinstance(action, dict):
            raise ValueError(f"commit {version} of {table} holds {type(action).__name__} in place of an action")
        if "commitInfo" in action:
            info = action["commitInfo"]
        elif "add" in action and action["add"].get("dataChange", True):  # else rows that another commit brought
            added.append(_added(action["add"]))
        elif "txn" in action:
            transactions[action["txn"]["appId"]] = action["txn"]["version"]
    return Commit(version, info.get("timestamp", 0), added, transactions, info.get("userMetadata") or "")


def checkpoint_maxima(table: Path, by: str, partition: str, column: str) -> tuple[int, list[tuple[str, str, int]]]:
    """Version of the newest checkpoint and, for each value of partition column `by`, the maxima over its files.

    These are of another partition column (as text) and of a column with statistics. NO_VERSION and [] when there is
    no checkpoint. A second at a million files, of which `deltalake` would first make a million objects.
    """
    log = table / "_delta_log"
    version = _checkpoint_version(log)
    parts = [str(path) for path in sorted(log.glob(f"{version:020d}.checkpoint*.parquet"))]
    if not parts:
        return NO_VERSION, []
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT add.partitionValues[?], max(add.partitionValues[?]), max(CAST(add.stats ->> ? AS BIGINT)) "
            "FROM read_parquet(?) WHERE add IS NOT NULL GROUP BY 1",
            [by, partition, f"$.maxValues.{column}", parts],
        ).fetchall()
    return version, rows


def all_files(table: Path) -> tuple[int, list[AddedFile]]:
    """Version and every live data file; the one read that costs with the table's size."""
    delta = DeltaTable(str(table))
    added = delta.get_add_actions(flatten=True)
    rows = {name: added.column(name).to_pylist() for name in added.schema.names}
    count = len(next(iter(rows.values()), []))
    return delta.version(), [_flattened(rows, i) for i in range(count)]


def row_count(table: Path) -> int:
    """Rows of a table whose files all have statistics and no deletion vectors."""
    return sum(file.rows for file in all_files(table)[1])


def transaction_version(table: Path, app_id: str, version: int | None = None) -> int | None:
    """The version an application wrote last, from the whole table state at a version (None: the newest)."""
    return DeltaTable(str(table), version=version, without_files=True).transaction_version(app_id)


def properties(table: Path) -> dict[str, str]:
    """The properties of a Delta table, without its files."""
    return DeltaTable(str(table), without_files=True).metadata().configuration


def columns(table: Path) -> tuple[str, ...]:
    """The names of a Delta table's columns, without its files."""
    return tuple(field.name for field in DeltaTable(str(table), without_files=True).schema().fields)


def _flattened(rows: dict[str, list[Any]], i: int) -> AddedFile:
    def members(prefix: str) -> dict[str, Any]:
        found = {name[len(prefix) :]: values[i] for name, values in rows.items() if name.startswith(prefix)}
        return {name: value for name, value in found.items() if value is not None}

    return AddedFile(
        rows["path"][i],
        {name: str(value) for name, value in members("partition.").items()},
        rows["num_records"][i] or 0,
        members("min."),
        members("max."),
    )


def _added(add: dict[str, Any]) -> AddedFile:
    stats = json.loads(add.get("stats") or "{}")
    return AddedFile(
        unquote(add["path"]),
        add.get("partitionValues", {}),
        stats.get("numRecords", 0),
        stats.get("minValues", {}),
        stats.get("maxValues", {}),
    )


def _commit_path(log: Path, version: int) -> Path:
    return log / f"{version:020d}.json"


def _checkpoint_version(log: Path) -> int:
    try:
        return int(json.loads((log / "_last_checkpoint").read_text(encoding="utf-8"))["version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # a hint, and no more than one
        return NO_VERSION
