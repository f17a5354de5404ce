"""What a verification of a large table costs while the source is written to: its seconds, and the writers' latency.

One writer sends short transactions of one change at a steady rate; their latency is taken without a verification and
with one. The verification is the word a person types, in a process of its own.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import click
from psycopg2.extensions import connection as Connection
from rich.console import Console
from rich.table import Table

from benchmarks.stack import own_stack
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.gateways import postgres
from lakehouse_assets.proof import Bounds, comparison
from lakehouse_assets.stack.environment import setting_words
from lakehouse_assets.stack.postgres import NAME as POSTGRES

_CHANGES = (
    ("update transacoes set valor_transacao = valor_transacao + 1 where transacao_id = %s", 8),
    ("delete from transacoes where transacao_id = %s", 1),
    ("insert into transacoes (imovel_id, morador_id, data_transacao, valor_transacao) "
     "select imovel_id, morador_id, data_transacao, 1 from transacoes where transacao_id = %s", 1),
)  # fmt: skip


@dataclass
class Writer:
    """Transactions of one change at `rate` a second until stopped; seconds each took, by phase."""

    dsn: str
    rate: float
    rows: int
    phase: str = "warm"
    taken: dict[str, list[float]] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Write; a transaction that is late is sent at once, so that a pause shows as latency of those that wait."""
        connection, chance, due = postgres.connect(self.dsn), random.Random(7), time.monotonic()
        while not stop.is_set():
            time.sleep(max(due - time.monotonic(), 0))
            self._change(connection, chance)
            self.taken.setdefault(self.phase, []).append(time.monotonic() - due)
            due += 1 / self.rate
        connection.close()

    def _change(self, connection: Connection, chance: random.Random) -> None:
        statement = chance.choices([c for c, _ in _CHANGES], [weight for _, weight in _CHANGES])[0]
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, [chance.randint(1, self.rows)])


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the table.")
@click.option("--rate", default=100.0, show_default=True, help="Row changes a second.")
@click.option("--seconds", default=90.0, show_default=True, help="How long the writers are watched without it.")
@click.option("--times", default=3, show_default=True, help="How often the table is verified.")
@click.option("--alone", is_flag=True, help="PostgreSQL alone, its reading alone: what the source itself notices.")
def main(rows: int, rate: float, seconds: float, times: int, alone: bool) -> None:
    """Fill a table on a stack of its own, write to it, verify it, and print the figures."""
    from lakehouse_assets.demo import seed
    from lakehouse_assets.progress.sync import sync

    if alone:
        _alone(rows, rate, seconds, times)
        return
    with own_stack() as (here, _):
        seed(here.source_dsn(), say=click.echo)
        _fill(here.source_dsn(), rows)
        sync(here.sync_request(), 900, click.echo, lambda stage: stage)
        stop, writer = threading.Event(), Writer(here.source_dsn(), rate, rows)
        thread = threading.Thread(target=writer.run, args=[stop], daemon=True)
        thread.start()
        time.sleep(20)
        writer.phase = "without"
        time.sleep(seconds)
        runs = []
        for _ in range(times):
            writer.phase = "with"
            runs.append(_verified(here, writer))
            writer.phase = "between"
            time.sleep(5)
        stop.set()
        thread.join(30)
    console = Console(width=110)
    _print(console, rows, rate, runs, writer)


def _alone(rows: int, rate: float, seconds: float, times: int) -> None:
    from lakehouse_assets.demo import seed

    with own_stack(only=[POSTGRES]) as (here, _):
        dsn, table = here.source_dsn(), here.catalog.table("transacoes")
        seed(dsn, say=click.echo)
        _fill(dsn, rows)
        stop, writer = threading.Event(), Writer(dsn, rate, rows)
        thread = threading.Thread(target=writer.run, args=[stop], daemon=True)
        thread.start()
        time.sleep(5)
        writer.phase = "without"
        time.sleep(seconds)
        bounds = Bounds(tuple(str(key) for key in range(1000, rows, 1000)))
        for _ in range(times):
            with postgres.open_moment(dsn, 600, 600) as moment:
                writer.phase, since = "with", time.monotonic()
                moment.of(comparison(table), bounds).sums()
                click.echo(f"{rows:,} rows read in {time.monotonic() - since:.2f} s")
                writer.phase = "between"
            time.sleep(2)
        stop.set()
        thread.join(30)
    _print_latency(Console(width=110), writer, (("without verify", "without"), ("while it is read", "with")))


def _fill(dsn: str, rows: int) -> None:
    postgres.execute(
        dsn,
        """insert into transacoes (imovel_id, morador_id, data_transacao, valor_transacao)
           select (select min(imovel_id) from imoveis), (select min(morador_id) from moradores),
                  date '2020-01-01' + mod(i, 2000), mod(i, 1000000) / 7.0 from generate_series(1, %s) i""",
        [rows],
    )


def _verified(here: Edge, writer: Writer) -> dict[str, float]:
    """Seconds of the scan, of the wait for the lake, and in all, of one `lakehouse verify transacoes`."""
    program = Path(sys.executable).with_name("lakehouse")
    since, marks = time.monotonic(), {}
    environment = setting_words(here.settings, here.links)
    process = subprocess.Popen(
        [program, "verify", "transacoes", "--timeout", "600"],
        env={**os.environ, **environment}, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        click.echo(line.rstrip())
        for mark, words in (("read", "rows of the source read"), ("covered", "caught up")):
            if words in line:
                marks[mark] = time.monotonic() - since
        if "read" in marks and writer.phase == "with":
            writer.phase = "with, waiting"
    out = process.communicate()[0]
    click.echo(out)
    if process.returncode:
        raise click.ClickException(f"verify ended with {process.returncode}")
    whole = time.monotonic() - since
    return {
        "read": marks["read"],
        "wait": marks["covered"] - marks["read"],
        "compare": whole - marks["covered"],
        "all": whole,
    }


def _print(console: Console, rows: int, rate: float, runs: list[dict[str, float]], writer: Writer) -> None:
    shown = Table(title=f"verify of {rows:,} rows under {rate:.0f} changes/s")
    for name in ("run", "start and read the source (s)", "wait for the lake (s)", "compare (s)", "in all (s)"):
        shown.add_column(name, justify="right")
    for number, run in enumerate(runs, 1):
        shown.add_row(str(number), *(f"{run[name]:.1f}" for name in ("read", "wait", "compare", "all")))
    console.print(shown)
    phases = (
        ("without verify", "without"), ("while verify starts and reads", "with"),
        ("while verify waits and compares", "with, waiting"),
    )  # fmt: skip
    _print_latency(console, writer, phases)


def _print_latency(console: Console, writer: Writer, phases: tuple[tuple[str, str], ...]) -> None:
    shown = Table("writer's transactions", "count", "p50 (ms)", "p99 (ms)", "max (ms)", title="Latency at the source")
    for label, phase in phases:
        taken = sorted(writer.taken[phase])
        cuts = quantiles(taken, n=100)
        shown.add_row(label, str(len(taken)), *(f"{value * 1000:.1f}" for value in (cuts[49], cuts[98], taken[-1])))
    console.print(shown)


if __name__ == "__main__":
    main()
