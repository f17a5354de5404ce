"""Whether lake and source agree, row for row: both read whole, in key order, and handed to the proof."""

from __future__ import annotations

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.gateways import postgres
from lakehouse_assets.proof import TableProof, compare


def agreement(catalog: Catalog, dsn: str, paths: LakePaths) -> list[TableProof]:
    """A proof for every table. The source is read at one moment; nothing waits for the lake: `sync` does that."""
    with open_lake(paths) as lake, postgres.open_snapshot(dsn) as source:
        return [compare(table, postgres.rows(source, table), lake.rows(_ordered(table))) for table in catalog.tables]


def _ordered(table: Table) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    keys = ", ".join(f'"{name}"' for name in table.key)
    return f"SELECT {columns} FROM transformed.{table.name} ORDER BY {keys}"
