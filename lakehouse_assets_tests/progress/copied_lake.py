"""A lake made by hand of what a real PostgreSQL holds, without Kafka and Spark: rows copied, changes landed in raw.

It is an independent statement of what the lake should hold: values are read as the server prints them and turned into
Python's, those that the lake cannot hold into None.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from lakehouse_assets.catalog import Column, Kind, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.positions import FOLD_APP
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.engine.lab import append

_INTEGERS = {"smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64()}
_OTHERS = {
    Kind.BOOLEAN: pa.bool_(), Kind.DATE: pa.date32(), Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.TIMESTAMP_TZ: pa.timestamp("us", "UTC"), Kind.TIME: pa.string(), Kind.TEXT: pa.string(), Kind.BITS: pa.string(),
}  # fmt: skip


def schema(table: Table) -> pa.Schema:
    """The columns of a transformed table, without those the platform adds but one."""
    return pa.schema([*((c.name, _arrow(c)) for c in table.columns), ("_position", pa.int64())])


def copy(dsn: str, table: Table, paths: LakePaths, position: int = 0) -> None:
    """Make the transformed table hold what the source holds now, as a fold up to `position` would."""
    columns = ", ".join(_printed(c) for c in table.columns)
    texts = postgres.execute(
        dsn, f"set datestyle = 'ISO'; set time zone 'UTC'; select {columns} from {table.source_name}"
    )
    rows = [
        {c.name: value(c, text) for c, text in zip(table.columns, row, strict=True)} | {"_position": position}
        for row in texts
    ]
    write(table, paths, rows, position)


def write(table: Table, paths: LakePaths, rows: list[dict[str, Any]], position: int = 0) -> None:
    """Replace a transformed table's rows in one commit of a fold."""
    properties = CommitProperties(
        custom_metadata={"userMetadata": json.dumps({"raw_version": 0, "max_lsn": 0})},
        app_transactions=[Transaction(FOLD_APP, position)],
    )
    data = pa.Table.from_pylist(rows, schema(table))
    write_deltalake(str(paths.transformed(table.name)), data, mode="overwrite", commit_properties=properties)


def rows(table: Table, paths: LakePaths) -> list[dict[str, Any]]:
    """The rows of a transformed table as they are stored."""
    return DeltaTable(str(paths.transformed(table.name))).to_pyarrow_table().to_pylist()


def land(paths: LakePaths, table: Table, *changes: dict[str, Any]) -> None:
    """Append changes to raw as one commit; `key` is the key as Debezium writes it, the rest is filled in."""
    fill = {
        "table_name": table.name, "event_date": date(2026, 1, 31), "topic": table.topic, "value": "{}",
        "snapshot": "false", "op": "update",
    }  # fmt: skip
    landed = [fill | change | {"key": json.dumps(change["key"]) if change.get("key") else None} for change in changes]
    append(paths, landed)


def value(column: Column, text: str | None) -> Any:
    """What the lake should hold for a value that the source prints so."""
    if text is None or column.type.kind in (Kind.TIME, Kind.TEXT, Kind.BITS):
        return text
    return _READERS[column.type.kind](column, text)


def _printed(column: Column) -> str:
    if column.type.text.startswith("char("):  # a cast to text would cut the blanks at its end
        return f"""case when "{column.name}" is not null then format('%s', "{column.name}") end"""
    return f'"{column.name}"::text'


def _decimal(column: Column, text: str) -> Decimal | None:
    precision, scale = column.type.decimal
    number = Decimal(text)
    if not number.is_finite() or number.copy_abs() >= Decimal(10) ** (precision - scale):
        return None
    fraction = text.partition(".")[2].rstrip("0")
    return number if len(fraction) <= scale else None


def _day(_: Column, text: str) -> date | None:
    return date.fromisoformat(text) if _in_calendar(text) else None


def _instant(column: Column, text: str) -> datetime | None:
    if not _in_calendar(text):
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if column.type.kind is Kind.TIMESTAMP_TZ else moment


def _in_calendar(text: str) -> bool:
    return not text.endswith(("infinity", "BC")) and text.index("-") == 4


_READERS = {
    Kind.INTEGER: lambda _, text: int(text), Kind.FLOAT: lambda _, text: float(text), Kind.BOOLEAN: lambda _, t: t == "true",
    Kind.DECIMAL: _decimal, Kind.DATE: _day, Kind.TIMESTAMP: _instant, Kind.TIMESTAMP_TZ: _instant,
}  # fmt: skip


def _arrow(column: Column) -> pa.DataType:
    kind = column.type.kind
    if kind is Kind.INTEGER:
        return _INTEGERS[column.type.text]
    if kind is Kind.FLOAT:
        return pa.float32() if column.type.text == "real" else pa.float64()
    return pa.decimal128(*column.type.decimal) if kind is Kind.DECIMAL else _OTHERS[kind]
