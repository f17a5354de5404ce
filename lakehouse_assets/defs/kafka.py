"""The topics as assets that Debezium writes."""

from __future__ import annotations

from dagster import AssetKey, AssetSpec

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.defs import postgres

GROUP = "kafka"


def key(table: str) -> AssetKey:
    """The asset of a table's topic."""
    return AssetKey([GROUP, table])


def build(catalog: Catalog) -> list[AssetSpec]:
    """One external asset for each topic."""
    return [
        AssetSpec(
            key(table.name),
            deps=[postgres.key(table.name)],
            description=f"Every change of {table.source_name} in commit order, as Debezium sends it: topic `{table.topic}`.",
            group_name=GROUP,
            kinds={"kafka", "debezium"},
            owners=[f"team:{table.owner}"] if table.owner else None,
            metadata={"topic": table.topic, "partitions": 1},
        )
        for table in catalog.tables
    ]
