"""Asks a running connector for rows it has sent before: a snapshot of some rows, or of whole tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LAKEHOUSE_SCHEMA, SIGNAL_TABLE
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack.connections import Connections


class Kind(StrEnum):
    """How a snapshot is taken: beside the stream, as plain upserts, or by holding the stream, as a generation."""

    INCREMENTAL = "INCREMENTAL"
    BLOCKING = "BLOCKING"


def ask_snapshot(
    links: Connections, tables: Sequence[Table], kind: Kind, conditions: Mapping[str, str] | None = None
) -> None:
    """Write the signal. `conditions` of an incremental one: by table name, SQL over its columns that the rows must meet."""
    data: dict[str, object] = {"data-collections": [table.source_name for table in tables], "type": kind}
    if conditions:
        data["additional-conditions"] = [
            {"data-collection": table.source_name, "filter": conditions[table.name]}
            for table in tables
            if table.name in conditions
        ]
    statement = f"insert into {LAKEHOUSE_SCHEMA}.{SIGNAL_TABLE} (id, type, data) values (%s, 'execute-snapshot', %s)"
    postgres_gateway.execute(links.checking_dsn, statement, [uuid.uuid4().hex, json.dumps(data)])


def has_key(table: Table, keys: Sequence[Sequence[str | None]]) -> str:
    """SQL that is true for the rows with these keys, given as texts."""
    return " OR ".join(
        "("
        + " AND ".join(
            f"{_name(column.name)} = {_text(part)}::{column.type.text}"
            for column, part in zip(table.key_columns, key, strict=True)
            if part is not None
        )
        + ")"
        for key in keys
    )


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
