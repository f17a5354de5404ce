"""A lake in a folder: changes are landed in raw by hand, one commit a batch for all tables, and folded by the engine."""

from __future__ import annotations

from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.envelope import RAW_PARTITIONS
from lakehouse_assets.engine import raw, transformed
from lakehouse_assets.engine.positions import Cut, newest_cut
from lakehouse_assets.engine.transformed import FoldResult
from lakehouse_assets_tests.changelog.histories import RAW_SCHEMA, raw_row
from lakehouse_assets_tests.changelog.oracle import Event

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def append(paths: LakePaths, rows: list[dict[str, Any]]) -> None:
    """Append rows to raw as one commit, without a JVM; raw is made where there is none."""
    made = pa.Table.from_pylist(rows, RAW_SCHEMA)
    write_deltalake(str(paths.raw), made, mode="append", partition_by=list(RAW_PARTITIONS))


class Lab:
    """The lake, with the raw table that the engine makes."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark
        self.paths = LakePaths(root)
        raw.create_raw(spark, self.paths.raw)

    def land(self, batch: dict[str, list[Event]], day: date = date(2026, 1, 31)) -> Cut:
        """Append the changes of a batch, by table, as one commit of raw; the cut it makes."""
        rows = [raw_row(event, table) | {"event_date": day} for table, events in batch.items() for event in events]
        append(self.paths, rows)
        return newest_cut(self.paths)

    def fold(self, table: Table, cut: Cut | None = None) -> FoldResult:
        """Fold a table to a cut, or to all there is."""
        return transformed.fold(self.spark, table, self.paths, cut or newest_cut(self.paths))

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """The rows of a transformed table as they are stored, in no order."""
        return DeltaTable(str(self.paths.transformed(table.name))).to_pyarrow_table().to_pylist()

    def state(self, table: Table) -> dict[tuple[Any, ...], tuple[dict[str, Any], int]]:
        """The rows as the oracle gives them: key values -> (row, position); a key that has two rows fails."""
        rows = self.rows(table)
        state = {
            tuple(r[k] for k in table.key): ({c.name: r[c.name] for c in table.columns}, r["_position"]) for r in rows
        }
        assert len(state) == len(rows), "a key has two rows"
        return state

    def version(self, table: Table) -> int:
        """The version of a transformed table."""
        return DeltaTable(str(self.paths.transformed(table.name))).version()


def utc(moment: Any) -> Any:
    """An instant in UTC."""
    return moment.astimezone(UTC)
