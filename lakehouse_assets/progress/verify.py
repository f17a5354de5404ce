"""Whether the lake equals a live source: compared at one moment of the source, with no writer stopped.

The source is summed by range at one moment; then transformed is waited for until it covers that moment; then both are
compared. Keys that changed after the moment, as raw tells, are left out: they are verified next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.evolution import not_comparable
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.shape import SourceShape
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import shape
from lakehouse_assets.engine.moment import LakeTable, Versions, bounds_of, changed_later, newest_versions
from lakehouse_assets.engine.positions import floors, newest_cut
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress import verified
from lakehouse_assets.progress.status import explain_stage
from lakehouse_assets.progress.sync import SyncRequest, cover
from lakehouse_assets.proof import Bounds, Comparison, Sum, TableProof, comparison, prove
from lakehouse_assets.proof.buckets import total
from lakehouse_assets.proof.verification import Verification
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import Connections

Say = Callable[[str], None]

# A commit is read from the WAL a moment before other transactions see it, so what raw held at the source's very moment
# may be later than it; what it held a minute before is not.
_FLOOR_SECONDS = 60


@dataclass(frozen=True)
class Limits:
    """What a verification may cost: seconds of waiting for the lake, seconds a statement at the source, rows a table."""

    wait_seconds: float
    statement_seconds: int
    most_rows: int | None  # None: any

    def hold_seconds(self, tables: int) -> int:
        """How long the source's moment may have to be kept."""
        return int(self.wait_seconds + self.statement_seconds * (tables + 1)) + 60


@dataclass(frozen=True)
class VerifyRequest:
    """What is compared. `cover` returns when the tables' transformed ones hold all that was committed before its call."""

    catalog: Catalog
    paths: LakePaths
    source_dsn: str
    limits: Limits
    cover: Callable[[tuple[Table, ...]], object]
    say: Say


def live_request(
    settings: Settings,
    links: Connections,
    live: SyncRequest,
    say: Say,
    timeout: float | None = None,
    *,
    force: bool = False,
) -> VerifyRequest:
    """A running stack to verify: it covers a moment when its own stages say so."""
    seconds = settings.verify_timeout_seconds if timeout is None else timeout

    def why(stage: str) -> str:
        return explain_stage(stage, settings, live.catalog, links)

    return VerifyRequest(
        live.catalog, live.paths, live.source_dsn,
        Limits(seconds, settings.verify_statement_timeout_seconds, None if force else settings.verify_max_rows),
        lambda tables: cover(live, tables, seconds, say, why), say,
    )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What of a table is compared, in which ranges, and how many rows the lake has."""

    compared: Comparison
    lake_rows: int
    bounds: Bounds


@dataclass(frozen=True)
class _Read:
    """The source's side of a table with its sums, or why there are none."""

    side: postgres.SourceTable
    sums: dict[int, Sum] | None = None
    obstacle: str = ""


def verify(request: VerifyRequest, names: Sequence[str] = ()) -> Verification:
    """Compare the named tables (none: all) and keep how far each is proven.

    Raises LakehouseError for an unknown table (usage), when the source does not answer, and what `cover` raises.
    """
    tables, limits = _tables(request.catalog, names), request.limits
    floor = floors(request.paths, int((time.time() - _FLOOR_SECONDS) * 1000))
    shapes = postgres.read_shapes(request.source_dsn, request.catalog.publication, tables)
    with open_lake(request.paths) as lake:
        planned = [_planned(agreed(table, request.paths, shapes[table.name]), lake) for table in tables]
    hold = limits.hold_seconds(len(tables))
    held = newest_cut(request.paths).positions
    with postgres.open_moment(request.source_dsn, limits.statement_seconds, hold) as moment:
        read = [_read(plan, request, moment) for plan in planned]
        if covered := tuple(one.side.comparison.table for one in read if one.sums is not None):
            request.say(f"waiting up to {limits.wait_seconds:.0f} s until the lake covers LSN {moment.lsn}")
            request.cover(covered)
        pinned = newest_versions(request.paths, covered)
        with open_lake(request.paths, pinned.versions) as lake:
            since = [(floor.get(table.name, NOTHING), held.get(table.name, NOTHING)) for table in tables]
            proofs = [_prove(one, moment, lake, *raw_at, pinned) for one, raw_at in zip(read, since, strict=True)]
    known = {proof.table: verified.keep(request.paths, proof, moment.at, moment.lsn) for proof in proofs}
    return Verification(moment.at, moment.lsn, proofs, known)


def _tables(catalog: Catalog, names: Sequence[str]) -> list[Table]:
    if unknown := [name for name in names if name not in catalog.names]:
        known = ", ".join(catalog.names)
        raise LakehouseError(
            f"no such table: {', '.join(unknown)}", where="verify", next_step=f"tables: {known}", exit_code=EXIT_USAGE
        )
    return [table for table in catalog.tables if not names or table.name in names]


def agreed(table: Table, paths: LakePaths, source: SourceShape | None) -> Comparison:
    """What of a table is compared: the columns that source (None: not known) and lake both have, as the lake reads them."""
    known = shape.known(table, paths)
    return comparison(known, not_comparable(known, source) if source and source.exists else {})


def _planned(compared: Comparison, lake: LakeReader) -> _Plan:
    rows, bounds = (0, Bounds(())) if compared.obstacle else bounds_of(lake, compared)
    return _Plan(compared, rows, bounds)


def _read(plan: _Plan, request: VerifyRequest, moment: postgres.Moment) -> _Read:
    compared, most = plan.compared, request.limits.most_rows
    table, side = compared.table, moment.of(compared, plan.bounds)
    if compared.obstacle:
        return _Read(side, obstacle=compared.obstacle)
    since = time.monotonic()
    try:
        rows = max(plan.lake_rows, moment.estimated_rows(table))
        if most is not None and rows > most:
            return _Read(side, obstacle=f"about {rows:,} rows, more than LAKEHOUSE_VERIFY_MAX_ROWS allows ({most:,})")
        sums = side.sums()
    except LakehouseError as error:
        return _Read(side, obstacle=error.text())
    request.say(f"{table.name}: {total(sums):,} rows of the source read in {time.monotonic() - since:.1f} s")
    return _Read(side, sums)


def _prove(
    read: _Read, moment: postgres.Moment, lake: LakeReader, floor: int, held: int, pinned: Versions
) -> TableProof:
    compared = read.side.comparison
    table, bounds = compared.table, read.side.bounds
    unproven = TableProof(table.name, table.key, not_compared=compared.not_compared, unproven=read.obstacle)
    if read.sums is None:
        return unproven
    try:
        later = changed_later(lake, compared, moment.snapshot, floor, held, pinned.applied[table.name])
        if later is None:
            return replace(unproven, unproven="truncated or read anew (a snapshot) after the moment; verify again")
        return prove(compared, read.side, read.sums, LakeTable(lake, compared, bounds), later)
    except LakehouseError as error:
        return replace(unproven, unproven=error.text())
