"""Words about the lake: sync, query, run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

from lakehouse_assets.cli.context import edge, say

FORMATS = ("table", "json", "csv")


@click.command()
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait before giving up.")
def sync(timeout: float) -> None:
    """Return when everything committed before this call is in raw, transformed and refined; else exit 1."""
    from lakehouse_assets.progress.status import explain_stage
    from lakehouse_assets.progress.sync import sync as wait

    here = edge()
    took = wait(
        here.sync_request(), timeout, say, lambda stage: explain_stage(stage, here.settings, here.catalog, here.links)
    )
    click.echo(f"in sync after {sum(took.values()):.1f} s")


@click.command()
@click.argument("sql")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How rows are printed."
)
def query(sql: str, form: str) -> None:
    """Read the lake with SQL: `raw`, `transformed.<table>`, `refined.<table>`. One SELECT; nothing is ever written.

    JSON is one array of objects: decimals as text at their scale, dates as text, integers as numbers.
    """
    from lakehouse_assets.cli.answers import render
    from lakehouse_assets.engine.reader import open_lake

    with open_lake(edge().paths) as reader:
        render(reader.query(sql), form)


@click.command()
@click.argument("selection", default='group:"transformed" or group:"refined"')
@click.option("--partition", help="The day (2026-01-31) when raw assets are selected.")
def run(selection: str, partition: str | None) -> None:
    """Materialise assets now, in this terminal; prints the `dg launch` command it wraps."""
    here = edge()
    dg = str(Path(sys.executable).with_name("dg"))
    command = [dg, "launch", "--assets", selection, *(["--partition", partition] if partition else [])]
    say(f"$ {shlex.join(['dg', *command[1:]])}")
    environment = {**os.environ, "DAGSTER_HOME": str(here.settings.dagster_home)}
    here.settings.dagster_home.mkdir(parents=True, exist_ok=True)
    project = Path(__file__).parents[2]
    sys.exit(subprocess.run(command, env=environment, cwd=project, check=False).returncode and 1)
