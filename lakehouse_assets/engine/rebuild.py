"""Folds a table from raw alone: in place by the rules of now, or beside the lake as it was at any moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import META_COLUMNS, LakePaths
from lakehouse_assets.catalog.shape import BuiltTable, built_table
from lakehouse_assets.changelog.merge import changes, same_key
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog, quarantine, shape, survey
from lakehouse_assets.engine.deltalog import NO_VERSION
from lakehouse_assets.engine.positions import REBUILD_APP, exists, files_between, folded, newest_cut
from lakehouse_assets.engine.transformed import replace_rows, require_keys, require_same_rules, show_keys
from lakehouse_assets.engine.values import settings, suited
from lakehouse_assets.engine.versions import rebuild_history
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.keys import NO_KEYS, Keys

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PASSES = 20  # that find the table further than they began, before a person is asked to stop its folds


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did: rows before and after, and how many cells of which column went from which status to which."""

    table: str
    position: int
    rows_before: int
    rows_after: int
    changed: dict[tuple[str, str, str], int]


@dataclass(frozen=True)
class _Source:
    """The raw table at a version, the SQL of a table's rows folded from it, and the typed columns with odd cells.

    `suited`: the settings that a statement over all of it runs best with.
    """

    raw: str
    rows: str
    unstorable: tuple[str, ...]
    suited: dict[str, str]


def rebuild(
    spark: SparkSession, table: Table, paths: LakePaths, keys: Keys = NO_KEYS, only: str | None = None
) -> Rebuilt:
    """Fold a table anew, by the rules of now, to the position it stands at; replaced in one commit.

    What the lake took from the source stays. `only`: a judged column, when nothing but its cells may change.
    """
    return refold(spark, shape.known(table, paths), paths, keys, only)


def refold(
    spark: SparkSession, table: Table, paths: LakePaths, keys: Keys = NO_KEYS, only: str | None = None
) -> Rebuilt:
    """`rebuild`, with exactly the columns of `table`."""
    path, built = paths.transformed(table.name), shape.built(table, paths)
    overtaken = False
    for passes in count():
        if passes == _PASSES and not overtaken:
            raise LakehouseError(
                f"its folds were faster {_PASSES} times", where=f"transformed.{table.name}",
                next_step="stop the sensor `arrivals` on Dagster's page, then tell it again",
            )  # fmt: skip
        state = folded(paths, table.name)
        if state.applied == NOTHING:
            raise LakehouseError(
                "nothing was folded yet", where=f"transformed.{table.name}", next_step="lakehouse sync"
            )
        source = _from_raw(spark, table, paths, keys, state.applied, state.raw_version)
        if folded(paths, table.name).applied != state.applied:
            continue  # a fold was faster: its rows are not replaced by older ones
        before = deltalog.newest_version(path)
        with settings(spark, source.suited | _as_rebuild(before + 1)):
            committed = _commit(spark, table, path, source.rows, state.applied, only)
        if committed and folded(paths, table.name).applied == state.applied:
            break
        # One that was faster still has added what is not in these rows: once more, from where it stands now.
        overtaken = overtaken or committed
    after = deltalog.newest_version(path)
    with settings(spark, source.suited):
        shape.mark(spark, path, _built_now(table, built, only))
        quarantine.reconcile(spark, table, source.raw, paths, state.applied, source.unstorable)
        quarantine.hide(spark, table, paths)
    rebuild_history(spark, table, paths, keys)
    with settings(spark, source.suited):
        return _rebuilt(spark, table, path, state.applied, before, after)


def _commit(spark: SparkSession, table: Table, path: Path, rows: str, applied: int, only: str | None) -> bool:
    """Put the rows, or the cells of one column, in place; False when another writer's commit came in between."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        if only is None:
            replace_rows(spark.sql(rows), path, {"rebuilt_to": applied})
        else:
            _update_column(spark, table, path, rows, only)
    except (PySparkException, Py4JError) as error:
        if "DELTA_CONCURRENT" not in str(error):
            raise
        return False
    return True


def _as_rebuild(version: int) -> dict[str, str]:
    """Settings that mark a commit as a rebuild, so that what was computed from the rows before it is seen to be old."""
    return {
        "spark.databricks.delta.write.txnAppId": REBUILD_APP,
        "spark.databricks.delta.write.txnVersion": str(version),
    }


def rebuild_into(
    spark: SparkSession,
    table: Table,
    paths: LakePaths,
    into: Path,
    keys: Keys = NO_KEYS,
    as_of: int | datetime | None = None,
) -> Rebuilt:
    """Write what a table was at a position or a commit time (None: now) to a Delta table of its own, from raw alone.

    Raises LakehouseError (usage) when `into` holds something, or raw nothing that old.
    """
    if into.exists() and any(into.iterdir()):
        raise LakehouseError("is not empty", where=str(into), next_step="choose a new folder", exit_code=EXIT_USAGE)
    table, cut = shape.known(table, paths), newest_cut(paths)
    target = position_at(spark, table, paths, as_of)
    source = _from_raw(spark, table, paths, keys, target, cut.version)
    with settings(spark, source.suited):
        replace_rows(spark.sql(source.rows), into, {"table": table.name, "as_of_position": target})
        shape.mark(spark, into, built_table(table))
    return Rebuilt(table.name, target, 0, _count(spark, sql.delta(into)), {})


def position_at(spark: SparkSession, table: Table, paths: LakePaths, as_of: int | datetime | None) -> int:
    """The last position of a table at a moment: at most the one given, or committed by then."""
    moment = ""
    if isinstance(as_of, datetime):
        moment = f" AND committed_at <= TIMESTAMP {sql.text(as_of.isoformat())}"
    elif as_of is not None:
        moment = f" AND position <= {as_of}"
    found = (
        spark.sql(
            f"SELECT max(position) AS p FROM {sql.delta(paths.raw)} WHERE table_name = {sql.text(table.name)}{moment}"
        ).first()
        if exists(paths.raw)
        else None
    )
    if found is None or found.p is None:
        raise LakehouseError(
            "raw holds no change that old" if moment else "raw holds no change", where=table.name,
            next_step=f"lakehouse query \"SELECT min(position), min(committed_at) FROM raw WHERE table_name = '{table.name}'\"",
            exit_code=EXIT_USAGE,
        )  # fmt: skip
    return found.p


def differing(spark: SparkSession, table: Table, paths: LakePaths, keys: Keys = NO_KEYS) -> int:
    """How many rows of a transformed table are not what raw alone gives at its position; 0 proves the fold.

    The table is read at one version, so that a fold may go on meanwhile. LakehouseError when its rules are others.
    """
    path = paths.transformed(table.name)
    table = shape.known(table, paths)
    require_same_rules(table, path)
    version = deltalog.newest_version(path)
    state = folded(paths, table.name, version)
    source = _from_raw(spark, table, paths, keys, state.applied, state.raw_version)
    columns = ", ".join([*(sql.name(c.name) for c in table.lake_columns), "_position"])
    lake = f"SELECT {columns} FROM {sql.delta(path)} VERSION AS OF {version}"
    again = f"SELECT {columns} FROM ({source.rows})"
    with settings(spark, source.suited):
        row = spark.sql(f"SELECT count(*) AS n FROM {sql.only_in_one(lake, again)}").first()
    return row.n if row else 0


def _from_raw(spark: SparkSession, table: Table, paths: LakePaths, keys: Keys, target: int, version: int) -> _Source:
    show_keys(spark, table, keys)
    raw = f"{sql.delta(paths.raw)} VERSION AS OF {newest_cut(paths).version if version < 0 else version}"
    rows = sum(file.rows for file in files_between(paths, table.name, NO_VERSION, newest_cut(paths).version))
    best = suited(rows, judged=True)
    with settings(spark, best):
        found = survey.look(spark, raw, table, NOTHING, target)
        require_keys(table, found.unstorable)
        events = survey.fold_range(spark, raw, table, found, NOTHING, target, None)
    names = [sql.name(c.name) for c in table.lake_columns] + list(META_COLUMNS)
    folded_rows = f"SELECT {', '.join(names)} FROM ({changes(raw, table, events)}) WHERE NOT _dead"
    return _Source(raw, folded_rows, tuple(found.unstorable), best)


def _built_now(table: Table, before: BuiltTable | None, only: str | None) -> BuiltTable:
    now = built_table(table, before)
    return (
        now if only is None or before is None else replace(before, columns={**before.columns, only: now.columns[only]})
    )


def _count(spark: SparkSession, relation: str) -> int:
    return spark.sql(f"SELECT count(*) AS n FROM {relation}").collect()[0].n


def _update_column(spark: SparkSession, table: Table, path: Path, rows: str, only: str) -> None:
    columns = [sql.name(c.name) for c in table.column(only).lake_columns]
    differ = " OR ".join(f"NOT (t.{c} <=> s.{c})" for c in columns)
    spark.sql(
        f"MERGE INTO {sql.delta(path)} t USING ({rows}) s ON {same_key(table)} "
        f"WHEN MATCHED AND ({differ}) THEN UPDATE SET {', '.join(f't.{c} = s.{c}' for c in columns)}"
    )


def _rebuilt(spark: SparkSession, table: Table, path: Path, applied: int, before: int, after: int) -> Rebuilt:
    """Both versions side by side: counts, and the cells whose value or status are others."""
    old, new = (f"{sql.delta(path)} VERSION AS OF {version}" for version in (before, after))
    had = set(spark.sql(f"SELECT * FROM {old} LIMIT 0").columns)
    on = " AND ".join(f"o.{sql.name(k)} = n.{sql.name(k)}" for k in table.key)
    changed: dict[tuple[str, str, str], int] = {}
    for column in table.judged_columns:
        name, status = sql.name(column.name), sql.name(f"{column.name}__status")
        was = f"o.{status}" if f"{column.name}__status" in had else "'text'"
        differs = f"{was} <> n.{status} OR NOT (CAST(o.{name} AS string) <=> CAST(n.{name} AS string))"
        for row in spark.sql(
            f"SELECT {was} AS was, n.{status} AS now, count(*) AS cells FROM {old} o JOIN {new} n ON {on} "
            f"WHERE {differs} GROUP BY ALL"
        ).collect():
            changed[column.name, row.was, row.now] = row.cells
    return Rebuilt(table.name, applied, _count(spark, old), _count(spark, new), changed)
