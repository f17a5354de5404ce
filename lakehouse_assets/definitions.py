"""The code location: settings and catalog are read here, and every asset, check, sensor and resource is made of them."""

from __future__ import annotations

from pathlib import Path

from dagster import Definitions, definitions, in_process_executor

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.defs import arrivals, kafka, postgres, raw, transformed
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.defs.resources import KafkaResource, LakeResource, PostgresResource, spark_resource
from lakehouse_assets.engine.session import spark_config
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack.connections import Connections, connections
from lakehouse_assets.stack.jars import jar_paths
from lakehouse_assets.stack.ports import Port, listening

REFINED_FOLDER = Path(refined.__file__).parent


@definitions
def defs() -> Definitions:
    """Everything Dagster sees."""
    settings = load_settings()
    links = connections(settings)
    catalog = load_catalog(settings.catalog)
    tables = load_refined(REFINED_FOLDER, catalog)
    paths = LakePaths(settings.lake)
    return Definitions(
        assets=[
            postgres.build(catalog), *kafka.build(catalog), *raw.build(catalog), *transformed.build(catalog),
            *refined.build(tables),
        ],
        sensors=[arrivals.build(catalog, tables, paths, settings.sensor_seconds)],
        resources={
            "spark": spark_resource(_spark_config(settings, links)),
            "postgres": PostgresResource(dsn=links.source_dsn),
            "kafka": KafkaResource(bootstrap=links.kafka_bootstrap),
            "lake": LakeResource(root=str(settings.lake)),
        },
        executor=in_process_executor,  # one process a run: a process a step costs seconds
    )  # fmt: skip


def _spark_config(settings: Settings, links: Connections) -> dict[str, str]:
    """Attach to the engine when there is one, else start a local session: `dagster asset materialize` works alone."""
    port = Port.SPARK_CONNECT.of(settings.port_base)
    if settings.spark_remote or listening(port):
        return {"spark.remote": links.spark_remote}
    return spark_config(jar_paths(settings.cache, "spark"), settings.engine_memory, settings.home / "spark")
