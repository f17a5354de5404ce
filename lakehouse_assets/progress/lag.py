"""The lag of every table, stage by stage: end of its topic, newest in raw, applied in transformed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import changes_between, offset_of
from lakehouse_assets.engine.positions import Cut, folded, newest_cut
from lakehouse_assets.engine.stream_offsets import committed_offsets
from lakehouse_assets.gateways import kafka
from lakehouse_assets.progress import verified
from lakehouse_assets.proof.verification import Through


@dataclass(frozen=True)
class TableLag:
    """One table. `kafka_end` is the next offset of its topic (None: Kafka does not answer); positions are -1 for nothing.

    `lag_changes` are messages not yet applied; `lag_seconds` is the age of the oldest of them, 0 when there is none.
    `unread` of those are not in raw yet, `unapplied` are in raw and not in transformed.
    `verified_through` is the newest moment of the source the table is proven equal to, `verified_verdict` what the
    newest verification said.
    """

    name: str
    kafka_end: int | None
    raw_position: int
    applied_position: int
    lag_changes: int | None
    lag_seconds: float | None
    verified_through: Through | None = None
    verified_verdict: str | None = None
    unread: int | None = None
    unapplied: int = 0


def table_lags(catalog: Catalog, paths: LakePaths, checkpoint: Path, bootstrap: str | None) -> list[TableLag]:
    """The lag of every table of the catalog; without `bootstrap` what the lake alone tells."""
    cut, read = newest_cut(paths), committed_offsets(checkpoint)
    ends = {} if bootstrap is None else kafka.end_offsets(bootstrap, [table.topic for table in catalog.tables])
    return [_with_proof(_lag(table, paths, cut, read, ends, bootstrap), paths) for table in catalog.tables]


def _with_proof(lag: TableLag, paths: LakePaths) -> TableLag:
    known = verified.read(paths, lag.name)
    return lag if known is None else replace(lag, verified_through=known.through, verified_verdict=known.verdict)


def _lag(
    table: Table, paths: LakePaths, cut: Cut, read: dict[str, int], ends: dict[str, int], bootstrap: str | None
) -> TableLag:
    raw, applied = cut.position(table.name), folded(paths, table.name).applied
    end = ends.get(table.topic)
    unapplied = changes_between(applied, raw)
    if bootstrap is None or end is None:
        return TableLag(table.name, end, raw, applied, None, None, unapplied=unapplied)
    # A tombstone is read and leaves nothing in raw, so what was read counts, not raw's last offset.
    unread = end - read.get(table.topic, 0)
    behind = unread + unapplied
    oldest = offset_of(raw) + 1 - unapplied if unapplied else read.get(table.topic, 0)
    seconds = _age(bootstrap, table.topic, oldest) if behind else 0.0
    return TableLag(table.name, end, raw, applied, behind, seconds, unread=unread, unapplied=unapplied)


def _age(bootstrap: str, topic: str, offset: int) -> float | None:
    landed = kafka.timestamp_at(bootstrap, topic, offset)
    return None if landed is None else round(max(time.time() - landed, 0.0), 1)
