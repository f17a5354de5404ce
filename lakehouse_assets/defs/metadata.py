"""What an asset shows beside its name: schema, place, preview, lineage. One form for every layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dagster import AssetKey, MetadataValue, TableColumn, TableColumnDep, TableColumnLineage, TableSchema

from lakehouse_assets.catalog import Table
from lakehouse_assets.engine.reader import Answer
from lakehouse_assets.proof.personal import kinds

PREVIEW_ROWS = 5


def column_schema(table: Table) -> TableSchema:
    """The source's columns with their Postgres types; key columns are marked."""
    return TableSchema(
        columns=[
            TableColumn(c.name, c.type.text, c.description or ("primary key" if c.name in table.key else None))
            for c in table.columns
        ]
    )


def schema_of(answer: Answer) -> TableSchema:
    """The columns of an answer with the reader's types."""
    return TableSchema(columns=[TableColumn(n, t.lower()) for n, t in zip(answer.columns, answer.types, strict=True)])


def preview(answer: Answer, holds: Mapping[str, frozenset[str]] = MappingProxyType({})) -> MetadataValue:
    """A few rows as a Markdown table; a text with personal data that its column is not declared to hold is left out."""
    lines = ["| " + " | ".join(answer.columns) + " |", "|" + " --- |" * len(answer.columns)]
    for row in answer.rows[:PREVIEW_ROWS]:
        cells = [_cell(v, holds.get(name, frozenset())) for name, v in zip(answer.columns, row, strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    return MetadataValue.md("\n".join(lines))


def place(path: Path) -> dict[str, Any]:
    """Where the table is."""
    return {"dagster/uri": path.as_uri()}


def lake_columns_from(table: Table, upstream: AssetKey) -> TableColumnLineage:
    """Each column comes from the source column that it is, or stands beside."""
    return TableColumnLineage({c.name: [TableColumnDep(upstream, c.source)] for c in table.lake_columns})


def _cell(value: object, holds: frozenset[str]) -> str:
    if isinstance(value, str) and (found := kinds(value, holds)):
        return f"({', '.join(sorted(found))})"
    text = "" if value is None else str(value)
    return (text if len(text) <= 60 else text[:57] + "...").replace("|", "\\|").replace("\n", " ")
