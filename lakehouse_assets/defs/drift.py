"""The check that the source's table is what the catalog says, as far as the lake does not follow it by itself."""

from __future__ import annotations

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.drift import Change, Difference, remedy, sentence
from lakehouse_assets.catalog.shape import SourceShape
from lakehouse_assets.defs.resources import PostgresResource
from lakehouse_assets.errors import LakehouseError

NAME = "schema_as_declared"
DESCRIPTION = "The source's columns are those of the catalog, or the lake follows them."


def asked(postgres: PostgresResource, table: Table) -> tuple[SourceShape | None, str]:
    """The source's table; None, and why, when the source does not answer: the lake's shape stays as it is."""
    try:
        return postgres.shape(table), ""
    except LakehouseError as error:
        return None, error.text()


def verdict(table: Table, found: tuple[Difference, ...], away: str) -> AssetCheckResult:
    """What the differences that are left after a fold mean."""
    left = [one for one in found if not one.settled]
    lost = any(one.change is Change.RETYPED for one in left)
    words = [f"the source could not be asked: {away}"] if away else []
    words += [f"{sentence(table, one)}; next: {remedy(table, one)}" for one in left]
    return AssetCheckResult(
        check_name=NAME,
        passed=not words,
        severity=AssetCheckSeverity.ERROR if lost else AssetCheckSeverity.WARN,
        description="\n".join(words) or None,
        metadata={
            "policy": table.drift.value,
            "differences": MetadataValue.json([f"{one.change}: {sentence(table, one)}" for one in found]),
        },
    )
