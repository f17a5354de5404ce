"""Makes the connector as the catalog says and waits until it runs; what fails is told with its cause and fix."""

from __future__ import annotations

import threading
import time

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import connector, connector_causes, health
from lakehouse_assets.stack.additions import snapshot_added
from lakehouse_assets.stack.connections import Connections

_CONNECTOR_SECONDS = 120
_FAILED_SECONDS = 3  # a task that is still FAILED so long after its restart will not heal by itself


def apply(settings: Settings, catalog: Catalog, links: Connections) -> bool:
    """Make the connector as the catalog says; False when it is already. A refusal is told with its fix.

    Tables that are new to a connector get a snapshot of their own: its first one is over.
    """
    name = connector.connector_name(catalog)
    before = connect_gateway.connector_config(links.connect_url, name)
    try:
        changed = connect_gateway.apply_connector(
            links.connect_url, name, connector.connector_config(catalog, settings, links)
        )
    except LakehouseError as error:
        meaning, fix = connector_causes.explain(error.problem, catalog, links.replication.user)
        if not meaning:
            raise
        raise LakehouseError(f"{meaning} ({error.problem})", where=f"connector {name}", next_step=fix) from None
    if added := connector.added_tables(before, catalog):
        wait_for_connector(catalog, links, threading.Event())
        snapshot_added(catalog, links, added)
    return changed


def wait_for_connector(
    catalog: Catalog, links: Connections, stop: threading.Event, seconds: float = _CONNECTOR_SECONDS
) -> None:
    """Return when connector and task run; a failed one is started again once, then told with its cause and fix."""
    name, deadline = connector.connector_name(catalog), time.monotonic() + seconds
    restarted_at: float | None = None
    while not (status := connect_gateway.connector_status(links.connect_url, name)).running:
        now = time.monotonic()
        if status.state == connect_gateway.FAILED and restarted_at is None:
            connect_gateway.restart(links.connect_url, name)
            restarted_at = now
        failed_for_good = status.state == connect_gateway.FAILED and now - (restarted_at or now) > _FAILED_SECONDS
        if failed_for_good or now > deadline:
            raise connector_causes.failed_connector(status, catalog, links.replication.user)
        if stop.wait(0.3):
            raise health.Stopped
