"""The MERGE that applies a folded range to a transformed table, in one commit."""

from __future__ import annotations

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import META_COLUMNS
from lakehouse_assets.changelog.fold import FoldRange, batch, kept, latest, unknown
from lakehouse_assets.changelog.moves import moved_rows
from lakehouse_assets.normalisation.columns import normalised

_OF_A_ROW = (*META_COLUMNS, "_floor", "_dead", "_key")


def changes(raw: str, table: Table, events: FoldRange) -> str:
    """SQL of one row a changed key: the lake's columns, `_dead`, and `_kept_<c>` where the target's value stays."""
    rows = latest(batch(raw, table, events), table, events)
    if events.moved_view is not None:
        unmoved = f"SELECT o.* FROM ({rows}) o LEFT ANTI JOIN {events.moved_view} m ON m.key = o._key"
        rows = f"{unmoved} UNION ALL {moved_rows(raw, table, events)}"
    flags = [flag(c) for c in table.other_columns if c.type.toastable for flag in (kept, unknown)]
    return normalised(rows, table, (*flags, *_OF_A_ROW), unknown)


def same_key(table: Table) -> str:
    """The condition that a row `t` of the target and a changed row `s` have one key."""
    return " AND ".join(f"t.{sql.name(k)} = s.{sql.name(k)}" for k in table.key)


def assigned(table: Table) -> dict[str, str]:
    """The lake's columns, quoted, and what each becomes when row `t` is changed by row `s`."""
    values = {sql.name(c.name): f"s.{sql.name(c.name)}" for c in table.lake_columns}
    return values | {
        sql.name(c.name): f"CASE WHEN s.{kept(column)} AND t._position >= s._floor "
        f"THEN t.{sql.name(c.name)} ELSE s.{sql.name(c.name)} END"
        for column in table.other_columns
        if column.type.toastable
        for c in column.lake_columns
    }


def merge(target: str, raw: str, table: Table, events: FoldRange) -> str:
    """The MERGE that applies the range to the transformed table, in one commit."""
    values = {sql.name(c.name): f"s.{sql.name(c.name)}" for c in table.lake_columns}
    meta = {name: f"s.{name}" for name in META_COLUMNS}
    assignments = ", ".join(f"t.{column} = {value}" for column, value in (assigned(table) | meta).items())
    values |= meta
    oldest = events.oldest_living
    removal = "" if oldest is None else f"WHEN NOT MATCHED BY SOURCE AND t._position < {oldest} THEN DELETE"
    return f"""
    MERGE INTO {target} t USING ({changes(raw, table, events)}) s ON {same_key(table)}
    WHEN MATCHED AND s._dead THEN DELETE
    WHEN MATCHED THEN UPDATE SET {assignments}
    WHEN NOT MATCHED AND NOT s._dead THEN INSERT ({", ".join(values)}) VALUES ({", ".join(values.values())})
    {removal}
    """
