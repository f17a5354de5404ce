"""Snapshot generations: which of a table's snapshots are complete, told from the rows that open and end them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from lakehouse_assets.changelog.position import epoch_of

FIRST, LAST = ("first", "first_in_data_collection"), ("last", "last_in_data_collection")


class Generation(NamedTuple):
    """A completed snapshot: positions of its first and last row, and the LSN it was taken at."""

    start: int
    end: int
    lsn: int | None = None


class SnapshotRow(Protocol):
    """What raw says of a row of a snapshot."""

    @property
    def position(self) -> int:
        """Its place in the table's order."""
        ...

    @property
    def lsn(self) -> int | None:
        """The LSN its snapshot was taken at."""
        ...

    @property
    def tx_id(self) -> int | None:
        """The transaction its snapshot was taken in."""
        ...

    @property
    def snapshot(self) -> str | None:
        """The connector's marker."""
        ...


def completed(rows: Iterable[SnapshotRow]) -> tuple[Generation, ...]:
    """The completed snapshots, from their rows in order; rows that neither open nor end one may be left out.

    All rows of a snapshot carry the transaction and LSN it was taken at. One begun again starts anew; a table of one
    row is marked as last alone, its generation is that row, whatever was left unfinished before it.
    """
    complete: list[Generation] = []
    opened: SnapshotRow | None = None
    for row in rows:
        if row.snapshot in FIRST:
            opened = row
        elif row.snapshot in LAST:
            same = opened is not None and _taken(opened) == _taken(row)
            complete.append(Generation(opened.position if opened and same else row.position, row.position, row.lsn))
            opened = None
    return tuple(complete)


def _taken(row: SnapshotRow) -> tuple[int | None, int | None, int]:
    return (row.tx_id, row.lsn, epoch_of(row.position))
