"""Asks a running connector for the rows of tables it is new to: they were there before it began to read their changes."""

from __future__ import annotations

from collections.abc import Sequence

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import kafka as kafka_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.signals import Kind, ask_snapshot

_PATIENCE_SECONDS = 60  # for the first rows of the next table


def snapshot_added(catalog: Catalog, links: Connections, added: Sequence[Table]) -> None:
    """Take an incremental snapshot of the added tables, which the connector's task knows already.

    Returns once rows of each that has any are in its topic, or when the next table's are long in coming, since one before
    it is large. LakehouseError when none come at all.
    """
    waiting = _filled(links, added)
    if not waiting:
        return
    before = kafka_gateway.end_offsets(links.kafka_bootstrap, [table.topic for table in waiting])
    ask_snapshot(links, waiting, Kind.INCREMENTAL)
    begun = False
    while waiting:
        try:
            waiting = _after_the_next(links, waiting, before)
        except RetryError:
            if begun:
                return
            names = ", ".join(table.source_name for table in waiting)
            raise LakehouseError(
                f"their snapshot does not begin: {names}",
                where=f"connector {catalog.topic_prefix}",
                next_step="lakehouse recover --snapshot",
            ) from None
        begun = True


def _after_the_next(links: Connections, waiting: list[Table], before: dict[str, int]) -> list[Table]:
    """The tables that are still without rows when the next one, or several, has some."""

    def without() -> list[Table]:
        ends = kafka_gateway.end_offsets(links.kafka_bootstrap, before)
        return [table for table in waiting if ends[table.topic] == before[table.topic]]

    trying = Retrying(
        retry=retry_if_result(lambda left: left == waiting),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_fixed(1),
    )
    return trying(without)


def _filled(links: Connections, tables: Sequence[Table]) -> list[Table]:
    dsn = links.checking_dsn
    return [table for table in tables if postgres_gateway.execute(dsn, f"select 1 from {table.source_sql} limit 1")]
