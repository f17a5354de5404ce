"""Words about the demo's source: seed and simulate."""

from __future__ import annotations

import json

import click

from lakehouse_assets.cli.context import edge, say


@click.command()
@click.option("--scale", default=1, show_default=True, type=click.IntRange(1, 1000), help="Multiplies the rows.")
@click.option("--again", is_flag=True, help="Empty the tables first.")
def seed(scale: int, again: bool) -> None:
    """Fill the demo tables with plausible rows; does nothing when they hold rows already."""
    from lakehouse_assets.demo import seed as fill

    here = edge()
    written = fill(here.source_dsn(), scale, say, again=again, cipher=here.keys.active)
    click.echo(", ".join(f"{table} {rows}" for table, rows in written.items()))


@click.command()
@click.option("--rate", default=20.0, show_default=True, help="Row changes a second.")
@click.option("--seconds", default=60.0, show_default=True, help="How long.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same traffic.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def simulate(rate: float, seconds: float, seed: int, as_json: bool) -> None:
    """Run mixed, realistic traffic on the demo tables: inserts, updates, deletes, key changes, transactions."""
    from lakehouse_assets.demo import simulate as run

    here = edge()
    report = run(here.source_dsn(), rate, seconds, seed, say, cipher=here.keys.active)
    if as_json:
        click.echo(json.dumps({"changes": report.by_table(), "total": report.total, "seconds": round(report.seconds, 2),
                               "rate": round(report.achieved_rate, 1), "transactions": report.transactions}))  # fmt: skip
    else:
        click.echo(report.line())
    if report.interrupted:
        raise KeyboardInterrupt
