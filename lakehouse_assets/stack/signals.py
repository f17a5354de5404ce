"""Asks a running connector for rows it has sent before: a snapshot of some rows, or of whole tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LAKEHOUSE_SCHEMA, SIGNAL_TABLE, identifier
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack.connections import Connections

_SIGNAL_LENGTH = 2048  # characters that the signal table's column holds


class Kind(StrEnum):
    """How a snapshot is taken: beside the stream, as plain upserts, or by holding the stream, as a generation."""

    INCREMENTAL = "INCREMENTAL"
    BLOCKING = "BLOCKING"


def ask_snapshot(links: Connections, tables: Sequence[Table], kind: Kind) -> None:
    """Ask for every row of the tables, in as many signals as their names need."""
    data = _request(tables, kind)
    if len(data) > _SIGNAL_LENGTH and len(tables) > 1:
        half = len(tables) // 2
        ask_snapshot(links, tables[:half], kind)
        ask_snapshot(links, tables[half:], kind)
    else:
        _signal(links, data)


def ask_rows(links: Connections, table: Table, keys: Sequence[Sequence[str]]) -> None:
    """Ask for the rows with these keys, given as texts, in as many signals as their length needs."""
    data = _request([table], Kind.INCREMENTAL, [{"data-collection": table.source_name, "filter": has_key(table, keys)}])
    if len(data) > _SIGNAL_LENGTH and len(keys) > 1:
        half = len(keys) // 2
        ask_rows(links, table, keys[:half])
        ask_rows(links, table, keys[half:])
    else:
        _signal(links, data)


def _request(tables: Sequence[Table], kind: Kind, conditions: Sequence[Mapping[str, str]] = ()) -> str:
    data: dict[str, object] = {"data-collections": [table.source_name for table in tables], "type": kind}
    if conditions:
        data["additional-conditions"] = conditions
    return json.dumps(data, ensure_ascii=False)


def _signal(links: Connections, data: str) -> None:
    statement = f"insert into {LAKEHOUSE_SCHEMA}.{SIGNAL_TABLE} (id, type, data) values (%s, 'execute-snapshot', %s)"
    postgres_gateway.execute(links.checking_dsn, statement, [uuid.uuid4().hex, data])


def has_key(table: Table, keys: Sequence[Sequence[str | None]]) -> str:
    """SQL that is true for the rows with these keys, given as texts."""
    return " OR ".join(
        "("
        + " AND ".join(
            f"{identifier(column.name)} = {_text(part)}::{column.type.text}"
            for column, part in zip(table.key_columns, key, strict=True)
            if part is not None
        )
        + ")"
        for key in keys
    )


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
