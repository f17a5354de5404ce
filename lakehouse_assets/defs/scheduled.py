"""Checks that read much and write nothing: a schedule runs them by themselves, and no fold waits for them."""

from dagster import (
    AssetCheckExecutionContext,
    AssetChecksDefinition,
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


def only_reads(run: DagsterRun) -> bool:
    """Whether a run checks and does nothing else."""
    return ONLY_READS in run.tags or bool(run.asset_check_selection and not run.asset_selection)
