"""The guard sees a lost or old checkpoint, and begins the stream where raw ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_assets import continuity
from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import position
from lakehouse_assets.continuity import Identity, Kind, Observed, Slot, Source, Topic
from lakehouse_assets.engine.guard import Guard
from lakehouse_assets.engine.stream_offsets import committed_offsets, planned_offsets, start_offsets
from lakehouse_assets_tests.engine.logs import added, fold_commit, write_commit

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
MORADORES, IMOVEIS = CATALOG.table("moradores").topic, CATALOG.table("imoveis").topic
TOPICS = {table.topic: Topic(table.name, 0, 100) for table in CATALOG.tables}
SOUND = Observed(Source("7", 1, 5_000), Slot(True, "", 4_000, 4_000), TOPICS)


class Place:
    """A lake, a checkpoint, and what the services say."""

    def __init__(self, root: Path) -> None:
        self.paths, self.checkpoint, self.observed = LakePaths(root / "lake"), root / "checkpoints" / "raw", SOUND
        self.guard = Guard(CATALOG, self.paths, self.checkpoint, lambda: self.observed)

    def batch(self, number: int, offsets: Mapping[str, int], *, committed: bool = True) -> None:
        """A batch as Spark writes it into its checkpoint."""
        for log in ("offsets", "commits"):
            (self.checkpoint / log).mkdir(parents=True, exist_ok=True)
        ends = json.dumps({topic: {"0": end} for topic, end in offsets.items()})
        (self.checkpoint / "offsets" / str(number)).write_text(f"v1\n{{}}\n{ends}")
        if committed:
            (self.checkpoint / "commits" / str(number)).write_text("v1\n{}")

    def land(self, version: int, table: str, low: int, high: int) -> None:
        """A commit of raw."""
        write_commit(self.paths.raw, version, added(table, low, high))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _kinds(place: Place) -> list[Kind]:
    return [found.kind for found in place.guard.look_before_start()]


def test_a_new_lake_may_begin_and_is_known_afterwards(place: Place) -> None:
    assert _kinds(place) == []
    assert continuity.known_identity(place.paths).system_id == "7"
    assert place.guard.begin().begin is None
    assert start_offsets(place.checkpoint) == {}


def test_looking_again_writes_nothing(place: Place) -> None:
    place.guard.look()
    written = place.paths.root / "_stream" / "identity.json"
    before = written.stat().st_mtime_ns
    place.guard.look()
    assert written.stat().st_mtime_ns == before


def test_raw_without_a_checkpoint_is_told(place: Place) -> None:
    place.land(0, "moradores", 0, 9)
    (found,) = place.guard.look_before_start()
    assert (found.kind, found.tables) == (Kind.CHECKPOINT_LOST, ("moradores",))


def test_a_checkpoint_older_than_raw_is_told_for_its_tables(place: Place) -> None:
    place.land(0, "moradores", 0, 9)
    place.land(1, "imoveis", 0, 4)
    place.batch(0, {MORADORES: 8, IMOVEIS: 5})
    (found,) = place.guard.look_before_start()
    assert (found.kind, found.tables) == (Kind.CHECKPOINT_OLD, ("moradores",))


def test_a_checkpoint_that_has_read_what_no_raw_holds_is_told_and_a_recovery_reads_it_again(place: Place) -> None:
    place.batch(0, {MORADORES: 5, IMOVEIS: 0})
    (found,) = place.guard.look_before_start()
    assert (found.kind, found.tables) == (Kind.CHECKPOINT_AHEAD, ("moradores",))
    known = continuity.known_identity(place.paths).recovered(SOUND, (found,), CATALOG, place.guard.behind_raw())
    continuity.remember(place.paths, known)
    place.guard.begin()
    assert planned_offsets(place.checkpoint) == {}
    assert _kinds(place) == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_stream_goes_on_where_it_was_when_a_table_left_the_catalog(place: Place, *, committed: bool) -> None:
    place.land(0, "moradores", 0, 9)
    place.batch(0, {MORADORES: 12, "condominio.public.gone": 7})  # two tombstones
    place.land(1, "imoveis", 0, 4)
    place.batch(1, {MORADORES: 12, IMOVEIS: 5, "condominio.public.gone": 7}, committed=committed)
    assert _kinds(place) == []
    assert place.guard.begin().begin is None
    assert start_offsets(place.checkpoint) == planned_offsets(place.checkpoint) == {MORADORES: 12, IMOVEIS: 5}
    place.guard.begin()
    assert start_offsets(place.checkpoint) == {MORADORES: 12, IMOVEIS: 5}
    assert _kinds(place) == []


def test_a_batch_that_raw_holds_and_the_checkpoint_only_planned_is_sound(place: Place) -> None:
    place.land(0, "moradores", 0, 9)
    place.batch(0, {MORADORES: 5})
    place.batch(1, {MORADORES: 10}, committed=False)
    assert _kinds(place) == []


def test_offsets_are_compared_with_what_was_read_not_with_what_raw_holds(place: Place) -> None:
    # Tombstones leave nothing in raw: the checkpoint is ahead of it.
    place.land(0, "moradores", 0, 9)
    place.batch(0, {MORADORES: 12})
    place.observed = replace(SOUND, topics=TOPICS | {MORADORES: Topic("moradores", 12, 100)})
    assert _kinds(place) == []
    place.observed = replace(SOUND, topics=TOPICS | {MORADORES: Topic("moradores", 13, 100)})
    assert _kinds(place) == [Kind.OFFSETS_GONE]


def test_a_source_behind_what_was_folded_went_back(place: Place) -> None:
    place.guard.look()
    fold_commit(place.paths.transformed("moradores"), 0, 9, 0, 5_001)
    assert [found.kind for found in place.guard.look()] == [Kind.SOURCE_WENT_BACK]


def test_after_a_recovery_the_checkpoint_begins_where_raw_ends_whatever_it_said(place: Place) -> None:
    place.land(0, "moradores", 0, 9)
    place.batch(0, {MORADORES: 8})
    known = Identity(epochs={"moradores": 1}, begin=place.guard.behind_raw())
    continuity.remember(place.paths, known)
    assert _kinds(place) == []
    assert place.guard.begin().epoch("moradores") == 1
    expected = {MORADORES: 10}
    assert start_offsets(place.checkpoint) == committed_offsets(place.checkpoint) == planned_offsets(place.checkpoint)
    assert start_offsets(place.checkpoint) == expected
    # A start broken off before the first batch begins at the same place.
    assert _kinds(place) == []
    assert place.guard.begin().begin is None
    assert start_offsets(place.checkpoint) == expected


def test_where_a_checkpoint_begins_counts_until_its_first_batch(place: Place) -> None:
    continuity.remember(place.paths, Identity(begin={MORADORES: 10}))
    place.guard.begin()
    place.batch(0, {MORADORES: 11})
    assert committed_offsets(place.checkpoint) == {MORADORES: 11}


def test_positions_of_an_earlier_epoch_do_not_make_a_checkpoint_old(place: Place) -> None:
    continuity.remember(place.paths, Identity(epochs={"moradores": 1}))
    place.land(0, "moradores", position(0, 0), position(0, 50))
    place.batch(0, {MORADORES: 3})
    assert _kinds(place) == []
    place.land(1, "moradores", position(1, 0), position(1, 4))
    assert _kinds(place) == [Kind.CHECKPOINT_OLD]
