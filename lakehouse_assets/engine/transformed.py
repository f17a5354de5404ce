"""Folds raw into a transformed table: survey the range, MERGE it, and keep the applied position in the same commit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import META_COLUMNS, LakeColumn, LakePaths
from lakehouse_assets.catalog.shape import built_table, read_otherwise
from lakehouse_assets.changelog.envelope import RAW_COLUMNS
from lakehouse_assets.changelog.fold import FoldRange
from lakehouse_assets.changelog.merge import merge
from lakehouse_assets.engine import brake, deltalog, quarantine, shape, survey
from lakehouse_assets.engine.deltalog import NO_VERSION, AddedFile
from lakehouse_assets.engine.positions import FOLD_APP, Cut, Folded, exists, files_between, folded
from lakehouse_assets.engine.raw import properties
from lakehouse_assets.engine.values import settings, suited
from lakehouse_assets.errors import EXIT_DATA, ConfigurationError, LakehouseError
from lakehouse_assets.keys import NO_KEYS, Keys
from lakehouse_assets.normalisation.protection import KEYS_SCHEMA, KEYS_VIEW, keys_row, needs_keys

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PROPERTIES = {
    "delta.checkpointInterval": "100",
    "delta.enableDeletionVectors": "false",  # measured: a MERGE of few changes is faster without
}
_MOST_FILES = 500  # of raw that are read by name; more are found by Spark
_NO_PARQUET_NAME = re.compile(r"[ ,;{}()\n\t=]")


@dataclass(frozen=True)
class FoldResult:
    """What one fold did: the positions it went from and to, rows by outcome, cells that could not be stored by column."""

    table: str
    before: int
    applied: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unreadable: int = 0
    unstorable: dict[str, int] = field(default_factory=dict)

    def after(self, first: FoldResult) -> FoldResult:
        """This fold and the one before it as one."""
        names = {*first.unstorable, *self.unstorable}
        return FoldResult(
            self.table, first.before, self.applied,
            first.inserted + self.inserted, first.updated + self.updated, first.deleted + self.deleted,
            first.unreadable + self.unreadable,
            {name: first.unstorable.get(name, 0) + self.unstorable.get(name, 0) for name in names},
        )  # fmt: skip


def create_transformed(
    spark: SparkSession,
    table: Table,
    path: Path,
    beside: Mapping[str, str] = META_COLUMNS,
    about: str = "",
) -> None:
    """Make an empty table of a table's lake columns, and those `beside` them, where there is none."""
    columns = [defined(table, c, "NOT NULL" if c.name in table.key else "") for c in table.lake_columns]
    columns += [f"{name} {kind}" for name, kind in beside.items()]
    # Mapped names cost every reader a little, so only where a name needs it.
    mapping = "name" if any(needs_mapping(c.name) for c in table.columns) else "none"
    kept = {"delta.columnMapping.mode": mapping, shape.SHAPE: built_table(table).to_json()}
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {sql.delta(path)} ({', '.join(columns)}) "
        f"USING delta COMMENT {sql.text(about or table.description)} TBLPROPERTIES ({properties(PROPERTIES | kept)})"
    )


def defined(table: Table, column: LakeColumn, constraint: str = "") -> str:
    """A column as CREATE and ALTER TABLE define it; its comment is the source's type."""
    comment = sql.text(table.column(column.source).type.text)
    return f"{sql.name(column.name)} {column.spark} {constraint} COMMENT {comment}"


def needs_mapping(name: str) -> bool:
    """Whether a column's name is none that Parquet files can have."""
    return bool(_NO_PARQUET_NAME.search(name))


def fold(
    spark: SparkSession,
    table: Table,
    paths: LakePaths,
    cut: Cut,
    keys: Keys = NO_KEYS,
    limits: brake.Limits = brake.USUAL,
) -> FoldResult:
    """Bring the transformed table of `table` to the cut; a no-op when it is there already.

    Raises LakehouseError when the table was built under other rules, or a key is missing; MassChange when it would
    delete or change more than `limits` say and a person has not allowed it.
    """
    path = paths.transformed(table.name)
    show_keys(spark, table, keys)
    if not exists(path):
        create_transformed(spark, table, path)
    require_same_rules(table, path)
    state, target = folded(paths, table.name), cut.position(table.name)
    if target <= state.applied:
        if target == state.applied:  # one that was broken off behind its commit has left this to do
            quarantine.reconcile(spark, table, _whole(paths, cut), paths, target, state.unstorable)
        return FoldResult(table.name, state.applied, state.applied)
    allowed = brake.allowed_through(paths, table.name)
    if target <= allowed:
        return _fold_to(spark, table, paths, cut, state, target, None)
    if allowed <= state.applied:
        return _fold_to(spark, table, paths, cut, state, target, limits)
    first = _fold_to(spark, table, paths, cut, state, allowed, None)
    return _fold_to(spark, table, paths, cut, folded(paths, table.name), target, limits).after(first)


def _fold_to(
    spark: SparkSession,
    table: Table,
    paths: LakePaths,
    cut: Cut,
    state: Folded,
    target: int,
    limits: brake.Limits | None,
) -> FoldResult:
    """Fold from where the table stands to a position of the cut."""
    path = paths.transformed(table.name)
    with reading_range(spark, table, path, paths, cut, state, target) as (raw, found, events, note):
        if limits is not None:
            brake.require_no_mass_change(spark, table, paths, raw, found, events, limits)
        metrics = commit(spark, merge(sql.delta(path), raw, table, events), target, note)
        unstorable = {*found.unstorable, *state.unstorable}
        quarantine.reconcile(spark, table, _whole(paths, cut), paths, target, unstorable)
    return FoldResult(
        table.name, state.applied, target, metrics["inserted"], metrics["updated"], metrics["deleted"],
        found.unreadable, found.unstorable,
    )  # fmt: skip


class ReadRange(NamedTuple):
    """Where a range of changes is read (SQL), what it holds, and the note of the commit that applies it."""

    raw: str
    found: survey.Survey
    events: FoldRange
    note: str


@contextmanager
def reading_range(
    spark: SparkSession, table: Table, path: Path, paths: LakePaths, cut: Cut, state: Folded, target: int
) -> Iterator[ReadRange]:
    """The changes from where the table at `path` stands to a position of the cut, and for the block the settings that
    applying them runs best with. LakehouseError when a key cannot be stored.
    """
    files = files_between(paths, table.name, state.raw_version, cut.version)
    rows = sum(file.rows for file in files) + deltalog.row_count(path)
    with settings(spark, suited(rows, judged=bool(table.judged_columns))):
        yield _read_range(spark, table, paths, cut, state, target, files)


def _read_range(
    spark: SparkSession, table: Table, paths: LakePaths, cut: Cut, state: Folded, target: int, files: Sequence[AddedFile]
) -> ReadRange:  # fmt: skip
    whole = _whole(paths, cut)
    near = _view(spark, table, paths, files) or whole
    found = survey.look(spark, near, table, state.applied, target)
    require_keys(table, found.unstorable)
    lsns = _streamed_lsns(files, state)
    replays = (lsns[0], state.max_lsn) if lsns and lsns[0] <= state.max_lsn else None
    # These are understood by what lies before the range.
    looks_back = bool(replays or found.truncates or found.moves) or found.finished_at is not None
    raw = whole if looks_back else near
    events = survey.fold_range(spark, raw, table, found, state.applied, target, replays)
    # One that stops short of the cut has not seen all of its raw version: the next one looks at the whole of raw.
    version = cut.version if target == cut.position(table.name) else NO_VERSION
    max_lsn = max(state.max_lsn, lsns[1] if lsns else -1)
    note = {"raw_version": version, "max_lsn": max_lsn, "unstorable": sorted(found.unstorable)}
    return ReadRange(raw, found, events, json.dumps(note))


def _whole(paths: LakePaths, cut: Cut) -> str:
    return f"{sql.delta(paths.raw)} VERSION AS OF {cut.version}"


def _view(spark: SparkSession, table: Table, paths: LakePaths, files: Sequence[AddedFile]) -> str:
    """A view of some files of raw; empty when they are many, or no longer there.

    To plan a read of the whole table costs as much as the rest of a small fold.
    """
    places = [paths.raw / file.path for file in files]
    if not 0 < len(places) <= _MOST_FILES or not all(place.exists() for place in places):
        return ""
    reader = spark.read.schema(RAW_COLUMNS).option("basePath", str(paths.raw))
    view = f"range_of_{table.name}"
    reader.parquet(*map(str, places)).createOrReplaceTempView(view)
    return sql.name(view)


def show_keys(spark: SparkSession, table: Table, keys: Keys) -> None:
    """Put the live keys where the statements of a table with protected columns look for them; ConfigurationError without one."""
    if not needs_keys(table.columns):
        return
    if keys.active is None:
        protected = ", ".join(f"{table.name}.{c.name} ({c.protect})" for c in table.columns if needs_keys((c,)))
        raise ConfigurationError(
            [f"no key for {protected}"],
            where="keys",
            next_step="lakehouse keys new, or set LAKEHOUSE_KEYS or LAKEHOUSE_KEYS_FILE",
        )
    row = keys_row({key.kid: key.key for key in keys.live})
    spark.createDataFrame([row], KEYS_SCHEMA).createOrReplaceTempView(KEYS_VIEW)


def require_same_rules(table: Table, path: Path) -> None:
    """A table that was built by other rules is not added to; LakehouseError (data)."""
    built = shape.built_at(table, path)
    if others := read_otherwise(table, built) if built else ():
        raise LakehouseError(
            f"the catalog reads {', '.join(others)} by other rules than the table was built with; nothing is folded",
            where=f"transformed.{table.name}",
            next_step=f"lakehouse rebuild {table.name}",
            exit_code=EXIT_DATA,
        )


def require_keys(table: Table, unstorable: dict[str, int]) -> None:
    """Without its key a row has no place in the table; to leave it out would be a loss without a sign."""
    for name in table.key:
        if name in unstorable:
            raise LakehouseError(
                f"{unstorable[name]} key values cannot be stored as {table.column(name).type.text}; nothing was folded",
                where=f"{table.name}.{name}",
                next_step="give the column the type it has in the source in the catalog, then build the table anew",
                exit_code=EXIT_DATA,
            )


def _streamed_lsns(range_files: Sequence[AddedFile], state: Folded) -> tuple[int, int] | None:
    """Lowest and highest LSN of the range's streamed events, from the files' statistics."""
    files = [
        file
        for file in range_files
        if file.partition["op"] not in ("snapshot", "unknown")
        and file.high["position"] > state.applied
        and "lsn" in file.low
    ]
    if not files:
        return None
    return min(file.low["lsn"] for file in files), max(file.high["lsn"] for file in files)


def replace_rows(rows: DataFrame, path: Path, note: Mapping[str, object]) -> None:
    """Put the rows in place of all that a table holds, columns too, in one commit with a note."""
    writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.option("userMetadata", json.dumps(note)).save(str(path))


def commit(spark: SparkSession, statement: str, target: int, note: str, app: str = FOLD_APP) -> dict[str, int]:
    """Run a MERGE whose commit carries the applied position, so that a retry or a second writer changes nothing."""
    options = {
        "spark.databricks.delta.write.txnAppId": app,
        "spark.databricks.delta.write.txnVersion": str(target),
        "spark.databricks.delta.commitInfo.userMetadata": note,
    }
    for key, value in options.items():
        spark.conf.set(key, value)
    try:
        row = spark.sql(statement).first()
    finally:
        for key in options:
            spark.conf.unset(key)
    counts = row.asDict() if row else {}
    return {
        "inserted": counts.get("num_inserted_rows") or 0,
        "updated": counts.get("num_updated_rows") or 0,
        "deleted": counts.get("num_deleted_rows") or 0,
    }
