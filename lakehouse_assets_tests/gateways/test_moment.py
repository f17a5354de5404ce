"""One moment of the source is read in many statements, none of which locks, waits or outlives its reader."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from psycopg2.extensions import parse_dsn

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.gateways.postgres import moment as moment_module
from lakehouse_assets.proof import Bounds, comparison
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.real_postgres import Source

PAGAMENTOS = table_of("pagamentos", ("id",), id="integer", nome="text")


@pytest.fixture
def filled(source: Source) -> Source:
    source.with_table(PAGAMENTOS)
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


def test_names_with_a_percent_sign_are_names(source: Source) -> None:
    odd = replace(table_of("odd", ("id %s",), **{"id %s": "integer", "desconto_%": "text"}), source="100%")
    source.with_table(odd)
    postgres.execute(source.application, """insert into "100%" values (1, 'a'), (2, null)""")
    with moment_of(source) as moment:
        side = moment.of(comparison(odd), Bounds(("2",)))
        assert {bucket: found.rows for bucket, found in side.sums().items()} == {0: 1, 1: 1}
        assert list(side.rows(0)) == [("1", "a")]
        assert list(moment.of(comparison(odd), Bounds(())).rows(0)) == [("1", "a"), ("2", None)]
        assert side.row(("2",)) == (("2", None), ("2", None))
        assert [(key, bucket) for key, bucket, _ in side.sums_of(frozenset({("1",)}))] == [(("1",), 0)]


def test_a_vacuum_at_the_same_time_spoils_nothing(filled: Source) -> None:
    with moment_of(filled) as moment:
        postgres.execute(filled.application, "delete from pagamentos")
        connection = postgres.connect(filled.admin, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("vacuum pagamentos")
        connection.close()
        assert side_of(moment).sums()[0].rows == 10


def test_a_partitioned_table_is_read_whole(source: Source) -> None:
    source.with_table(PAGAMENTOS)
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
