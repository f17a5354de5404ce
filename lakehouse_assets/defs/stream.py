"""The check that the stream is the one the lake was made from, and that the source keeps what was not read yet.

A sensor looks every half minute, without Spark, and asks for a run of the check only when the answer is another one.
"""

from collections.abc import Callable, Iterable
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    multi_asset_check,
    sensor,
)  # fmt: skip

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.continuity import StreamState
from lakehouse_assets.defs import raw, scheduled

NAME = "stream_intact"
JOB = "stream"
EVERY_SECONDS = 30

Look = Callable[[], StreamState]


def build(catalog: Catalog, look: Look) -> AssetChecksDefinition:
    """One check on each raw table: an error while its stream is halted, a warning while WAL is about to be lost."""

    @multi_asset_check(
        name=NAME,
        specs=[
            AssetCheckSpec(
                NAME,
                asset=raw.key(name),
                description="The stream is the one the lake was made from, and the source keeps what was not read yet.",
            )
            for name in catalog.names
        ],
        can_subset=True,
    )
    def intact(context: AssetCheckExecutionContext) -> Iterable[AssetCheckResult]:
        state = look()
        yield from (_result(state, name) for name in scheduled.tables_of(context))

    return intact


def build_sensor(check: AssetChecksDefinition, look: Look) -> SensorDefinition:
    """The sensor whose cursor is the last answer."""
    job = scheduled.job(JOB, check)

    @sensor(
        name=f"{JOB}_watch",
        job=job,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Runs the check of the stream when it halts, goes on, or when WAL is about to be lost.",
    )
    def watch(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        answer = _answer(look())
        if answer == context.cursor:
            return SkipReason(answer)
        context.update_cursor(answer)
        return RunRequest()

    return watch


def _answer(state: StreamState) -> str:
    """What the state comes to, without figures that move all the time."""
    if state.halt:
        return f"halted since {state.halt.since}: {state.halt.text}"
    return "WAL is about to be lost" if state.wal and state.wal.problem else "the stream is intact"


def _result(state: StreamState, table: str) -> AssetCheckResult:
    broken = state.halt.of(table) if state.halt else ()
    risk = state.wal.problem if state.wal else ""
    return AssetCheckResult(
        check_name=NAME,
        asset_key=raw.key(table),
        passed=not broken and not risk,
        severity=AssetCheckSeverity.ERROR if broken else AssetCheckSeverity.WARN,
        description="; ".join(b.reason for b in broken) or risk or None,
        metadata=_figures(state, halted=bool(broken)),
    )


def _figures(state: StreamState, *, halted: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if state.wal:
        figures = {
            "wal_retained_bytes": state.wal.retained_bytes,
            "wal_safe_bytes": -1 if state.wal.safe_wal_size is None else state.wal.safe_wal_size,
            "heartbeat_age_seconds": -1.0
            if state.wal.heartbeat_age_seconds is None
            else state.wal.heartbeat_age_seconds,
        }
    return figures | ({"next step": "lakehouse recover"} if halted else {})
