"""Plain questions to the demo tables."""

from __future__ import annotations

from lakehouse_assets.demo.population import KEYS
from lakehouse_assets.gateways import postgres


def counts(dsn: str) -> dict[str, int]:
    """Rows by table."""
    return {table: postgres.execute(dsn, f"select count(*) from {table}")[0][0] for table in KEYS}


def contents(dsn: str) -> dict[str, list[tuple]]:
    """Every row by table, in key order."""
    return {table: postgres.execute(dsn, f"select * from {table} order by {key}") for table, key in KEYS.items()}
