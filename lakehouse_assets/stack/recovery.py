"""Begins again with a snapshot when the slot lost changes: the one failure that waiting or restarting does not mend."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import connector
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.connector_apply import apply, read_whole, stopped, wait_for_connector


def resnapshot(settings: Settings, catalog: Catalog, say: Callable[[str], None]) -> None:
    """Forget offsets and slot and let the connector take a new snapshot; returns when it runs again.

    The snapshot is a new generation in the change log: rows that are not in it are removed by the fold, so the lake is
    equal to the source again. What happened in between and was lost stays unknown to raw.
    """
    links = connections(settings)
    name, url = connector.connector_name(catalog), links.connect_url
    apply(settings, catalog, links, snapshot=False)
    with stopped(url, name):
        connect_gateway.forget_offsets(url, name)
        say(f"connector {name} is stopped and has forgotten its offsets")
        slot = postgres_gateway.slot_state(links.checking_dsn, catalog.slot)
        if slot.exists:
            statement = "select pg_drop_replication_slot(%s)"
            postgres_gateway.execute(links.checking_dsn, statement, [catalog.slot])
            say(f"slot {catalog.slot} is dropped")
    wait_for_connector(catalog, links, threading.Event())
    read_whole(settings)
    say("the new snapshot has begun")
