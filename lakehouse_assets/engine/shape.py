"""What a transformed table remembers of how it was built, in a property of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.evolution import as_built
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.shape import BuiltTable, built_table
from lakehouse_assets.changelog.position import epoch_of, position
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.positions import exists
from lakehouse_assets.engine.raw import properties
from lakehouse_assets.engine.reader import open_lake

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHAPE = "lakehouse.shape"


def built(table: Table, paths: LakePaths) -> BuiltTable | None:
    """How the table in the lake was built, None when there is none; one that does not say it was built as the catalog says."""
    return built_at(table, paths.transformed(table.name))


def built_at(table: Table, path: Path) -> BuiltTable | None:
    """`built` of a table kept elsewhere in the lake."""
    if not exists(path):
        return None
    kept = deltalog.properties(path).get(SHAPE)
    return BuiltTable.from_json(kept) if kept else built_table(table)


def known(table: Table, paths: LakePaths) -> Table:
    """The catalog's table with what the lake took from the source."""
    return as_built(table, built(table, paths))


def mark(spark: SparkSession, path: Path, shape: BuiltTable) -> None:
    """Keep how a table is built; nothing is written when it says so already."""
    kept = shape.to_json()
    if deltalog.properties(path).get(SHAPE) != kept:
        spark.sql(f"ALTER TABLE {sql.delta(path)} SET TBLPROPERTIES ({properties({SHAPE: kept})})")


def awaited(paths: LakePaths, table: str, shape: BuiltTable | None) -> dict[str, int]:
    """How many rows have to come again, by the column whose values the source changed without an event."""
    marked = {name: column.awaits for name, column in (shape.columns if shape else {}).items() if column.awaits}
    if not marked:
        return {}
    # An LSN says something about the epoch it was read in, and nothing about a later one.
    counts = [
        f"count(*) FILTER (WHERE _position <= {a.last} OR "
        f"(_position > {a.seen} AND _position < {position(epoch_of(a.seen) + 1, 0)} AND _lsn <= {a.lsn}))"
        for a in marked.values()
    ]
    with open_lake(paths, only=(f"transformed.{table}",)) as lake:
        (row,) = lake.query(f"SELECT {', '.join(counts)} FROM transformed.{table}").rows
    return dict(zip(marked, row, strict=True))
