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


@dataclass
class Fold:
    """The state after a prefix of events: key -> (row, position of its newest event)."""

    rows: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    lost: dict[tuple[int | None, int | None], dict[str, Any]] = field(default_factory=dict)
    generation: Event | None = None  # its first row

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        if event.identity is not None:
            if event.identity in self.seen:
                return
            self.seen.add(event.identity)
        if event.op == "truncate":
            self.rows.clear()
            self.lost.clear()
        elif event.op == "delete":
            removed, _ = self.rows.pop(event.key, ({}, 0))
            self.lost[event.lsn, event.tx_id] = removed
        elif event.op in ("insert", "update", "snapshot"):
            self._put(event)

    def _put(self, event: Event) -> None:
        before = self.rows.get(event.key, ({}, 0))[0]
        if not before:
            before = self.lost.get((event.lsn, event.tx_id), {})
        row = {c: (before.get(c) if v == PLACEHOLDER else v) for c, v in event.after.items()}
        self.rows[event.key] = (row, event.position)
        if event.snapshot in FIRST:
            self.generation = event
        elif event.snapshot in LAST:
            self._end_generation(event)

    def _end_generation(self, last: Event) -> None:
        # A table of one row has no first: its one row is the generation, whatever was left unfinished before it.
        opened = self.generation
        start = opened.position if opened and opened.taken_by == last.taken_by else last.position
        self.rows = {k: (r, p) for k, (r, p) in self.rows.items() if p >= start}
        self.generation = None

    def state(self) -> dict[tuple[Any, ...], tuple[dict[str, Any], int]]:
        """Key values -> (row, position)."""
        return {tuple(json.loads(k).values()): v for k, v in self.rows.items()}


def fold(events: list[Event]) -> Fold:
    """The state after all `events`, which are in position order."""
    state = Fold()
    for event in events:
        state.apply(event)
    return state
