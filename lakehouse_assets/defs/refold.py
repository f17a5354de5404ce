"""The check that a transformed table is what raw alone gives: one table a time, the one that was looked at longest ago.

It folds the whole history of the table, so it runs on a schedule and never in a run that folds.
"""

from collections.abc import Callable, Iterable

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSpec,
    DagsterInstance,
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    multi_asset_check,
    schedule,
)  # fmt: skip

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.defs import scheduled, transformed
from lakehouse_assets.defs.resources import LakeResource, SparkResource
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.rebuild import differing
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.keys import NO_KEYS, Keys

NAME = "rebuild_equals_fold"
JOB = "refold"


def key(table: str) -> AssetCheckKey:
    """The check of a table."""
    return AssetCheckKey(transformed.key(table), NAME)


def build(catalog: Catalog, keys: Callable[[], Keys] = lambda: NO_KEYS) -> AssetChecksDefinition:
    """One check on each transformed table. `keys` is asked when a table is folded."""

    @multi_asset_check(
        name=NAME,
        specs=[
            AssetCheckSpec(NAME, asset=transformed.key(name), description="Raw folded from its beginning gives its rows.")
            for name in catalog.names
        ],
        can_subset=True,
    )  # fmt: skip
    def equal(
        context: AssetCheckExecutionContext, lake: LakeResource, spark: SparkResource
    ) -> Iterable[AssetCheckResult]:
        if scheduled.is_alone(context, NAME, JOB):
            names = scheduled.tables_of(context)
            yield from (_result(spark, catalog.table(name), lake.paths, keys()) for name in names)

    return equal


def every(check: AssetChecksDefinition, catalog: Catalog, paths: LakePaths, cron: str) -> ScheduleDefinition:
    """The job of the check for one table at each of the given times (UTC)."""

    @schedule(
        name=JOB,
        job=scheduled.job(JOB, check),
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.RUNNING,
        description="Folds one table from raw and compares: every table in its turn.",
    )
    def turns(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        names = [name for name in catalog.names if folded(paths, name).applied != NOTHING]
        if not names:
            return SkipReason("nothing is folded yet")
        return RunRequest(asset_check_keys=[key(min(names, key=lambda name: _looked_at(context.instance, name)))])

    return turns


def _looked_at(instance: DagsterInstance, table: str) -> float:
    """When the check of a table was last begun (seconds since the epoch), also one that came to no end."""
    record = instance.get_latest_asset_check_evaluation_record(key(table))
    return record.create_timestamp if record else 0.0


def _result(spark: SparkResource, table: Table, paths: LakePaths, keys: Keys) -> AssetCheckResult:
    try:
        rows = differing(spark.spark_session, table, paths, keys)
    except LakehouseError as error:
        return scheduled.undecided(NAME, transformed.key(table.name), f"could not compare: {error.text()}")
    return AssetCheckResult(
        check_name=NAME,
        asset_key=transformed.key(table.name),
        passed=rows == 0,
        description=f"{rows} rows are in one and not in the other" if rows else "equal",
        metadata={"rows": rows, "next step": f"lakehouse verify {table.name}; lakehouse rebuild {table.name}"},
    )
