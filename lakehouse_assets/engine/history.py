"""Every message of one key in raw, and the rows that transformed holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lakehouse_assets.catalog import Column, Kind
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.generations import FIRST, LAST
from lakehouse_assets.engine import canonical
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.proof import Comparison, Key, Row
from lakehouse_assets.proof.fates import Told

_TOLD = "position, op, lsn, tx_id, snapshot, key"


@dataclass(frozen=True)
class Message:
    """An event with what raw knows around it; `values` are the compared columns' texts as they came.

    `moved` is the key (a message's text) that the row moved to or came from, when its key was changed.
    """

    told: Told
    committed_at: datetime | None
    file: str
    moved: str | None
    values: Row


def key_of(lake: LakeReader, comparison: Comparison, parts: Sequence[str]) -> Key:
    """The canonical texts of a key that a person typed; LakehouseError (usage) when it is none of the table."""
    names = ", ".join(comparison.table.key)
    if len(parts) != len(comparison.key):
        raise _no_key(comparison, f"the key has {len(comparison.key)} parts ({names}), {len(parts)} were given")
    key = tuple(
        lake.query(f"SELECT {_typed(pair.source)}", [part]).rows[0][0]
        for pair, part in zip(comparison.key, parts, strict=True)
    )
    for pair, part, text in zip(comparison.key, parts, key, strict=True):
        if text is None:
            raise _no_key(comparison, f"{part!r} is no {pair.source.type.text}, which {pair.source.name} is")
    return key


def messages(lake: LakeReader, comparison: Comparison, key: Key) -> list[Message]:
    """The key's messages in order. The reader must have been opened with the files' names."""
    table = canonical.text(comparison.table.name)
    parts = (canonical.from_message(pair.source, "key") for pair in comparison.key)
    matches = " AND ".join(f"{part} = ?" for part in parts)
    values = ", ".join(_value(pair.source) for pair in comparison.pairs)
    pair = f"(e.op = '{Op.DELETE}' AND r.op = '{Op.INSERT}' OR e.op = '{Op.INSERT}' AND r.op = '{Op.DELETE}')"
    answer = lake.query(
        f"""
        WITH e AS (
          SELECT {_TOLD}, committed_at, filename, CASE WHEN json_valid(value) THEN value END AS value
          FROM raw WHERE table_name = {table} AND json_valid(key) AND {matches}
        ), r AS (SELECT position, op, lsn, tx_id, key FROM raw WHERE table_name = {table})
        SELECT {", ".join(f"e.{c.strip()}" for c in _TOLD.split(","))}, committed_at, filename,
               (SELECT min(r.key) FROM r WHERE r.lsn = e.lsn AND r.tx_id = e.tx_id AND r.key <> e.key AND {pair}),
               {values}
        FROM e ORDER BY position
        """,
        key,
    )
    return [Message(Told(*row[:6]), row[6], row[7], row[8], row[9:]) for row in answer.rows]


def truncates(lake: LakeReader, comparison: Comparison) -> list[Told]:
    """The table's truncates, in order."""
    return _told(lake, comparison, f"op = '{Op.TRUNCATE}'")


def markers(lake: LakeReader, comparison: Comparison) -> list[Told]:
    """The first and last rows of the table's snapshots, in order."""
    marks = ", ".join(canonical.text(mark) for mark in (*FIRST, *LAST))
    return _told(lake, comparison, f"op = '{Op.SNAPSHOT}' AND snapshot IN ({marks})")


def rows(lake: LakeReader, comparison: Comparison, key: Key) -> list[tuple[Row, Row]]:
    """What transformed holds of the key, as canonical texts and as the reader prints it: one row, none, or too many."""
    view = f"transformed.{canonical.name(comparison.table.name)}"
    if f"transformed.{comparison.table.name}" not in lake.tables:
        return []
    matches = " AND ".join(f"{text} = ?" for text in canonical.key_texts(comparison))
    printed = (f"CAST({canonical.name(pair.lake)} AS VARCHAR)" for pair in comparison.pairs)
    columns = ", ".join([*canonical.texts(comparison), *printed])
    width = len(comparison.pairs)
    found = lake.query(f"SELECT {columns} FROM {view} WHERE {matches}", key).rows
    return [(row[:width], row[width:]) for row in found]


def _told(lake: LakeReader, comparison: Comparison, condition: str) -> list[Told]:
    table = canonical.text(comparison.table.name)
    answer = lake.query(f"SELECT {_TOLD} FROM raw WHERE table_name = {table} AND {condition} ORDER BY position")
    return [Told(*row) for row in answer.rows]


def _typed(column: Column) -> str:
    if column.type.text.startswith("char("):
        length = column.type.text.removeprefix("char(").removesuffix(")")
        return f"rpad(CAST(? AS VARCHAR), {length}, ' ')"
    if column.type.kind is Kind.TEXT:
        return "CAST(? AS VARCHAR)"
    return f"CAST(TRY_CAST(? AS {canonical.typed(column)}) AS VARCHAR)"


def _value(column: Column) -> str:
    pointer = "/after/" + column.name.replace("~", "~0").replace("/", "~1")
    return f"json_extract_string(value, {canonical.text(pointer)})"


def _no_key(comparison: Comparison, problem: str) -> LakehouseError:
    example = " ".join(name.upper() for name in comparison.table.key)
    return LakehouseError(
        problem, where=comparison.table.name, next_step=f"lakehouse explain {comparison.table.name} {example}",
        exit_code=EXIT_USAGE,
    )  # fmt: skip
