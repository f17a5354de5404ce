"""What a fold would do to the rows that are there, told without doing it.

Traffic is no mass change, however much of it a fold brings: a row counts when its newest change came in bulk, with a
transaction that changed many rows of the table, a truncate or a snapshot.
"""

from __future__ import annotations

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.changelog.fold import ROW_OPS, FoldRange
from lakehouse_assets.changelog.merge import assigned, changes, same_key

BULK = 100  # changes of one table in one transaction
_NONE = -1  # stands for the transaction of a change that has none: an incremental snapshot's


def bulk(raw: str, table: Table, events: FoldRange) -> str:
    """SQL of the range's transactions of many changes: tx_id, changes."""
    return f"""
      SELECT coalesce(tx_id, {_NONE}) AS tx_id, count(*) AS changes FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND {ROW_OPS}
        AND position > {events.applied} AND position <= {events.target}
      GROUP BY 1 HAVING count(*) >= {BULK}
    """


def effect(target: str, raw: str, table: Table, events: FoldRange) -> str:
    """SQL of one row: how many of the target's rows the fold would delete and change in bulk, and how many there are."""
    differs = " OR ".join(
        f"NOT (t.{column} <=> {value})"
        for column, value in assigned(table).items()
        if column not in map(sql.name, table.key)
    )
    oldest = events.oldest_living
    swept = {row: "false" if oldest is None else f"{row}._position < {oldest}" for row in ("s", "t")}
    in_bulk = "b.tx_id IS NOT NULL"
    return f"""
      SELECT count_if(CASE WHEN s._position IS NULL THEN {swept["t"]} ELSE s._dead AND ({swept["s"]} OR {in_bulk}) END) AS deleted,
             count_if(NOT s._dead AND {in_bulk} AND ({differs or "false"})) AS changed,
             count(*) AS rows
      FROM {target} t LEFT JOIN ({changes(raw, table, events)}) s ON {same_key(table)}
        LEFT JOIN ({bulk(raw, table, events)}) b ON b.tx_id = coalesce(s._tx_id, {_NONE})
    """
