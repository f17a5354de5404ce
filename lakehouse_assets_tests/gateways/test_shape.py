"""The shape of the source's tables, read from a real PostgreSQL."""

from __future__ import annotations

import pytest

from lakehouse_assets.catalog.shape import SourceColumn
from lakehouse_assets.changelog.lsn import parse_lsn
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.real_postgres import Source, new_source

TABLE = table_of("formas", ("b", "a"), a="integer", b="text", c="numeric(10,2)")


@pytest.fixture
def source(postgres_admin_dsn: str) -> Source:
    return new_source(postgres_admin_dsn).with_table(TABLE)


def shape(source: Source):
    return postgres.read_shapes(source.application, source.catalog.publication, [TABLE])["formas"]


def test_a_table_of_the_catalog_is_what_the_catalog_says(source: Source) -> None:
    found = shape(source)
    assert [(c.name, c.type) for c in found.columns] == [("a", "integer"), ("b", "text"), ("c", "numeric(10,2)")]
    assert (found.key, found.published, found.exists) == (("b", "a"), True, True)


def test_columns_that_came_and_went_and_how_the_server_filled_them(source: Source) -> None:
    postgres.execute(
        source.admin,
        "create type situacao as enum ('a', 'b'); create domain codigo as varchar(7); create domain chave as codigo; "
        "create domain fase as situacao; create domain outra as fase",
    )
    postgres.execute(
        source.admin,
        "alter table formas drop column c, add plain date, add filled integer not null default 7, "
        "add random uuid not null default gen_random_uuid(), add numbered bigint generated always as identity, "
        "add summed integer generated always as (a * 2) stored, add state situacao, add code codigo, "
        "add at timestamp(3) without time zone, add zoned timestamptz, add bytes bytea, add short char(3), add nested chave, add phase outra",
    )
    assert shape(source).columns == (
        SourceColumn("a", "integer"), SourceColumn("b", "text"), SourceColumn("plain", "date"),
        SourceColumn("filled", "integer", filled=True), SourceColumn("random", "uuid", filled=True),
        SourceColumn("numbered", "bigint", filled=True), SourceColumn("summed", "integer", filled=True, generated=True),
        SourceColumn("state", "enum"), SourceColumn("code", "varchar(7)"), SourceColumn("at", "timestamp(3)"),
        SourceColumn("zoned", "timestamptz"), SourceColumn("bytes", "bytea"), SourceColumn("short", "char(3)"),
        SourceColumn("nested", "varchar(7)"), SourceColumn("phase", "enum"),
    )  # fmt: skip


def test_the_lsn_is_not_before_a_change_that_is_seen(source: Source) -> None:
    postgres.execute(source.admin, "alter table formas add d text")
    written = parse_lsn(postgres.execute(source.admin, "select pg_current_wal_insert_lsn()::text")[0][0])
    assert "d" in shape(source).by_name
    assert shape(source).lsn >= written


def test_a_table_being_altered_is_read_as_it_was_without_waiting(source: Source) -> None:
    with postgres.connect(source.admin) as altering:
        with altering.cursor() as cursor:
            cursor.execute("alter table formas add d text")
        assert "d" not in shape(source).by_name
        altering.rollback()


def test_a_table_without_a_key_that_is_not_published_or_not_there(source: Source) -> None:
    postgres.execute(source.admin, "alter table formas drop constraint formas_pkey")
    assert shape(source).key == ()
    postgres.execute(source.admin, "drop table formas")
    assert not shape(source).exists
    postgres.execute(source.admin, "create table formas (a integer, b text, c numeric(10,2), primary key (b, a))")
    assert not shape(source).published


def test_tables_that_the_catalog_does_not_name(source: Source) -> None:
    postgres.execute(
        source.admin,
        f"create table novos (id integer primary key); grant select on novos to {postgres.APPLICATION_ROLE}; "
        "create table alheios (id integer primary key)",
    )
    assert postgres.undeclared_tables(source.application, source.catalog) == ["public.novos"]


def test_a_source_that_does_not_answer_is_told() -> None:
    with pytest.raises(LakehouseError, match="does not answer"):
        postgres.read_shapes("postgresql://a:b@127.0.0.1:1/c", "lakehouse", [TABLE])
