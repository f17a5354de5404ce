"""Asks a running connector for the rows of tables it is new to: they were there before it began to read their changes."""

from __future__ import annotations

from collections.abc import Sequence

from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_fixed

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import kafka as kafka_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.signals import Kind, ask_snapshot

_ATTEMPTS = 6
_ATTEMPT_SECONDS = 5


def snapshot_added(catalog: Catalog, links: Connections, added: Sequence[Table]) -> None:
    """Take an incremental snapshot of the added tables; returns once rows of each that has any are in its topic.

    The task may still be the old one when a signal passes, and it would ignore it, so the signal is repeated: rows that
    come twice are the same upsert twice.
    """
    waiting = _filled(links, added)
    if not waiting:
        return
    trying = Retrying(
        retry=retry_if_result(bool), stop=stop_after_attempt(_ATTEMPTS), wait=wait_fixed(_ATTEMPT_SECONDS)
    )
    try:
        trying(_ask_for_what_is_missing, links, waiting)
    except RetryError:
        names = ", ".join(table.source_name for table in waiting)
        raise LakehouseError(
            f"their snapshot does not begin: {names}",
            where=f"connector {catalog.topic_prefix}",
            next_step="lakehouse recover --snapshot",
        ) from None


def _ask_for_what_is_missing(links: Connections, tables: Sequence[Table]) -> list[Table]:
    ends = kafka_gateway.end_offsets(links.kafka_bootstrap, [table.topic for table in tables])
    missing = [table for table in tables if not ends.get(table.topic)]
    if missing:
        ask_snapshot(links, missing, Kind.INCREMENTAL)
    return missing


def _filled(links: Connections, tables: Sequence[Table]) -> list[Table]:
    dsn = links.checking_dsn
    return [table for table in tables if postgres_gateway.execute(dsn, f"select 1 from {table.source_sql} limit 1")]
