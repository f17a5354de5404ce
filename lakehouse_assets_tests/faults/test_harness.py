"""The harness itself: it draws what its seed says, its link breaks as lines do, and it sees what goes back in time."""

from __future__ import annotations

import socket
import threading
from itertools import islice
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.engine.positions import FOLD_APP
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets_tests.faults.harness import drawn
from lakehouse_assets_tests.faults.judge import Counted, business_problems
from lakehouse_assets_tests.faults.kinds import KINDS
from lakehouse_assets_tests.faults.proxy import Link, Proxy
from lakehouse_assets_tests.faults.report import Report, Round, from_json, page, to_json
from lakehouse_assets_tests.faults.watcher import Watcher
from lakehouse_assets_tests.real_stack import CATALOG

REPORT = Report(7, 60, "abc", "2026-01-31 10:00 UTC", 20.0, [Round("kill kafka", 1.0, 30.0)], Counted(9, 1, 0, 0), 4)


def test_the_same_seed_draws_the_same_faults_and_every_kind_before_any_again() -> None:
    one, other = (list(islice(drawn(KINDS, Random(3)), len(KINDS) * 2)) for _ in range(2))
    assert one == other
    assert len({kind.name for kind in one[: len(KINDS)]}) == len(KINDS)
    assert list(islice(drawn(KINDS, Random(4)), len(KINDS))) != one[: len(KINDS)]


@pytest.mark.parametrize(("days", "found"), [([1, None], []), ([1, None, None], ["refined.by_day: 1 rows too many"])])
def test_one_row_without_its_grain_is_no_row_too_many(tmp_path: Path, days: list[int | None], found: list[str]) -> None:
    paths = LakePaths(tmp_path)
    write_deltalake(str(paths.refined("by_day")), pa.table({"day": pa.array(days, pa.int32())}))
    table = RefinedTable("by_day", tmp_path / "by_day.sql", "", "", "", ("day",), (), ("day",), {})
    with open_lake(paths) as lake:
        assert business_problems(lake, table) == found


@pytest.fixture
def echo() -> Proxy:
    """A link to a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return Proxy("127.0.0.1", server.getsockname()[1])


def _echo(connection: socket.socket) -> None:
    try:
        while data := connection.recv(100):
            connection.sendall(data)
    except OSError:
        return


def _said(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(100)


def test_a_link_carries_breaks_and_carries_again(echo: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=10) as connection:
        assert _said(connection, b"one") == b"one"
        with echo.being(Link.CUT):
            assert _is_broken(connection)
            assert _is_refused(echo.port)
    with socket.create_connection(("127.0.0.1", echo.port), timeout=10) as connection:
        assert _said(connection, b"three") == b"three"


def _is_refused(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            return _is_broken(connection)
    except OSError:
        return True


def _is_broken(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except OSError:
        return True


def test_a_hung_link_says_nothing_and_loses_nothing(echo: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=10) as connection:
        with echo.being(Link.HUNG):
            connection.settimeout(0.5)
            with pytest.raises(TimeoutError):
                _said(connection, b"late")
        connection.settimeout(10)
        assert connection.recv(100) == b"late"


@pytest.fixture
def published(tmp_path: Path) -> tuple[Watcher, LakePaths]:
    """A watcher over a lake in which `imoveis` was published with two rows at positions 5 and 6."""
    paths = LakePaths(tmp_path)
    _publish(paths, {1: 5, 2: 6}, 6)
    watcher = Watcher(load_catalog(CATALOG), paths)
    watcher.look()
    return watcher, paths


def _publish(paths: LakePaths, rows: dict[int, int], applied: int) -> None:
    table = pa.table({"imovel_id": pa.array(rows, pa.int32()), "_position": pa.array(rows.values(), pa.int64())})
    fold = CommitProperties(app_transactions=[Transaction(FOLD_APP, applied)])
    write_deltalake(str(paths.transformed("imoveis")), table, mode="overwrite", commit_properties=fold)


def test_a_watcher_has_nothing_to_say_while_all_goes_forward(published: tuple[Watcher, LakePaths]) -> None:
    watcher, paths = published
    _publish(paths, {1: 7, 2: 6}, 7)
    _publish(paths, {2: 6}, 8)
    _publish(paths, {1: 9, 2: 6}, 9)
    watcher.look()
    assert (watcher.regressions, watcher.versions) == ([], 4)


def test_a_watcher_sees_a_row_that_is_older_than_before(published: tuple[Watcher, LakePaths]) -> None:
    watcher, paths = published
    _publish(paths, {1: 4, 2: 6}, 7)
    watcher.look()
    assert watcher.regressions == ["imoveis version 1: key (1,) at position 5 -> 4"]


def test_a_watcher_sees_a_row_that_comes_back_older_than_it_went(published: tuple[Watcher, LakePaths]) -> None:
    watcher, paths = published
    _publish(paths, {2: 6}, 7)
    _publish(paths, {1: 5, 2: 6}, 8)
    _publish(paths, {1: 3, 2: 6}, 9)
    watcher.look()
    assert watcher.regressions == ["imoveis version 3: key (1,) at position 5 -> 3"]


def test_a_watcher_sees_an_applied_position_that_falls(published: tuple[Watcher, LakePaths]) -> None:
    watcher, paths = published
    _publish(paths, {1: 5, 2: 6}, 4)
    watcher.look()
    assert watcher.regressions == ["imoveis version 1: applied position 6 -> 4"]


def test_a_report_is_the_same_after_json_and_its_page_says_what_was_broken() -> None:
    assert from_json(to_json(REPORT)) == REPORT
    assert REPORT.sound
    assert "| kill kafka | 1 | 1 | 30 | 30 |" in page(REPORT)
    assert "## Broken" not in page(REPORT)
    broken = from_json(to_json(REPORT).replace('"broken": []', '"broken": ["imoveis: 1 missing"]'))
    assert not broken.sound
    assert "* imoveis: 1 missing" in page(broken)
