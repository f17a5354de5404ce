"""Runs assets over a lake in a folder, in this process, with a broker that holds what a test says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster import AssetKey, AssetsDefinition, DagsterInstance, ExecuteInProcessResult, materialize

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.shape import SourceShape
from lakehouse_assets.defs.resources import KafkaResource, LakeResource, PostgresResource, spark_resource
from lakehouse_assets_tests.catalog.shapes import declared


class Broker(KafkaResource):
    """A broker whose topics hold tombstones at the given offsets and nothing else that raw could lack."""

    held: list[int]

    def tombstones(self, topic: str, offsets: list[int]) -> set[int]:
        return set(offsets) & set(self.held)


class Source(PostgresResource):
    """A source whose tables are what the catalog says."""

    def shape(self, table: Table) -> SourceShape:
        return declared(table)


def run(
    paths: LakePaths,
    assets: Sequence[AssetsDefinition],
    *keys: str,
    partition: str | None = None,
    tombstones: Sequence[int] = (),
    source: PostgresResource | None = None,
) -> ExecuteInProcessResult:
    """One run of the assets named as `layer/table`."""
    resources = {
        "lake": LakeResource(root=str(paths.root)),
        "spark": spark_resource({}),
        "postgres": source or Source(dsn=""),
        "kafka": Broker(bootstrap="", held=list(tombstones)),
    }
    with DagsterInstance.ephemeral() as instance:
        selected = [AssetKey(key.split("/")) for key in keys]
        return materialize(
            assets, resources=resources, selection=selected, instance=instance, partition_key=partition,
            raise_on_error=False,
        )  # fmt: skip


def verdicts(result: ExecuteInProcessResult) -> dict[str, bool]:
    """Whether each check passed."""
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def metadata(result: ExecuteInProcessResult, key: str) -> dict[str, Any]:
    """What a materialization says of its asset."""
    (event,) = result.asset_materializations_for_node(key.replace("/", "__"))
    return {name: value.value for name, value in event.metadata.items()}
