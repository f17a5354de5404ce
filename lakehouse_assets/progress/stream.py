"""Whether the stream runs, and how much WAL the source still keeps for it before it would be lost."""

from __future__ import annotations

from lakehouse_assets import continuity
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity import StreamState
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.observation import wal_guard


def stream_state(settings: Settings, catalog: Catalog, links: Connections) -> StreamState:
    """Look at the halt in force and at the slot."""
    try:
        slot = postgres.slot_state(links.checking_dsn, catalog.slot)
        wal = wal_guard(links, slot) if slot.exists else None
    except LakehouseError:
        wal = None
    return StreamState(continuity.read_halt(LakePaths(settings.lake)), wal)
