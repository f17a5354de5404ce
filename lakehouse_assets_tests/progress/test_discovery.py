"""A database that nobody designed for the platform becomes a catalog: what can be captured, and why the rest cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.catalog.model import Protect
from lakehouse_assets.cli.catalog_text import with_tables
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.gateways.postgres import REPLICATION_ROLE, source_problems
from lakehouse_assets.progress.discovery import Discovery, discover
from lakehouse_assets_tests.real_postgres import Source, new_source

SHOP = """
create schema shop; create schema vendas;
comment on schema shop is 'x';
create type shop.state as enum ('open', 'paid');
create domain shop.code as varchar(7);
create table shop."Order Items" ("order" bigint generated always as identity, "Line" int, state shop.state, code shop.code,
    total numeric(12,2), doubled numeric generated always as (total * 2) stored, place point, tags text[], days date[], span int4multirange,
    at timestamptz, doc jsonb, net inet, primary key ("order", "Line"));
comment on table shop."Order Items" is 'What was ordered.';
comment on column shop."Order Items".total is 'In BRL.';
create table shop.clients (id int primary key, name text, cpf text, contact text, note text, "data" date, _position int);
insert into shop.clients select i, 'Ana', '529.982.247-25', 'ana' || i || '@example.org',
    case when i % 10 = 0 then 'ligar (11) 91234-5678' else 'nada' end, '2026-01-31', 1 from generate_series(1, 50) i;
create table shop.empty (id int primary key, email_address text, tipo text);
create table shop.keyless (a int, b text);
create table shop.unique_only (a int not null unique, b text);
create table shop.by_point (p box, id int, constraint k primary key (id));
create unlogged table shop.quick (id int primary key);
create table shop.parts (id int, day date, primary key (id, day)) partition by range (day);
create table shop.parts_2026 partition of shop.parts for values from ('2026-01-01') to ('2027-01-01');
create table shop.hidden (id int primary key);
create table shop.nothing (id int primary key); alter table shop.nothing replica identity nothing;
create table shop.late (id int primary key deferrable, b text); insert into shop.late values (1, 'a');
create table shop.other_index (id int primary key, b int not null unique, unique (b, id));
alter table shop.other_index replica identity using index other_index_b_key;
create table shop.wider_index (id int primary key, b int not null, unique (b, id));
alter table shop.wider_index replica identity using index wider_index_b_id_key;
create table shop.split (id int primary key) partition by range (id);
create table shop.split_1 partition of shop.split for values from (1) to (9); alter table shop.split_1 replica identity nothing;
create table shop."a b" (id int primary key, "Nome" text, nome text, "ID" text); create table shop.a_b (id int primary key);
create table shop.twice (id int, "ID" int, primary key (id, "ID"));
create view shop.seen as select 1 as one;
create materialized view shop.kept as select 1 as one;
create table vendas.clients (id uuid primary key, valor text);
create table vendas.by_interval (every interval primary key);
"""


@pytest.fixture(scope="module")
def source(postgres_admin_dsn: str) -> Source:
    fresh = new_source(postgres_admin_dsn)
    fresh.bootstrap(fresh.catalog)
    postgres.execute(fresh.admin, SHOP)
    postgres.execute(
        fresh.admin,
        f"grant usage on schema shop, vendas to {REPLICATION_ROLE}; grant select on all tables in schema shop to "
        f"{REPLICATION_ROLE}; grant select on all tables in schema vendas to {REPLICATION_ROLE}; "
        f"revoke all on shop.hidden from {REPLICATION_ROLE}",
    )
    return fresh


def found_in(source: Source, *names: str, catalog: Catalog | None = None, schemas: tuple[str, ...] = ("shop", "vendas")) -> Discovery:  # fmt: skip
    return discover(source.replication, catalog, schemas, names, print)


def catalog_of(found: Discovery, folder: Path) -> Catalog:
    file = folder / "lakehouse.toml"
    file.write_text(with_tables("", found.database, found.proposals), encoding="utf-8")
    return load_catalog(file)


def test_what_cannot_be_captured_is_told_with_the_sql_that_would_allow_it(source: Source) -> None:
    left = {one.place: (one.reason, one.fix_sql) for one in found_in(source).left}
    assert set(left) == {
        "shop.keyless", "shop.unique_only", "shop.quick", "shop.hidden", "shop.seen", "shop.kept", "vendas.by_interval",
        "shop.nothing", "shop.late", "shop.other_index", "shop.split", "shop.a_b", "shop.twice",
    }  # fmt: skip
    assert left["shop.unique_only"][1] == "alter table shop.unique_only add primary key (a);"
    assert left["shop.quick"][1] == "alter table shop.quick set logged;"
    assert "grant select on shop.hidden" in left["shop.hidden"][1]
    assert left["shop.split"][1] == "alter table shop.split_1 replica identity default;"
    assert "same topic as those of shop.a b" in left["shop.a_b"][0]
    assert "ID has the name of id but for its case" in left["shop.twice"][0]
    assert "a materialized view" in left["shop.kept"][0]
    assert "interval" in left["vendas.by_interval"][0]


def test_the_sql_it_prints_is_accepted_and_allows_it(source: Source) -> None:
    for one in found_in(source).left:
        if one.fix_sql and "..." not in one.fix_sql:
            postgres.execute(source.admin, "begin; " + one.fix_sql + " rollback")


def test_the_catalog_it_writes_is_read_and_the_source_has_every_table_of_it(source: Source, tmp_path: Path) -> None:
    found = found_in(source)
    catalog = catalog_of(found, tmp_path)
    assert catalog.slot == f"lakehouse_{found.database}"
    assert set(catalog.names) == {
        "clients",
        "empty",
        "by_point",
        "order_items",
        "parts",
        "vendas_clients",
        "wider_index",
        "a_b",
    }
    told = [p.text for p in source_problems(source.replication, catalog) if "publication" not in p.text]
    assert told == []
    items = catalog.table("order_items")
    assert (items.source_name, items.key, items.description) == (
        "shop.Order Items",
        ("order", "Line"),
        "What was ordered.",
    )
    assert {c.name: c.type.text for c in items.columns} == {
        "order": "bigint", "Line": "integer", "state": "text", "code": "varchar(7)", "total": "numeric(12,2)",
        "at": "timestamptz", "doc": "jsonb", "net": "inet", "place": "point", "tags": "text[]", "span": "other",
    }  # fmt: skip
    assert items.column("total").description == "In BRL."
    out = {one.place.split(".")[-1]: one.reason for p in found.proposals for one in p.left}
    assert "an unchanged long value" in out["days"]
    assert "of type int4multirange: its texts are captured" in out["span"]
    assert "of type point: captured as the connector writes it, and not compared" in out["place"]
    assert set(out) == {"doubled", "place", "days", "span", "_position", "p", "note", "nome", "ID"}
    assert catalog.table("vendas_clients").column("valor").rule is not None


def test_a_table_whose_updates_the_server_would_refuse_is_told_with_sql_that_lets_them_through(source: Source) -> None:
    found = {one.place: one.fix_sql for one in found_in(source).left}
    update = "begin; create publication tried for table shop.late; {} update shop.late set b = 'c'; rollback"
    with pytest.raises(LakehouseError, match="does not have a replica identity"):
        postgres.execute(source.admin, update.format(""))
    assert found["shop.late"] == "alter table shop.late replica identity full;"
    postgres.execute(source.admin, update.format(found["shop.late"]))


def test_columns_of_personal_data_are_protected_or_declared(source: Source, tmp_path: Path) -> None:
    catalog = catalog_of(found_in(source), tmp_path)
    clients, empty = catalog.table("clients"), catalog.table("empty")
    assert {c.name: c.protect for c in clients.columns if c.protect} == {"cpf": Protect.TOKEN, "contact": Protect.TOKEN}
    assert clients.column("note").holds == frozenset({"phone"})
    assert {c.name for c in empty.columns if c.protect} == {"email_address"}


def test_what_the_catalog_has_is_left_as_it_is_and_a_second_time_changes_nothing(
    source: Source, tmp_path: Path
) -> None:
    first = found_in(source, "clients")
    catalog = catalog_of(first, tmp_path)
    text = (tmp_path / "lakehouse.toml").read_text(encoding="utf-8")
    second = found_in(source, "clients", catalog=catalog)
    assert (second.proposals, sorted(second.declared)) == ([], ["shop.clients", "vendas.clients"])
    assert with_tables(text, second.database, second.proposals) == text
    after = with_tables("# mine\n" + text, second.database, found_in(source, "shop.empty", catalog=catalog).proposals)
    assert after.startswith("# mine\n" + text.rstrip("\n"))


def test_a_table_that_cannot_be_read_is_told_and_the_others_are_found(source: Source) -> None:
    with postgres.connect(source.admin) as holding:
        holding.cursor().execute("lock table shop.empty in access exclusive mode")
        found = found_in(source, "shop.empty", "shop.clients")
        holding.rollback()
    assert [one.table.name for one in found.proposals] == ["clients"]
    assert [(one.place, "lock timeout" in one.reason) for one in found.left] == [("shop.empty", True)]


def test_wrong_names_and_servers_are_told(source: Source) -> None:
    with pytest.raises(LakehouseError, match="no such table: nada") as told:
        found_in(source, "nada")
    assert told.value.exit_code == EXIT_USAGE
    with pytest.raises(LakehouseError, match="no such schema: loja"):
        found_in(source, schemas=("loja",))


def test_a_table_on_the_topic_of_one_that_is_declared_is_left_out(source: Source, tmp_path: Path) -> None:
    catalog = catalog_of(found_in(source, "a_b"), tmp_path)
    found = found_in(source, "a b", catalog=catalog)
    assert found.proposals == []
    assert [one.reason for one in found.left] == ["its changes would come in the same topic as those of shop.a_b"]
    with pytest.raises(LakehouseError, match="does not answer") as down:
        discover("postgresql://me:secret@127.0.0.1:1/x", None, (), (), print)
    assert "secret" not in down.value.text()


def test_hundreds_of_tables(source: Source) -> None:
    dsn = make_dsn(source.admin)
    tables = "; ".join(
        f"create table many.t{n} (id int primary key, nome text, valor numeric(9,2))" for n in range(200)
    )
    postgres.execute(dsn, f"create schema many; {tables}")
    assert len(discover(dsn, None, ("many",), (), print).proposals) == 200
