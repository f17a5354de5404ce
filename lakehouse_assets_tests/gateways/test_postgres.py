"""The source is set up safely, says what is wrong with it, and its marker is behind everything committed before."""

from __future__ import annotations

import struct
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.catalog import Column, Table, parse_type
from lakehouse_assets.catalog.model import RESERVED
from lakehouse_assets.changelog.lsn import parse_lsn
from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.real_postgres import Source, new_source, running_postgres
from lakehouse_assets_tests.stack.waiting import eventually


@pytest.fixture(scope="module")
def shared(admin_dsn: str) -> Source:
    """A source that no test changes."""
    return new_source(admin_dsn)


@pytest.fixture(scope="module")
def mended(admin_dsn: str) -> Source:
    """A source that a test breaks and has mended at its end; the set-up for the next test is the same one again."""
    return new_source(admin_dsn)


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
        ({"user": "watcher", "password": "s3cret"}, 'refuses: role "watcher" is not permitted to log in'),
        ({"sslmode": "require"}, "offers no TLS"),
    ],
)
def test_a_connection_that_fails_says_why_and_where_and_never_the_password(
    admin_dsn: str, change: dict[str, str], problem: str
) -> None:
    postgres.execute(admin_dsn, "drop role if exists watcher; create role watcher nologin password 's3cret'")
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


def test_setting_up_again_and_a_vacuum_or_a_writer_of_the_same_tables_do_not_lock_each_other_out(
    source: Source,
) -> None:
    """Both go on while the set-up waits for one of them: it holds nothing yet that they need."""
    visitas = table_of("visitas", ("visita_id",), visita_id="integer", nome="text")
    with ThreadPoolExecutor() as pool, closing(postgres.connect(source.admin)) as other, other.cursor() as cursor:
        cursor.execute("insert into condominios (nome, endereco) values ('a', 'b')")
        cursor.execute("lock table transacoes in share update exclusive mode")  # as a vacuum or an analyze does
        setting_up = pool.submit(source.with_table, visitas)
        waiting = (
            "select 1 from pg_stat_activity where application_name = 'lakehouse bootstrap' and wait_event_type = 'Lock'"
        )
        eventually(lambda: postgres.execute(source.admin, waiting) != [])
        cursor.execute("analyze transacoes")
        cursor.execute("insert into moradores (nome, condominio_id, data_registro) values ('c', 1, '2026-01-01')")
        other.commit()
        setting_up.result(60)
    assert "public.visitas" in published(source)


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
    visitas = table_of("visitas", ("visita_id",), visita_id="integer", nome="citext", quando="timestamptz(3)")
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


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("revoke select on moradores from lakehouse_app", "may not select public.moradores"),
        ("revoke update on lakehouse.heartbeat from lakehouse_app", "may not update lakehouse.heartbeat"),
        ("revoke usage on schema lakehouse from lakehouse_app", "may not use schema lakehouse"),
    ],
)
def test_what_the_role_lacks_that_sync_and_verify_look_as_is_named_and_mended(
    source: Source, broken: str, text: str
) -> None:
    assert postgres.reader_problems(source.application, source.catalog) == []
    postgres.execute(source.admin, broken)
    (problem,) = postgres.reader_problems(source.application, source.catalog)
    assert text in problem.text
    postgres.execute(source.admin, problem.fix_sql)
    assert postgres.reader_problems(source.application, source.catalog) == []


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


@pytest.mark.parametrize(("schema", "name"), [("public", "order"), ("Sales", "Order Items")])
def test_the_sql_that_mends_names_that_need_quotes_runs(source: Source, schema: str, name: str) -> None:
    columns = (
        Column("user", parse_type("integer")),
        Column("end", parse_type("bigint")),
        Column("a%", parse_type("text")),
    )
    table = Table("ordered", schema, ("user",), columns, "", "", "test", source=name)
    catalog = replace(source.catalog, tables=(*source.catalog.tables, table))
    postgres.execute(source.admin, f'create schema if not exists "{schema}"')
    postgres.execute(source.admin, f'create table "{schema}"."{name}" ("user" integer not null, "end" integer)')
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
    wide = table_of("wide", ("c1",), **{f"c{number}": text for number, text in enumerate(types)})
    source = source.with_table(wide)
    assert postgres.source_problems(source.replication, source.catalog) == []


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


def test_rows_that_a_policy_hides_from_either_role_are_a_problem(source: Source) -> None:
    postgres.execute(source.admin, "alter table condominios enable row level security")
    found = postgres.access_problems(source.replication, source.application, source.catalog)
    assert [problem.text.split(" from ")[0] for problem in found] == [
        "row-level security hides rows of public.condominios"
    ] * 2
    for problem in found:
        postgres.execute(source.admin, problem.fix_sql)
    assert postgres.access_problems(source.replication, source.application, source.catalog) == []
    postgres.execute(source.admin, f"alter role {postgres.APPLICATION_ROLE} nobypassrls")


def test_the_slot_of_another_database_is_not_to_be_dropped(source: Source, shared: Source) -> None:
    slot = make_slot(source)
    (problem,) = postgres.source_problems(shared.replication, replace(shared.catalog, slot=slot))
    assert "another plugin or database" in problem.text
    assert "drop" not in problem.fix_sql
    assert "slot = " in problem.fix_sql


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
