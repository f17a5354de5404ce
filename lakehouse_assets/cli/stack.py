"""Words about the local stack: up, down, status, doctor, env, connector, engine, clean, docs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from lakehouse_assets.changelog.position import position_text
from lakehouse_assets.cli.context import edge, say
from lakehouse_assets.errors import EXIT_FAILED, LakehouseError

if TYPE_CHECKING:
    from lakehouse_assets.progress.lag import TableLag


@click.command()
def up() -> None:
    """Start the local stack and wait until every part is healthy; changes nothing when all is up."""
    from lakehouse_assets.addresses import shown
    from lakehouse_assets.stack.up import up as start

    here = edge()
    start(here.settings, here.catalog, say)
    click.echo(f"Page      {here.links.page_url}")
    click.echo(f"Dagster   {here.links.webserver_url}")
    click.echo(f"Postgres  {here.links.replication.place}")
    click.echo(f"Kafka     {shown(here.links.kafka_bootstrap)}")
    click.echo(f"Connect   {shown(here.links.connect_url)}")
    click.echo(f"Spark     {shown(here.links.spark_remote)}")
    click.echo(f"lake      {here.settings.lake}")


@click.command()
def down() -> None:
    """Stop the local stack; returns when every process has ended. State and lake stay."""
    from lakehouse_assets.stack.up import down as stop

    stop(edge().settings, say)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def status(as_json: bool) -> None:
    """Show services, the lag of every table, the sensor, the slot, and whether the stream is halted."""
    from lakehouse_assets.progress.status import status as look

    here = edge()
    found = look(here.settings, here.catalog, here.links)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    console = Console()
    services = Table("service", "state", "pid", "address", title="Services", title_justify="left")
    for service in found.services:
        services.add_row(service.name, service.state, str(service.pid or ""), service.address)
    tables = Table(
        "table",
        "kafka end",
        "raw position",
        "applied",
        "lag (changes)",
        "lag (s)",
        "verified",
        title="Tables",
        title_justify="left",
    )
    for table in found.tables:
        tables.add_row(
            table.name, _or_dash(table.kafka_end), position_text(table.raw_position), position_text(table.applied_position),
            _or_dash(table.lag_changes), _or_dash(table.lag_seconds), _verified(table),
        )  # fmt: skip
    console.print(services)
    console.print(tables)
    for table in found.tables:
        if table.braked:
            console.print(f"[red]{table.name} is braked[/]: {table.braked.words}", highlight=False)
            console.print(f"    {table.braked.next_step}", markup=False, highlight=False)
    console.print(f"sensor arrivals: {found.sensor.state}; {found.sensor.last_tick}", highlight=False)
    if found.stream.wal:
        console.print(f"slot: {found.stream.wal.text}", highlight=False)
    if halt := found.stream.halt:
        text = f"halted since {halt.since}: {halt.text}\nnext: lakehouse recover"
        console.print(text, style="red", highlight=False, markup=False)


def _verified(table: TableLag) -> str:
    through = table.verified_through
    known = "never" if through is None else f"{through.age_seconds / 60:.0f} min ago"
    newest = table.verified_verdict
    return known if newest in (None, "equal") else f"{known}, now [red]{newest}[/]"


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON array of findings on standard output.")
def doctor(as_json: bool) -> None:
    """Look at every part; each line is ok, or what is wrong, where, and what mends it. Exit 1 when something is wrong."""
    from lakehouse_assets.progress.status import diagnose

    here = edge()
    findings = diagnose(here.settings, here.catalog, here.links)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for finding in findings:
            console.print(f"[{'green' if finding.ok else 'red'}]{'ok   ' if finding.ok else 'WRONG'}[/] ", end="")
            console.print(f"{finding.area}: {finding.text}", markup=False)
            if not finding.ok and finding.fix:
                console.print(f"      next: {finding.fix}", markup=False)
    if not all(finding.ok for finding in findings):
        sys.exit(EXIT_FAILED)


@click.command()
def env() -> None:
    """Print the connection settings as KEY=value lines, for `export $(lakehouse env)`. Holds a password."""
    here = edge()
    here.source_dsn()
    words = here.links.environment()
    # A shell would cut them there, and the words would work at another lake.
    if torn := [name for name, value in words.items() if any(map(str.isspace, value))]:
        raise LakehouseError(
            f"{' and '.join(torn)} cannot be exported: there is a blank in it", where="environment",
            next_step="set LAKEHOUSE_HOME and LAKEHOUSE_LAKE to folders without a blank; in an address it is written %20",
        )  # fmt: skip
    for name, value in words.items():
        click.echo(f"{name}={value}")


@click.group()
def connector() -> None:
    """The Debezium connector: apply, status."""


@connector.command("apply")
def connector_apply() -> None:
    """Make topics and connector as the catalog says; changes nothing when they are already."""
    from lakehouse_assets.gateways.kafka import create_topics
    from lakehouse_assets.stack.connector import topics
    from lakehouse_assets.stack.connector_apply import apply

    here = edge()
    for topic in create_topics(here.links.kafka_bootstrap, topics(here.catalog)):
        click.echo(f"made topic {topic}")
    changed = apply(here.settings, here.catalog, here.links)
    click.echo("connector applied" if changed else "connector is as the catalog says")


@connector.command("status")
def connector_status() -> None:
    """Show the connector's state; a failed task with its first cause and the fix (exit 1)."""
    from lakehouse_assets.gateways.connect import connector_status as look
    from lakehouse_assets.stack.connector import connector_name
    from lakehouse_assets.stack.connector_causes import failed_connector

    here = edge()
    found = look(here.links.connect_url, connector_name(here.catalog))
    if not found.running:
        raise failed_connector(found, here.catalog, here.links.replication.user)
    click.echo(f"{connector_name(here.catalog)}: {found.state}")


@click.command()
@click.option(
    "--once", is_flag=True, help="Bring what is in Kafka now into raw, then end: for machines without a daemon."
)
def engine(once: bool) -> None:
    """Run the stream from Kafka into raw in this terminal (`up` runs it for you)."""
    command = [sys.executable, "-m", "lakehouse_assets.engine", *(["--once"] if once else [])]
    os.execv(sys.executable, command)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean(yes: bool) -> None:
    """Stop the stack, then remove its state and its lake's layers."""
    from lakehouse_assets.stack.up import clean as remove

    here = edge()
    question = (
        f"Remove all state of this stack ({here.settings.home}) and the layers of its lake ({here.settings.lake})?"
    )
    if not yes:
        click.confirm(question, abort=True)
    remove(here.settings, say)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is stale.")
def docs(check: bool) -> None:
    """Write the generated pages of docs/: settings, tables, commands, connector and normalisation dictionary."""
    from functools import partial

    from lakehouse_assets.cli.reference import write
    from lakehouse_assets.engine.values import read_texts
    from lakehouse_assets.sessions import spark

    here = edge()
    with spark(here.settings, here.links, say) as session:
        stale = write(here.catalog, partial(read_texts, session), check=check)
    click.echo("\n".join(f"{'stale' if check else 'wrote'} {path}" for path in stale) or "docs are up to date")
    if check and stale:
        sys.exit(EXIT_FAILED)
