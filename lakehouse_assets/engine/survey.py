"""Looks over the events of a range once, cheaply, to learn what the fold must know before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Kind, Table
from lakehouse_assets.catalog.model import RETYPED, Protect
from lakehouse_assets.changelog.envelope import UNAVAILABLE, Op
from lakehouse_assets.changelog.fold import IDENTITY, FoldRange, Generation
from lakehouse_assets.changelog.moves import components, moves_query
from lakehouse_assets.normalisation.encodings import decode
from lakehouse_assets.normalisation.reading import Status

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FIRST, _LAST = "('first', 'first_in_data_collection')", "('last', 'last_in_data_collection')"


@dataclass(frozen=True)
class Survey:
    """What a range holds: truncates, a finished snapshot, moves with unavailable values, unreadable messages, unstorable cells."""

    truncates: list[tuple[int, int, int]]  # position, lsn, tx_id
    finished_at: int | None
    moves: int
    unreadable: int
    unstorable: dict[str, int]


def look(spark: SparkSession, raw: str, table: Table, applied: int, target: int) -> Survey:
    """One aggregate over the range's events."""
    checked = [c for c in table.columns if _checked(c)]
    after = sql.struct_of_texts(tuple(c.name for c in checked))
    parsed = f"from_json(value, {sql.text(f'struct<after: {after}>')}).after" if checked else "NULL"
    puts = f"op IN ('{Op.INSERT}', '{Op.UPDATE}', '{Op.SNAPSHOT}')"
    cells = [
        f"count_if({puts} AND {decode(c.type, f'after.{sql.name(c.name)}', c.encoding).status} <> '{Status.OK}') AS c{i}"
        for i, c in enumerate(checked)
    ]
    row = spark.sql(f"""
      SELECT collect_list(struct(position, lsn, tx_id)) FILTER (WHERE op = '{Op.TRUNCATE}') AS truncates,
             max(position) FILTER (WHERE op = '{Op.SNAPSHOT}' AND snapshot IN {_LAST}) AS finished_at,
             count_if(op = '{Op.INSERT}' AND value LIKE '%{UNAVAILABLE}%') AS moves,
             count_if(op = '{Op.UNKNOWN}') AS unreadable
             {"".join(", " + cell for cell in cells)}
      FROM (SELECT *, {parsed} AS after FROM {raw}
            WHERE table_name = {sql.text(table.name)} AND position > {applied} AND position <= {target})
    """).first()
    found = row.asDict() if row else {}
    return Survey(
        sorted((t.position, t.lsn, t.tx_id) for t in found["truncates"]),
        found["finished_at"],
        found["moves"],
        found["unreadable"],
        {c.name: found[f"c{i}"] for i, c in enumerate(checked) if found[f"c{i}"]},
    )


def _checked(column: Column) -> bool:
    """Whether a column may have cells that cannot be stored and that no status beside them tells of."""
    typed = column.type.kind is not Kind.TEXT or column.encoding == RETYPED
    return typed and not column.judged and column.protect is not Protect.DROP


def fold_range(
    spark: SparkSession,
    raw: str,
    table: Table,
    found: Survey,
    applied: int,
    target: int,
    replay_lsns: tuple[int, int] | None,
) -> FoldRange:
    """All that the fold of `applied` < position <= `target` must know."""
    return FoldRange(
        applied=applied,
        target=target,
        truncate_at=genuine_truncate(spark, raw, table, found),
        generations=generations(spark, raw, table, found, target),
        replay_lsns=replay_lsns,
        moved_view=moved_view(spark, raw, table, found, applied, target),
    )


def genuine_truncate(spark: SparkSession, raw: str, table: Table, found: Survey) -> int | None:
    """Position of the range's last truncate that repeats none delivered before it."""
    if not found.truncates:
        return None
    rows = spark.sql(f"""
      SELECT min(position) AS position FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND op = '{Op.TRUNCATE}' GROUP BY {IDENTITY}
    """).collect()
    first_deliveries = {row.position for row in rows}
    return max((position for position, _, _ in found.truncates if position in first_deliveries), default=None)


def generations(spark: SparkSession, raw: str, table: Table, found: Survey, target: int) -> tuple[Generation, ...]:
    """Every snapshot generation completed up to `target`; () when nothing in the range asks for it.

    All rows of a snapshot carry the transaction and LSN it was taken at. One begun again starts anew; a table of one
    row is marked as last alone, its generation is that row, whatever was left unfinished before it.
    """
    if found.finished_at is None and not found.moves:
        return ()
    rows = spark.sql(f"""
      SELECT position, lsn, snapshot IN {_LAST} AS last, struct(tx_id, lsn, shiftright(position, 40)) AS taken FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND op = '{Op.SNAPSHOT}' AND position <= {target}
        AND (snapshot IN {_FIRST} OR snapshot IN {_LAST}) ORDER BY position
    """).collect()
    complete: list[Generation] = []
    opened: tuple[Any, int] | None = None
    for row in rows:
        if not row["last"]:
            opened = (row.taken, row.position)
            continue
        start = opened[1] if opened and opened[0] == row.taken else row.position
        complete.append(Generation(start, row.position, row.lsn))
        opened = None
    return tuple(complete)


def moved_view(spark: SparkSession, raw: str, table: Table, found: Survey, applied: int, target: int) -> str | None:
    """A view (key, component) of the keys to fold from their history, None when no row moved with unavailable values."""
    if not found.moves:
        return None
    moves = [(row.old_key, row.new_key, row.position) for row in spark.sql(moves_query(raw, table, target)).collect()]
    members = components(moves, applied)
    if not members:
        return None
    view = f"moved_{table.name}"
    spark.createDataFrame(list(members.items()), "key string, component string").createOrReplaceTempView(view)
    return sql.name(view)
