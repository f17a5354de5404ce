"""Brings a transformed table's columns to what the source has now, as far as its policy lets it, before it is folded."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.drift import Difference, difference, halting, remedy, sentence
from lakehouse_assets.catalog.evolution import as_built, following, next_built
from lakehouse_assets.catalog.model import RETYPED, LakePaths
from lakehouse_assets.catalog.shape import BuiltTable, SourceShape, read_otherwise
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog, shape
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.rebuild import refold
from lakehouse_assets.engine.transformed import create_transformed, defined, needs_mapping
from lakehouse_assets.errors import EXIT_DATA, LakehouseError
from lakehouse_assets.keys import NO_KEYS, Keys

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def differences(table: Table, paths: LakePaths, source: SourceShape | None) -> tuple[Difference, ...]:
    """What of a table differs now between catalog, source (None: not known) and lake."""
    built = shape.built(table, paths)
    return difference(table, source, built, shape.awaited(paths, table.name, built))


def evolved(
    spark: SparkSession, table: Table, paths: LakePaths, source: SourceShape | None, keys: Keys = NO_KEYS
) -> Table:
    """The table to fold. Columns that are new are added to the lake's; a type that grew, or a new column that changes
    folded before have already, is folded from raw.

    `source` must be read after the cut that is folded to: then no change is of a later shape. None: it is not known, and
    the lake's shape stays. Raises LakehouseError when the key changed, or when the table's policy is to fail.
    """
    built = shape.built(table, paths)
    _require_foldable(table, difference(table, source, built))
    known, wanted = as_built(table, built), following(table, source, built)
    if built is None:
        return wanted  # the fold makes it
    # A key that catalog and source agree on is taken over; what the catalog reads otherwise is for a person to rebuild.
    agreed = built.keyed_by(table) if source is not None and source.exists else built
    if any(name in built.columns for name in read_otherwise(known, agreed)):
        return wanted
    state, path = folded(paths, table.name), paths.transformed(table.name)
    applied, built = state.applied, _without_arrived(built, shape.awaited(paths, table.name, built), state.max_lsn)
    new = tuple(column.name for column in wanted.columns if column.name not in built.columns)
    lacking: dict[str, int] = {}
    if applied == NOTHING:
        if new or _grown(wanted, known):
            # It holds no row, and Delta makes no other table over one that is there.
            shutil.rmtree(path)
            create_transformed(spark, wanted, path)
    else:
        _allow_names(spark, path, new)
        carried, lacking = _in_messages(spark, table, paths, new, applied)
        if carried or _grown(wanted, known):
            refold(spark, wanted, paths, keys)
        else:
            _add(spark, wanted, path)
    after = next_built(wanted, source, built, applied, lacking)
    shape.mark(spark, path, after)
    _mark_dropped(spark, wanted, path, built, after)
    return wanted


def _without_arrived(built: BuiltTable, awaited: Mapping[str, int], max_lsn: int) -> BuiltTable:
    """Without the marks of rows that have all come: none is left, and none can still be on its way."""
    columns = {
        name: replace(c, awaits=None) if c.awaits and not awaited[name] and max_lsn > c.awaits.lsn else c
        for name, c in built.columns.items()
    }
    return replace(built, columns=columns)


def _require_foldable(table: Table, found: tuple[Difference, ...]) -> None:
    if stopping := halting(table, found):
        raise LakehouseError(
            f"{'; '.join(sentence(table, one) for one in stopping)}; nothing was folded",
            where=f"transformed.{table.name}",
            next_step=f"lakehouse plan; {remedy(table, stopping[0])}",
            exit_code=EXIT_DATA,
        )


def _grown(wanted: Table, known: Table) -> bool:
    """Whether cells that were folded before are others now: of another type, or readable again."""
    before = {column.name: column for column in known.columns}
    pairs = [(before[column.name], column) for column in wanted.columns if column.name in before]
    return any(
        was.value_type != now.value_type or (was.encoding == RETYPED and now.encoding != RETYPED) for was, now in pairs
    )


def _in_messages(
    spark: SparkSession, table: Table, paths: LakePaths, columns: tuple[str, ...], applied: int
) -> tuple[set[str], dict[str, int]]:
    """Which columns have a value in a message folded before, and of each the newest position whose message lacks it."""
    if not columns:
        return set(), {}
    members = "json_object_keys(get_json_object(value, '$.after'))"
    after = sql.struct_of_texts(columns)
    looked = [
        f"count(after.{sql.name(c)}) AS v{i}, max(position) FILTER (WHERE NOT array_contains(members, {sql.text(c)})) AS p{i}"
        for i, c in enumerate(columns)
    ]
    row = spark.sql(f"""
      SELECT {", ".join(looked)} FROM (
        SELECT position, {members} AS members, from_json(value, {sql.text(f"struct<after: {after}>")}).after AS after
        FROM {sql.delta(paths.raw)} WHERE table_name = {sql.text(table.name)} AND position <= {applied}
          AND op IN ('{Op.INSERT}', '{Op.UPDATE}', '{Op.SNAPSHOT}')
      )
    """).collect()[0]
    carried = {c for i, c in enumerate(columns) if row[f"v{i}"]}
    return carried, {c: row[f"p{i}"] for i, c in enumerate(columns) if row[f"p{i}"] is not None}


def _allow_names(spark: SparkSession, path: Path, new: tuple[str, ...]) -> None:
    if any(needs_mapping(name) for name in new):
        spark.sql(f"ALTER TABLE {sql.delta(path)} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")


def _add(spark: SparkSession, table: Table, path: Path) -> None:
    """Add the columns that the lake's table does not have, NULL in every row."""
    there = deltalog.columns(path)
    if missing := [defined(table, column) for column in table.lake_columns if column.name not in there]:
        spark.sql(f"ALTER TABLE {sql.delta(path)} ADD COLUMNS ({', '.join(missing)})")


def _mark_dropped(spark: SparkSession, table: Table, path: Path, before: BuiltTable, after: BuiltTable) -> None:
    """Say in a column's comment, where every reader of the lake sees it, whether the source still has it."""
    was = {name: column.dropped for name, column in before.columns.items()}
    for column in table.lake_columns:
        now = after.columns[column.source]
        if now.dropped != was.get(column.source, False):
            comment = f"{now.type}; dropped at the source" if now.dropped else now.type
            spark.sql(f"ALTER TABLE {sql.delta(path)} ALTER COLUMN {sql.name(column.name)} COMMENT {sql.text(comment)}")
