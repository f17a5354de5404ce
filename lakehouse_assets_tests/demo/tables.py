"""Plain questions to the demo tables."""

from __future__ import annotations

from contextlib import closing
from random import Random

from lakehouse_assets.demo import Key, TrafficReport
from lakehouse_assets.demo.population import KEYS
from lakehouse_assets.demo.workload import Workload
from lakehouse_assets.gateways import postgres


def counts(dsn: str) -> dict[str, int]:
    """Rows by table."""
    return {table: postgres.execute(dsn, f"select count(*) from {table}")[0][0] for table in KEYS}


def contents(dsn: str) -> dict[str, list[tuple]]:
    """Every row by table, in key order."""
    return {table: postgres.execute(dsn, f"select * from {table} order by {key}") for table, key in KEYS.items()}


def work(dsn: str, rate: float, changes: int, seed: int = 0, cipher: Key | None = None) -> TrafficReport:
    """The traffic of a rate, so many row changes of it, as fast as the machine goes."""
    with closing(postgres.connect(dsn)) as main, closing(postgres.connect(dsn)) as other:
        workload = Workload(main, other, Random(seed), rate, TrafficReport(), cipher)
        while workload.attempted < changes:
            workload.step()
        workload.finish()
        return workload.report
