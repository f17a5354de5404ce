"""The quarantine: one entry for every cell of the lake that could not be stored, with its text and the reason.

It follows from the state of the transformed tables, not from events: whatever happened in between, the open entries of
a table become its bad cells of now. An entry whose cell is read, changed or gone is closed with the position at which
that was seen. A typed column keeps no text beside it: its cells are found in the raw events their rows came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine import canonical
from lakehouse_assets.engine.raw import properties
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets.normalisation.columns import clause, normalised
from lakehouse_assets.normalisation.encodings import decode
from lakehouse_assets.normalisation.reading import Status

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COLUMNS = {
    "table_name": "string",
    "key": "string",
    "column_name": "string",
    "raw": "string",
    "status": "string",
    "clause": "string",
    "position": "bigint",
    "first_seen": "timestamp",
    "resolved_position": "bigint",
}
TYPED = "encoding"  # the clause of a typed column's cell
_READ = f"('{Status.OK}', '{Status.ASSUMED}')"


class Sums(NamedTuple):
    """How many cells of a column have a status, and the sum of their rows' positions, which tells two states apart."""

    cells: int
    positions: int


def create_quarantine(spark: SparkSession, paths: LakePaths) -> None:
    """Make the empty quarantine where there is none."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {sql.delta(paths.quarantine)} ({columns}) USING delta PARTITIONED BY (table_name) "
        f"COMMENT 'Every cell that could not be stored; open while resolved_position is NULL.' "
        f"TBLPROPERTIES ({properties({'delta.enableDeletionVectors': 'false'})})"
    )


def reconcile(
    spark: SparkSession, table: Table, raw: str, paths: LakePaths, applied: int, typed: Iterable[str]
) -> bool:
    """Make the open entries of a table equal to its bad cells; nothing is written when they are.

    `typed`: the typed columns that may hold a cell which could not be stored. Returns whether anything changed.
    """
    with open_lake(paths, only=("quarantine", f"transformed.{table.name}")) as lake:
        watched = [c for c in table.other_columns if c.name in set(typed) | _open_typed(lake, table)]
        bad, entries = bad_cells(lake, table), _open_entries(lake, table)
    apart = {column for (column, _), _ in bad.items() ^ entries.items()}
    if not apart and not watched:
        return False
    create_quarantine(spark, paths)
    names = ", ".join(map(sql.text, sorted(apart | {c.name for c in watched})))
    here = f"q.table_name = {sql.text(table.name)} AND q.column_name IN ({names}) AND q.resolved_position IS NULL"
    # To read texts once more for their clauses costs by the column, whatever the rows: only where there are some.
    judged = [c for c in table.judged_columns if c.name in apart & {column for column, _ in bad}]
    cells = [_judged_cells(table, judged, paths)] if judged else []
    cells += [_typed_cells(table, watched, raw, paths)] if watched else []
    if not cells:
        spark.sql(f"UPDATE {sql.delta(paths.quarantine)} q SET resolved_position = {applied} WHERE {here}")
        return True
    changed = " OR ".join(f"NOT (q.{name} <=> s.{name})" for name in ("raw", "status", "clause", "position"))
    updates = ", ".join(f"q.{name} = s.{name}" for name in ("raw", "status", "clause", "position"))
    values = {name: f"s.{name}" for name in COLUMNS if name not in ("table_name", "resolved_position")}
    values |= {"table_name": sql.text(table.name), "resolved_position": "NULL"}
    spark.sql(f"""
    MERGE INTO {sql.delta(paths.quarantine)} q USING ({" UNION ALL ".join(cells)}) s
      ON {here} AND q.key = s.key AND q.column_name = s.column_name
    WHEN MATCHED AND ({changed}) THEN UPDATE SET {updates}
    WHEN NOT MATCHED THEN INSERT ({", ".join(values)}) VALUES ({", ".join(values.values())})
    WHEN NOT MATCHED BY SOURCE AND {here} THEN UPDATE SET q.resolved_position = {applied}
    """)
    return True


def hide(spark: SparkSession, table: Table, paths: LakePaths) -> None:
    """Take the texts of columns that were hidden since out of the entries, the closed ones too."""
    hidden = [sql.text(column.name) for column in table.columns if column.hidden]
    if not hidden:
        return
    where = f"table_name = {sql.text(table.name)} AND column_name IN ({', '.join(hidden)}) AND raw IS NOT NULL"
    with open_lake(paths, only=("quarantine",)) as lake:
        if not lake.tables or not lake.scalar(f"SELECT count(*) FROM quarantine WHERE {where}"):
            return
    spark.sql(f"UPDATE {sql.delta(paths.quarantine)} SET raw = NULL WHERE {where}")


def bad_cells(lake: LakeReader, table: Table) -> dict[tuple[str, str], Sums]:
    """(column, status) -> the cells of the transformed table that have it, where it is not a value."""
    if f"transformed.{table.name}" not in lake.tables:
        return {}
    statuses = [(canonical.text(c.name), canonical.name(f"{c.name}__status")) for c in table.judged_columns]
    selects = [
        f"SELECT {column}, {status}, count(*), sum(_position) FROM transformed.{table.name} "
        f"WHERE {status} NOT IN {_READ} GROUP BY ALL"
        for column, status in statuses
    ]
    return _sums(lake, " UNION ALL ".join(selects)) if selects else {}


def _open_entries(lake: LakeReader, table: Table) -> dict[tuple[str, str], Sums]:
    if "quarantine" not in lake.tables:
        return {}
    return _sums(
        lake, f"SELECT column_name, status, count(*), sum(position) FROM quarantine WHERE {_open(table)} "
        f"AND clause <> '{TYPED}' GROUP BY ALL"
    )  # fmt: skip


def _open_typed(lake: LakeReader, table: Table) -> set[str]:
    if "quarantine" not in lake.tables:
        return set()
    rows = lake.query(f"SELECT DISTINCT column_name FROM quarantine WHERE {_open(table)} AND clause = '{TYPED}'").rows
    return {column for (column,) in rows}


def _open(table: Table) -> str:
    return f"table_name = '{table.name}' AND resolved_position IS NULL"


def _sums(lake: LakeReader, statement: str) -> dict[tuple[str, str], Sums]:
    return {
        (column, status): Sums(cells, int(positions)) for column, status, cells, positions in lake.query(statement).rows
    }


def _judged_cells(table: Table, judged: Sequence[Column], paths: LakePaths) -> str:
    """SQL of the bad cells of some judged columns; their texts are read once more for the clause."""
    bad = " OR ".join(f"{sql.name(c.name + '__status')} NOT IN {_READ}" for c in judged)
    texts = [
        f"{sql.name(c.name + '__raw')} AS {sql.name(c.name)}, {sql.name(c.name + '__status')} AS {_was(c)}"
        for c in judged
    ]
    rows = (
        f"SELECT {_key(table)} AS _key, _position, _committed_at, {', '.join(texts)} "
        f"FROM {sql.delta(paths.transformed(table.name))} WHERE {bad}"
    )
    only_judged = Table(table.name, table.schema, (), tuple(judged), "", "", "")
    also = ("_key", "_position", "_committed_at", *(_was(c) for c in judged))
    read = normalised(rows, only_judged, also, lambda c: f"({_was(c)} = '{Status.UNAVAILABLE}')")
    cells = [
        f"struct({sql.text(c.name)} AS column_name, {sql.name(c.name + '__raw')} AS raw, {_was(c)} AS status, {clause(c)} AS clause)"
        for c in judged
    ]
    return _exploded(read, cells)


def _typed_cells(table: Table, watched: Sequence[Column], raw: str, paths: LakePaths) -> str:
    """SQL of the cells of typed columns that could not be stored, from the raw event that each row came from."""
    after = sql.struct_of_texts(tuple(c.name for c in watched))
    nulls = " OR ".join(f"t.{sql.name(c.name)} IS NULL" for c in watched)
    rows = f"""
      SELECT {_key(table, "t.")} AS _key, t._position, t._committed_at, from_json(r.value, {sql.text(f"struct<after: {after}>")}).after AS after
      FROM {sql.delta(paths.transformed(table.name))} t
      JOIN {raw} r ON r.table_name = {sql.text(table.name)} AND r.position = t._position WHERE {nulls}
    """
    cells = []
    for column in watched:
        text = f"after.{sql.name(column.name)}"
        status = decode(column.type, text, column.encoding).status
        shown = "CAST(NULL AS string)" if column.hidden else text
        cells.append(
            f"struct({sql.text(column.name)} AS column_name, {shown} AS raw, {status} AS status, '{TYPED}' AS clause)"
        )
    return _exploded(rows, cells)


def _exploded(rows: str, cells: list[str]) -> str:
    return f"""
      SELECT _key AS key, cell.column_name, cell.raw, cell.status, cell.clause, _position AS position, _committed_at AS first_seen
      FROM (SELECT _key, _position, _committed_at, explode(array({", ".join(cells)})) AS cell FROM ({rows}))
      WHERE cell.status NOT IN {_READ}
    """


def _key(table: Table, prefix: str = "") -> str:
    return "to_json(struct(" + ", ".join(f"{prefix}{sql.name(k)} AS {sql.name(k)}" for k in table.key) + "))"


def _was(column: Column) -> str:
    return sql.name(f"_was_{column.name}")
