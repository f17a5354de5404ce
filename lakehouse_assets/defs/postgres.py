"""The source tables as assets somebody else writes; observing them shows the planner's row estimate."""

from __future__ import annotations

from collections.abc import Iterator

from dagster import AssetKey, AssetsDefinition, AssetSpec, ObserveResult, multi_observable_source_asset

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.defs.metadata import column_schema
from lakehouse_assets.defs.resources import PostgresResource

GROUP = "postgres"


def key(table: str) -> AssetKey:
    """The asset of a source table."""
    return AssetKey([GROUP, table])


def build(catalog: Catalog) -> AssetsDefinition:
    """One observable asset for each source table."""

    @multi_observable_source_asset(specs=[_spec(table) for table in catalog.tables], can_subset=True, name="postgres")
    def observe(context, postgres: PostgresResource) -> Iterator[ObserveResult]:
        chosen = [t for t in catalog.tables if key(t.name) in context.selected_asset_keys]
        estimates = postgres.row_estimates([t.source_sql for t in chosen])
        for table in chosen:
            yield ObserveResult(key(table.name), metadata={"estimated_rows": estimates.get(table.source_sql, -1)})

    return observe


def _spec(table: Table) -> AssetSpec:
    return AssetSpec(
        key(table.name),
        description=f"{table.description} The source of truth: `{table.source_name}` in PostgreSQL.",
        group_name=GROUP,
        kinds={"postgres"},
        owners=[f"team:{table.owner}"] if table.owner else None,
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.source_name},
    )
