"""Folds with the product's SQL but without Delta: the changes of a range, applied to a dict as the MERGE applies them.

It makes many folds cheap. The MERGE itself is under test in engine/test_transformed.py, against the same oracle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from lakehouse_assets.catalog import Table
from lakehouse_assets.changelog.fold import FoldRange
from lakehouse_assets.changelog.merge import changes
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import survey
from lakehouse_assets_tests.changelog.histories import RAW_SCHEMA, TABLE, key_of, raw_row
from lakehouse_assets_tests.changelog.oracle import Event

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

State = dict[tuple[Any, ...], tuple[dict[str, Any], int]]  # key values -> (row, position)


@contextmanager
def interpreted(spark: SparkSession) -> Iterator[SparkSession]:
    """The session compiling nothing meanwhile: every fold has plans of its own, over a handful of rows."""
    options = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    for name, value in options.items():
        spark.conf.set(name, value)
    yield spark
    for name in options:
        spark.conf.unset(name)


def local_view(spark: SparkSession, name: str, rows: list[dict[str, Any]], schema: pa.Schema) -> str:
    """Rows as a view that is part of every plan which reads it: Spark works most of a statement out while it plans."""
    # With its schema: a remote session, which the mutants' tests have, infers none from a table without rows.
    spark.createDataFrame(pa.Table.from_pylist(rows, schema), from_arrow_schema(schema)).createOrReplaceTempView(name)
    return name


@dataclass
class PlainTable:
    """A transformed table as a dict, and how far it is folded."""

    spark: SparkSession
    table: Table = TABLE
    rows: State = field(default_factory=dict)
    applied: int = NOTHING
    max_lsn: int = -1

    def fold(self, events: list[Event], target: int) -> State:
        """Bring the table to `target`; `events` are all there are, from the first on."""
        raw, _, folded = self.read_range(events, target)
        self._merge([row.asDict() for row in self.spark.sql(changes(raw, self.table, folded)).collect()], folded)
        return dict(self.rows)

    def read_range(self, events: list[Event], target: int) -> tuple[str, survey.Survey, FoldRange]:
        """Raw as a relation, and the changes up to `target`, which count as applied from now on."""
        neighbour = Event(target, "insert", key_of(99), {"k": 99, "v": 9, "big": "x", "s": "s"}, None, None)
        rows = [*(raw_row(event, self.table.name) for event in events), raw_row(neighbour, "another_table")]
        raw = local_view(self.spark, "raw_so_far", rows, RAW_SCHEMA)
        lsns = [
            e.lsn for e in events if self.applied < e.position <= target and e.op != "snapshot" and e.lsn is not None
        ]
        replays = (min(lsns), self.max_lsn) if lsns and min(lsns) <= self.max_lsn else None
        found = survey.look(self.spark, raw, self.table, self.applied, target)
        folded = survey.fold_range(self.spark, raw, self.table, found, self.applied, target, replays)
        self.applied, self.max_lsn = target, max(self.max_lsn, *lsns, -1)
        return raw, found, folded

    def _merge(self, changed: list[dict[str, Any]], folded: FoldRange) -> None:
        by_key = {tuple(row[k] for k in self.table.key): row for row in changed}
        assert len(by_key) == len(changed), "a key has two rows: the MERGE would refuse them"
        oldest = folded.oldest_living
        for key, (_, position) in list(self.rows.items()):
            if key not in by_key and oldest is not None and position < oldest:
                del self.rows[key]
        for key, change in by_key.items():
            if change["_dead"]:
                self.rows.pop(key, None)
            else:
                self.rows[key] = (self._row(change, self.rows.get(key)), change["_position"])

    def _row(self, change: dict[str, Any], target: tuple[dict[str, Any], int] | None) -> dict[str, Any]:
        stays = target is not None and target[1] >= change["_floor"]
        return {
            c.name: target[0][c.name] if target and stays and change.get(f"_kept_{c.name}") else change[c.name]
            for c in self.table.columns
        }


def fold_in_batches(spark: SparkSession, events: list[Event], cuts: list[int], table: Table = TABLE) -> list[State]:
    """The table after each batch; `cuts` are the numbers of events after which a batch ends."""
    folded = PlainTable(spark, table)
    return [folded.fold(events, events[cut - 1].position) for cut in cuts]
