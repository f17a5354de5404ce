"""Reads Debezium's envelope just enough to route a message into raw; the message itself is kept as it came.

A message that cannot be read gets op `unknown` and stops nothing. Source: DESIGN section 3, STACK
"What Debezium sends".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from lakehouse_assets import sql
from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.changelog.position import position


class Op(StrEnum):
    """What a change did; the values of raw's partition column `op`."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    SNAPSHOT = "snapshot"
    TRUNCATE = "truncate"
    UNKNOWN = "unknown"


DEBEZIUM_OPS = {"c": Op.INSERT, "u": Op.UPDATE, "d": Op.DELETE, "r": Op.SNAPSHOT, "t": Op.TRUNCATE}
BASE64_MARK = "base64:"  # before the bytes of a key or value that is no UTF-8

RAW_COLUMNS = """
    table_name STRING, op STRING, event_date DATE, position BIGINT, kafka_offset BIGINT,
    kafka_timestamp TIMESTAMP, topic STRING, key STRING, value STRING, lsn BIGINT, tx_id BIGINT,
    snapshot STRING, committed_at TIMESTAMP
"""
RAW_PARTITIONS = ("table_name", "op", "event_date")

_ENVELOPE = (
    "op STRING, after STRING, source STRUCT<schema: STRING, `table`: STRING, snapshot: STRING, "
    "txId: BIGINT, lsn: BIGINT, ts_us: BIGINT>"
)


def raw_query(catalog: Catalog, messages: str, epochs: Mapping[str, int] | None = None) -> str:
    """SQL from Kafka's columns (view `messages`: topic, key, value, offset, timestamp) to raw's columns.

    `epochs`: by table name, of the positions given; 0 where none is named.
    Tombstones (null values) are left out: Debezium is told not to write them.
    """
    table = " ".join(f"WHEN {sql.text(t.topic)} THEN {sql.text(t.name)}" for t in catalog.tables)
    source = " ".join(f"WHEN {sql.text(t.topic)} THEN {sql.text(t.source_name)}" for t in catalog.tables)
    keyed = " ".join(f"WHEN {sql.text(t.topic)} THEN {_has_key(t)}" for t in catalog.tables)
    starts = " ".join(
        f"WHEN {sql.text(t.topic)} THEN {position(epoch, 0)}L"
        for t in catalog.tables
        if (epoch := (epochs or {}).get(t.name))
    )
    start = f"CASE topic {starts} ELSE 0L END" if starts else "0L"
    return f"""
    WITH texts AS (
      SELECT topic, `offset`, timestamp, {_text("key")} AS key, {_text("value")} AS value
      FROM {messages} WHERE value IS NOT NULL
    ), parsed AS (
      SELECT *, json_object_keys(key) AS key_members,
             CASE WHEN {_one_object("value")} THEN from_json(value, {sql.text(_ENVELOPE)}) END AS e
      FROM texts
    )
    SELECT CASE topic {table} END AS table_name,
           {_op(f"CASE topic {source} END", f"CASE topic {keyed} END")} AS op,
           CAST(timestamp AS DATE) AS event_date,
           {start} + `offset` AS position,
           `offset` AS kafka_offset, timestamp AS kafka_timestamp, topic, key, value,
           e.source.lsn AS lsn, e.source.txId AS tx_id, e.source.snapshot AS snapshot,
           timestamp_micros(e.source.ts_us) AS committed_at
    FROM parsed
    """


def _text(column: str) -> str:
    return f"coalesce(try_validate_utf8(CAST({column} AS STRING)), concat('{BASE64_MARK}', base64({column})))"


def _one_object(text: str) -> str:
    """Whether a text is one JSON object: `from_json` reads the first of several and overlooks what follows."""
    return f"{text} LIKE '{{%' AND json_array_length(concat('[', {text}, ']')) = 1"


def _has_key(table: Table) -> str:
    return " AND ".join(f"array_contains(key_members, {sql.text(name)})" for name in table.key)


def _op(expected_table: str, has_key: str) -> str:
    """The op, or `unknown` when the message lacks what its operation needs."""
    codes = " ".join(f"WHEN '{code}' THEN '{op}'" for code, op in DEBEZIUM_OPS.items())
    return f"""
      CASE WHEN concat(e.source.schema, '.', e.source.`table`) <=> {expected_table}
            AND (e.op = 't' OR coalesce({has_key}, false))
            AND (e.op IN ('d', 't') OR e.after LIKE '{{%')
           THEN CASE e.op {codes} ELSE '{Op.UNKNOWN}' END
           ELSE '{Op.UNKNOWN}' END
    """
