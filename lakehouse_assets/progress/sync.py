"""Waits until everything committed in the source before the call is in raw, transformed, history and refined.

Each stage is proven by its own state: the slot's confirmed position (Kafka has acknowledged all before it), the
stream's committed offsets, the applied positions, the refined tables' notes. Nothing is timed or guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.engine.positions import exists, folded, newest_cut, told
from lakehouse_assets.engine.refined import covers
from lakehouse_assets.engine.stream_offsets import committed_offsets
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import kafka, postgres

POLL_SECONDS = 0.5
TELL_SECONDS = 5
NAMES_TOLD = 5


@dataclass(frozen=True)
class SyncRequest:
    """What is waited for, and how to reach it. `why(stage)` explains a stage that lags, for the error."""

    catalog: Catalog
    refined: tuple[RefinedTable, ...]
    paths: LakePaths
    checkpoint: Path
    source_dsn: str
    kafka_bootstrap: str


def sync(
    request: SyncRequest, timeout: float, say: Callable[[str], None], why: Callable[[str], str]
) -> dict[str, float]:
    """Seconds each stage took; LakehouseError naming the stage that is not done after `timeout` seconds, and why.

    While a stage is waited for, `say` gets what is left of it every few seconds.
    """
    started = time.monotonic()
    took: dict[str, float] = {}

    def wait(stage: str, left: Callable[[], str]) -> None:
        since = time.monotonic()
        if remaining := wait_for(left, started + timeout, lambda line: say(f"{stage}: {line}")):
            raise LakehouseError(
                f"not in sync after {timeout:.0f} s: {stage} lags: {remaining}; {why(stage)}",
                where="sync",
                next_step="lakehouse status shows each stage, lakehouse doctor what is not well",
            )
        took[stage] = round(time.monotonic() - since, 2)
        say(f"{stage}: caught up after {took[stage]:.1f} s")

    lsn = postgres.write_marker(request.source_dsn, f"sync {time.time_ns()}")
    wait("kafka", lambda: _slot_left(request, lsn))
    ends = kafka.end_offsets(request.kafka_bootstrap, [table.topic for table in request.catalog.tables])
    wait("raw", lambda: _raw_left(request, ends))
    cut = newest_cut(request.paths)
    wait("transformed", lambda: _transformed_left(request, cut.positions))
    if any(table.history for table in request.catalog.tables):
        wait("history", lambda: _history_left(request, cut.positions))
    if request.refined:
        wait("refined", lambda: _refined_left(request, cut.positions))
    return took


def cover(
    request: SyncRequest,
    tables: tuple[Table, ...],
    timeout: float,
    say: Callable[[str], None],
    why: Callable[[str], str],
) -> dict[str, float]:
    """`sync` for the transformed tables of `tables` alone."""
    alone = replace(request.catalog, tables=tuple(replace(table, history=False) for table in tables))
    return sync(replace(request, catalog=alone, refined=()), timeout, say, why)


def wait_for(left: Callable[[], str], until: float, say: Callable[[str], None]) -> str:
    """What `left()` still names at `until` (monotonic seconds); empty as soon as it is. Told every few seconds."""
    since = told = time.monotonic()
    while (remaining := left()) and (now := time.monotonic()) <= until:
        if now - told >= TELL_SECONDS:
            say(f"{remaining} ({now - since:.0f} s)")
            told = now
        time.sleep(POLL_SECONDS)
    return remaining


def _slot_left(request: SyncRequest, lsn: int) -> str:
    slot = postgres.slot_state(request.source_dsn, request.catalog.slot)
    if not slot.exists:
        return f"the replication slot {request.catalog.slot} does not exist"
    confirmed = slot.confirmed_flush_lsn or 0
    return "" if confirmed >= lsn else f"{lsn - confirmed} bytes of WAL are not confirmed by the connector"


def _raw_left(request: SyncRequest, ends: dict[str, int]) -> str:
    read = committed_offsets(request.checkpoint)
    names = {table.topic: table.name for table in request.catalog.tables}
    left = {names[topic]: end - read.get(topic, 0) for topic, end in ends.items() if read.get(topic, 0) < end}
    return f"messages unread: {_few([f'{name} {count}' for name, count in left.items()])}" if left else ""


def _transformed_left(request: SyncRequest, positions: dict[str, int]) -> str:
    behind = [
        table.name
        for table in request.catalog.tables
        if folded(request.paths, table.name).applied < positions.get(table.name, -1)
        or not exists(request.paths.transformed(table.name))
    ]
    return f"{_few(behind)} not folded yet" if behind else ""


def _history_left(request: SyncRequest, positions: dict[str, int]) -> str:
    behind = [
        table.name
        for table in request.catalog.tables
        if table.history and told(request.paths, table.name).applied < positions.get(table.name, -1)
    ]
    return f"{_few(behind)} not told yet" if behind else ""


def _refined_left(request: SyncRequest, positions: dict[str, int]) -> str:
    tables = {table.name: table for table in request.refined}
    behind = [name for name, table in tables.items() if not covers(table, tables, request.paths, positions)]
    return f"{_few(behind)} not recomputed yet" if behind else ""


def _few(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - NAMES_TOLD} more" if len(parts) > NAMES_TOLD else ""
    return ", ".join(parts[:NAMES_TOLD]) + more
