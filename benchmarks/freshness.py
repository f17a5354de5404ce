"""How old is a change when it is published? Measured from what the parts write anyway: no probe slows them.

Of every change in raw: its commit at the source, its arrival in Kafka, the raw commit that holds it, the first fold
that applied it and the first recomputation of every refined table above it. Steps come from Dagster's event log, CPU
and memory from the processes.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean, quantiles

import click
from rich.console import Console
from rich.table import Table

from benchmarks.processes import Usage, usage
from benchmarks.stack import own_stack
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.positions import FOLD_APP
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.refined import note_of

GIB = 1 << 30


@dataclass(frozen=True)
class Milestones:
    """Ascending positions, and the time (s) from which each was published."""

    positions: list[int]
    times: list[float]

    def reached(self, position: int) -> float | None:
        """When the position was published, None when it was not."""
        place = bisect_left(self.positions, position)
        return self.times[place] if place < len(self.times) else None


@click.command(help=__doc__)
@click.option("--rate", default=100.0, show_default=True, help="Row changes a second.")
@click.option("--seconds", default=300.0, show_default=True, help="How long traffic is measured.")
@click.option("--warm", default=60.0, show_default=True, help="Seconds of traffic before that.")
def main(rate: float, seconds: float, warm: float) -> None:
    """Run the traffic on a stack of its own and print the tables."""
    from lakehouse_assets.demo import seed, simulate
    from lakehouse_assets.progress.sync import sync

    with own_stack() as (here, up_seconds):
        seed(here.source_dsn(), say=click.echo, cipher=here.keys.active)
        simulate(here.source_dsn(), rate, warm, 1, click.echo, cipher=here.keys.active)
        peak, stop = _watch_memory(here)
        before, since = usage(here.settings.home), time.time()
        report = simulate(here.source_dsn(), rate, seconds, 2, click.echo, cipher=here.keys.active)
        until, after = time.time(), usage(here.settings.home)
        stop.set()
        sync(here.sync_request(), 180, click.echo, lambda stage: stage)
        console = Console(width=110)
        console.print(f"\nlakehouse up: {up_seconds:.1f} s; traffic: {report.line()}", highlight=False)
        _print_freshness(console, here, since, until)
        _print_steps(console, here, since, until)
        _print_usage(console, before, after, until - since, peak)


def _print_freshness(console: Console, here: Edge, since: float, until: float) -> None:
    raw = _raw_milestones(here)
    folds = {name: _fold_milestones(here, name) for name in here.catalog.names}
    refined = {table.name: table for table in here.refined}
    above = {name: [t for t in here.refined if name in t.source_tables(refined)] for name in here.catalog.names}
    computed = {(t.name, s): _refined_milestones(here, t.name, s) for t in here.refined for s in here.catalog.names}
    ages: dict[str, list[float]] = defaultdict(list)
    for table, position, committed, landed in _changes(here, since, until):
        published = folds[table].reached(position)
        recomputed = [computed[t.name, table].reached(position) for t in above[table]]
        ages["commit to Kafka"].append(landed - committed)
        for label, moment in (
            ("commit to raw", raw[table].reached(position)),
            ("commit to transformed", published),
            ("commit to refined", max((r for r in recomputed if r), default=None)),
        ):
            if moment is not None:
                ages[label].append(moment - committed)
    shown = Table("stage", "changes", "p50 (s)", "p95 (s)", "max (s)", title="Age of a change when it is published")
    for label, values in ages.items():
        cuts = quantiles(values, n=20)
        shown.add_row(label, str(len(values)), f"{cuts[9]:.1f}", f"{cuts[18]:.1f}", f"{max(values):.1f}")
    console.print(shown)


def _changes(here: Edge, since: float, until: float) -> list[tuple[str, int, float, float]]:
    def text(moment: float) -> str:
        return datetime.fromtimestamp(moment, UTC).isoformat()

    with open_lake(here.paths) as lake:
        return lake.query(f"""
          SELECT table_name, position, epoch_us(committed_at) / 1e6, epoch_us(kafka_timestamp) / 1e6 FROM raw
          WHERE op <> 'snapshot' AND committed_at BETWEEN '{text(since)}' AND '{text(until)}'
        """).rows


def _raw_milestones(here: Edge) -> dict[str, Milestones]:
    found: dict[str, tuple[list[int], list[float]]] = {name: ([], []) for name in here.catalog.names}
    newest = deltalog.newest_version(here.paths.raw)
    for commit in deltalog.commits(here.paths.raw, deltalog.NO_VERSION, newest):
        highest: dict[str, int] = {}
        for file in commit.added:
            table = file.partition["table_name"]
            highest[table] = max(highest.get(table, -1), file.high["position"])
        for table, position in highest.items():
            found[table][0].append(position)
            found[table][1].append(commit.timestamp_ms / 1000)
    return {name: Milestones(*lists) for name, lists in found.items()}


def _fold_milestones(here: Edge, table: str) -> Milestones:
    path = here.paths.transformed(table)
    commits = deltalog.commits(path, deltalog.NO_VERSION, deltalog.newest_version(path))
    folds = [(c.transactions[FOLD_APP], c.timestamp_ms / 1000) for c in commits if FOLD_APP in c.transactions]
    return Milestones([position for position, _ in folds], [moment for _, moment in folds])


def _refined_milestones(here: Edge, name: str, source: str) -> Milestones:
    path = here.paths.refined(name)
    commits = deltalog.commits(path, deltalog.NO_VERSION, deltalog.newest_version(path))
    notes = [(note_of(c).get("inputs", {}).get(source), c.timestamp_ms / 1000) for c in commits]
    known = [(position, moment) for position, moment in notes if position is not None]
    return Milestones([position for position, _ in known], [moment for _, moment in known])


def _print_steps(console: Console, here: Edge, since: float, until: float) -> None:
    os.environ["DAGSTER_HOME"] = str(here.settings.dagster_home)
    from benchmarks.runs import steps

    shown = Table("step", "times", "mean (s)", "max (s)", title="Where a run's time goes")
    for label, values in steps(since, until).items():
        shown.add_row(label, str(len(values)), f"{mean(values):.2f}", f"{max(values):.2f}")
    console.print(shown)


def _print_usage(
    console: Console, before: dict[str, Usage], after: dict[str, Usage], seconds: float, peak: dict[str, int]
) -> None:
    shown = Table("service", "CPU-seconds", "share of one core", "peak resident (MiB)", title="CPU and memory")
    for name, now in sorted(after.items()):
        spent = now.cpu_seconds - before.get(name, Usage(0, 0)).cpu_seconds
        shown.add_row(name, f"{spent:.1f}", f"{spent / seconds:.0%}", f"{peak.get(name, 0) >> 20}")
    total = peak["all"] / GIB
    console.print(shown)
    console.print(f"peak resident memory of the stack: {total:.2f} GiB", highlight=False)


def _watch_memory(here: Edge) -> tuple[dict[str, int], threading.Event]:
    """Peak resident bytes by service and of all at one moment, looked at every two seconds."""
    peak: dict[str, int] = defaultdict(int)
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(2):
            now = usage(here.settings.home)
            for name, used in now.items():
                peak[name] = max(peak[name], used.resident)
            peak["all"] = max(peak["all"], sum(used.resident for used in now.values()))

    threading.Thread(target=watch, daemon=True).start()
    return peak, stop


if __name__ == "__main__":
    main()
