"""The code location: settings and catalog are read here, and every asset, check, sensor and resource is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from dagster import Definitions, definitions, in_process_executor

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable, load_refined
from lakehouse_assets.defs import arrivals, history, kafka, postgres, proof, raw, refold, serving, stream, transformed
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.defs.resources import KafkaResource, LakeResource, PostgresResource, spark_resource
from lakehouse_assets.engine.brake import Limits
from lakehouse_assets.keys import load_keys
from lakehouse_assets.progress.stream import stream_state
from lakehouse_assets.proof.verification import Verification
from lakehouse_assets.sessions import session_config
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack.connections import Connections, connections


@definitions
def defs() -> Definitions:
    """Everything Dagster sees."""
    settings = load_settings()
    links = connections(settings)
    catalog = load_catalog(settings.catalog)
    tables = load_refined(settings.refined_folder, catalog)
    paths = LakePaths(settings.lake)
    standards = transformed.Standards(settings.status_warn_share, settings.status_error_share)
    limits = Limits(settings.brake_share, settings.brake_rows)
    folds = transformed.build(catalog, standards, lambda: load_keys(settings), limits)
    told = history.build(catalog, lambda: load_keys(settings))
    hops = [
        *raw.build(catalog),
        *folds,
        *told,
        *refined.build(tables, catalog),
        *serving.build(tables, settings.serving_dsn),
    ]
    checks = {asset.key: [spec.key for spec in asset.check_specs] for asset in hops}
    equal = proof.build(catalog, _verify(settings, links, catalog, tables))
    again = refold.build(catalog, lambda: load_keys(settings))
    look = partial(stream_state, settings, catalog, links)
    intact = stream.build(catalog, look)
    return Definitions(
        assets=[postgres.build(catalog), *kafka.build(catalog), *hops],
        asset_checks=[equal, again, intact],
        sensors=[
            arrivals.build(catalog, tables, paths, settings.sensor_seconds, checks, settings.serving_dsn),
            stream.build_sensor(intact, look),
        ],
        schedules=[
            proof.schedule(equal, settings.verify_cron),
            refold.every(again, catalog, paths, settings.refold_cron),
        ],
        resources={
            "spark": spark_resource(session_config(settings, links)),
            "postgres": PostgresResource(dsn=links.source_dsn, publication=catalog.publication),
            "kafka": KafkaResource(bootstrap=links.kafka_bootstrap),
            "lake": LakeResource(root=str(settings.lake)),
        },
        executor=in_process_executor,  # one process a run: a process a step costs seconds
    )  # fmt: skip


def _verify(settings: Settings, links: Connections, catalog: Catalog, tables: tuple[RefinedTable, ...]) -> proof.Verify:
    def verify(names: Sequence[str], say: Callable[[str], None]) -> Verification:
        # Only the run that verifies pays for these.
        from lakehouse_assets.progress.sync import SyncRequest
        from lakehouse_assets.progress.verify import live_request
        from lakehouse_assets.progress.verify import verify as compare

        live = SyncRequest(
            catalog, tables, LakePaths(settings.lake), settings.checkpoint, links.source_dsn, links.kafka_bootstrap
        )
        return compare(live_request(settings, links, live, say), names)

    return verify
