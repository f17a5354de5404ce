"""Checks that read much and write nothing: a schedule runs them by themselves, and no fold waits for them."""

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetSelection,
    DagsterRun,
    define_asset_job,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

ONLY_READS = "lakehouse/only-reads"


def job(name: str, check: AssetChecksDefinition) -> UnresolvedAssetJobDefinition:
    """The job of a check alone."""
    return define_asset_job(name, selection=AssetSelection.checks(check), tags={ONLY_READS: "true"})


def is_alone(context: AssetCheckExecutionContext, name: str, job_name: str) -> bool:
    """Whether a check runs by itself; else the run's log says which job does it."""
    alone = [node.name for node in context.job_def.nodes] == [name]
    if not alone:
        context.log.info(f"{name}: not in a run that folds; the job {job_name} does it")
    return alone


def tables_of(context: AssetCheckExecutionContext) -> list[str]:
    """The tables whose checks a run was asked for."""
    return sorted(key.asset_key.path[-1] for key in context.selected_asset_check_keys)


def undecided(name: str, asset: AssetKey, description: str) -> AssetCheckResult:
    """The warning of a check that could not be made: it knows nothing of the table."""
    return AssetCheckResult(
        check_name=name, asset_key=asset, passed=False, severity=AssetCheckSeverity.WARN, description=description
    )


def only_reads(run: DagsterRun) -> bool:
    """Whether a run checks and does nothing else."""
    return ONLY_READS in run.tags or bool(run.asset_check_selection and not run.asset_selection)
