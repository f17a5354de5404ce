"""Who writes the stream, and by which signs one sees that it is another one now, or that a part of it is gone.

Debezium, Kafka and Spark each continue in silence somewhere: past a slot that was advanced, with a topic that was made
again, from a checkpoint that was lost. So what they are is kept with the lake, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.changelog.lsn import lsn_text


class Kind(StrEnum):
    """What is broken. What mends it follows from it."""

    SOURCE_REPLACED = "source replaced"
    TIMELINE_CHANGED = "timeline changed"
    SOURCE_WENT_BACK = "source went back"
    SLOT_MISSING = "slot missing"
    SLOT_LOST = "slot lost"
    SLOT_AHEAD = "slot ahead"
    TOPIC_MISSING = "topic missing"
    TOPIC_RECREATED = "topic recreated"
    TOPIC_WENT_BACK = "topic went back"
    OFFSETS_GONE = "offsets gone"
    CHECKPOINT_LOST = "checkpoint lost"
    CHECKPOINT_OLD = "checkpoint old"
    CHECKPOINT_AHEAD = "checkpoint ahead"

    @property
    def of_source(self) -> bool:
        """Whether changes were lost before Kafka: only a new slot and a snapshot of every table mend that."""
        return self.name.startswith(("SOURCE", "TIMELINE", "SLOT"))

    @property
    def of_topic(self) -> bool:
        """Whether a topic lost messages, of one table."""
        return self.name.startswith(("TOPIC", "OFFSETS"))

    @property
    def of_checkpoint(self) -> bool:
        """Whether nothing was lost: raw itself tells where to go on."""
        return self.name.startswith("CHECKPOINT")


@dataclass(frozen=True)
class Break:
    """One thing that is not as it was, the tables it concerns, and the reason in words."""

    kind: Kind
    tables: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Source:
    """A PostgreSQL cluster: its system identifier, its timeline, and the end of its WAL (LSN)."""

    system_id: str
    timeline: int
    lsn: int


@dataclass(frozen=True)
class Slot:
    """The replication slot, and the LSN up to which the connector says it has delivered; None: it has said nothing yet."""

    exists: bool
    lost: str = ""  # why, when it is
    confirmed_lsn: int | None = None
    delivered_lsn: int | None = None


@dataclass(frozen=True)
class Topic:
    """A topic: its id, the first offset it keeps, the offset of its next message."""

    id: str
    first: int
    end: int


@dataclass(frozen=True)
class Observed:
    """What the services say now; None where one does not answer. `topics` by name, those that exist."""

    source: Source | None = None
    slot: Slot | None = None
    topics: Mapping[str, Topic] | None = None


@dataclass(frozen=True)
class Identity:
    """What the lake was made from. `epochs` by table, 0 when not named.

    `begin`: by topic the offsets at which the stream has to begin anew, whatever its checkpoint says; None: it goes on.
    """

    system_id: str = ""
    timeline: int = 0
    slot_seen: bool = False
    topics: Mapping[str, str] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    begin: Mapping[str, int] | None = None

    def epoch(self, table: str) -> int:
        """The epoch of the positions that a table gets now."""
        return self.epochs.get(table, 0)

    def learnt(self, observed: Observed) -> Identity:
        """With what was not known yet; what is known does not change."""
        known = self
        if observed.source:
            known = replace(
                known,
                system_id=known.system_id or observed.source.system_id,
                timeline=known.timeline or observed.source.timeline,
            )
        if observed.slot and observed.slot.exists:
            known = replace(known, slot_seen=True)
        if observed.topics:
            known = replace(
                known, topics={name: topic.id for name, topic in observed.topics.items()} | dict(known.topics)
            )
        return known

    def recovered(
        self, observed: Observed, found: tuple[Break, ...], catalog: Catalog, in_raw: Mapping[str, int]
    ) -> Identity:
        """As it is after a recovery from `found`: what was observed is what is true, with raised epochs.

        `in_raw`: by topic the offset behind raw's last. A topic that was made again is read from its beginning, one that
        has lost its beginning from the first message it keeps, one whose end was lost from the end it has now.
        """
        raised = {name for b in found if not b.kind.of_checkpoint for name in b.tables}
        kinds = {name: b.kind for b in found if b.kind.of_topic for name in b.tables}
        begin = {table.topic: in_raw[table.topic] for table in catalog.tables if table.topic in in_raw}
        for table in catalog.tables:
            if (kind := kinds.get(table.name)) is not None:
                begin.pop(table.topic, None)
                now = (observed.topics or {}).get(table.topic)
                if now and kind is Kind.TOPIC_WENT_BACK:
                    begin[table.topic] = now.end
                if now and kind is Kind.OFFSETS_GONE:
                    begin[table.topic] = now.first
        epochs = {table.name: self.epoch(table.name) + (table.name in raised) for table in catalog.tables}
        at_source = any(b.kind.of_source for b in found)
        if at_source:
            return Identity(epochs=epochs, begin=begin).learnt(replace(observed, slot=None))
        return replace(self, topics={}, epochs=epochs, begin=begin).learnt(observed)


UNKNOWN_IDENTITY = Identity()


@dataclass(frozen=True)
class Reached:
    """How far the lake is: by topic the next offset to read, and the highest LSN it has seen."""

    offsets: Mapping[str, int]
    lsn: int


def breaks(known: Identity, observed: Observed, catalog: Catalog, reached: Reached) -> tuple[Break, ...]:
    """Everything that is not as it was; () when the stream may go on."""
    return (
        *_source(known, observed, catalog, reached.lsn),
        *_slot(known, observed, catalog),
        *_topics(known, observed, catalog, reached.offsets),
    )


def _source(known: Identity, observed: Observed, catalog: Catalog, reached: int) -> Iterator[Break]:
    now = observed.source
    if now is None or not known.system_id:
        return
    if now.system_id != known.system_id:
        reason = f"the source is cluster {now.system_id}; the lake was made from {known.system_id}"
        yield Break(Kind.SOURCE_REPLACED, catalog.names, reason)
    elif now.timeline != known.timeline:
        reason = (
            f"the source is on timeline {now.timeline}, the lake on {known.timeline}: it was restored or failed over"
        )
        yield Break(Kind.TIMELINE_CHANGED, catalog.names, reason)
    elif now.lsn < reached:
        reason = (
            f"the source's WAL ends at {lsn_text(now.lsn)} and was at {lsn_text(reached)}: an older copy was put back"
        )
        yield Break(Kind.SOURCE_WENT_BACK, catalog.names, reason)


def _slot(known: Identity, observed: Observed, catalog: Catalog) -> Iterator[Break]:
    slot, name = observed.slot, catalog.slot
    if slot is None or not known.slot_seen:
        return
    if not slot.exists:
        yield Break(Kind.SLOT_MISSING, catalog.names, f"slot {name} is gone: what was committed since is not delivered")
    elif slot.lost:
        yield Break(Kind.SLOT_LOST, catalog.names, f"slot {name} is invalidated: {slot.lost}")
    elif slot.confirmed_lsn is not None and slot.delivered_lsn is not None and slot.confirmed_lsn > slot.delivered_lsn:
        reason = (
            f"slot {name} stands at {lsn_text(slot.confirmed_lsn)} and the connector at {lsn_text(slot.delivered_lsn)}: "
            "it was advanced or made again, what lies between is skipped"
        )
        yield Break(Kind.SLOT_AHEAD, catalog.names, reason)


def _topics(known: Identity, observed: Observed, catalog: Catalog, offsets: Mapping[str, int]) -> Iterator[Break]:
    if observed.topics is None:
        return
    for table in catalog.tables:
        was, now = known.topics.get(table.topic), observed.topics.get(table.topic)
        if was is not None:
            yield from _topic(table, was, now, offsets.get(table.topic, 0))


def _topic(table: Table, was: str, now: Topic | None, following: int) -> Iterator[Break]:
    topic, tables = table.topic, (table.name,)
    if now is None:
        yield Break(Kind.TOPIC_MISSING, tables, f"topic {topic} is gone")
    elif now.id != was:
        yield Break(Kind.TOPIC_RECREATED, tables, f"topic {topic} was deleted and made again (id {now.id}, was {was})")
    elif now.first > following:
        reason = (
            f"topic {topic} begins at offset {now.first}, the lake has read to {following}: retention removed the rest"
        )
        yield Break(Kind.OFFSETS_GONE, tables, reason)
    elif now.end < following:
        reason = f"topic {topic} ends at offset {now.end}, the lake has read to {following}: the broker lost messages"
        yield Break(Kind.TOPIC_WENT_BACK, tables, reason)
