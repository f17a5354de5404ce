"""Keeps the history of a table (SCD2) up with its transformed table; the position it is told to is in the same commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import VERSION_COLUMNS, LakePaths
from lakehouse_assets.catalog.shape import built_table, read_otherwise
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.changelog.versions import merge, versions
from lakehouse_assets.engine import shape, survey
from lakehouse_assets.engine.positions import (
    HISTORY_APP,
    NEVER_FOLDED,
    Cut,
    exists,
    folded,
    newest_cut,
    told,
)
from lakehouse_assets.engine.transformed import (
    commit,
    create_transformed,
    reading_range,
    replace_rows,
    require_same_rules,
    show_keys,
)
from lakehouse_assets.keys import NO_KEYS, Keys

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Told:
    """What was added to a history: the positions it went from and to, versions begun and ended."""

    before: int
    applied: int
    begun: int = 0
    ended: int = 0


def tell(spark: SparkSession, table: Table, paths: LakePaths, cut: Cut, keys: Keys = NO_KEYS) -> Told:
    """Bring the history of `table` to where its transformed table stands; a no-op when it is there already.

    Columns that transformed took from the source since are told of from the beginning. Raises LakehouseError when
    transformed was built under other rules, or a key is missing.
    """
    path, table = paths.history(table.name), shape.known(table, paths)
    require_same_rules(table, paths.transformed(table.name))
    show_keys(spark, table, keys)
    if not exists(path):
        create_transformed(
            spark, table, path, VERSION_COLUMNS, f"Every version of the rows of {table.name}: {table.description}"
        )
    built = shape.built_at(table, path)
    if built and read_otherwise(table, built):
        rebuild_history(spark, table, paths, keys)
    state, target = told(paths, table.name), folded(paths, table.name).applied
    if target <= state.applied:
        return Told(state.applied, state.applied)
    with reading_range(spark, table, path, paths, cut, state, target) as (raw, found, events, note):
        ends = survey.ends(spark, raw, table, found, events)
        counts = commit(spark, merge(sql.delta(path), raw, table, events, ends), target, note, HISTORY_APP)
    return Told(state.applied, target, counts["inserted"], counts["updated"])


def rebuild_history(spark: SparkSession, table: Table, paths: LakePaths, keys: Keys = NO_KEYS) -> None:
    """Tell a history anew from raw, by the rules of now, to the position it stands at; replaced in one commit.

    A table without one is left as it is.
    """
    path, applied = paths.history(table.name), told(paths, table.name).applied
    if applied == NOTHING:
        return
    show_keys(spark, table, keys)
    cut, nothing = newest_cut(paths), f"(SELECT * FROM {sql.delta(path)} WHERE false)"
    with reading_range(spark, table, path, paths, cut, NEVER_FOLDED, applied) as (raw, found, events, _):
        rows = versions(nothing, raw, table, events, survey.ends(spark, raw, table, found, events))
        replace_rows(spark.sql(rows), path, {"rebuilt_to": applied})
    shape.mark(spark, path, built_table(table))
