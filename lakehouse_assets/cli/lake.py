"""Words about the lake: sync, query, run, test, allow."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

from lakehouse_assets.cli.completion import source_tables, statement
from lakehouse_assets.cli.context import edge, say
from lakehouse_assets.errors import EXIT_DATA, EXIT_USAGE, LakehouseError

FORMATS = ("table", "json", "csv")


@click.command()
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait before giving up.")
def sync(timeout: float) -> None:
    """Return when everything committed before this call is in raw, transformed, history and refined; else exit 1."""
    from lakehouse_assets.progress.status import explain_stage
    from lakehouse_assets.progress.sync import sync as wait

    here = edge()
    took = wait(
        here.sync_request(), timeout, say, lambda stage: explain_stage(stage, here.settings, here.catalog, here.links)
    )
    click.echo(f"in sync after {sum(took.values()):.1f} s")


@click.command()
@click.argument("sql", shell_complete=statement)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How rows are printed."
)
def query(sql: str, form: str) -> None:
    """Read the lake with SQL: `raw`, `transformed.<table>`, `history.<table>`, `refined.<table>`. One SELECT; nothing is ever written.

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


@click.command()
@click.argument("table", shell_complete=source_tables)
@click.option("--through", type=int, required=True, metavar="POSITION", help="The last position that may be folded.")
def allow(table: str, through: int) -> None:
    """Let a braked table's fold pass, up to a position and no further.

    A fold that would delete or change a large part of a table waits until a person has looked: `lakehouse status` shows
    it with the position to give here. The sensor goes on by itself; doing it twice changes nothing.
    """
    from lakehouse_assets.engine import brake
    from lakehouse_assets.engine.positions import folded, newest_cut

    here = edge()
    name = here.table(table).name
    newest = newest_cut(here.paths).position(name)
    if through > newest:
        raise LakehouseError(
            f"raw holds nothing at position {through}; only what is there can be allowed",
            where=name,
            next_step=f"its newest position is {newest}",
            exit_code=EXIT_USAGE,
        )
    brake.allow(here.paths, name, through)
    applied = folded(here.paths, name).applied
    click.echo(
        f"{name}: applied up to {applied}, allowed through {through}" + (", nothing waits" * (through <= applied))
    )


@click.command(name="test")
@click.argument("names", nargs=-1, metavar="[TABLE]...")
def check_cases(names: tuple[str, ...]) -> None:
    """Run the examples of the business tables: the rows in TABLE.cases.yaml beside TABLE.sql, and what must come of them.

    Nothing of the lake is read or written. Exit 3: a case does not hold.
    """
    from lakehouse_assets.progress.cases import all_cases, run_all
    from lakehouse_assets.sessions import spark

    here = edge()
    known = [table.name for table in here.refined]
    if wrong := [name for name in names if name not in known]:
        raise LakehouseError(
            f"no such business table: {', '.join(wrong)}", where="test", next_step=f"tables: {', '.join(known)}",
            exit_code=EXIT_USAGE,
        )  # fmt: skip
    cases = all_cases(here.settings.refined_folder, here.catalog, names or known)
    with spark(here.settings, here.links, say) as session:
        failed = run_all(session, here.settings.refined_folder, here.catalog, cases, click.echo)
    if failed:
        sys.exit(EXIT_DATA)
