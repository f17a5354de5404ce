"""The MERGE that applies a folded range to a transformed table, in one commit."""

from __future__ import annotations

from lakehouse_assets import sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.changelog.fold import META_COLUMNS, FoldRange, batch, kept, latest
from lakehouse_assets.changelog.moves import moved_rows


def changes(raw: str, table: Table, events: FoldRange) -> str:
    """SQL of one row a changed key: typed columns, `_dead`, and `_kept_<c>` where the target's value stays."""
    ordinary = latest(batch(raw, table, events), table, events)
    if events.moved_view is None:
        return ordinary
    unmoved = f"SELECT o.* FROM ({ordinary}) o LEFT ANTI JOIN {events.moved_view} m ON m.key = o._key"
    return f"{unmoved} UNION ALL {moved_rows(raw, table, events)}"


def merge(target: str, raw: str, table: Table, events: FoldRange) -> str:
    """The MERGE that applies the range to the transformed table, in one commit."""
    on = " AND ".join(f"t.{sql.name(k)} = s.{sql.name(k)}" for k in table.key)
    values = {sql.name(c.name): f"s.{sql.name(c.name)}" for c in table.columns}
    values |= {meta: f"s.{meta}" for meta in META_COLUMNS}
    kept_values = {
        sql.name(
            c.name
        ): f"CASE WHEN s.{kept(c)} AND t._position >= s._floor THEN t.{sql.name(c.name)} ELSE s.{sql.name(c.name)} END"
        for c in table.other_columns
        if c.type.toastable
    }
    assignments = ", ".join(f"t.{column} = {value}" for column, value in (values | kept_values).items())
    oldest = events.oldest_living
    removal = "" if oldest is None else f"WHEN NOT MATCHED BY SOURCE AND t._position < {oldest} THEN DELETE"
    return f"""
    MERGE INTO {target} t USING ({changes(raw, table, events)}) s ON {on}
    WHEN MATCHED AND s._dead THEN DELETE
    WHEN MATCHED THEN UPDATE SET {assignments}
    WHEN NOT MATCHED AND NOT s._dead THEN INSERT ({", ".join(values)}) VALUES ({", ".join(values.values())})
    {removal}
    """
