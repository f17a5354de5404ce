"""The arrivals sensor: compares positions and asks for one run of what is behind, and of what rests on it.

It reads the Delta logs only (no JVM, work bounded by what is new). Its cursor saves work and is no truth: without
it the same runs are asked for. While a run is in progress it asks for nothing; what failed it asks for later, and later
each time, and for the rest meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from dagster import (
    AssetCheckKey,
    AssetKey,
    AssetSelection,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)  # fmt: skip

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.defs import history, raw, scheduled, serving, transformed
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.defs.resources import PID_TAG
from lakehouse_assets.defs.resting import EVERYTHING, resting
from lakehouse_assets.engine import brake
from lakehouse_assets.engine.positions import EMPTY_CUT, Cut, exists, folded, newest_cut, seconds_since, told
from lakehouse_assets.engine.refined import is_behind

NAME = "arrivals"
ARRIVALS_TAG = "lakehouse/arrivals"
FIRST_ROWS_SECONDS, QUIET_SECONDS = 90.0, 5.0
_ACTIVE = [
    DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]  # fmt: skip


def build(
    catalog: Catalog,
    tables: tuple[RefinedTable, ...],
    paths: LakePaths,
    every_seconds: int,
    checks: Mapping[AssetKey, Sequence[AssetCheckKey]],
    serving_dsn: str | None = None,
    first_rows_seconds: float = FIRST_ROWS_SECONDS,
) -> SensorDefinition:
    """The sensor over every asset from raw on; `checks` are those of an asset's own step.

    `first_rows_seconds`: how long a raw table that was just made is given to receive rows of every table.
    """

    @sensor(
        name=NAME,
        target=AssetSelection.groups(raw.GROUP, transformed.GROUP, history.GROUP, refined.GROUP, serving.GROUP),
        minimum_interval_seconds=every_seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description="Asks for a run of the tables whose raw partitions hold changes that are not applied yet.",
    )
    def arrivals(context: SensorEvaluationContext) -> SensorResult:
        known = _known(context.cursor)
        cut = newest_cut(paths, known)
        behind = tables_behind(catalog, paths, cut)
        rest = _above(catalog, tables, paths, behind, serving_dsn)
        cursor = cut.to_json()
        if not behind and not rest:
            return SensorResult(
                skip_reason=SkipReason(f"all is applied up to raw version {cut.version}"), cursor=cursor
            )
        if awaited := _awaited(paths, cut, behind, first_rows_seconds):
            return SensorResult(
                skip_reason=SkipReason(f"raw is new: the first rows of {', '.join(awaited)} are awaited")
            )
        # The old cursor stays: days passed over while waiting are asked for later.
        if reason := _in_progress(context.instance):
            return SensorResult(skip_reason=SkipReason(reason))
        keys = [key(n) for n in behind for key in (raw.key, transformed.key)] + rest
        if rests := resting(context.instance, {ARRIVALS_TAG: "true"}, keys):
            behind = [n for n in behind if not {raw.key(n), transformed.key(n), EVERYTHING} & rests.keys()]
            rest = [
                key
                for key in _above(catalog, tables, paths, behind, serving_dsn)
                if not {key, EVERYTHING} & rests.keys()
            ]
            if not behind and not rest:
                seconds = min(rests.values())
                return SensorResult(skip_reason=SkipReason(f"the last runs failed: next try in {seconds:.0f} s"))
        requests = [_request(keys, day, checks) for keys, day in _wanted(behind, rest, cut, known)]
        return SensorResult(run_requests=requests, cursor=cursor)

    return arrivals


def _awaited(paths: LakePaths, cut: Cut, behind: list[str], seconds: float) -> list[str]:
    """The tables without a row in a new raw table that has none at all, or is receiving others: theirs are on their way.

    A run that made them empty would hold up, by its own length, the one that fills them.
    """
    arriving = not cut.positions or seconds_since(paths, cut.version) < QUIET_SECONDS
    if not arriving or seconds_since(paths, 0) >= seconds:
        return []
    return [name for name in behind if cut.position(name) == NOTHING]


def _above(
    catalog: Catalog, tables: tuple[RefinedTable, ...], paths: LakePaths, behind: list[str], serving_dsn: str | None
) -> list[AssetKey]:
    """The histories, business tables and what is published of them that rest on the tables behind, or are behind themselves."""
    histories = [history.key(name) for name in history_behind(catalog, paths, behind)]
    business = refined_behind(tables, paths, behind)
    served = serving.behind([table.name for table in tables], paths, serving_dsn, business)
    return [*histories, *(refined.key(name) for name in business), *served]


def tables_behind(catalog: Catalog, paths: LakePaths, cut: Cut) -> list[str]:
    """Tables whose transformed table is missing or has not applied all that raw holds.

    One that is braked is left out until a person allows what it brought: the others must not wait with it.
    """
    if not exists(paths.raw):
        return []
    applied = {name: folded(paths, name).applied for name in catalog.names}
    return [
        name
        for name, position in applied.items()
        if (position < cut.position(name) or not exists(paths.transformed(name)))
        and brake.braked(paths, name, position) is None
    ]


def history_behind(catalog: Catalog, paths: LakePaths, behind: list[str]) -> list[str]:
    """Tables with a history that is not where their transformed table is, or will be."""
    return [
        table.name
        for table in catalog.tables
        if table.history
        and (table.name in behind or told(paths, table.name).applied < folded(paths, table.name).applied)
    ]


def refined_behind(tables: tuple[RefinedTable, ...], paths: LakePaths, behind: list[str]) -> list[str]:
    """Business tables that rest on a table that is behind, or are themselves older than their inputs."""
    by_name = {table.name: table for table in tables}
    return [
        name
        for name, table in by_name.items()
        if set(table.source_tables(by_name)) & set(behind) or (exists(paths.raw) and is_behind(table, by_name, paths))
    ]


def _wanted(
    behind: list[str], rest: list[AssetKey], cut: Cut, known: Cut
) -> Iterator[tuple[list[AssetKey], str | None]]:
    """The assets of each run, and the day of raw it audits; `rest`: what rests on transformed tables."""
    days = {cut.days[name] for name in behind if name in cut.days}
    today = max(days, default=None)
    # Tables without a row in raw have no day to audit.
    landed = [name for name in behind if name in cut.days]
    yield [*(raw.key(n) for n in landed), *(transformed.key(n) for n in behind), *rest], today
    passed = {known.days[name] for name in landed if name in known.days} - {today}
    for day in sorted(passed):
        yield [raw.key(n) for n in landed if known.days.get(n) == day], day


def _request(
    keys: list[AssetKey], day: str | None, checks: Mapping[AssetKey, Sequence[AssetCheckKey]]
) -> RunRequest:  # fmt: skip
    # Named one by one: else the proof, which waits for what such a run does, would be part of it.
    wanted = [check for key in keys for check in checks.get(key, ())]
    return RunRequest(asset_selection=keys, asset_check_keys=wanted, partition_key=day, tags={ARRIVALS_TAG: "true"})


def _known(cursor: str | None) -> Cut:
    try:
        return Cut.from_json(cursor) if cursor else EMPTY_CUT
    except ValueError:
        return EMPTY_CUT


def _in_progress(instance: DagsterInstance) -> str | None:
    active = instance.get_runs(RunsFilter(statuses=_ACTIVE), limit=20)
    # A check only reads, and what a verification waits for is this sensor's next run.
    working = [run for run in active if not _ended_silently(instance, run) and not scheduled.only_reads(run)]
    return f"run {working[0].run_id[:8]} is in progress" if working else None


def _ended_silently(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether the run's process is gone without a word (kill -9); such a run is marked as failed."""
    pid = run.tags.get(PID_TAG)
    if pid is None or _alive(int(pid)):
        return False
    instance.report_run_failed(run, f"the run's process {pid} ended without reporting")
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
