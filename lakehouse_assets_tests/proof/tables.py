"""Tables for the tests of the proof."""

from __future__ import annotations

from lakehouse_assets.catalog import Column, PostgresType, Table, parse_type


def table(*key: str, name: str = "pagamentos", **types: str) -> Table:
    """A table of the given columns and types."""
    columns = []
    for column, text in types.items():
        parsed = parse_type(text)
        assert isinstance(parsed, PostgresType)
        columns.append(Column(column, parsed))
    return Table(name, "public", key, tuple(columns), "", "", "test")
