"""Every way in which the stream may be another one is told, with the tables it concerns; and nothing when it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.continuity import (
    UNKNOWN_IDENTITY,
    Break,
    Identity,
    Kind,
    Observed,
    Reached,
    Slot,
    Source,
    Topic,
    breaks,
)  # fmt: skip

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
MORADORES, IMOVEIS = CATALOG.table("moradores").topic, CATALOG.table("imoveis").topic
TOPICS = {table.topic: Topic(f"id of {table.name}", 0, 10) for table in CATALOG.tables}
SOUND = Observed(Source("7", 1, 5_000), Slot(True, "", 4_000, 4_000), TOPICS)
KNOWN = UNKNOWN_IDENTITY.learnt(SOUND)
REACHED = Reached(dict.fromkeys(TOPICS, 10), 4_500)


def _topics(**changed: Topic) -> Observed:
    return replace(SOUND, topics=TOPICS | {CATALOG.table(name).topic: topic for name, topic in changed.items()})


def _found(observed: Observed, known: Identity = KNOWN, reached: Reached = REACHED) -> tuple[Break, ...]:
    return breaks(known, observed, CATALOG, reached)


def test_the_same_stream_is_sound() -> None:
    assert _found(SOUND) == ()


def test_a_new_lake_learns_and_halts_at_nothing() -> None:
    assert _found(SOUND, UNKNOWN_IDENTITY, Reached({}, 0)) == ()
    assert KNOWN.topics[MORADORES] == "id of moradores"
    assert (KNOWN.system_id, KNOWN.timeline, KNOWN.slot_seen) == ("7", 1, True)


def test_services_that_do_not_answer_say_nothing() -> None:
    assert _found(Observed()) == ()
    assert KNOWN.learnt(Observed()) == KNOWN


def test_what_is_known_is_not_overwritten() -> None:
    other = Observed(Source("8", 2, 1), Slot(False), {MORADORES: Topic("another", 0, 0)})
    assert KNOWN.learnt(other) == KNOWN


@pytest.mark.parametrize(
    ("observed", "kind", "words"),
    [
        (replace(SOUND, source=Source("8", 1, 5_000)), Kind.SOURCE_REPLACED, "cluster 8"),
        (replace(SOUND, source=Source("7", 2, 5_000)), Kind.TIMELINE_CHANGED, "timeline 2"),
        (replace(SOUND, source=Source("7", 1, 4_499)), Kind.SOURCE_WENT_BACK, "0/1193"),
        (replace(SOUND, slot=Slot(False)), Kind.SLOT_MISSING, CATALOG.slot),
        (replace(SOUND, slot=Slot(True, "wal_removed")), Kind.SLOT_LOST, "wal_removed"),
        (replace(SOUND, slot=Slot(True, "", 4_001, 4_000)), Kind.SLOT_AHEAD, "skipped"),
    ],
)
def test_a_gap_before_kafka_concerns_every_table(observed: Observed, kind: Kind, words: str) -> None:
    (found,) = _found(observed)
    assert (found.kind, found.tables) == (kind, CATALOG.names)
    assert words in found.reason
    assert kind.of_source
    assert not kind.of_topic


def test_a_slot_whose_connector_said_nothing_yet_is_not_ahead() -> None:
    assert _found(replace(SOUND, slot=Slot(True, "", 4_001, None))) == ()


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        (Topic("another id", 0, 10), Kind.TOPIC_RECREATED),
        (Topic("id of imoveis", 11, 20), Kind.OFFSETS_GONE),
        (Topic("id of imoveis", 0, 9), Kind.TOPIC_WENT_BACK),
    ],
)
def test_a_gap_in_a_topic_concerns_its_table(topic: Topic, kind: Kind) -> None:
    (found,) = _found(_topics(imoveis=topic))
    assert (found.kind, found.tables) == (kind, ("imoveis",))
    assert kind.of_topic
    assert not kind.of_source


def test_a_topic_that_is_gone_is_told() -> None:
    left = {name: topic for name, topic in TOPICS.items() if name != IMOVEIS}
    (found,) = _found(replace(SOUND, topics=left))
    assert (found.kind, found.tables) == (Kind.TOPIC_MISSING, ("imoveis",))


def test_retention_that_removed_only_what_was_read_is_no_gap() -> None:
    assert _found(_topics(imoveis=Topic("id of imoveis", 10, 20))) == ()


def _recovered(kind: Kind, *tables: str, observed: Observed = SOUND) -> Identity:
    behind = dict.fromkeys(TOPICS, 10)
    return KNOWN.recovered(observed, (Break(kind, tables, ""),), CATALOG, behind)


def test_after_a_gap_before_kafka_every_epoch_is_raised_and_the_slot_is_unknown() -> None:
    now = _recovered(Kind.SLOT_LOST, *CATALOG.names, observed=replace(SOUND, source=Source("8", 3, 9)))
    assert {now.epoch(name) for name in CATALOG.names} == {1}
    assert now.begin == dict.fromkeys(TOPICS, 10)
    assert (now.system_id, now.timeline, now.slot_seen) == ("8", 3, False)
    assert _found(replace(SOUND, source=Source("8", 3, 5_000), slot=Slot(False)), now) == ()


def test_a_topic_made_again_is_read_from_its_beginning_in_an_epoch_of_its_own() -> None:
    observed = _topics(imoveis=Topic("another id", 0, 2))
    now = _recovered(Kind.TOPIC_RECREATED, "imoveis", observed=observed)
    assert (now.epoch("imoveis"), now.epoch("moradores")) == (1, 0)
    assert now.begin == {topic: 10 for topic in TOPICS if topic != IMOVEIS}
    assert now.slot_seen
    assert _found(observed, now, Reached(now.begin, 0)) == ()


def test_a_topic_cut_short_is_read_from_its_end_so_that_nothing_old_comes_again() -> None:
    now = _recovered(Kind.TOPIC_WENT_BACK, "imoveis", observed=_topics(imoveis=Topic("id of imoveis", 0, 4)))
    assert now.begin is not None
    assert now.begin[IMOVEIS] == 4


def test_a_topic_that_lost_its_beginning_is_read_from_the_first_message_it_keeps() -> None:
    observed = _topics(imoveis=Topic("id of imoveis", 15, 20))
    now = _recovered(Kind.OFFSETS_GONE, "imoveis", observed=observed)
    assert now.begin == dict.fromkeys(TOPICS, 10) | {IMOVEIS: 15}
    assert now.epoch("imoveis") == 1
    assert _found(observed, now, Reached(now.begin, 0)) == ()


def test_a_lost_checkpoint_costs_no_epoch() -> None:
    now = _recovered(Kind.CHECKPOINT_LOST, *CATALOG.names)
    assert {now.epoch(name) for name in CATALOG.names} == {0}
    assert now.begin == dict.fromkeys(TOPICS, 10)
