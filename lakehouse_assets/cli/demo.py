"""The main job in one word: up, seed, traffic, sync, the refined tables, and the proof."""

from __future__ import annotations

import sys
import time

import click

from lakehouse_assets.cli.context import Edge, edge, say
from lakehouse_assets.cli.proof import exit_code, show

ROWS_SHOWN = 5


@click.command()
@click.option("--rate", default=50.0, show_default=True, help="Row changes a second of the traffic.")
@click.option("--seconds", default=20.0, show_default=True, help="Seconds of traffic.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to wait for the lake before giving up.")
def demo(rate: float, seconds: float, timeout: float) -> None:
    """Start everything, change the source for a while, and prove that the lake agrees, row for row.

    The stack keeps running afterwards: look at the Dagster page it prints, then `lakehouse down`. Exit 3 when lake and
    source differ.
    """
    from lakehouse_assets.demo import seed, simulate
    from lakehouse_assets.progress.status import explain_stage
    from lakehouse_assets.progress.sync import sync
    from lakehouse_assets.progress.verify import verify
    from lakehouse_assets.stack.up import up

    here, since = edge(), time.monotonic()

    def fill() -> None:
        written = seed(here.source_dsn(), say=say, cipher=here.keys.active)
        if any(written.values()):
            say(f"seeded: {', '.join(f'{table} {rows}' for table, rows in written.items())}")

    _step("1. the stack: PostgreSQL with its seed data, Kafka, Debezium, Spark, Dagster")
    up(here.settings, here.catalog, say, fill=fill)
    _step(f"2. traffic: {rate:.0f} changes/s for {seconds:.0f} s")
    report = simulate(here.source_dsn(), rate, seconds, say=say, cipher=here.keys.active)
    say(report.line())
    if report.interrupted:
        raise KeyboardInterrupt
    _step("3. wait until all of it is in raw, transformed and refined")
    sync(here.sync_request(), timeout, say, lambda stage: explain_stage(stage, here.settings, here.catalog, here.links))
    _step("4. the business tables")
    _show_refined(here)
    _step("5. the proof: every row of every table, source against lake")
    found = verify(here.verify_request(timeout))
    show(found)
    click.echo(
        f"\nPage: {here.links.page_url}   Dagster page: {here.links.webserver_url}   ({time.monotonic() - since:.0f} s in all)"
    )
    sys.exit(exit_code(found))


def _step(text: str) -> None:
    click.echo(click.style(f"\n{text}", bold=True))


def _show_refined(here: Edge) -> None:
    from lakehouse_assets.cli.answers import render
    from lakehouse_assets.engine.reader import open_lake

    with open_lake(here.paths) as reader:
        for table in here.refined:
            rows = reader.scalar(f"SELECT count(*) FROM refined.{table.name}")
            click.echo(f"\nrefined.{table.name}: {rows} rows. {table.description}")
            render(reader.query(f"SELECT * FROM refined.{table.name} ORDER BY ALL LIMIT {ROWS_SHOWN}"), "table")
