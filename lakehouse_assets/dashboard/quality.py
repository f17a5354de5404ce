"""How well the values were read: counts of statuses and clauses, and what was proven equal to the source. No protected text."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from lakehouse_assets.catalog import Catalog, Column, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine import canonical
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.progress import verified
from lakehouse_assets.proof.verification import Verified

QUARANTINE = "quarantine"
_LONGEST = 40


class Reading(NamedTuple):
    """A column's cells: read, read by a default, without a text in the source, and those that could not be read by status."""

    table: str
    column: str
    read: int
    assumed: int
    empty: int
    bad: dict[str, int]

    @property
    def share(self) -> float:
        """The unread among the texts."""
        unread = sum(self.bad.values())
        texts = self.read + self.assumed + unread
        return unread / texts if texts else 0.0


class Reason(NamedTuple):
    """Cells of a column that wait in quarantine for one reason; an example only where the column is not protected."""

    table: str
    column: str
    status: str
    clause: str
    cells: int
    example: str | None
    since: datetime


class Proof(NamedTuple):
    """What is known of a table's equality to the source; None: it was never looked at."""

    table: str
    known: Verified | None


def readings(lake: LakeReader, catalog: Catalog) -> list[Reading]:
    """How the texts of every judged column are read now."""
    judged = [(t, c) for t in catalog.tables if f"transformed.{t.name}" in lake.tables for c in t.judged_columns]
    return [_reading(lake, table, column) for table, column in judged if _status(column) in _columns(lake, table)]


def quarantine(lake: LakeReader, catalog: Catalog) -> tuple[list[Reason], int]:
    """The open entries by reason, the most frequent first, and how many were closed."""
    if QUARANTINE not in lake.tables:
        return [], 0
    shown = {(t.name, c.name) for t in catalog.tables for c in t.columns if c.protect is None}
    open_columns = ", ".join(f"({canonical.text(t)}, {canonical.text(c)})" for t, c in sorted(shown)) or "('', '')"
    rows = lake.query(
        "SELECT table_name, column_name, status, clause, count(*), "
        f"min(raw) FILTER (WHERE (table_name, column_name) IN ({open_columns})), min(first_seen) "
        f"FROM {QUARANTINE} WHERE resolved_position IS NULL GROUP BY ALL ORDER BY 5 DESC, 1, 2, 3, 4"
    ).rows
    closed = lake.scalar(f"SELECT count(*) FROM {QUARANTINE} WHERE resolved_position IS NOT NULL")
    return [
        Reason(t, c, status, clause, cells, _short(raw), since) for t, c, status, clause, cells, raw, since in rows
    ], closed


def proofs(paths: LakePaths, catalog: Catalog) -> list[Proof]:
    """What is known of every table."""
    return [Proof(table.name, verified.read(paths, table.name)) for table in catalog.tables]


def _reading(lake: LakeReader, table: Table, column: Column) -> Reading:
    status, value = canonical.name(_status(column)), canonical.name(column.name)
    rows = lake.query(f"SELECT {status}, count(*), count({value}) FROM transformed.{table.name} GROUP BY ALL").rows
    found = {name: (cells, values) for name, cells, values in rows}
    cells, values = found.pop("ok", (0, 0))
    assumed, _ = found.pop("assumed", (0, 0))
    bad = {str(name): cells for name, (cells, _) in sorted(found.items(), key=lambda item: -item[1][0])}
    return Reading(table.name, column.name, values, assumed, cells - values, bad)


def _columns(lake: LakeReader, table: Table) -> tuple[str, ...]:
    """The columns the lake holds: a catalog may be newer."""
    return lake.query(f"SELECT * FROM transformed.{table.name} LIMIT 0").columns


def _status(column: Column) -> str:
    return f"{column.name}__status"


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
