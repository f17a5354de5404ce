"""A fold that would delete or change a large part of a table is not published until a person allows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse_assets.engine import brake
from lakehouse_assets.engine.brake import Braked, Limits, MassChange
from lakehouse_assets.engine.positions import folded, newest_cut
from lakehouse_assets.engine.rebuild import differing, rebuild
from lakehouse_assets.errors import EXIT_DATA
from lakehouse_assets_tests.changelog.histories import TABLE, key_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROWS = 5000
Changes = list[Event]


def change(op: str, k: int, tx_id: int, v: int = 0) -> Event:
    """A change whose position and LSN are given when it lands."""
    after = None if op == "delete" else {"k": k, "v": v, "big": "x", "s": "s"}
    return Event(-1, op, key_of(k), after, None, tx_id)


def at_once(op: str, keys: Iterable[int], tx_id: int = 900, v: int = 0) -> Changes:
    return [change(op, k, tx_id, v) for k in keys]


def truncate(tx_id: int = 900) -> Event:
    return Event(-1, "truncate", None, None, None, tx_id)


def snapshot(keys: Iterable[int], tx_id: int = 900) -> Changes:
    rows = at_once("snapshot", keys, tx_id)
    marks = ["first_in_data_collection", *["true"] * (len(rows) - 2), "last_in_data_collection"]
    return [replace(row, snapshot=mark, lsn=tx_id) for row, mark in zip(rows, marks, strict=True)]


class BrakeLab(Lab):
    """A lake whose changes get the next positions and LSNs, unless they have one."""

    def arrive(self, *changes: Event) -> int:
        """Land changes behind those that are there; the position of the last."""
        at = self.end + 1
        placed = [
            replace(e, position=at + i, lsn=10_000 + at + i if e.lsn is None else e.lsn) for i, e in enumerate(changes)
        ]
        return self.land({TABLE.name: placed}).position(TABLE.name)

    @property
    def end(self) -> int:
        return newest_cut(self.paths).position(TABLE.name)


@pytest.fixture(scope="module")
def full(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of one table, loaded by a snapshot."""
    lab = BrakeLab(spark, tmp_path_factory.mktemp("full"))
    lab.arrive(*snapshot(range(ROWS), tx_id=1))
    lab.fold(TABLE)
    return lab.paths.root


@pytest.fixture
def lab(spark: SparkSession, full: Path, tmp_path: Path) -> BrakeLab:
    return BrakeLab(spark, Path(shutil.copytree(full, tmp_path / "lake")))


def test_a_mass_delete_is_not_published_until_it_is_allowed_and_no_further(lab: BrakeLab) -> None:
    before, version = lab.state(TABLE), lab.version(TABLE)
    target = lab.arrive(*at_once("delete", range(2000)), change("insert", 9000, 901))
    with pytest.raises(MassChange) as raised:
        lab.fold(TABLE)
    assert raised.value.found == Braked("t", ROWS - 1, target, 2000, 0, ROWS)
    assert raised.value.exit_code == EXIT_DATA
    assert f"lakehouse allow t --through {target}" in raised.value.next_step
    assert (lab.state(TABLE), lab.version(TABLE)) == (before, version)
    assert brake.braked(lab.paths, "t", ROWS - 1) == raised.value.found

    brake.allow(lab.paths, "t", target)
    assert brake.braked(lab.paths, "t", ROWS - 1) is None
    later = lab.arrive(*at_once("delete", range(2000, 4000), tx_id=902))
    with pytest.raises(MassChange) as raised:
        lab.fold(TABLE)
    assert raised.value.found == Braked("t", target, later, 2000, 0, ROWS - 2000 + 1)
    assert folded(lab.paths, "t").applied == target
    assert len(lab.state(TABLE)) == ROWS - 2000 + 1
    assert differing(lab.spark, TABLE, lab.paths) == 0


def test_what_is_allowed_and_what_comes_after_it_are_folded_in_one_go(lab: BrakeLab) -> None:
    deletes = at_once("delete", range(2000))
    allowed = lab.arrive(*deletes)
    brake.allow(lab.paths, "t", allowed)
    # The range after the allowed one is not taken for seen: a change of the first that comes again in it is recognised.
    again = replace(deletes[-1], lsn=10_000 + allowed)
    lab.arrive(*at_once("update", range(3000, 3010), v=5), change("insert", 1999, 903, v=6), again)
    result = lab.fold(TABLE)
    assert (result.before, result.applied) == (ROWS - 1, lab.end)
    assert (result.inserted, result.updated, result.deleted) == (1, 10, 2000)
    (row, _) = lab.state(TABLE)[1999,]
    assert row["v"] == 6


BRAKED: dict[str, tuple[Callable[[], Changes], int, int]] = {
    "an update of every row": (lambda: at_once("update", range(ROWS), v=1), 0, ROWS),
    "a truncate": (lambda: [truncate()], ROWS, 0),
    "a truncate and a load of other rows": (
        lambda: [truncate(), *at_once("insert", range(3000)), *at_once("insert", range(3000, ROWS), v=1)], 0, 2000,
    ),
    "a snapshot that lacks many rows": (lambda: snapshot(range(3000)), 2000, 0),
    "deletes in portions": (
        lambda: [e for n in range(20) for e in at_once("delete", range(n * 100, n * 100 + 100), 900 + n)], 2000, 0,
    ),
    "a mass update with traffic after it": (
        lambda: [*at_once("update", range(3000), v=1), *(change("update", k, 1000 + k, 2) for k in range(500))], 0, 2500,
    ),
    "a key change of many rows": (
        lambda: [e for k in range(2000) for e in (change("delete", k, 900), change("insert", 10_000 + k, 900))], 2000, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BRAKED)
def test_it_brakes(lab: BrakeLab, name: str) -> None:
    changes, deleted, changed = BRAKED[name]
    lab.arrive(*changes())
    with pytest.raises(MassChange) as raised:
        lab.fold(TABLE)
    found = raised.value.found
    assert (found.deleted, found.changed, found.rows) == (deleted, changed, ROWS)


PASSES: dict[str, Callable[[], Changes]] = {
    "inserts alone": lambda: at_once("insert", range(ROWS, 4 * ROWS)),
    "traffic, however much": lambda: [change("update", k % 4000, 1000 + k // 5, k) for k in range(8000)],
    "a snapshot that changes nothing": lambda: snapshot(range(ROWS)),
    "an update that changes nothing": lambda: at_once("update", range(ROWS)),
    "a truncate and the same rows again": lambda: [truncate(), *at_once("insert", range(ROWS))],
    "many changes of few rows": lambda: at_once("update", [k % 900 for k in range(5000)], v=3),
    "less than the share": lambda: at_once("delete", range(1400)),
}


@pytest.mark.parametrize("name", PASSES)
def test_it_does_not_brake(lab: BrakeLab, name: str) -> None:
    lab.arrive(*PASSES[name]())
    assert lab.fold(TABLE).applied == lab.end


def test_changes_that_are_known_do_not_brake_when_they_come_again(lab: BrakeLab) -> None:
    first = lab.end + 1
    updates = at_once("update", range(3000), v=1)
    brake.allow(lab.paths, "t", lab.arrive(*updates))
    lab.fold(TABLE)
    before = lab.state(TABLE)
    lab.arrive(*(replace(e, lsn=10_000 + first + i) for i, e in enumerate(updates)), change("insert", 9000, 901))
    assert lab.fold(TABLE).updated == 0
    assert len(lab.state(TABLE)) == len(before) + 1


def test_a_small_table_never_brakes(spark: SparkSession, tmp_path: Path) -> None:
    lab = BrakeLab(spark, tmp_path)
    lab.arrive(*snapshot(range(900), tx_id=1))
    lab.fold(TABLE)
    lab.arrive(truncate())
    assert lab.fold(TABLE).deleted == 900


def test_the_limits_are_both_to_be_passed() -> None:
    assert [Limits().least(rows) for rows in (0, 1000, 5000, 100_000)] == [1000, 1000, 1501, 30_001]
    assert Limits(share=1, rows=1).least(10) == 11  # more rows than there are: never


def test_a_rebuild_is_no_fold_and_asks_nobody(lab: BrakeLab) -> None:
    lab.arrive(truncate())
    with pytest.raises(MassChange):
        lab.fold(TABLE)
    assert rebuild(lab.spark, TABLE, lab.paths).rows_after == ROWS
    brake.allow(lab.paths, "t", lab.end)
    brake.allow(lab.paths, "t", lab.end)
    lab.fold(TABLE)
    assert lab.state(TABLE) == {}
