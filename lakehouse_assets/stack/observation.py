"""What source, slot, connector and topics say of themselves now; a part that does not answer says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.continuity import Observed, Slot, Topic, WalGuard
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.gateways import kafka as kafka_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.connector import connector_name

T = TypeVar("T")


def observe(catalog: Catalog, links: Connections) -> Observed:
    """Look at all of them once."""
    return Observed(
        _answer(lambda: postgres_gateway.cluster(links.checking_dsn)),
        _answer(lambda: _slot(catalog, links)),
        _answer(lambda: _topics(catalog, links)),
    )


def slot_holder(catalog: Catalog, links: Connections) -> int | None:
    """The source's process that reads the slot; None when nobody does, or the source does not answer."""
    found = _answer(lambda: postgres_gateway.slot_state(links.checking_dsn, catalog.slot))
    return found.holder if found else None


def wal_guard(links: Connections, slot: postgres_gateway.SlotState) -> WalGuard:
    """The figures of a slot as it is now; LakehouseError when the source does not answer."""
    age = postgres_gateway.heartbeat_age(links.checking_dsn)
    return WalGuard(slot.retained_bytes or 0, slot.safe_wal_size, age)


def _slot(catalog: Catalog, links: Connections) -> Slot:
    found = postgres_gateway.slot_state(links.checking_dsn, catalog.slot)
    if not found.exists:
        return Slot(False)
    # In this order: the connector stores its offset first and confirms it to the slot afterwards.
    delivered = connect_gateway.delivered_lsn(links.connect_url, connector_name(catalog))
    lost = found.invalidation_reason or "its WAL was removed" if found.lost else ""
    return Slot(True, lost, found.confirmed_flush_lsn, delivered)


def _topics(catalog: Catalog, links: Connections) -> dict[str, Topic]:
    names = [table.topic for table in catalog.tables]
    ids, states = (
        kafka_gateway.topic_ids(links.kafka_bootstrap, names),
        kafka_gateway.topic_states(links.kafka_bootstrap, names),
    )
    return {
        name: Topic(ids[name], state.first_offset, state.end_offset) for name, state in states.items() if name in ids
    }


def _answer(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except LakehouseError:
        return None
