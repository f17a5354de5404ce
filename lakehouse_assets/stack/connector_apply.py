"""Makes the connector as the catalog says and waits until it runs; what fails is told with its cause and fix."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from lakehouse_assets import documents
from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import connector, connector_causes, health
from lakehouse_assets.stack.additions import snapshot_added
from lakehouse_assets.stack.connections import Connections

_CONNECTOR_SECONDS = 120
_STOP_SECONDS = 30
_AGAIN = {
    connect_gateway.FAILED: connect_gateway.restart,
    connect_gateway.STOPPED: connect_gateway.resume,
    connect_gateway.PAUSED: connect_gateway.resume,
}
_FAILED_SECONDS = 3  # a task that is still FAILED so long after its restart will not heal by itself


def apply(settings: Settings, catalog: Catalog, links: Connections, *, snapshot: bool = True) -> bool:
    """Make the connector as the catalog says; False when it is already. A refusal is told with its fix.

    Tables that are new to a connector get a snapshot of their own: its first one is over. It is stopped meanwhile: a task
    that does not know them yet would pass over the signal that asks for it. `snapshot`: False where one of every table
    follows; `read_whole` then says that it has begun.
    """
    name, url = connector.connector_name(catalog), links.connect_url
    before = connect_gateway.connector_config(url, name)
    new, added = connector.added_tables(before, catalog), unread(settings, before, catalog)
    if added:
        require_published(links.checking_dsn, catalog, added)
        # Kept until they were asked for: the next call sees no difference to the configuration any more.
        documents.write(_unread_file(settings), {"tables": [table.name for table in added]})
    try:
        with stopped(url, name) if new else nullcontext():
            changed = connect_gateway.apply_connector(url, name, connector.connector_config(catalog, settings, links))
    except LakehouseError as error:
        meaning, fix = connector_causes.explain(error.problem, catalog, links.replication.user)
        if not meaning:
            raise
        raise LakehouseError(f"{meaning} ({error.problem})", where=f"connector {name}", next_step=fix) from None
    if added and snapshot:
        wait_for_connector(catalog, links, threading.Event())
        snapshot_added(catalog, links, added)
        read_whole(settings)
    return changed


def require_published(dsn: str, catalog: Catalog, tables: Sequence[Table]) -> None:
    """LakehouseError where a table is not published: what changes after its snapshot and before it is would be lost."""
    shapes = postgres_gateway.read_shapes(dsn, catalog.publication, tables)
    if lacking := [table.source_name for table in tables if not shapes[table.name].published]:
        raise LakehouseError(
            f"lacks {', '.join(lacking)}, so their changes would be lost",
            where=f"publication {catalog.publication}",
            next_step="lakehouse doctor shows the SQL for it; then lakehouse up",
        )


def unread(settings: Settings, config: dict[str, str] | None, catalog: Catalog) -> tuple[Table, ...]:
    """The tables whose rows from before a connector with this configuration still has to be asked for."""
    new = connector.added_tables(config, catalog)
    waiting = (documents.read(_unread_file(settings)) or {}).get("tables", ()) if config is not None else ()
    return tuple(table for table in catalog.tables if table in new or table.name in waiting)


def read_whole(settings: Settings) -> None:
    """No table has rows from before the connector that were not asked for."""
    _unread_file(settings).unlink(missing_ok=True)


def _unread_file(settings: Settings) -> Path:
    return settings.home / "unread.json"


@contextmanager
def stopped(url: str, name: str) -> Iterator[None]:
    """The connector without a task; whatever happens in the block, it is told to run again."""
    connect_gateway.stop(url, name)
    try:
        _wait_until_stopped(url, name)
        yield
    finally:
        connect_gateway.resume(url, name)


def _wait_until_stopped(url: str, name: str) -> None:
    waiting = Retrying(
        retry=retry_if_result(lambda status: status.state != connect_gateway.STOPPED),
        stop=stop_after_delay(_STOP_SECONDS),
        wait=wait_fixed(0.3),
    )
    try:
        waiting(connect_gateway.connector_status, url, name)
    except RetryError:
        raise LakehouseError(
            f"does not stop within {_STOP_SECONDS} s", where=f"connector {name}", next_step="lakehouse down, then up"
        ) from None


def wait_for_connector(
    catalog: Catalog, links: Connections, stop: threading.Event, seconds: float = _CONNECTOR_SECONDS
) -> None:
    """Return when connector and task run; one that failed, or that was stopped, is started again once, then told with its
    cause and fix."""
    name, deadline = connector.connector_name(catalog), time.monotonic() + seconds
    restarted_at: float | None = None
    while not (status := connect_gateway.connector_status(links.connect_url, name)).running:
        now = time.monotonic()
        if restarted_at is None and (again := _AGAIN.get(status.state)):
            again(links.connect_url, name)
            restarted_at = now
        failed_for_good = status.state == connect_gateway.FAILED and now - (restarted_at or now) > _FAILED_SECONDS
        if failed_for_good or now > deadline:
            raise connector_causes.failed_connector(status, catalog, links.replication.user)
        if stop.wait(0.3):
            raise health.Stopped
