"""Source tables as a test says them, beginning with exactly what a catalog declares."""

from __future__ import annotations

from dataclasses import replace

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.shape import SourceColumn, SourceShape


def declared(table: Table) -> SourceShape:
    """The table as its catalog says."""
    return SourceShape(tuple(SourceColumn(c.name, c.type.text) for c in table.columns), table.key)


def with_columns(source: SourceShape, **types: str | None) -> SourceShape:
    """The same with other types, with more columns, or (None) without some."""
    kept = [c._replace(type=types.get(c.name) or c.type) for c in source.columns if types.get(c.name, "") is not None]
    new = [SourceColumn(n, t) for n, t in types.items() if t and n not in source.by_name]
    return replace(source, columns=(*kept, *new))
