"""The history of a table (SCD2): every version that a row had, from the change that made it to what ended it.

A version is what one genuine insert, update or snapshot row put. It ends at the key's next change, at a truncate, or at
the end of a snapshot that did not see the row. The versions of a range of changes follow from its events and from the
versions that were open before it, so it does not matter where batches are cut. Keys whose rows moved with unavailable
values are told anew from their first event, as the fold does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.catalog.model import VERSION_COLUMNS
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.fold import FoldRange, batch, kept, key_parts, typed, unknown
from lakehouse_assets.changelog.merge import same_key
from lakehouse_assets.changelog.moves import moved_versions
from lakehouse_assets.normalisation.columns import normalised

_OPEN = "open"  # not an op of raw: the version that was open before the range
_END = "struct<position: bigint, at: timestamp, floor: bigint>"


class End(NamedTuple):
    """A moment that ended every row whose newest change is before `floor`: its position and commit time (µs)."""

    position: int
    at: int | None
    floor: int


def versions(target: str, raw: str, table: Table, events: FoldRange, ends: Iterable[End]) -> str:
    """SQL of the versions that the range made or may have ended: key, lake columns, and those of VERSION_COLUMNS."""
    keys = key_parts(table)
    told = _filled(_told(target, raw, table, events, ends), table)
    flags = [name for c in _toastable(table) for name in (kept(c), unknown(c))]
    columns = [f"{key} AS {sql.name(c.name)}" for key, c in zip(keys, table.key_columns, strict=True)]
    for c in table.other_columns:
        columns.append(typed(c, _text(c)))
        if c.type.toastable:
            columns.append(f"(continued AND NOT {_is_known(c)}) AS {kept(c)}")
            columns.append(f"NOT ({_is_known(c)} OR continued) AS {unknown(c)}")
    rows = f"SELECT {', '.join([*columns, *VERSION_COLUMNS])} FROM ({told}) WHERE _op <> '{Op.DELETE}'"
    return _with_kept(normalised(rows, table, (*flags, *VERSION_COLUMNS), unknown), target, table)


def merge(target: str, raw: str, table: Table, events: FoldRange, ends: Iterable[End]) -> str:
    """The MERGE that brings the history from `applied` to the range's end, in one commit."""
    ends = tuple(ends)
    names = [*(sql.name(c.name) for c in table.lake_columns), *VERSION_COLUMNS]
    values = ", ".join(f"s.{name}" for name in names)
    swept = _ended("t.valid_from_position", "NULL", ends)
    untouched = f"""
    WHEN NOT MATCHED BY SOURCE AND t.valid_to_position IS NULL AND {swept} IS NOT NULL
      THEN UPDATE SET t.valid_to = {swept}.at, t.valid_to_position = {swept}.position
    """
    return f"""
    MERGE INTO {target} t USING ({versions(target, raw, table, events, ends)}) s
      ON {same_key(table)} AND t.valid_from_position = s.valid_from_position
    WHEN MATCHED AND t.valid_to_position IS NULL AND s.valid_to_position IS NOT NULL
      THEN UPDATE SET t.valid_to = s.valid_to, t.valid_to_position = s.valid_to_position
    WHEN NOT MATCHED THEN INSERT ({", ".join(names)}) VALUES ({values})
    {untouched if ends else ""}
    """


def _told(target: str, raw: str, table: Table, events: FoldRange, ends: Iterable[End]) -> str:
    """SQL of every change of the range's keys and the open versions before them: what ended what it put, and which of
    the key's lives it is in."""
    keys = ", ".join(key_parts(table))
    of_key = f"(PARTITION BY {keys} ORDER BY position)"
    return f"""
    WITH all_told AS ({_changes(target, raw, table, events)}), followed AS (
      SELECT *, lead(struct(position, committed_at AS at)) OVER {of_key} AS next FROM all_told
    ), ended AS (
      SELECT *, {_ended("position", "next.position", ends)} AS swept FROM followed
    ), lives AS (
      SELECT *, lag(swept IS NOT NULL OR op = '{Op.DELETE}', 1, false) OVER {of_key} AS born FROM ended
    )
    SELECT {keys}, after, whole, op = '{_OPEN}' AS continues, op AS _op,
           committed_at AS valid_from, position AS valid_from_position,
           CASE WHEN swept IS NULL THEN next.at ELSE swept.at END AS valid_to,
           coalesce(swept.position, next.position) AS valid_to_position,
           count_if(born) OVER {of_key} AS life
    FROM lives
    """


def _changes(target: str, raw: str, table: Table, events: FoldRange) -> str:
    """SQL of the range's changes, of the open versions of their keys, and of all changes of the keys that moved.

    `whole`: nothing of the row that a change put is unavailable but what never was known.
    """
    named = list(zip(key_parts(table), (sql.name(c.name) for c in table.key_columns), strict=True))
    columns = ", ".join([*key_parts(table), "position", "op", "committed_at", "after"])
    # What a truncate removed lived before it: nothing of the range is left out.
    changes, moved = batch(raw, table, replace(events, truncate_at=None)), ""
    if events.moved_view is not None:
        changes = f"SELECT c.* FROM ({changes}) c LEFT ANTI JOIN {events.moved_view} m ON m.key = c.key"
        moved = f"UNION ALL SELECT {columns}, true FROM ({moved_versions(raw, table, events)})"
    return f"""
      WITH changes AS ({changes})
      SELECT {columns}, false AS whole FROM changes
      UNION ALL
      SELECT {", ".join(f"o.{name} AS {key}" for key, name in named)},
             o.valid_from_position, '{_OPEN}', o.valid_from, NULL, false
      FROM {target} o LEFT SEMI JOIN changes c ON {" AND ".join(f"o.{name} = c.{key}" for key, name in named)}
      WHERE o.valid_to_position IS NULL
      {moved}
    """


def _filled(told: str, table: Table) -> str:
    """SQL of `told` with a text a column: an unavailable one is the one before it in the same life.

    `continued`: the life began before the range, so what is not known is in the open version.
    """
    life = f"PARTITION BY {', '.join(key_parts(table))}, life ORDER BY valid_from_position"
    columns = [f"after.{sql.name(c.name)} AS {_text(c)}" for c in table.other_columns if not c.type.toastable]
    for c in _toastable(table):
        text = f"after.{sql.name(c.name)}"
        says = f"NOT continues AND _op <> '{Op.DELETE}' AND NOT ({text} <=> {sql.text(c.type.unavailable)})"
        own = f"CASE WHEN {says} THEN struct({text} AS text) END"
        known = f"CASE WHEN whole THEN {own} ELSE last({own}, true) OVER ({life}) END"
        columns += [f"({known}).text AS {_text(c)}", f"{known} IS NOT NULL AS {_is_known(c)}"]
    continued = f"max(continues) OVER (PARTITION BY {', '.join(key_parts(table))}, life) AS continued"
    return f"SELECT {', '.join([*key_parts(table), *columns, continued, *VERSION_COLUMNS])} FROM ({told})"


def _with_kept(rows: str, target: str, table: Table) -> str:
    """SQL of `rows` with the open version's value where the range has none."""
    of = {c.name: table.column(c.source) for c in table.lake_columns}
    columns = [
        f"CASE WHEN s.{kept(of[name])} THEN t.{sql.name(name)} ELSE s.{sql.name(name)} END AS {sql.name(name)}"
        if of[name] in _toastable(table)
        else f"s.{sql.name(name)}"
        for name in of
    ]
    return f"""
    SELECT {", ".join([*columns, *(f"s.{name}" for name in VERSION_COLUMNS)])}
    FROM ({rows}) s LEFT JOIN (SELECT * FROM {target} WHERE valid_to_position IS NULL) t ON {same_key(table)}
    """


def _ended(position: str, following: str, ends: Iterable[End]) -> str:
    """The first end of a row whose newest change is at `position` and next one at `following`; NULL when it lives on."""
    literals = ", ".join(f"struct({end.position}L, {_moment(end.at)}, {end.floor}L)" for end in ends)
    if not literals:
        return f"CAST(NULL AS {_END})"
    array = f"CAST(array({literals}) AS array<{_END}>)"
    return f"array_min(filter({array}, e -> e.floor > {position} AND coalesce(e.position < {following}, true)))"


def _moment(micros: int | None) -> str:
    return "CAST(NULL AS timestamp)" if micros is None else f"timestamp_micros({micros})"


def _toastable(table: Table) -> list[Column]:
    return [c for c in table.other_columns if c.type.toastable]


def _text(column: Column) -> str:
    return sql.name(f"_text_{column.name}")


def _is_known(column: Column) -> str:
    return sql.name(f"_is_known_{column.name}")
