"""Where each table stands is read from the Delta logs; a cursor saves work and is no truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import (
    EPOCH_SHIFT,
    NOTHING,
    changes_between,
    epoch_of,
    offset_of,
    position,
    position_text,
)
from lakehouse_assets.engine.positions import (
    EMPTY_CUT,
    NEVER_FOLDED,
    REBUILD_APP,
    Cut,
    Folded,
    exists,
    files_between,
    floors,
    folded,
    newest_cut,
)
from lakehouse_assets_tests.defs.small_lake import land
from lakehouse_assets_tests.engine.logs import added, clean_up_to, fold_commit, write_commit


@pytest.fixture
def paths(tmp_path: Path) -> LakePaths:
    return LakePaths(tmp_path)


@pytest.mark.parametrize(("epoch", "offset"), [(0, 0), (0, 7), (1, 0), (3, (1 << 40) - 1), ((1 << 23) - 1, 5)])
def test_a_position_is_an_epoch_and_an_offset(epoch: int, offset: int) -> None:
    place = position(epoch, offset)
    assert (epoch_of(place), offset_of(place)) == (epoch, offset)
    assert place == epoch * 2**EPOCH_SHIFT + offset < 1 << 63


def test_a_later_epoch_is_after_every_offset_of_an_earlier_one() -> None:
    assert NOTHING < position(0, 0) < position(0, (1 << 40) - 1) < position(1, 0)


@pytest.mark.parametrize(("epoch", "offset"), [(-1, 0), (0, -1), (0, 1 << 40), (1 << 23, 0)])
def test_a_position_outside_its_bits_is_refused(epoch: int, offset: int) -> None:
    with pytest.raises(ValueError, match="outside the 63 bits"):
        position(epoch, offset)


def test_a_cut_is_kept_as_text() -> None:
    cut = Cut(4, {"a": 7}, {"a": "2026-01-31"})
    assert Cut.from_json(cut.to_json()) == cut
    assert (cut.position("a"), cut.position("b")) == (7, NOTHING)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "7", '{"version": 1}', "garbage", '{"version": 1, "tables": {}}']
)
def test_a_text_that_is_no_cut_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        Cut.from_json(text)


def test_the_cut_of_a_lake_without_raw_is_empty(paths: LakePaths) -> None:
    assert newest_cut(paths) == EMPTY_CUT
    assert newest_cut(paths, Cut(3, {"a": 1}, {"a": "2026-01-31"})) == EMPTY_CUT
    assert not exists(paths.raw)


def test_a_cut_holds_each_tables_newest_position_and_day(paths: LakePaths) -> None:
    write_commit(paths.raw, 0)
    write_commit(paths.raw, 1, added("a", 0, 4), added("a", 5, 6, op="delete"), added("b", 0, 9))
    write_commit(paths.raw, 2, added("a", 7, 8, day="2026-02-01"), added("a", 9, 9, op="unknown", day="2026-01-31"))
    assert newest_cut(paths) == Cut(2, {"a": 9, "b": 9}, {"a": "2026-02-01", "b": "2026-01-31"})


def test_an_empty_raw_table_is_a_cut_of_nothing(paths: LakePaths) -> None:
    write_commit(paths.raw, 0)
    assert newest_cut(paths) == Cut(0, {}, {})


def test_from_a_known_cut_only_newer_commits_are_read(paths: LakePaths) -> None:
    write_commit(paths.raw, 0)
    write_commit(paths.raw, 1, added("a", 0, 4))
    known = newest_cut(paths)
    write_commit(paths.raw, 2, added("b", 3, 3))
    (paths.raw / "_delta_log" / f"{1:020d}.json").write_text("not read again", encoding="utf-8")
    assert newest_cut(paths, known) == Cut(2, {"a": 4, "b": 3}, {"a": "2026-01-31", "b": "2026-01-31"})


def test_a_lost_or_foreign_cursor_gives_the_same_cut(paths: LakePaths) -> None:
    for i in range(4):
        land(paths, "ab"[i % 2], range(i * 10, i * 10 + 10))
    known, newest = Cut(2, {"a": 29, "b": 19}, {"a": "2026-03-04", "b": "2026-03-04"}), newest_cut(paths)
    assert newest == Cut(3, {"a": 29, "b": 39}, {"a": "2026-03-04", "b": "2026-03-04"})
    for cursor in (EMPTY_CUT, known, newest, Cut(99, {"a": 1000}, {})):
        assert newest_cut(paths, cursor) == newest


@pytest.mark.parametrize("checkpoint", [True, False])
def test_commits_that_were_cleaned_away_are_not_missed(paths: LakePaths, checkpoint: bool) -> None:
    known = EMPTY_CUT
    for i in range(6):
        land(paths, "abc"[i // 2], range(i * 10, i * 10 + 10))
        known = newest_cut(paths) if i == 1 else known
    expected = newest_cut(paths)
    assert expected.positions == {"a": 19, "b": 39, "c": 59}
    DeltaTable(str(paths.raw)).create_checkpoint()
    land(paths, "a", range(60, 62))
    clean_up_to(paths.raw, 5)
    if not checkpoint:
        # Without its hint the checkpoint is found by reading the whole state.
        (paths.raw / "_delta_log" / "_last_checkpoint").unlink()
    for cursor in (EMPTY_CUT, known, expected):
        assert newest_cut(paths, cursor).positions == {"a": 61, "b": 39, "c": 59}


def test_the_files_of_a_table_between_two_versions(paths: LakePaths) -> None:
    write_commit(paths.raw, 0)
    write_commit(paths.raw, 1, added("a", 0, 4))
    write_commit(paths.raw, 2, added("a", 5, 6), added("b", 0, 9))
    write_commit(paths.raw, 3, added("a", 7, 7))
    assert [file.high["position"] for file in files_between(paths, "a", 1, 2)] == [6]
    assert [file.high["position"] for file in files_between(paths, "a", -1, 3)] == [4, 6, 7]
    assert files_between(paths, "c", -1, 3) == []


def test_a_floor_is_a_position_that_raw_had_reached_at_a_moment(paths: LakePaths) -> None:
    write_commit(paths.raw, 0, timestamp=1000)
    write_commit(paths.raw, 1, added("a", 0, 4), added("b", 0, 9), timestamp=2000)
    write_commit(paths.raw, 2, added("a", 5, 6), added("a", 7, 8, op="delete"), timestamp=3000)
    write_commit(paths.raw, 3, added("a", 9, 9), added("c", 0, 0), timestamp=4000)
    assert floors(paths, 4000) == {"a": 9, "b": 9, "c": 0}
    assert floors(paths, 3999) == {"a": 8, "b": 9, "c": -1}
    assert floors(paths, 2500) == {"a": 4, "b": 9, "c": -1}
    # A compaction adds old changes once more: a lower floor is as right.
    write_commit(paths.raw, 4, added("a", 3, 9), timestamp=5000)
    assert floors(paths, 4500) == {"a": 2, "b": 9, "c": 0}
    assert floors(paths, 500) == {}


def test_where_older_commits_were_cleaned_away_there_is_no_floor(paths: LakePaths) -> None:
    for i in range(3):
        land(paths, "a", range(i * 10, i * 10 + 10))
    DeltaTable(str(paths.raw)).create_checkpoint()
    clean_up_to(paths.raw, 2)
    assert floors(paths, 1000) == {}


def test_a_lake_without_raw_has_no_floors(paths: LakePaths) -> None:
    assert floors(paths, 0) == {}


def test_all_files_of_a_table_stand_in_for_commits_that_are_gone(paths: LakePaths) -> None:
    for i in range(4):
        land(paths, "ab"[i % 2], range(i * 10, i * 10 + 10))
    DeltaTable(str(paths.raw)).create_checkpoint()
    clean_up_to(paths.raw, 3)
    assert sorted(file.high["position"] for file in files_between(paths, "a", 0, 3)) == [9, 29]


def test_a_table_that_was_never_folded_has_applied_nothing(paths: LakePaths) -> None:
    assert folded(paths, "a") == NEVER_FOLDED
    write_commit(paths.transformed("a"), 0)
    assert folded(paths, "a").applied == NOTHING


def test_the_newest_fold_says_what_is_applied(paths: LakePaths) -> None:
    place = paths.transformed("a")
    write_commit(place, 0)
    fold_commit(place, 1, applied=7, raw_version=2, max_lsn=100)
    fold_commit(place, 2, applied=9, raw_version=5, max_lsn=130)
    assert folded(paths, "a") == Folded(9, 5, 130)


def test_commits_that_are_no_folds_are_passed_over(paths: LakePaths) -> None:
    place = paths.transformed("a")
    write_commit(place, 0)
    fold_commit(place, 1, applied=7, raw_version=2, max_lsn=100)
    write_commit(place, 2, operation="OPTIMIZE")
    write_commit(place, 3, {"txn": {"appId": "another", "version": 99}}, userMetadata=json.dumps({"max_lsn": 1}))
    assert folded(paths, "a") == Folded(7, 2, 100)


def test_a_rebuild_leaves_the_position_and_is_known_until_the_next_fold(paths: LakePaths) -> None:
    place = paths.transformed("a")
    write_commit(place, 0)
    fold_commit(place, 1, applied=7, raw_version=2, max_lsn=100)
    write_commit(place, 2, {"txn": {"appId": REBUILD_APP, "version": 2}})
    write_commit(place, 3, operation="SET TBLPROPERTIES")
    assert folded(paths, "a") == Folded(7, 2, 100, rebuilt=2)
    fold_commit(place, 4, applied=9, raw_version=5, max_lsn=130)
    assert folded(paths, "a") == Folded(9, 5, 130)


def test_the_position_outlives_the_commit_of_the_fold(paths: LakePaths) -> None:
    place = paths.transformed("a")
    land(LakePaths(paths.root / "other"), "a", range(3))
    (paths.root / "other" / "raw").rename(place.parent.parent / "made")
    place.parent.mkdir()
    (paths.root / "made").rename(place)
    fold_commit(place, 1, applied=7, raw_version=2, max_lsn=100)
    DeltaTable(str(place)).create_checkpoint()
    write_commit(place, 2, operation="OPTIMIZE")
    clean_up_to(place, 2)
    state = folded(paths, "a")
    assert state.applied == 7
    # What the fold noted is gone with its commit: every change may be a repetition, all of raw is looked at.
    assert (state.raw_version, state.max_lsn) == (-1, (1 << 63) - 1)


@pytest.mark.parametrize(
    ("applied", "newest", "expected"),
    [
        (NOTHING, NOTHING, 0), (NOTHING, position(0, 4), 5), (position(0, 4), position(0, 4), 0),
        (position(0, 4), position(0, 9), 5), (position(0, 4), position(1, 9), 5), (position(0, 9), position(1, 2), 3),
    ],
)  # fmt: skip
def test_changes_between_two_positions_are_counted_over_epochs(applied: int, newest: int, expected: int) -> None:
    assert changes_between(applied, newest) == expected


def test_a_position_for_people_names_its_epoch_when_there_was_more_than_one() -> None:
    assert [position_text(p) for p in (NOTHING, position(0, 7), position(2, 7))] == ["-1", "7", "2:7"]
