"""Asks a running connector for rows it has sent before: a snapshot of some rows, or of whole tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LAKEHOUSE_SCHEMA, SIGNAL_TABLE, identifier
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack.connections import Connections

_T = TypeVar("_T")
_SIGNAL_LENGTH = 2048  # characters that the signal table's column holds


class Kind(StrEnum):
    """How a snapshot is taken: beside the stream, as plain upserts, or by holding the stream, as a generation."""

    INCREMENTAL = "INCREMENTAL"
    BLOCKING = "BLOCKING"


def ask_snapshot(links: Connections, tables: Sequence[Table], kind: Kind) -> None:
    """Ask for every row of the tables, in as many signals as their names need."""
    _ask(links, tables, lambda some: _request(some, kind))


def ask_rows(links: Connections, table: Table, keys: Sequence[Sequence[str]]) -> None:
    """Ask for the rows with these keys, given as texts, in as many signals as their length needs."""

    def request(some: Sequence[Sequence[str]]) -> str:
        condition = {"data-collection": table.source_name, "filter": has_key(table, some)}
        return _request([table], Kind.INCREMENTAL, [condition])

    _ask(links, keys, request)


def _ask(links: Connections, parts: Sequence[_T], request: Callable[[Sequence[_T]], str]) -> None:
    """One signal for all parts, or, where it would be too long, for each half of them."""
    data = request(parts)
    if len(data) > _SIGNAL_LENGTH and len(parts) > 1:
        half = len(parts) // 2
        _ask(links, parts[:half], request)
        _ask(links, parts[half:], request)
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
    """SQL that is true for the rows with these keys, given as texts, which PostgreSQL takes for the types of the columns."""
    return " OR ".join(
        "("
        + " AND ".join(
            f"{identifier(column.name)} = {_text(part)}"
            for column, part in zip(table.key_columns, key, strict=True)
            if part is not None
        )
        + ")"
        for key in keys
    )


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
