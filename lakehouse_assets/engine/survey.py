"""Looks over the events of a range once, cheaply, to learn what the fold must know before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.catalog.model import RETYPED, Protect
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.fold import IDENTITY, FoldRange
from lakehouse_assets.changelog.generations import FIRST, LAST, Generation, completed
from lakehouse_assets.changelog.moves import components, mentions_unavailable, moves_query
from lakehouse_assets.changelog.versions import End
from lakehouse_assets.normalisation.encodings import decode, stored_as_it_is
from lakehouse_assets.normalisation.reading import Status

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LAST = f"({', '.join(map(sql.text, LAST))})"
_MARKS = f"({', '.join(map(sql.text, (*FIRST, *LAST)))})"


@dataclass(frozen=True)
class Survey:
    """What a range holds: truncates, a finished snapshot, moves with unavailable values, unreadable messages, unstorable cells.

    `overwriting`: the events that may delete or change a row which is there already.
    """

    truncates: list[tuple[int, int, int]]  # position, lsn, tx_id
    finished_at: int | None
    moves: int
    unreadable: int
    overwriting: int
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
             count_if(op = '{Op.INSERT}' AND {mentions_unavailable(table)}) AS moves,
             count_if(op = '{Op.UNKNOWN}') AS unreadable,
             count_if(op IN ('{Op.UPDATE}', '{Op.DELETE}', '{Op.SNAPSHOT}')) AS overwriting
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
        found["overwriting"],
        {c.name: found[f"c{i}"] for i, c in enumerate(checked) if found[f"c{i}"]},
    )


def _checked(column: Column) -> bool:
    """Whether a column may have cells that cannot be stored and that no status beside them tells of."""
    may_fail = column.encoding == RETYPED or not stored_as_it_is(column.type)
    return may_fail and not column.judged and column.protect is not Protect.DROP


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
    first_deliveries = _first_truncates(spark, raw, table)
    return max((position for position, _, _ in found.truncates if position in first_deliveries), default=None)


def ends(spark: SparkSession, raw: str, table: Table, found: Survey, events: FoldRange) -> tuple[End, ...]:
    """What ended many rows at once up to the range's end, for a history; () when nothing in the range asks for it."""
    if not found.truncates and found.finished_at is None and not found.moves:
        return ()
    floors = {p: p for p in _first_truncates(spark, raw, table) if p <= events.target}
    floors |= {generation.end: generation.start for generation in events.generations}
    if not floors:
        return ()
    rows = spark.sql(f"""
      SELECT position, unix_micros(committed_at) AS at FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND position IN ({", ".join(map(str, floors))})
    """).collect()
    return tuple(End(row.position, row.at, floors[row.position]) for row in rows)


def _first_truncates(spark: SparkSession, raw: str, table: Table) -> set[int]:
    """Positions of the truncates that repeat none delivered before them."""
    rows = spark.sql(f"""
      SELECT min(position) AS position FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND op = '{Op.TRUNCATE}' GROUP BY {IDENTITY}
    """).collect()
    return {row.position for row in rows}


def generations(spark: SparkSession, raw: str, table: Table, found: Survey, target: int) -> tuple[Generation, ...]:
    """Every snapshot generation completed up to `target`; () when nothing in the range asks for it."""
    if found.finished_at is None and not found.moves:
        return ()
    rows = spark.sql(f"""
      SELECT position, lsn, tx_id, snapshot FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND op = '{Op.SNAPSHOT}' AND position <= {target}
        AND snapshot IN {_MARKS} ORDER BY position
    """).collect()
    return completed(rows)


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
