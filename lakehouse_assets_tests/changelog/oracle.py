"""The fold stated plainly, from DESIGN section 4 and not from the Spark code: a dict keyed by primary key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

PLACEHOLDER = "__debezium_unavailable_value"
FIRST, LAST = ("first", "first_in_data_collection"), ("last", "last_in_data_collection")


@dataclass(frozen=True)
class Event:
    """One row of raw, as far as the fold cares."""

    position: int
    op: str
    key: str | None
    after: dict[str, Any] | None
    lsn: int | None
    tx_id: int | None
    snapshot: str = "false"

    @property
    def epoch(self) -> int:
        return self.position >> 40

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """What a repeated event has in common with its first delivery; None for one that is never a repetition."""
        if self.snapshot != "false" or self.tx_id is None or self.lsn is None:
            return None
        return (self.epoch, self.tx_id, self.lsn, self.key, self.op)

    @property
    def taken_by(self) -> tuple[Any, ...]:
        """The snapshot that a snapshot row belongs to: all its rows carry the transaction and LSN it was taken at."""
        return (self.epoch, self.tx_id, self.lsn)


@dataclass(frozen=True)
class Overtaken:
    """What the stream had said of a row when a snapshot, which sees the source as it is now, wrote or removed it."""

    row: dict[str, Any]
    by: Event

    def concerns(self, event: Event) -> bool:
        """Whether a streamed change is older than that snapshot."""
        return event.epoch == self.by.epoch and event.lsn is not None and event.lsn < (self.by.lsn or 0)


@dataclass
class Fold:
    """The state after a prefix of events: key -> (row, position of its newest event)."""

    rows: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    lost: dict[tuple[int | None, int | None], dict[str, Any]] = field(default_factory=dict)  # by LSN and transaction
    generation: Event | None = None  # its first row
    overtaken: dict[str, Overtaken] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        if event.identity is not None:
            if event.identity in self.seen:
                return
            self.seen.add(event.identity)
        if event.op == "truncate":
            self.rows.clear()
            self.overtaken.clear()
            self.lost.clear()
        elif event.op == "delete":
            streamed = self._streamed(event)
            row, _ = self.rows.pop(event.key, ({}, 0))
            self.overtaken.pop(event.key, None)
            self.lost[event.lsn, event.tx_id] = streamed or row
        elif event.op in ("insert", "update"):
            self._put_change(event)
        elif event.op == "snapshot":
            self._put_snapshot(event)

    def _put_change(self, event: Event) -> None:
        streamed, row = self._streamed(event), self.rows.get(event.key, ({}, 0))[0]
        moved = self.lost.get((event.lsn, event.tx_id), {}) if event.op == "insert" else {}
        self.rows[event.key] = (_filled(event, moved or row), event.position)
        past = self.overtaken.pop(event.key, None)
        if past and streamed:
            self.overtaken[event.key] = Overtaken(_filled(event, moved or streamed), past.by)

    def _put_snapshot(self, event: Event) -> None:
        if event.snapshot == "incremental":
            self.overtaken.pop(event.key, None)
        else:
            self._overtake(event.key, event)
        self.rows[event.key] = (event.after, event.position)
        if event.snapshot in FIRST:
            self.generation = event
        elif event.snapshot in LAST:
            self._end_generation(event)

    def _end_generation(self, last: Event) -> None:
        # A table of one row has no first: its one row is the generation, whatever was left unfinished before it.
        opened = self.generation
        start = opened.position if opened and opened.taken_by == last.taken_by else last.position
        for key in [key for key, (_, position) in self.rows.items() if position < start]:
            self._overtake(key, last)
            del self.rows[key]
        self.generation = None

    def _overtake(self, key: str, by: Event) -> None:
        past, (row, position) = self.overtaken.get(key), self.rows.get(key, ({}, -1))
        if past and past.by.epoch == by.epoch:
            self.overtaken[key] = Overtaken(past.row, by)
        elif position >> 40 == by.epoch:
            self.overtaken[key] = Overtaken(row, by)

    def _streamed(self, event: Event) -> dict[str, Any]:
        """The row as the stream had it, for a change that is older than the snapshot that overtook it."""
        past = self.overtaken.get(event.key)
        return past.row if past and past.concerns(event) else {}

    def state(self) -> dict[tuple[Any, ...], tuple[dict[str, Any], int]]:
        """Key values -> (row, position)."""
        return {tuple(json.loads(k).values()): v for k, v in self.rows.items()}


Version = tuple[tuple[Any, ...], int, int | None]  # the row's values, where it began, and where it ended


def versions(events: list[Event]) -> list[Version]:
    """Every row that the table ever had, from the change that put it to the one that ended it."""
    state, standing, ended = Fold(), dict[str, tuple[dict[str, Any], int]](), list[Version]()
    for event in events:
        state.apply(event)
        for key, (row, position) in list(standing.items()):
            if state.rows.get(key, ({}, -1))[1] != position:
                ended.append((tuple(row.values()), position, event.position))
        standing = dict(state.rows)
    return ended + [(tuple(row.values()), position, None) for row, position in standing.values()]


def _filled(event: Event, before: dict[str, Any]) -> dict[str, Any]:
    return {c: (before.get(c) if v == PLACEHOLDER else v) for c, v in event.after.items()}


def fold(events: list[Event]) -> Fold:
    """The state after all `events`, which are in position order."""
    state = Fold()
    for event in events:
        state.apply(event)
    return state
