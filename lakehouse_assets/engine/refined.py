"""Recomputes a refined table from its inputs and replaces it atomically, noting which positions it was computed from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse_assets import sql
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import HISTORY, REFINED, RefinedTable
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.deltalog import NO_VERSION
from lakehouse_assets.engine.positions import folded, told
from lakehouse_assets.engine.transformed import replace_rows
from lakehouse_assets.engine.values import settings, suited

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Without it nothing in place of nothing is no commit, and the table would never be as new as its inputs.
_EVERY_COMMIT = {"spark.databricks.delta.skipRecordingEmptyCommits": "false"}


@dataclass(frozen=True)
class Computed:
    """Rows written, and the applied position of each source table they were computed from."""

    rows: int
    inputs: dict[str, int]


def statement_id(table: RefinedTable) -> str:
    """Changes when the SELECT does, so that an edited file is recomputed."""
    return hashlib.sha256(table.select.encode()).hexdigest()[:16]


def compute(spark: SparkSession, table: RefinedTable, tables: dict[str, RefinedTable], paths: LakePaths) -> Computed:
    """Run the SELECT over the inputs and replace the table in one commit."""
    # Read before the inputs: a fold that lands meanwhile makes the table newer than it says, never older.
    positions, rebuilds = _inputs(table, tables, paths)
    places = {i: sql.delta(_place(paths, i)) for i in table.inputs}
    target = paths.refined(table.name)
    note = {"inputs": positions, "rebuilds": rebuilds, "statement": statement_id(table)}
    rows = sum(deltalog.row_count(_place(paths, name)) for name in table.inputs)
    with settings(spark, _EVERY_COMMIT | suited(rows)):
        replace_rows(spark.sql(table.bound(places)).coalesce(1), target, note)
    commit = deltalog.read_commit(target, deltalog.newest_version(target))
    return Computed(sum(file.rows for file in commit.added), positions)


def is_behind(table: RefinedTable, tables: dict[str, RefinedTable], paths: LakePaths) -> bool:
    """Whether an input moved on or was rebuilt, the SELECT was edited, or the table is not there."""
    current = {name: folded(paths, name) for name in table.source_tables(tables)}
    if not covers(table, tables, paths, {name: state.applied for name, state in current.items()}):
        return True
    known = last_note(paths, table.name).get("rebuilds", {})
    return any(state.rebuilt > known.get(name, NO_VERSION) for name, state in current.items())


def covers(table: RefinedTable, tables: dict[str, RefinedTable], paths: LakePaths, positions: dict[str, int]) -> bool:
    """Whether the table was computed by its present SELECT from inputs at least as far as `positions`."""
    note = last_note(paths, table.name)
    inputs = note.get("inputs", {})
    if note.get("statement") != statement_id(table):
        return False
    return all(name in inputs and inputs[name] >= positions.get(name, NOTHING) for name in table.source_tables(tables))


def last_note(paths: LakePaths, name: str) -> dict[str, Any]:
    """What the newest computation of a refined table noted, {} when there is none."""
    for commit in deltalog.commits_backwards(paths.refined(name)):
        note = note_of(commit)
        if "inputs" in note:
            return note
    return {}


def note_of(commit: deltalog.Commit) -> dict[str, Any]:
    """What a computation noted with its commit, {} when the commit is none."""
    return json.loads(commit.user_metadata or "{}")


def _inputs(
    table: RefinedTable, tables: dict[str, RefinedTable], paths: LakePaths
) -> tuple[dict[str, int], dict[str, int]]:  # fmt: skip
    """The position and the newest rebuild of each source table as the inputs hold them.

    A refined input may be older than its own inputs.
    """
    positions: dict[str, list[int]] = {name: [] for name in table.source_tables(tables)}
    rebuilds: dict[str, list[int]] = {name: [] for name in positions}
    for layer, name in (i.split(".") for i in table.inputs):
        if layer == REFINED:
            note = last_note(paths, name)
            held, anew = note.get("inputs", {}), note.get("rebuilds", {})
        else:
            state = told(paths, name) if layer == HISTORY else folded(paths, name)
            held, anew = {name: state.applied}, {name: state.rebuilt}
        for source in held.keys() & positions.keys():  # its note may be of an older SELECT, which read more
            positions[source].append(held[source])
            rebuilds[source].append(anew.get(source, NO_VERSION))
    return (
        {name: min(found, default=NOTHING) for name, found in positions.items()},
        {name: min(found, default=NO_VERSION) for name, found in rebuilds.items()},
    )


def _place(paths: LakePaths, name: str) -> Path:
    layer, table = name.split(".")
    return {REFINED: paths.refined, HISTORY: paths.history}.get(layer, paths.transformed)(table)
