"""The check that a transformed table equals its source, made at one moment of a source that goes on changing.

It runs by itself, on a schedule: in a run that also folds it would wait for a fold that waits for this run, so there
it says nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    DefaultScheduleStatus,
    MetadataValue,
    ScheduleDefinition,
    multi_asset_check,
)  # fmt: skip

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.defs import scheduled, transformed
from lakehouse_assets.defs.resources import LakeResource
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.proof import TableProof
from lakehouse_assets.proof.verification import Verification, Verified

NAME = "postgres_equals_transformed"
JOB = "verify"
_KEYS_SHOWN = 20

Verify = Callable[[Sequence[str], Callable[[str], None]], Verification]


def build(catalog: Catalog, verify: Verify) -> AssetChecksDefinition:
    """One check on each transformed table, all of them at the same moment; `verify(names, say)` does the work."""

    @multi_asset_check(
        name=NAME,
        specs=[
            AssetCheckSpec(
                NAME, asset=transformed.key(name), description="Every row of the source is in the lake, and no other."
            )
            for name in catalog.names
        ],
        can_subset=True,
    )
    def equal(context: AssetCheckExecutionContext, lake: LakeResource) -> Iterable[AssetCheckResult]:
        if not scheduled.is_alone(context, NAME, JOB):
            return
        names = scheduled.tables_of(context)
        try:
            found = verify(names, context.log.info)
        except LakehouseError as error:
            text = f"could not verify: {error.text()}"
            yield from (scheduled.undecided(NAME, transformed.key(name), text) for name in names)
        else:
            yield from (_result(proof, found, found.known[proof.table]) for proof in found.proofs)

    return equal


def schedule(check: AssetChecksDefinition, cron: str) -> ScheduleDefinition:
    """The job of the check alone, at the given times (UTC)."""
    return ScheduleDefinition(
        name=JOB,
        job=scheduled.job(JOB, check),
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.RUNNING,
        description="Proves that transformed equals the source.",
    )


def _result(proof: TableProof, found: Verification, known: Verified) -> AssetCheckResult:
    return AssetCheckResult(
        check_name=NAME,
        asset_key=transformed.key(proof.table),
        passed=proof.equal,
        severity=AssetCheckSeverity.ERROR if proof.differences else AssetCheckSeverity.WARN,
        description=_words(proof),
        metadata={
            "source_rows": proof.source_count,
            "lake_rows": proof.lake_count,
            "missing": proof.missing_count,
            "extra": proof.extra_count,
            "different": proof.different_count,
            "not_verifiable_now": proof.left_out,
            "keys": _keys(proof),
            "not_compared": MetadataValue.json(proof.not_compared),
            "compared_at": MetadataValue.timestamp(found.at),
            "lsn": found.lsn,
            **_through(known),
        },
    )


def _through(known: Verified) -> dict[str, Any]:
    if known.through is None:
        return {"verified_through": "never"}
    return {
        "verified_through": MetadataValue.timestamp(datetime.fromisoformat(known.through.at)),
        "verified_through_lsn": known.through.lsn,
        "verified_seconds_ago": known.through.age_seconds,
    }


def _words(proof: TableProof) -> str:
    if proof.unproven:
        return f"not verified: {proof.unproven}"
    if not proof.differences:
        return "equal"
    return f"{proof.missing_count} missing, {proof.extra_count} extra, {proof.different_count} different"


def _keys(proof: TableProof) -> MetadataValue:
    return MetadataValue.json(
        {
            "missing": [list(key) for key in proof.missing[:_KEYS_SHOWN]],
            "extra": [list(key) for key in proof.extra[:_KEYS_SHOWN]],
            "different": [{"key": list(d.key), "columns": list(d.columns)} for d in proof.different[:_KEYS_SHOWN]],
        }
    )
