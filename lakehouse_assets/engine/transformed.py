"""Folds raw into a transformed table: survey the range, MERGE it, and keep the applied position in the same commit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakeColumn, LakePaths
from lakehouse_assets.catalog.shape import built_table, read_otherwise
from lakehouse_assets.changelog.fold import META_COLUMNS
from lakehouse_assets.changelog.merge import merge
from lakehouse_assets.engine import quarantine, shape, survey
from lakehouse_assets.engine.positions import FOLD_APP, Cut, Folded, exists, files_between, folded
from lakehouse_assets.engine.raw import properties
from lakehouse_assets.engine.values import BY_OPERATOR, settings
from lakehouse_assets.errors import EXIT_DATA, ConfigurationError, LakehouseError
from lakehouse_assets.keys import NO_KEYS, Keys
from lakehouse_assets.normalisation.protection import KEYS_SCHEMA, KEYS_VIEW, keys_row, needs_keys

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROPERTIES = {
    "delta.checkpointInterval": "100",
    "delta.enableDeletionVectors": "false",  # measured: a MERGE of few changes is faster without
}
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


def create_transformed(spark: SparkSession, table: Table, path: Path, *, anew: bool = False) -> None:
    """Make the empty transformed table where there is none, or `anew`."""
    columns = [defined(table, c, "NOT NULL" if c.name in table.key else "") for c in table.lake_columns]
    columns += [f"{name} {kind}" for name, kind in META_COLUMNS.items()]
    # Mapped names cost every reader a little, so only where a name needs it.
    mapping = "name" if any(needs_mapping(c.name) for c in table.columns) else "none"
    kept = {"delta.columnMapping.mode": mapping, shape.SHAPE: built_table(table).to_json()}
    spark.sql(
        f"CREATE {'OR REPLACE TABLE' if anew else 'TABLE IF NOT EXISTS'} {sql.delta(path)} ({', '.join(columns)}) "
        f"USING delta COMMENT {sql.text(table.description)} TBLPROPERTIES ({properties(PROPERTIES | kept)})"
    )


def defined(table: Table, column: LakeColumn, constraint: str = "") -> str:
    """A column as CREATE and ALTER TABLE define it; its comment is the source's type."""
    comment = sql.text(table.column(column.source).type.text)
    return f"{sql.name(column.name)} {column.spark} {constraint} COMMENT {comment}"


def needs_mapping(name: str) -> bool:
    """Whether a column's name is none that Parquet files can have."""
    return bool(_NO_PARQUET_NAME.search(name))


def fold(spark: SparkSession, table: Table, paths: LakePaths, cut: Cut, keys: Keys = NO_KEYS) -> FoldResult:
    """Bring the transformed table of `table` to the cut; a no-op when it is there already.

    Raises LakehouseError when the table was built under other rules, or a key is missing.
    """
    path = paths.transformed(table.name)
    show_keys(spark, table, keys)
    if not exists(path):
        create_transformed(spark, table, path)
    _require_same_rules(table, paths)
    state, target = folded(paths, table.name), cut.position(table.name)
    if target <= state.applied:
        return FoldResult(table.name, state.applied, state.applied)
    raw = f"{sql.delta(paths.raw)} VERSION AS OF {cut.version}"
    found = survey.look(spark, raw, table, state.applied, target)
    require_keys(table, found.unstorable)
    lsns = _streamed_lsns(paths, table, state, cut)
    replays = (lsns[0], state.max_lsn) if lsns and lsns[0] <= state.max_lsn else None
    events = survey.fold_range(spark, raw, table, found, state.applied, target, replays)
    note = json.dumps({"raw_version": cut.version, "max_lsn": max(state.max_lsn, lsns[1] if lsns else -1)})
    with settings(spark, BY_OPERATOR if table.judged_columns else {}):
        metrics = commit(spark, merge(sql.delta(path), raw, table, events), target, note)
        quarantine.reconcile(spark, table, raw, paths, target, found.unstorable)
    return FoldResult(
        table.name, state.applied, target, metrics["inserted"], metrics["updated"], metrics["deleted"],
        found.unreadable, found.unstorable,
    )  # fmt: skip


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


def _require_same_rules(table: Table, paths: LakePaths) -> None:
    built = shape.built(table, paths)
    if others := read_otherwise(table, built) if built else ():
        raise LakehouseError(
            f"the catalog reads {', '.join(others)} by other rules than the table was built with; nothing was folded",
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


def _streamed_lsns(paths: LakePaths, table: Table, state: Folded, cut: Cut) -> tuple[int, int] | None:
    """Lowest and highest LSN of the range's streamed events, from the files' statistics."""
    files = [
        file
        for file in files_between(paths, table.name, state.raw_version, cut.version)
        if file.partition["op"] not in ("snapshot", "unknown")
        and file.high["position"] > state.applied
        and "lsn" in file.low
    ]
    if not files:
        return None
    return min(file.low["lsn"] for file in files), max(file.high["lsn"] for file in files)


def commit(spark: SparkSession, statement: str, target: int, note: str) -> dict[str, int]:
    """Run a MERGE whose commit carries the applied position, so that a retry or a second writer changes nothing."""
    options = {
        "spark.databricks.delta.write.txnAppId": FOLD_APP,
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
