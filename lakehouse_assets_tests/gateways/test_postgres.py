"""The source is set up safely, says what is wrong with it, and its marker is behind everything committed before."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.catalog import Catalog, Column, PostgresType, Table, parse_type
from lakehouse_assets.catalog.model import RESERVED
from lakehouse_assets.changelog.lsn import parse_lsn
from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.gateways.postgres import moment as moment_module
from lakehouse_assets.proof import Bounds, comparison
from lakehouse_assets_tests.real_postgres import Source, new_source, running_postgres


@pytest.fixture(scope="module")
def admin_dsn() -> Iterator[str]:
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture(scope="module")
def shared(admin_dsn: str) -> Source:
    """A source that no test changes."""
    return new_source(admin_dsn)


@pytest.fixture
def source(admin_dsn: str) -> Source:
    """A source for one test to break."""
    return new_source(admin_dsn)


@pytest.fixture(scope="module")
def mended(admin_dsn: str) -> Source:
    """A source that a test breaks and has mended at its end; the set-up for the next test is the same one again."""
    return new_source(admin_dsn)


def table(name: str, key: tuple[str, ...], **types: str) -> Table:
    columns = []
    for column, text in types.items():
        parsed = parse_type(text)
        assert isinstance(parsed, PostgresType)
        columns.append(Column(column, parsed))
    return Table(name, "public", key, tuple(columns), "", "", "test")


def published(source: Source) -> set[str]:
    listed = "select schemaname || '.' || tablename from pg_publication_tables where pubname = %s"
    return {name for (name,) in postgres.execute(source.admin, listed, [source.catalog.publication])}


# Connections


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"password": "s3cret"}, "refuses the password"),
        ({"dbname": "nowhere"}, "does not exist"),
        ({"port": "1"}, "does not answer"),
    ],
)
def test_a_connection_that_fails_says_why_and_where_and_never_the_password(
    admin_dsn: str, change: dict[str, str], problem: str
) -> None:
    dsn = make_dsn(admin_dsn, **change)
    password = parse_dsn(dsn)["password"]
    with pytest.raises(LakehouseError, match=problem) as raised:
        postgres.connect(dsn)
    assert "127.0.0.1" in raised.value.where
    assert raised.value.next_step
    assert password not in raised.value.text()
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "dsn", ["postgresql://a:s3cret@h:port/db", "postgresql://a:s3@cret@h/db", "postgresql://a:7/s3@h/db", "s3cret"]
)
def test_a_dsn_that_cannot_be_read_is_not_repeated(dsn: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        postgres.connect(dsn)
    assert "s3" not in raised.value.text()
    assert "cret" not in raised.value.text()


def test_a_failed_statement_names_no_value_of_a_row(shared: Source) -> None:
    insert = "insert into transacoes values (1, %s, 1, '2026-01-01', 1)"
    with pytest.raises(LakehouseError, match="SQLSTATE 23503") as raised:
        postgres.execute(shared.application, insert, [424_242])
    assert "424242" not in raised.value.text()
    assert "424242" not in "".join(traceback.format_exception(raised.value))


# Set-up


def test_setting_up_twice_keeps_rows_and_changes_nothing(source: Source) -> None:
    postgres.execute(source.application, "insert into condominios (nome, endereco) values ('a', 'b')")
    before = published(source)
    source.bootstrap(source.catalog)
    assert postgres.execute(source.application, "select nome, endereco from condominios") == [("a", "b")]
    assert published(source) == before == set(source.catalog.published)
    assert postgres.execute(source.admin, "select count(*) from lakehouse.heartbeat") == [(1,)]


def test_the_publication_carries_every_operation_of_exactly_the_catalogs_tables(shared: Source) -> None:
    columns = "pubinsert and pubupdate and pubdelete and pubtruncate and pubviaroot and not puballtables"
    assert postgres.execute(shared.admin, f"select {columns} from pg_publication") == [(True,)]
    assert published(shared) == set(shared.catalog.published)


@pytest.mark.parametrize(
    "spoilt",
    [
        "alter publication lakehouse drop table transacoes",
        "create table other (id int primary key); alter publication lakehouse add table other",
        "alter publication lakehouse set (publish = 'insert', publish_via_partition_root = false)",
        "alter publication lakehouse set table condominios (condominio_id, nome), moradores",
        "alter publication lakehouse set table transacoes where (valor_transacao > 0)",
        "drop publication lakehouse; create publication lakehouse for all tables",
        "drop publication lakehouse; create publication lakehouse for tables in schema public",
    ],
)
def test_setting_up_again_mends_the_publication(mended: Source, spoilt: str) -> None:
    postgres.execute(mended.admin, spoilt)
    mended.bootstrap(mended.catalog)
    assert postgres.source_problems(mended.replication, mended.catalog) == []
    assert published(mended) == set(mended.catalog.published)


def test_a_table_that_the_catalog_gains_is_made_and_published_and_one_that_it_loses_can_no_longer_be_read(
    source: Source,
) -> None:
    visitas = table("visitas", ("visita_id",), visita_id="integer", nome="citext", quando="timestamptz(3)")
    fewer = tuple(entry for entry in source.catalog.tables if entry.name != "moradores")
    source.bootstrap(replace(source.catalog, tables=(*fewer, visitas)))
    postgres.execute(source.application, "insert into visitas values (1, 'Ana', now())")
    assert "public.visitas" in published(source)
    assert "public.moradores" not in published(source)
    assert postgres.execute(source.replication, "select nome from visitas") == [("Ana",)]
    with pytest.raises(LakehouseError, match="permission denied"):
        postgres.execute(source.replication, "select * from moradores")


def test_the_application_may_change_the_demo_tables_and_set_their_sequences(shared: Source) -> None:
    postgres.execute(
        shared.application,
        """begin; insert into condominios values (7, 'a', 'b'); update condominios set condominio_id = 8;
           delete from condominios; truncate condominios, moradores, imoveis, transacoes, boletos;
           select setval('condominios_condominio_id_seq', 9);
           insert into lakehouse.signal values ('1', 'log', ''); rollback""",
    )


@pytest.mark.parametrize("role", ["application", "replication"])
@pytest.mark.parametrize(
    "statement",
    [
        "create table public.mine (id int)",
        "create schema mine",
        "create temporary table mine (id int)",
        "drop table condominios",
        "delete from lakehouse.heartbeat",
        "truncate lakehouse.signal",
        "select * from secret",
        "select * from pg_authid",
        "create publication mine for table condominios",
    ],
)
def test_neither_role_may_do_more_than_its_work(shared: Source, role: str, statement: str) -> None:
    postgres.execute(shared.admin, "create table if not exists secret (id int)")
    with pytest.raises(LakehouseError, match=r"permission denied|must be owner"):
        postgres.execute(getattr(shared, role), statement)


@pytest.mark.parametrize("statement", ["delete from condominios", "insert into condominios values (1, 'a', 'b')"])
def test_the_replication_role_changes_no_business_row(shared: Source, statement: str) -> None:
    with pytest.raises(LakehouseError, match="permission denied"):
        postgres.execute(shared.replication, statement)


def test_no_role_outside_the_platform_may_connect(shared: Source, admin_dsn: str) -> None:
    postgres.execute(admin_dsn, "create role stranger login password 'x'")
    with pytest.raises(LakehouseError, match="may not connect"):
        postgres.connect(make_dsn(shared.admin, user="stranger", password="x"))


# Problems

BROKEN = [
    ("drop publication lakehouse", "publication lakehouse does not exist"),
    ("alter publication lakehouse drop table imoveis", "publication lakehouse lacks table public.imoveis"),
    ("alter publication lakehouse drop table lakehouse.signal", "lacks table lakehouse.signal"),
    ("alter publication lakehouse set (publish = 'insert, update, delete')", "does not publish truncate"),
    ("alter publication lakehouse set (publish_via_partition_root = false)", "names partitions"),
    ("alter publication lakehouse set table condominios where (condominio_id > 1)", "filters rows or columns"),
    ("alter table transacoes drop constraint transacoes_pkey", "public.transacoes has no primary key"),
    ("alter table transacoes drop column valor_transacao", "valor_transacao (numeric(15,2)) does not exist"),
    ("alter table imoveis alter valor type numeric(20,4)", "is numeric(20,4), the catalog says numeric(15,2)"),
    ("alter table moradores alter nome type text", "public.moradores.nome is text"),
    ("drop table transacoes", "table public.transacoes does not exist"),
    ("revoke select on imoveis from lakehouse_replication", "may not select public.imoveis"),
    ("revoke update on lakehouse.heartbeat from lakehouse_replication", "may not update lakehouse.heartbeat"),
    ("revoke usage on schema lakehouse from lakehouse_replication", "may not use schema lakehouse"),
]


def test_a_source_just_set_up_has_no_problem_although_its_slot_is_not_there_yet(shared: Source) -> None:
    assert postgres.source_problems(shared.replication, shared.catalog) == []
    assert not postgres.slot_state(shared.replication, shared.catalog.slot).exists


@pytest.mark.parametrize(("broken", "text"), BROKEN)
def test_each_problem_is_named_and_its_own_sql_fixes_it(mended: Source, broken: str, text: str) -> None:
    postgres.execute(mended.admin, broken)
    problems = postgres.source_problems(mended.replication, mended.catalog)
    assert any(text in problem.text for problem in problems), problems
    for _ in range(3):  # a table made anew lacks its rights and its place in the publication, too
        for problem in postgres.source_problems(mended.replication, mended.catalog):
            postgres.execute(mended.admin, problem.fix_sql)
    assert postgres.source_problems(mended.replication, mended.catalog) == []


def test_a_key_other_than_the_catalogs_is_a_problem(source: Source) -> None:
    postgres.execute(
        source.admin,
        "alter table transacoes drop constraint transacoes_pkey, add primary key (transacao_id, imovel_id)",
    )
    (problem,) = postgres.source_problems(source.replication, source.catalog)
    assert "(transacao_id, imovel_id), the catalog says (transacao_id)" in problem.text


def test_a_role_without_replication_is_a_problem_with_its_fix(shared: Source) -> None:
    problems = {
        problem.text: problem.fix_sql for problem in postgres.source_problems(shared.application, shared.catalog)
    }
    assert problems["role lakehouse_app lacks the REPLICATION attribute"] == 'alter role "lakehouse_app" replication;'


def test_the_reserved_words_are_those_of_the_server(shared: Source) -> None:
    words = postgres.execute(shared.admin, "select word from pg_get_keywords() where catcode in ('R', 'T')")
    assert {word for (word,) in words} == RESERVED


def test_the_sql_that_mends_names_that_are_reserved_words_runs(source: Source) -> None:
    columns = (Column("user", parse_type("integer")), Column("end", parse_type("bigint")))
    table = Table("order", "public", ("user",), columns, "", "", "test")
    catalog = replace(source.catalog, tables=(*source.catalog.tables, table))
    postgres.execute(source.admin, 'create table "order" ("user" integer not null, "end" integer)')
    for _ in range(3):
        for problem in postgres.source_problems(source.replication, catalog):
            postgres.execute(source.admin, problem.fix_sql)
    assert postgres.source_problems(source.replication, catalog) == []


def test_missing_platform_tables_are_problems(source: Source) -> None:
    postgres.execute(source.admin, "drop schema lakehouse cascade")
    texts = [problem.text for problem in postgres.source_problems(source.replication, source.catalog)]
    assert "table lakehouse.heartbeat does not exist" in texts
    assert "table lakehouse.signal does not exist" in texts


def test_every_type_of_the_catalog_is_recognised_in_the_source(source: Source) -> None:
    types = [
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "numeric(38,18)",
        "real",
        "double precision",
        "boolean",
        "date",
    ]
    types += ["timestamp", "timestamp(0)", "timestamptz", "timestamptz(3)", "text", "varchar", "varchar(7)", "char(3)"]
    types += ["citext", "uuid", "json", "jsonb"]
    wide = table("wide", ("c1",), **{f"c{number}": text for number, text in enumerate(types)})
    catalog = replace(source.catalog, tables=(*source.catalog.tables, wide))
    source.bootstrap(catalog)
    assert postgres.source_problems(source.replication, catalog) == []


def test_a_server_without_logical_wal_is_a_problem() -> None:
    with running_postgres(wal_level="replica") as dsn:
        source = new_source(dsn)
        (problem,) = postgres.source_problems(source.replication, source.catalog)
    assert "wal_level is replica" in problem.text
    assert "alter system set wal_level" in problem.fix_sql


def test_a_slot_that_lost_its_wal_is_a_problem(source: Source) -> None:
    slot = make_slot(source)
    state = postgres.slot_state(source.application, slot)
    assert state.exists
    assert not state.active
    assert not state.lost
    assert state.confirmed_flush_lsn
    assert state.retained_bytes is not None
    assert state.safe_wal_size
    for _ in range(8):  # 16 MB each; the test server keeps 64 MB for a slot
        postgres.execute(source.admin, "select pg_logical_emit_message(false, 'test', 'x'); select pg_switch_wal()")
    postgres.execute(source.admin, "checkpoint")
    assert postgres.slot_state(source.application, slot).lost
    (problem,) = postgres.source_problems(source.replication, source.catalog)
    assert "is lost" in problem.text
    postgres.execute(source.admin, problem.fix_sql)
    assert postgres.source_problems(source.replication, source.catalog) == []


# Positions


def make_slot(source: Source) -> str:
    slot = source.catalog.slot
    postgres.execute(source.replication, "select pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
    return slot


def stream(source: Source) -> Iterator[tuple[str, int]]:
    """What the connector gets, in order: ("change", LSN) and ("commit", LSN of the commit record)."""
    messages = postgres.execute(
        source.replication,
        """select lsn::text, data from pg_logical_slot_peek_binary_changes(
               %s, null, null, 'proto_version', '1', 'publication_names', %s)""",
        [source.catalog.slot, source.catalog.publication],
    )
    for lsn, data in messages:
        payload = bytes(data)
        if payload[:1] in (b"I", b"U", b"D", b"T"):
            yield "change", parse_lsn(lsn)
        elif payload[:1] == b"C":
            yield "commit", struct.unpack(">xBQ", payload[:10])[1]


def test_the_marker_is_behind_every_earlier_commit_and_before_every_later_one(source: Source) -> None:
    make_slot(source)
    for _ in range(3):
        postgres.execute(source.application, "insert into condominios (nome, endereco) values ('a', 'b')")
    before = postgres.current_lsn(source.application)
    marker = postgres.write_marker(source.application, "test")
    after = postgres.current_lsn(source.application)
    postgres.execute(source.application, "insert into condominios (nome, endereco) values ('a', 'b')")
    commits = [lsn for kind, lsn in stream(source) if kind == "commit"]
    assert len(commits) == 6
    assert max(commits[:3]) < before <= marker < after
    assert marker <= commits[3] < commits[4] < after <= commits[5]


def test_a_consumer_that_confirms_only_the_commit_before_a_change_still_passes_the_marker(source: Source) -> None:
    make_slot(source)
    postgres.execute(source.application, "insert into condominios (nome, endereco) values ('a', 'b')")
    marker = postgres.write_marker(source.application, "test")
    confirmed = last_commit = 0
    for kind, lsn in stream(source):
        if kind == "commit":
            last_commit = lsn
        else:
            confirmed = last_commit
    assert confirmed >= marker


def test_a_transaction_left_open_is_not_covered_by_the_marker(source: Source) -> None:
    make_slot(source)
    connection = postgres.connect(source.application)
    with connection.cursor() as cursor:
        cursor.execute("insert into condominios (nome, endereco) values ('open', 'b')")
    marker = postgres.write_marker(source.application, "test")
    connection.commit()
    connection.close()
    commits = [lsn for kind, lsn in stream(source) if kind == "commit"]
    assert commits[-1] > marker


def test_a_marker_needs_the_heartbeats_row(source: Source) -> None:
    postgres.execute(source.admin, "delete from lakehouse.heartbeat")
    with pytest.raises(LakehouseError, match="no row") as raised:
        postgres.write_marker(source.application, "test")
    postgres.execute(source.admin, raised.value.next_step)
    assert postgres.write_marker(source.application, "test") > 0


# A moment of the source


PAGAMENTOS = table("pagamentos", ("id",), id="integer", nome="text")


@pytest.fixture
def filled(source: Source) -> Source:
    source.bootstrap(with_table(source, PAGAMENTOS))
    postgres.execute(source.application, "insert into pagamentos select i, 'n' || i from generate_series(1, 10) i")
    return source


def moment_of(source: Source, statement_seconds: int = 60) -> AbstractContextManager[postgres.Moment]:
    return postgres.open_moment(source.application, statement_seconds, 60)


def side_of(moment: postgres.Moment, *bounds: str) -> postgres.SourceTable:
    return moment.of(comparison(PAGAMENTOS), Bounds(bounds))


def test_a_moment_stays_what_it_was_for_every_read(filled: Source) -> None:
    with moment_of(filled) as moment:
        side = side_of(moment, "4", "7")
        before = side.sums()
        postgres.execute(filled.application, "update pagamentos set nome = 'x'; delete from pagamentos where id < 5")
        assert side.sums() == before
        assert [before[bucket].rows for bucket in sorted(before)] == [3, 3, 4]
        assert list(side.rows(1)) == [("4", "n4"), ("5", "n5"), ("6", "n6")]
        sums = {key: (bucket, one) for key, bucket, one in side.sums_of(frozenset({("5",), ("77",)}))}
        assert sums.keys() == {("5",)}
        assert sums["5",][0] == 1
    with moment_of(filled) as moment:
        assert sum(found.rows for found in side_of(moment).sums().values()) == 6


def test_a_moment_locks_no_table_between_its_reads(filled: Source) -> None:
    with moment_of(filled) as moment:
        side = side_of(moment)
        side.sums()
        postgres.execute(filled.admin, "set lock_timeout = '2s'; alter table pagamentos add column more int")
        assert side.sums()[0].rows == 10


@pytest.mark.parametrize(
    "statement",
    ["truncate pagamentos", "alter table pagamentos alter column nome type varchar(99) using upper(nome)",
     "drop table pagamentos; create table pagamentos (id integer primary key, nome text); grant select on pagamentos to lakehouse_app"],
)  # fmt: skip
def test_a_table_truncated_or_rewritten_after_the_moment_is_refused(filled: Source, statement: str) -> None:
    with moment_of(filled) as moment:
        side = side_of(moment)
        assert side.sums()[0].rows == 10
        postgres.execute(filled.admin, statement)
        with pytest.raises(postgres.Rewritten, match="truncated or rewritten"):
            side.sums()
        with pytest.raises(postgres.Rewritten):
            list(side.rows(0))


def test_a_vacuum_at_the_same_time_spoils_nothing(filled: Source) -> None:
    with moment_of(filled) as moment:
        postgres.execute(filled.application, "delete from pagamentos")
        connection = postgres.connect(filled.admin, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("vacuum pagamentos")
        connection.close()
        assert side_of(moment).sums()[0].rows == 10


def test_a_partitioned_table_is_read_whole(source: Source) -> None:
    source.bootstrap(with_table(source, PAGAMENTOS))
    postgres.execute(
        source.admin,
        """drop table pagamentos; create table pagamentos (id integer primary key, nome text) partition by range (id);
           create table low partition of pagamentos for values from (minvalue) to (5);
           create table high partition of pagamentos for values from (5) to (maxvalue);
           grant select, insert, truncate on pagamentos, low, high to lakehouse_app;
           insert into pagamentos select i, 'n' from generate_series(1, 10) i""",
    )
    with moment_of(source) as moment:
        assert side_of(moment).sums()[0].rows == 10
        postgres.execute(source.application, "truncate low")
        with pytest.raises(postgres.Rewritten):
            side_of(moment).sums()


def test_a_statement_that_takes_too_long_is_cancelled_and_told(filled: Source) -> None:
    postgres.execute(filled.admin, "create function slow(text) returns text language sql as 'select pg_sleep(5)::text'")
    postgres.execute(filled.admin, "create view slowly as select id, slow(nome) as nome from pagamentos; "
                                   "grant select on slowly to lakehouse_app")  # fmt: skip
    slowly = comparison(replace(PAGAMENTOS, name="slowly"))
    with moment_of(filled, 1) as moment, pytest.raises(LakehouseError, match="longer than 1 s") as raised:
        moment.of(slowly, Bounds(())).sums()
    assert "LAKEHOUSE_VERIFY_STATEMENT_TIMEOUT_SECONDS" in raised.value.next_step


@pytest.fixture
def restarted_calls() -> Iterator[None]:
    """Ctrl-C as it is where a library (polars, when imported) has waits begin again after a signal."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.siginterrupt(signal.SIGINT, False)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("restarted_calls")
@pytest.mark.parametrize("late", [0, 1.5], ids=["while the statement runs", "before it has begun"])
def test_an_interrupted_scan_ends_at_the_server_too(
    filled: Source, monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    postgres.execute(filled.admin, "create view slowly as select id, pg_sleep(30)::text as nome from pagamentos; "
                                   "grant select on slowly to lakehouse_app")  # fmt: skip
    fetched, slowly = moment_module._fetched, comparison(replace(PAGAMENTOS, name="slowly"))

    def interrupted(*arguments: Any) -> list[tuple[Any, ...]]:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(late)
        return fetched(*arguments)

    monkeypatch.setattr(moment_module, "_fetched", interrupted)
    since = time.monotonic()
    with moment_of(filled) as moment, pytest.raises(KeyboardInterrupt):
        moment.of(slowly, Bounds(())).sums()
    assert time.monotonic() - since < 30  # what the first row alone takes
    busy = "select count(*) from pg_stat_activity where application_name = 'lakehouse verify' and state = 'active'"
    assert postgres.execute(filled.admin, busy) == [(0,)]


def test_a_moment_does_not_print_its_password(filled: Source) -> None:
    with moment_of(filled) as moment:
        assert parse_dsn(filled.application)["password"] not in repr(moment)


def with_table(source: Source, added: Table) -> Catalog:
    return replace(source.catalog, tables=(*source.catalog.tables, added))


def test_a_cluster_is_known_by_its_identifier_timeline_and_the_end_of_its_wal(source: Source) -> None:
    first = postgres.cluster(source.replication)
    assert first.timeline == 1
    assert first.system_id.isdigit()
    postgres.write_marker(source.application, "wal grows")
    again = postgres.cluster(source.replication)
    assert (again.system_id, again.timeline) == (first.system_id, first.timeline)
    assert again.lsn > first.lsn


def test_a_heartbeat_has_an_age_by_the_sources_clock(source: Source) -> None:
    postgres.write_marker(source.application, "now")
    age = postgres.heartbeat_age(source.application)
    assert age is not None
    postgres.execute(
        source.application, "update lakehouse.heartbeat set beat_at = clock_timestamp() - interval '1 hour'"
    )
    older = postgres.heartbeat_age(source.application)
    assert older is not None
    assert older > age + 3000
