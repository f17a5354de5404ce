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


@dataclass
class Fold:
    """The state after a prefix of events: key -> (row, position of its newest event)."""

    rows: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    lost: tuple[int | None, int | None, dict[str, Any]] | None = None
    generation: int | None = None

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        if event.snapshot == "false":
            identity = (event.tx_id, event.lsn, event.key, event.op)
            if identity in self.seen:
                return
            self.seen.add(identity)
        if event.op == "truncate":
            self.rows.clear()
            self.lost = None
        elif event.op == "delete":
            removed, _ = self.rows.pop(event.key, ({}, 0))
            self.lost = (event.lsn, event.tx_id, removed)
        elif event.op in ("insert", "update", "snapshot"):
            self._put(event)

    def _put(self, event: Event) -> None:
        if event.snapshot in FIRST or (event.snapshot in LAST and self.generation is None):
            self.generation = event.position
        before = self.rows.get(event.key, ({}, 0))[0]
        if not before and self.lost and self.lost[:2] == (event.lsn, event.tx_id):
            before = self.lost[2]
        row = {c: (before.get(c) if v == PLACEHOLDER else v) for c, v in event.after.items()}
        self.rows[event.key] = (row, event.position)
        if event.snapshot in LAST:
            self.rows = {k: (r, p) for k, (r, p) in self.rows.items() if p >= self.generation}
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
