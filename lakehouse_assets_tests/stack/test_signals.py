"""Snapshots are asked for in a table of the source whose column is short."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from lakehouse_assets.gateways import postgres
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.signals import Kind, ask_snapshot
from lakehouse_assets_tests.real_postgres import new_source


def test_a_snapshot_of_more_tables_than_a_signal_can_name_is_asked_for_in_several(postgres_admin_dsn: str) -> None:
    source = new_source(postgres_admin_dsn)
    links = cast("Connections", SimpleNamespace(checking_dsn=source.replication))
    table = source.catalog.table("imoveis")
    tables = [replace(table, name=f"t{i}", source=f"uma tabela de nome bastante comprido {i}") for i in range(100)]
    ask_snapshot(links, tables, Kind.INCREMENTAL)
    asked = [json.loads(data) for (data,) in postgres.execute(source.admin, "select data from lakehouse.signal")]
    assert len(asked) > 1
    assert [one["type"] for one in asked] == ["INCREMENTAL"] * len(asked)
    assert [name for one in asked for name in one["data-collections"]] == [table.source_name for table in tables]
