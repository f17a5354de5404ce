"""Delta logs are read without a JVM, with work bounded by what is new."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.deltalog import NO_VERSION
from lakehouse_assets_tests.engine.logs import added, clean_up_to, last_checkpoint, write_commit


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "t"


def committed(table: Path, versions: range) -> None:
    for version in versions:
        write_commit(table, version)


def test_a_folder_without_a_log_is_no_table(table: Path) -> None:
    assert deltalog.newest_version(table) == NO_VERSION
    table.mkdir()
    assert deltalog.newest_version(table) == NO_VERSION
    (table / "_delta_log").mkdir()
    assert deltalog.newest_version(table) == NO_VERSION
    assert list(deltalog.commits_backwards(table)) == []


def test_the_newest_version_is_the_last_commit_without_a_gap(table: Path) -> None:
    committed(table, range(3))
    assert deltalog.newest_version(table) == 2
    committed(table, range(3, 12))
    assert deltalog.newest_version(table) == 11


def test_the_newest_version_is_found_from_the_checkpoint_when_older_commits_are_gone(table: Path) -> None:
    committed(table, range(8, 13))
    last_checkpoint(table, 10)
    assert deltalog.newest_version(table) == 12
    clean_up_to(table, 13)
    assert deltalog.newest_version(table) == 10


@pytest.mark.parametrize("hint", [None, "", "garbage", "{}", '{"version": null}', '{"version": "x"}', "[]"])
def test_the_newest_version_is_found_without_a_usable_hint(table: Path, hint: str | None) -> None:
    committed(table, range(8, 13))
    if hint is not None:
        (table / "_delta_log" / "_last_checkpoint").write_text(hint, encoding="utf-8")
    assert deltalog.newest_version(table) == 12


def test_files_that_are_no_commits_do_not_count(table: Path) -> None:
    committed(table, range(8, 10))
    for name in (
        "00000000000000000011.checkpoint.parquet",
        "00000000000000000012.crc",
        "00000000000000000013.7f.tmp.json",
    ):
        (table / "_delta_log" / name).touch()
    assert deltalog.newest_version(table) == 9


def test_a_commit_is_read_with_its_files_transactions_and_note(table: Path) -> None:
    write_commit(
        table,
        4,
        {"txn": {"appId": "app", "version": 17}},
        {"remove": {"path": "x", "dataChange": True}},
        added("moradores", 3, 9, low_lsn=100, high_lsn=140),
        {"add": {"path": "y", "partitionValues": {"table_name": "imoveis"}}},
        userMetadata="a note",
    )
    commit = deltalog.read_commit(table, 4)
    assert (commit.version, commit.timestamp_ms, commit.user_metadata) == (4, 1_000_004, "a note")
    assert commit.transactions == {"app": 17}
    with_statistics, without = commit.added
    assert with_statistics.partition == {"table_name": "moradores", "op": "insert", "event_date": "2026-01-31"}
    assert (with_statistics.rows, with_statistics.low, with_statistics.high) == (
        7,
        {"position": 3, "lsn": 100},
        {"position": 9, "lsn": 140},
    )
    assert (without.rows, without.low, without.high) == (0, {}, {})


def test_texts_in_the_statistics_may_hold_ends_of_lines_of_other_kinds(table: Path) -> None:
    odd = "Rua A\u2028casa\u2029b\x85c"
    write_deltalake(str(table), pa.table({"t": [odd]}))
    log = table / "_delta_log" / f"{0:020}.json"
    # delta-rs escapes them, Spark does not
    log.write_text(
        "\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in log.read_text().split("\n") if line)
        + "\n"
    )
    assert odd[:8] in log.read_text()
    (file,) = deltalog.read_commit(table, 0).added
    assert file.low["t"] == odd


def test_a_line_that_is_no_action_is_a_value_error(table: Path) -> None:
    write_commit(table, 0)
    (table / "_delta_log" / f"{0:020}.json").write_text("7\n")
    with pytest.raises(ValueError, match="in place of an action"):
        deltalog.read_commit(table, 0)


def test_a_commit_that_is_not_there_is_a_key_error(table: Path) -> None:
    committed(table, range(2))
    with pytest.raises(KeyError):
        deltalog.read_commit(table, 2)


def test_commits_are_read_in_order_between_two_versions(table: Path) -> None:
    committed(table, range(6))
    assert [commit.version for commit in deltalog.commits(table, 2, 5)] == [3, 4, 5]
    assert list(deltalog.commits(table, 5, 5)) == []
    clean_up_to(table, 4)
    with pytest.raises(KeyError):
        list(deltalog.commits(table, 2, 5))


def test_commits_are_read_backwards_to_the_oldest_that_is_left(table: Path) -> None:
    committed(table, range(6))
    assert [commit.version for commit in deltalog.commits_backwards(table)] == [5, 4, 3, 2, 1, 0]
    last_checkpoint(table, 4)
    clean_up_to(table, 3)
    assert [commit.version for commit in deltalog.commits_backwards(table)] == [5, 4, 3]


def land(table: Path, name: str, positions: range, day: str = "2026-01-31") -> None:
    n = len(positions)
    columns = {"table_name": [name] * n, "event_date": [day] * n, "position": list(positions), "lsn": [None] * n}
    types = pa.schema(
        [("table_name", pa.string()), ("event_date", pa.string()), ("position", pa.int64()), ("lsn", pa.int64())]
    )
    write_deltalake(str(table), pa.table(columns, types), mode="append", partition_by=["table_name", "event_date"])


def test_all_live_files_are_read_from_the_whole_state(table: Path) -> None:
    land(table, "a", range(5))
    land(table, "b", range(7, 9), "2026-02-01")
    version, files = deltalog.all_files(table)
    assert version == 1
    found = sorted(
        (f.partition["table_name"], f.partition["event_date"], f.rows, f.low["position"], f.high["position"])
        for f in files
    )
    assert found == [("a", "2026-01-31", 5, 0, 4), ("b", "2026-02-01", 2, 7, 8)]
    assert all("lsn" not in f.low and "lsn" not in f.high for f in files), "a column of NULLs has no minimum"


def test_maxima_are_read_from_the_newest_checkpoint(table: Path) -> None:
    assert deltalog.checkpoint_maxima(table, "table_name", "event_date", "position") == (NO_VERSION, [])
    land(table, "a", range(5), "2026-02-02")
    land(table, "a", range(5, 9), "2026-02-01")
    land(table, "b", range(3))
    assert deltalog.checkpoint_maxima(table, "table_name", "event_date", "position") == (NO_VERSION, [])
    DeltaTable(str(table)).create_checkpoint()
    land(table, "c", range(3))
    version, maxima = deltalog.checkpoint_maxima(table, "table_name", "event_date", "position")
    assert (version, sorted(maxima)) == (2, [("a", "2026-02-02", 8), ("b", "2026-01-31", 2)])


def test_a_transaction_is_read_from_the_whole_state(table: Path) -> None:
    land(table, "a", range(5))
    assert deltalog.transaction_version(table, "app") is None
    (table / "_delta_log" / f"{1:020d}.json").write_text(
        json.dumps({"txn": {"appId": "app", "version": 3}}), encoding="utf-8"
    )
    assert deltalog.transaction_version(table, "app") == 3
