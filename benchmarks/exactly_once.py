"""What Kafka Connect's exactly-once source support costs and saves: with it and without, on a stack of its own each.

Duplicates: changes that a reader of committed messages gets twice after Connect was killed again and again under traffic.
Latency: from the commit in PostgreSQL to such a reader. Throughput: one large transaction, from its commit to its last row.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles

import click
from kafka import KafkaConsumer
from rich.console import Console
from rich.table import Table

from benchmarks.stack import own_stack
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect, kafka, postgres
from lakehouse_assets.stack import connector, plan
from lakehouse_assets.stack.connector_apply import wait_for_connector
from lakehouse_assets.stack.up import service_states

_QUIET_SECONDS = 10  # without a message everything was read
_BACK_SECONDS = 120
_INSERT = (
    "insert into transacoes (imovel_id, morador_id, data_transacao, valor_transacao) "
    "select (select min(imovel_id) from imoveis), (select min(morador_id) from moradores), '2026-01-31', i "
    "from generate_series(1, %s) i"
)


@dataclass(frozen=True)
class Measured:
    """One mode: repeated changes, messages read, offsets that hold none, latencies (seconds), changes a second."""

    repeated: int
    messages: int
    holes: int
    latencies: list[float]
    throughput: float


@click.command(help=__doc__)
@click.option("--kills", default=20, show_default=True, help="How often Connect is killed.")
@click.option("--rate", default=200.0, show_default=True, help="Row changes a second meanwhile.")
@click.option("--rows", default=200_000, show_default=True, help="Rows of the large transaction.")
@click.option("--seconds", default=60.0, show_default=True, help="How long latency is watched, at 20 commits a second.")
def main(kills: int, rate: float, rows: int, seconds: float) -> None:
    """Measure both modes and print them side by side."""
    found = {name: _measure(on, kills, rate, rows, seconds) for name, on in (("off", False), ("on", True))}
    shown = Table(title=f"exactly-once source support, {kills} kills of Connect")
    for name in ("", *found):
        shown.add_column(name, justify="right" if name else "left")
    lines = {
        "changes delivered twice": lambda m: str(m.repeated),
        "messages read": lambda m: f"{m.messages:,}",
        "offsets that hold no message": lambda m: f"{m.holes:,}",
        "latency p50 (ms)": lambda m: f"{quantiles(m.latencies, n=100)[49] * 1000:.0f}",
        "latency p99 (ms)": lambda m: f"{quantiles(m.latencies, n=100)[98] * 1000:.0f}",
        "changes a second": lambda m: f"{m.throughput:,.0f}",
    }
    for name, text in lines.items():
        shown.add_row(name, *(text(measured) for measured in found.values()))
    Console(width=100).print(shown)


def _measure(on: bool, kills: int, rate: float, rows: int, seconds: float) -> Measured:
    from lakehouse_assets.demo import seed

    with own_stack(only=plan.CORE) as (here, _):
        seed(here.source_dsn(), say=click.echo)
        if on:
            _switch_on(here)
        topic = here.catalog.table("transacoes").topic
        latencies = list(_latencies(here, topic, seconds))
        click.echo(f"latency: {len(latencies)} changes")
        throughput = rows / _large(here, topic, rows)
        click.echo(f"throughput: {throughput:,.0f} changes/s")
        _kill(here, kills, rate)
        read = [message for table in here.catalog.tables for message in _messages(here, table.topic)]
        ends = kafka.end_offsets(here.links.kafka_bootstrap, [table.topic for table in here.catalog.tables])
        identities = Counter(_identity(key, value) for key, value in read if value["source"]["snapshot"] == "false")
        repeated = identities.total() - len(identities)
        return Measured(repeated, len(read), sum(ends.values()) - len(read), latencies, throughput)


def _switch_on(here: Edge) -> None:
    """Both halves: the worker writes in transactions, the connector insists on it."""
    worker = here.settings.home / "connect" / "worker.properties"
    worker.write_text(worker.read_text(encoding="utf-8") + "exactly.once.source.support=enabled\n", encoding="utf-8")
    _kill_connect(here)
    name, url = connector.connector_name(here.catalog), here.links.connect_url
    config = connector.connector_config(here.catalog, here.settings, here.links)
    connect.apply_connector(url, name, config | {"exactly.once.support": "required", "transaction.boundary": "poll"})
    wait_for_connector(here.catalog, here.links, threading.Event(), _BACK_SECONDS)


def _latencies(here: Edge, topic: str, seconds: float) -> Iterator[float]:
    """Seconds from the commit to the reader, of single commits, 20 a second."""
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.05):
            postgres.execute(here.source_dsn(), _INSERT, [1])

    consumer = _reader(here, topic, "latest")
    consumer.poll(5000)  # takes its place
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    until = time.time() + seconds
    while time.time() < until:
        for records in consumer.poll(200).values():
            arrived = time.time()
            yield from (arrived - json.loads(r.value)["source"]["ts_us"] / 1e6 for r in records)
    stop.set()
    writer.join()
    consumer.close()


def _large(here: Edge, topic: str, rows: int) -> float:
    """Seconds from the commit of one large transaction until its last row is read."""
    consumer, seen = _reader(here, topic, "latest"), 0
    consumer.poll(5000)
    postgres.execute(here.source_dsn(), _INSERT, [rows])
    since = time.monotonic()
    while seen < rows:
        seen += sum(len(records) for records in consumer.poll(1000).values())
    consumer.close()
    return time.monotonic() - since


def _kill(here: Edge, kills: int, rate: float) -> None:
    from lakehouse_assets.demo import simulate

    stop, chance = threading.Event(), random.Random(7)
    traffic = threading.Thread(target=lambda: simulate(here.source_dsn(), rate, 86_400, stop=stop), daemon=True)
    traffic.start()
    for number in range(kills):
        time.sleep(chance.uniform(3, 8))
        _kill_connect(here)
        click.echo(f"kill {number + 1} of {kills}: back")
    stop.set()
    traffic.join(60)


def _kill_connect(here: Edge) -> None:
    """SIGKILL, and return when its connector runs again under a new pid."""
    pid = _pid(here)
    assert pid
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + _BACK_SECONDS
    name, url = connector.connector_name(here.catalog), here.links.connect_url
    while time.monotonic() < until:
        time.sleep(0.5)
        if _pid(here) in (None, pid):
            continue
        try:
            if connect.connector_status(url, name).running:
                return
        except LakehouseError:
            continue
    raise click.ClickException(f"the connector is not back after {_BACK_SECONDS} s")


def _pid(here: Edge) -> int | None:
    return next(state.pid for state in service_states(here.settings) if state.name == "connect")


def _messages(here: Edge, topic: str) -> Iterator[tuple[str, dict]]:
    consumer, quiet = _reader(here, topic, "earliest"), time.monotonic()
    while time.monotonic() - quiet < _QUIET_SECONDS:
        for records in consumer.poll(1000).values():
            quiet = time.monotonic()
            yield from ((str(r.key), json.loads(r.value)) for r in records)
    consumer.close()


def _identity(key: str, value: dict) -> tuple[object, ...]:
    source = value["source"]
    return (source["table"], source["txId"], source["lsn"], key, value["op"])


def _reader(here: Edge, topic: str, begin: str) -> KafkaConsumer:
    return KafkaConsumer(
        topic, bootstrap_servers=here.links.kafka_bootstrap, auto_offset_reset=begin, enable_auto_commit=False,
        isolation_level="read_committed",
    )  # fmt: skip


if __name__ == "__main__":
    main()
