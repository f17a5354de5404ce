"""What Kafka to raw costs: events a second and CPU-seconds per million, beside the same drain into bare Parquet.

A topic is filled once; each sink drains it from the start several times in one JVM, by turns, the first round warming it.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from statistics import median

import click
import psutil
from kafka import KafkaProducer
from rich.console import Console
from rich.table import Table

from benchmarks.stack import own_stack
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.engine import raw
from lakehouse_assets.engine.session import local_session, spark_config
from lakehouse_assets.stack.jars import jar_paths

KAFKA_ONLY = ("kafka",)


@click.command(help=__doc__)
@click.option("--events", default=400_000, show_default=True, help="Messages in the topic.")
@click.option("--rounds", default=3, show_default=True, help="Measured drains of each sink.")
def main(events: int, rounds: int) -> None:
    """Fill, drain by turns, print."""
    with own_stack(only=KAFKA_ONLY) as (here, _):
        _fill(here, events)
        config = spark_config(jar_paths(here.settings.cache, "spark"), "1g", here.settings.home / "spark")
        spark = local_session(config)
        jvm = next(p for p in psutil.Process().children(recursive=True) if "java" in p.name())
        measured: dict[str, list[tuple[float, float]]] = {"raw (Delta)": [], "bare Parquet": []}
        for turn in range(rounds + 1):
            for name in measured:
                click.echo(f"round {turn}: {name}", err=True)
                cost = _drain(spark, here, jvm, name)
                if turn:
                    measured[name].append(cost)
        spark.stop()
        _print(measured, events)


def _fill(here: Edge, events: int) -> None:
    topic = here.catalog.table("transacoes").topic
    producer = KafkaProducer(bootstrap_servers=here.links.kafka_bootstrap, linger_ms=50, batch_size=1 << 18)
    since = time.monotonic()
    for n in range(events):
        producer.send(topic, key=json.dumps({"transacao_id": n}).encode(), value=_message(n))
        if n % 50_000 == 0:
            click.echo(f"{n} of {events} messages after {time.monotonic() - since:.0f} s", err=True)
    producer.flush()
    producer.close()


def _message(n: int) -> bytes:
    after = {"transacao_id": n, "imovel_id": n % 140, "morador_id": n % 160, "data_transacao": 19_724 + n % 900,
             "valor_transacao": f"{n % 5000}.{n % 100:02d}"}  # fmt: skip
    source = {
        "version": "3.7.0.Final", "connector": "postgresql", "name": "condominio", "ts_ms": 1_767_225_600_000 + n,
        "snapshot": "false", "db": "condominio", "sequence": f'["{n}","{n}"]', "ts_us": 1_767_225_600_000_000 + n,
        "ts_ns": (1_767_225_600_000_000 + n) * 1000, "schema": "public", "table": "transacoes", "txId": n // 3,
        "lsn": 30_000_000 + 80 * n, "xmin": None,
    }  # fmt: skip
    op = "cuucuud"[n % 7]
    envelope = {"before": None, "after": None if op == "d" else after, "source": source, "op": op, "ts_ms": 1}
    return json.dumps(envelope, separators=(",", ":")).encode()


def _drain(spark, here: Edge, jvm: psutil.Process, name: str) -> tuple[float, float]:
    """Wall and CPU seconds of one drain into an empty table."""
    folder = here.settings.home / "drain"
    shutil.rmtree(folder, ignore_errors=True)
    target, checkpoint = folder / "raw", folder / "checkpoint"
    if name.startswith("raw"):
        raw.create_raw(spark, target)
    rows = raw.rows(spark, here.catalog, raw.messages(spark, here.catalog, here.links.kafka_bootstrap, 200_000), {})
    before, since = _cpu(jvm), time.monotonic()
    if name.startswith("raw"):
        raw.start_stream(rows, target, checkpoint, None).awaitTermination()
    else:
        _parquet(rows, target, checkpoint)
    return time.monotonic() - since, _cpu(jvm) - before


def _parquet(rows, target: Path, checkpoint: Path) -> None:
    writer = rows.writeStream.format("parquet").option("checkpointLocation", str(checkpoint))
    writer.trigger(availableNow=True).start(str(target)).awaitTermination()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _print(measured: dict[str, list[tuple[float, float]]], events: int) -> None:
    shown = Table(
        "sink", "events/s", "CPU-s per million", "against Parquet", title=f"{events} events, median of rounds"
    )
    baseline = median(cpu for _, cpu in measured["bare Parquet"])
    for name, costs in measured.items():
        wall, cpu = median(w for w, _ in costs), median(c for _, c in costs)
        shown.add_row(name, f"{events / wall:,.0f}", f"{cpu / events * 1e6:.1f}", f"{cpu / baseline:.2f}x")
    Console(width=100).print(shown)


if __name__ == "__main__":
    main()
