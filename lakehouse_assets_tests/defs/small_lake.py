"""A small lake made without a JVM: real Delta logs, as the stream, the folds and the refined tables write them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.engine.positions import FOLD_APP, HISTORY_APP
from lakehouse_assets.engine.refined import statement_id

DAY = dt.date(2026, 3, 4)


def land(paths: LakePaths, table: str, offsets: range, op: str = "insert", day: dt.date = DAY) -> int:
    """Append raw rows as one commit; the new raw version."""
    n = len(offsets)
    rows = pa.table(
        {
            "table_name": pa.array([table] * n),
            "op": pa.array([op] * n),
            "event_date": pa.array([day] * n, pa.date32()),
            "position": pa.array(list(offsets), pa.int64()),
            "kafka_offset": pa.array(list(offsets), pa.int64()),
            "lsn": pa.array(list(offsets), pa.int64()),
        }
    )
    write_deltalake(str(paths.raw), rows, mode="append", partition_by=["table_name", "op", "event_date"])
    return DeltaTable(str(paths.raw)).version()


def apply(paths: LakePaths, table: str, position: int, raw_version: int = 0) -> None:
    """Commit to a transformed table as a fold does."""
    note = json.dumps({"raw_version": raw_version, "max_lsn": position})
    _commit(paths.transformed(table), {"userMetadata": note}, [Transaction(FOLD_APP, position)])


def tell(paths: LakePaths, table: str, position: int) -> None:
    """Commit to a history as telling it does."""
    _commit(paths.history(table), {}, [Transaction(HISTORY_APP, position)])


def compute(paths: LakePaths, table: RefinedTable, inputs: dict[str, int]) -> None:
    """Commit to a refined table as a computation does."""
    note = json.dumps({"inputs": inputs, "statement": statement_id(table)})
    _commit(paths.refined(table.name), {"userMetadata": note}, [])


def _commit(path: Path, metadata: dict[str, str], transactions: list[Transaction]) -> None:
    properties = CommitProperties(custom_metadata=metadata, app_transactions=transactions or None)
    write_deltalake(str(path), pa.table({"x": pa.array([1])}), mode="append", commit_properties=properties)
