"""What became of every event of one key: the fold (DESIGN section 4) told of one row, event by event.

Nothing here folds: it says why a row is as it is. Its oracle is that of the fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.generations import Generation
from lakehouse_assets.changelog.position import epoch_of


class Fate(StrEnum):
    """What the fold did with an event."""

    APPLIED = "applied"
    REPLAY = "replay"
    OVERTAKEN = "overtaken"
    TRUNCATED = "truncated"
    REMOVED = "removed by generation"
    WAITING = "not folded yet"
    UNREADABLE = "unreadable, left out"


@dataclass(frozen=True)
class Told:
    """An event as raw has it, without its values; `key` is the message's text, None for a truncate."""

    position: int
    op: str
    lsn: int | None
    tx_id: int | None
    snapshot: str | None
    key: str | None = None

    @property
    def identity(self) -> tuple[object, ...] | None:
        """What a repeated event has in common with its first delivery; None for one that is never a repetition."""
        if (self.snapshot or "false") != "false" or self.tx_id is None or self.lsn is None:
            return None
        return (epoch_of(self.position), self.tx_id, self.lsn, self.op)


def fates(
    events: Sequence[Told], truncates: Sequence[Told], complete: Iterable[Generation], applied: int
) -> list[tuple[Fate, int | None]]:
    """For each event of a key, in order, its fate and the position of what decided it."""
    first_of = _first_deliveries(events)
    first_truncate = _first_deliveries(truncates)
    ends = [t.position for t in truncates if first_truncate[t.position] == t.position and t.position <= applied]
    folded = [g for g in complete if g.end <= applied]
    readable = [e.position for e in events if e.op != Op.UNKNOWN and e.position <= applied]
    genuine = [position for position in readable if first_of[position] == position]
    return [_fate(event, first_of[event.position], genuine, ends, folded, applied) for event in events]


def _fate(
    event: Told, first: int, genuine: list[int], truncates: list[int], complete: list[Generation], applied: int
) -> tuple[Fate, int | None]:  # fmt: skip
    at = event.position
    if at > applied:
        return Fate.WAITING, None
    if event.op == Op.UNKNOWN:
        return Fate.UNREADABLE, None
    if first != at:
        return Fate.REPLAY, first
    following = min((position for position in genuine if position > at), default=None)
    ended = [(following, Fate.OVERTAKEN)] if following is not None else []
    if event.op != Op.DELETE:
        ended += [(position, Fate.TRUNCATED) for position in truncates if position > at]
        unseen = [g.end for g in complete if at < g.start and (following is None or following > g.end)]
        ended += [(position, Fate.REMOVED) for position in unseen]
    if not ended:
        return Fate.APPLIED, None
    position, fate = min(ended)
    return fate, position


def _first_deliveries(events: Sequence[Told]) -> dict[int, int]:
    """Position of every event -> position of the event it repeats, or its own."""
    seen: dict[tuple[object, ...], int] = {}
    return {
        event.position: event.position if event.identity is None else seen.setdefault(event.identity, event.position)
        for event in events
    }
