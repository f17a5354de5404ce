"""The traffic keeps its rate, does every kind of thing that a source does, and counts what it committed.

What it does is tried without its pace: how much of it a slow machine does in a second is no fault.
"""

from __future__ import annotations

import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from lakehouse_assets.cli.app import cli
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.demo import TrafficReport, seed, simulate
from lakehouse_assets.demo.population import KEYS
from lakehouse_assets.demo.workload import Workload
from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.demo.tables import contents, counts, work
from lakehouse_assets_tests.real_postgres import Source, new_source
from lakehouse_assets_tests.real_stack import CATALOG
from lakehouse_assets_tests.stack.waiting import eventually

RATE, SECONDS = 300, 5  # the rate that the platform is measured with
# A transaction of this database that changed something and is open; a truncate that waits for one.
OPEN_CHANGES = """select 1 from pg_stat_activity where datname = current_database() and backend_xid is not null
                  and state = 'idle in transaction'"""
WAITING = "select 1 from pg_stat_activity where query like 'truncate%' and wait_event_type = 'Lock'"
OPERATIONS = {b"I": "insert", b"U": "update", b"D": "delete"}


@pytest.fixture
def source(admin_dsn: str) -> Source:
    source = new_source(admin_dsn)
    seed(source.application)
    return source


def make_slot(source: Source) -> None:
    create = "select pg_create_logical_replication_slot(%s, 'pgoutput')"
    postgres.execute(source.replication, create, [source.catalog.slot])


def stream(source: Source) -> list[bytes]:
    """What the source's log says was committed, as pgoutput messages."""
    read = """select data from pg_logical_slot_get_binary_changes(
                  %s, null, null, 'proto_version', '1', 'publication_names', %s)"""
    messages = postgres.execute(source.replication, read, [source.catalog.slot, source.catalog.publication])
    return [bytes(data) for (data,) in messages]


def counted_in_the_log(messages: list[bytes]) -> dict[tuple[str, str], int]:
    """Changes by table and operation. An update that carries its old key ('K' behind the table) changes the key."""
    tables, found = {}, {}
    for message in messages:
        if message[:1] == b"R":
            number, rest = struct.unpack(">I", message[1:5])[0], message[5:].split(b"\0")
            tables[number] = rest[1].decode()
        if message[:1] in OPERATIONS:
            table = tables[struct.unpack(">I", message[1:5])[0]]
            operation = "key_change" if message[:1] == b"U" and message[5:6] == b"K" else OPERATIONS[message[:1]]
            found[table, operation] = found.get((table, operation), 0) + 1
    return found


@dataclass(frozen=True)
class Run:
    """As many changes as the pace asks for."""

    source: Source
    report: TrafficReport
    log: list[bytes]


@pytest.fixture(scope="module")
def run(admin_dsn: str) -> Run:
    source = new_source(admin_dsn)
    seed(source.application)
    make_slot(source)
    report = work(source.application, RATE, RATE * SECONDS)
    return Run(source, report, stream(source))


def test_what_the_report_counts_is_exactly_what_the_source_committed(run: Run) -> None:
    assert counted_in_the_log(run.log) == dict(run.report.changes)


def test_the_rate_is_not_exceeded_and_only_time_ends_it_early(source: Source) -> None:
    report = simulate(source.application, RATE, SECONDS)
    assert report.achieved_rate < RATE * 1.05
    assert report.total > RATE * SECONDS * 0.95 or report.seconds >= SECONDS


def test_a_long_text_is_written_and_later_updates_do_not_carry_it(run: Run) -> None:
    assert sum(message[:1] == b"U" and len(message) > 8_000 for message in run.log) == 1
    # 'u' marks a value that is stored out of line and was not changed.
    assert any(message[:1] == b"U" and message.endswith(b"u") for message in run.log)


def test_every_operation_reaches_every_table_and_most_reach_transacoes(source: Source) -> None:
    report = work(source.application, 1_500, 6_000, seed=1)
    tables = report.by_table()
    for table in KEYS:
        assert set(tables[table]) >= {"insert", "update", "delete"}, table
    assert "key_change" in tables["transacoes"]
    assert any("key_change" in tables[table] for table in KEYS if table != "transacoes")
    assert 0.65 < sum(tables["transacoes"].values()) / report.total < 0.85
    assert report.rolled_back > 0
    assert report.long_transactions > 0
    assert report.refused == 0
    assert report.transactions < report.total / 5


def test_tables_do_not_shrink(source: Source) -> None:
    before = counts(source.application)
    work(source.application, 4_000, 4_000, seed=2)
    after = counts(source.application)
    assert all(after[table] >= before[table] for table in before)


def test_the_same_seed_makes_the_same_rows(source: Source, admin_dsn: str) -> None:
    other = new_source(admin_dsn).application
    seed(other)
    first = work(source.application, 800, 640, seed=11)
    second = work(other, 800, 640, seed=11)
    assert first.changes == second.changes
    assert contents(source.application) == contents(other)


def test_another_seed_makes_other_rows(source: Source, admin_dsn: str) -> None:
    other = new_source(admin_dsn).application
    seed(other)
    work(source.application, 200, 40, seed=1)
    work(other, 200, 40, seed=2)
    assert contents(source.application) != contents(other)


def test_traffic_on_empty_tables_builds_them_up(dsn: str) -> None:
    work(dsn, 500, 250)
    assert all(counts(dsn).values())


def newest(source: Source) -> int:
    return postgres.execute(source.admin, "select coalesce(max(transacao_id), 0) from transacoes")[0][0]


def test_two_traffics_and_a_truncate_disturb_each_other_but_neither_fails(source: Source) -> None:
    before, stop = newest(source), threading.Event()
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(simulate, source.application, 400, 600, number, stop=stop) for number in (1, 2)]
        try:
            eventually(lambda: newest(source) > before, 60)
            # Whoever waits in a circle with the truncate looks for circles before it does, and gives way.
            patient = "set deadlock_timeout = '30s'; truncate condominios, moradores, imoveis, transacoes, boletos"
            postgres.execute(source.admin, patient)
            eventually(lambda: all(counts(source.application).values()), 60)  # made after the truncate
        finally:
            stop.set()
        reports = [one.result(60) for one in running]
    assert all(report.total > 0 for report in reports)


def test_a_truncate_that_waits_for_the_long_transaction_gets_by_and_the_traffic_goes_on(source: Source) -> None:
    """It holds condominios already: a traffic that only waited for it would wait for itself."""
    with (
        ThreadPoolExecutor() as pool,
        closing(postgres.connect(source.application)) as main,
        closing(postgres.connect(source.application)) as other,
    ):
        for connection in (main, other):
            with connection, connection.cursor() as cursor:
                cursor.execute("set lock_timeout = '200ms'")
        workload = Workload(main, other, Random(1), 200, TrafficReport())
        while not postgres.execute(source.admin, OPEN_CHANGES):
            workload.step()
        truncating = pool.submit(
            postgres.execute, source.admin, "truncate condominios, moradores, imoveis, transacoes, boletos"
        )
        eventually(lambda: postgres.execute(source.admin, WAITING) != [])
        while not truncating.done():
            workload.step()
        truncating.result()
        made = workload.report.total
        while workload.report.total == made:
            workload.step()


@contextmanager
def after_the_first_change(source: Source, then: Callable[[], None]) -> Iterator[None]:
    """Does it once the traffic within has committed something."""
    before = newest(source)

    def wait() -> None:
        eventually(lambda: newest(source) > before, 60)
        then()

    waiting = threading.Thread(target=wait)
    waiting.start()
    yield
    waiting.join()


def test_a_stop_ends_it_soon_with_the_report_and_nothing_left_open(source: Source) -> None:
    stop = threading.Event()
    with after_the_first_change(source, stop.set):
        report = simulate(source.application, 200, 600, stop=stop)
    assert report.seconds < 300  # of the 600 it was given
    assert report.total > 0
    assert not report.interrupted
    assert_nothing_is_open(source)


def test_ctrl_c_ends_it_with_the_report(source: Source) -> None:
    before = signal.getsignal(signal.SIGINT)
    with after_the_first_change(source, lambda: os.kill(os.getpid(), signal.SIGINT)):
        report = simulate(source.application, 200, 600)
    assert report.seconds < 300  # of the 600 it was given
    assert report.total > 0
    assert report.interrupted
    assert signal.getsignal(signal.SIGINT) is before
    assert_nothing_is_open(source)


@pytest.mark.parametrize("word", ["simulate", "demo"])
def test_ctrl_c_ends_a_word_with_the_report_and_nothing_after_it(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(Edge, "source_dsn", lambda _: source.application)
    monkeypatch.setattr("lakehouse_assets.stack.up.up", lambda *_, fill: fill())
    monkeypatch.setattr("lakehouse_assets.progress.sync.sync", lambda *_: pytest.fail("it went on"))
    environment = {"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_CATALOG": str(CATALOG)}
    with after_the_first_change(source, lambda: os.kill(os.getpid(), signal.SIGINT)):
        done = CliRunner().invoke(cli, [word, "--rate", "200", "--seconds", "600"], env=environment)
    assert done.exit_code == 130
    told = done.output.splitlines()
    assert " changes in " in told[-2]
    assert told[-1].startswith("interrupted; ")
    assert_nothing_is_open(source)


def assert_nothing_is_open(source: Source) -> None:
    left = """select count(*) from pg_stat_activity
              where application_name = 'lakehouse simulate' and datname = current_database()"""
    eventually(lambda: postgres.execute(source.admin, left) == [(0,)])


@pytest.mark.parametrize(
    ("rate", "seconds", "problems"),
    [(0, 1, 1), (-5, 0, 2), (20_001, 1, 1), (1, float("inf"), 1), (float("nan"), -1, 2)],
)
def test_numbers_out_of_range_are_all_named(rate: float, seconds: float, problems: int) -> None:
    with pytest.raises(ConfigurationError) as raised:
        simulate("postgresql://127.0.0.1:1/never-asked", rate, seconds)
    assert len(raised.value.problems) == problems


def test_a_database_without_the_tables_gets_a_clear_answer(admin_dsn: str) -> None:
    with pytest.raises(LakehouseError, match="does not exist") as raised:
        simulate(admin_dsn, 10, 1)
    assert "01_tables.sql" in raised.value.next_step
