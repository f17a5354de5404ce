"""Snapshots are asked for in a table of the source whose column is short."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from lakehouse_assets.gateways import postgres
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.signals import Kind, ask_snapshot, has_key
from lakehouse_assets_tests.changelog.histories import table_of
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


def test_a_row_is_found_by_its_key_whatever_the_source_has_for_the_types_of_the_catalog(
    postgres_admin_dsn: str,
) -> None:
    source = new_source(postgres_admin_dsn)
    postgres.execute(
        source.admin,
        """create type estado as enum ('aberto', 'it''s'); create domain codigo as numeric(5,2);
           create table chaves (e estado, d codigo, c char(4), t timestamptz, u uuid, b boolean);
           insert into chaves values ('it''s', 1.50, 'a', '2026-01-31 12:00+00', '00000000-0000-0000-0000-000000000001', true)""",
    )
    types = {"e": "text", "d": "numeric(5,2)", "c": "char(4)", "t": "timestamptz", "u": "uuid", "b": "boolean"}
    table = table_of("chaves", tuple(types), **types)
    key = ["it's", "1.50", "a   ", "2026-01-31 12:00:00+00", "00000000-0000-0000-0000-000000000001", "true"]
    assert postgres.execute(source.admin, f"select count(*) from chaves where {has_key(table, [key])}") == [(1,)]
