"""The arrivals sensor: compares positions and asks for one run of what is behind, and of what rests on it.

It reads the Delta logs only (no JVM, work bounded by what is new). Its cursor saves work and is no truth: without
it the same runs are asked for. While a run is in progress it asks for nothing; after a failed one it waits longer
each time.
"""

from __future__ import annotations

import os
import time
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
from lakehouse_assets.defs import proof, raw, stream, transformed
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.defs.resources import PID_TAG
from lakehouse_assets.engine.positions import EMPTY_CUT, Cut, exists, folded, newest_cut
from lakehouse_assets.engine.refined import is_behind

NAME = "arrivals"
ARRIVALS_TAG = "lakehouse/arrivals"
_ACTIVE = [
    DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]  # fmt: skip
_FIRST_WAIT, _LONGEST_WAIT = 10, 300  # seconds after a failed run


def build(
    catalog: Catalog,
    tables: tuple[RefinedTable, ...],
    paths: LakePaths,
    every_seconds: int,
    checks: Mapping[AssetKey, Sequence[AssetCheckKey]],
) -> SensorDefinition:
    """The sensor over every raw, transformed and refined asset; `checks` are those of an asset's own step."""

    @sensor(
        name=NAME,
        target=AssetSelection.groups(raw.GROUP, transformed.GROUP, refined.GROUP),
        minimum_interval_seconds=every_seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description="Asks for a run of the tables whose raw partitions hold changes that are not applied yet.",
    )
    def arrivals(context: SensorEvaluationContext) -> SensorResult:
        known = _known(context.cursor)
        cut = newest_cut(paths, known)
        behind = tables_behind(catalog, paths, cut)
        stale = refined_behind(tables, paths, behind)
        cursor = cut.to_json()
        if not behind and not stale:
            return SensorResult(
                skip_reason=SkipReason(f"all is applied up to raw version {cut.version}"), cursor=cursor
            )
        # The old cursor stays: days passed over while waiting are asked for later.
        if reason := _wait_reason(context.instance):
            return SensorResult(skip_reason=SkipReason(reason))
        requests = [_request(keys, day, checks) for keys, day in _wanted(behind, stale, cut, known)]
        return SensorResult(run_requests=requests, cursor=cursor)

    return arrivals


def tables_behind(catalog: Catalog, paths: LakePaths, cut: Cut) -> list[str]:
    """Tables whose transformed table is missing or has not applied all that raw holds."""
    return [
        name
        for name in catalog.names
        if exists(paths.raw)
        and (folded(paths, name).applied < cut.position(name) or not exists(paths.transformed(name)))
    ]


def refined_behind(tables: tuple[RefinedTable, ...], paths: LakePaths, behind: list[str]) -> list[str]:
    """Business tables that rest on a table that is behind, or are themselves older than their inputs."""
    by_name = {table.name: table for table in tables}
    return [
        name
        for name, table in by_name.items()
        if set(table.source_tables(by_name)) & set(behind) or (exists(paths.raw) and is_behind(table, by_name, paths))
    ]


def _wanted(behind: list[str], stale: list[str], cut: Cut, known: Cut) -> Iterator[tuple[list[AssetKey], str | None]]:
    """The assets of each run, and the day of raw it audits."""
    days = {cut.days[name] for name in behind if name in cut.days}
    today = max(days, default=None)
    # Tables without a row in raw have no day to audit.
    landed = [name for name in behind if name in cut.days]
    yield (
        [raw.key(n) for n in landed] + [transformed.key(n) for n in behind] + [refined.key(n) for n in stale],
        today,
    )
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


def _wait_reason(instance: DagsterInstance) -> str | None:
    active = instance.get_runs(RunsFilter(statuses=_ACTIVE), limit=20)
    # A check only reads, and what a verification waits for is this sensor's next run.
    working = [run for run in active if not _ended_silently(instance, run) and not _only_checks(run)]
    if working:
        return f"run {working[0].run_id[:8]} is in progress"
    seconds = _backoff(instance)
    return f"the last runs failed: next try in {seconds:.0f} s" if seconds > 0 else None


def _only_checks(run: DagsterRun) -> bool:
    return run.job_name in (proof.JOB, stream.JOB) or bool(run.asset_check_selection and not run.asset_selection)


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


def _backoff(instance: DagsterInstance) -> float:
    """Seconds still to wait: 10 s after one failure in a row, doubling up to 5 minutes."""
    records = instance.get_run_records(RunsFilter(tags={ARRIVALS_TAG: "true"}), limit=8)
    failures = 0
    for record in records:
        if record.dagster_run.status is not DagsterRunStatus.FAILURE:
            break
        failures += 1
    if not failures:
        return 0
    wait = min(_FIRST_WAIT * 2 ** (failures - 1), _LONGEST_WAIT)
    return (records[0].end_time or 0) + wait - time.time()
