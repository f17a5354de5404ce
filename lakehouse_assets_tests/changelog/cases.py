"""The fold's rules, one by one: what arrives, batch by batch, and the table after each batch.

A change is written `insert(k, v, big)`; each gets the next position, and an LSN and transaction of its own unless it
is a repetition (`again`) or half of a key change (`move`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from lakehouse_assets_tests.changelog.histories import key_of
from lakehouse_assets_tests.changelog.oracle import PLACEHOLDER, Event

KEPT = PLACEHOLDER  # the value that Postgres does not send
LATER = 1_000_000  # a snapshot taken when the source was ahead of the stream
_EPOCH = 1 << 40
Row = tuple[int, int, str | None]  # k, v, big


@dataclass(frozen=True)
class Case:
    """Batches of changes, and the rows there are after each batch."""

    name: str
    batches: list[list[Event]]
    after: list[list[Row]]
    whole_table: bool = False  # a truncate, a snapshot, an epoch or a batch's edge: no other case may lie beside it

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]


def insert(k: int, v: int, big: str | None = "x", **more: Any) -> Event:
    return _change("insert", k, v, big, **more)


def update(k: int, v: int, big: str | None = "x", **more: Any) -> Event:
    return _change("update", k, v, big, **more)


def snapshot(marker: str, k: int, v: int, big: str | None = "x", taken: int = 0) -> Event:
    return _change("snapshot", k, v, big, snapshot=marker, lsn=1 + taken, tx_id=1 + taken)


def first(k: int, v: int, big: str | None = "x", taken: int = 0) -> Event:
    return snapshot("first_in_data_collection", k, v, big, taken)


def middle(k: int, v: int, big: str | None = "x", taken: int = 0) -> Event:
    return snapshot("true", k, v, big, taken)


def last(k: int, v: int, big: str | None = "x", taken: int = 0) -> Event:
    return snapshot("last_in_data_collection", k, v, big, taken)


def incremental(k: int, v: int, big: str | None = "x") -> Event:
    return Event(-1, "snapshot", key_of(k), {"k": k, "v": v, "big": big, "s": "s"}, None, None, "incremental")


def delete(k: int, **more: Any) -> Event:
    return _numbered(Event(-1, "delete", key_of(k), None, None, None), **more)


def truncate() -> Event:
    return _numbered(Event(-1, "truncate", None, None, None, None))


def move(k: int, to: int, v: int, big: str | None = KEPT) -> list[Event]:
    """A key change: delete and insert with one LSN."""
    gone = delete(k)
    return [gone, insert(to, v, big, lsn=gone.lsn, tx_id=gone.tx_id)]


def _change(op: str, k: int, v: int, big: str | None, **more: Any) -> Event:
    return _numbered(Event(-1, op, key_of(k), {"k": k, "v": v, "big": big, "s": "s"}, None, None), **more)


_given = 0


def _numbered(event: Event, **more: Any) -> Event:
    global _given
    _given += 1
    return replace(event, **({"lsn": 1000 + _given, "tx_id": 7000 + _given} | more))


def _case(name: str, *steps: tuple[list[Event | list[Event]], list[Row]], whole_table: bool = False) -> Case:
    """Steps are (changes, rows after them); changes without a position get the next."""
    batches: list[list[Event]] = []
    position = 0
    for changes, _ in steps:
        flat = [e for change in changes for e in (change if isinstance(change, list) else [change])]
        batch = []
        for event in flat:
            position = position + 1 if event.position < 0 else event.position
            batch.append(replace(event, position=position))
        batches.append(batch)
    return Case(name, batches, [rows for _, rows in steps], whole_table)


def _again(event: Event) -> Event:
    return replace(event, position=-1)


a, b, c = insert(1, 1), insert(2, 2), insert(3, 3)
gone, emptied, changed = delete(1), truncate(), update(1, 9)
moved = move(1, 2, 1)

CASES = [
    _case("an insert makes a row", ([insert(1, 1)], [(1, 1, "x")])),
    _case("an update changes it", ([insert(1, 1)], [(1, 1, "x")]), ([update(1, 2, "y")], [(1, 2, "y")])),
    _case("an update of a row that is not known makes it", ([update(1, 2, "y")], [(1, 2, "y")])),
    _case("a value may become NULL", ([insert(1, 1)], [(1, 1, "x")]), ([update(1, 1, None)], [(1, 1, None)])),
    _case("a delete removes it", ([insert(1, 1), insert(2, 2)], [(1, 1, "x"), (2, 2, "x")]), ([delete(1)], [(2, 2, "x")])),
    _case("a delete of no row changes nothing", ([insert(1, 1)], [(1, 1, "x")]), ([delete(5)], [(1, 1, "x")])),
    _case("insert and delete in one batch leave nothing", ([insert(1, 1), delete(1)], [])),
    _case("the latest of several changes counts", ([insert(1, 1), update(1, 2, "y"), update(1, 3, "z")], [(1, 3, "z")])),
    _case(
        "the position orders, not the LSN: a transaction open across a snapshot streams later with a smaller LSN",
        ([insert(1, 1, lsn=900), update(1, 2, "old", lsn=800)], [(1, 2, "old")]),
        ([update(1, 3, "older", lsn=700)], [(1, 3, "older")]),
    ),
    _case(
        "a batch begins after the last event of the one before, even when that is one that came again",
        ([a, update(1, 2), _again(a)], [(1, 2, "x")]),
        ([insert(2, 2)], [(1, 2, "x"), (2, 2, "x")]),
        whole_table=True,
    ),
    _case("a row deleted and inserted again lives", ([insert(1, 1)], [(1, 1, "x")]), ([delete(1), insert(1, 2, "y")], [(1, 2, "y")])),
    _case(
        "a message that is unreadable is passed over",
        ([insert(1, 1), replace(update(1, 2, "y"), op="unknown")], [(1, 1, "x")]),
        ([replace(delete(1), op="unknown")], [(1, 1, "x")]),
    ),
    # Key changes.
    _case("a changed key moves the row", ([insert(1, 1)], [(1, 1, "x")]), ([move(1, 2, 1, "x")], [(2, 1, "x")])),
    _case("a changed key takes the unavailable value along", ([insert(1, 1, "B")], [(1, 1, "B")]), ([move(1, 2, 5)], [(2, 5, "B")])),
    _case("a changed key takes it along within a batch", ([insert(1, 1, "B"), move(1, 2, 5)], [(2, 5, "B")])),
    _case(
        "a chain of changed keys takes it along across batches",
        ([insert(1, 1, "B")], [(1, 1, "B")]),
        ([move(1, 2, 2), update(2, 3, KEPT)], [(2, 3, "B")]),
        ([move(2, 3, 4), move(3, 4, 5)], [(4, 5, "B")]),
        ([move(4, 1, 6)], [(1, 6, "B")]),
    ),
    _case(
        "the two halves of a changed key may come in two batches",
        ([insert(1, 1, "B"), moved[0]], []),
        ([moved[1]], [(2, 1, "B")]),
    ),
    _case(
        "two rows may swap their keys",
        ([insert(1, 1, "A"), insert(2, 2, "B")], [(1, 1, "A"), (2, 2, "B")]),
        ([move(1, 3, 1), move(2, 1, 2), move(3, 2, 1)], [(1, 2, "B"), (2, 1, "A")]),
    ),
    _case(
        "a key that lived before does not lend its old value to the row that moves there",
        ([insert(1, 1, "A"), insert(2, 2, "B"), delete(2)], [(1, 1, "A")]),
        ([move(1, 2, 1)], [(2, 1, "A")]),
    ),
    _case(
        "a row moved away and written anew under its old key are two rows",
        ([insert(1, 1, "A")], [(1, 1, "A")]),
        ([move(1, 2, 1), insert(1, 9, "N")], [(1, 9, "N"), (2, 1, "A")]),
    ),
    # Values that Postgres does not send.
    _case("an unavailable value stays as it is", ([insert(1, 1, "B")], [(1, 1, "B")]), ([update(1, 2, KEPT)], [(1, 2, "B")])),
    _case("an unavailable value is that of the same batch", ([insert(1, 1, "B"), update(1, 2, KEPT)], [(1, 2, "B")])),
    _case(
        "an unavailable value is the latest known, also when that is NULL",
        ([insert(1, 1, "B")], [(1, 1, "B")]),
        ([update(1, 2, None), update(1, 3, KEPT)], [(1, 3, None)]),
        ([update(1, 4, KEPT), update(1, 5, "C"), update(1, 6, KEPT)], [(1, 6, "C")]),
    ),
    _case("an unavailable value of which none is known is NULL", ([update(1, 2, KEPT)], [(1, 2, None)]), ([update(1, 3, KEPT)], [(1, 3, None)])),
    _case(
        "an unavailable value is not that of the key's earlier life",
        ([insert(1, 1, "B")], [(1, 1, "B")]),
        ([delete(1), update(1, 2, KEPT)], [(1, 2, None)]),
    ),
    _case(
        "an unavailable value is not that of the key's earlier life in the same batch",
        ([insert(1, 1, "B"), delete(1), update(1, 2, KEPT)], [(1, 2, None)]),
        ([update(1, 3, "C"), delete(1), update(1, 4, "D"), update(1, 5, KEPT)], [(1, 5, "D")]),
    ),
    # Repetitions after a restart.
    _case("a change that comes again changes nothing", ([a, changed], [(1, 9, "x")]), ([_again(a)], [(1, 9, "x")]), ([_again(changed)], [(1, 9, "x")])),
    _case("a change that comes again in its own batch changes nothing", ([a, changed, _again(a), _again(changed)], [(1, 9, "x")])),
    _case("a deleted row does not come back", ([a, b, gone], [(2, 2, "x")]), ([_again(a), _again(b)], [(2, 2, "x")]), ([_again(gone)], [(2, 2, "x")])),
    _case("a deleted row does not come back in its own batch", ([a, gone, _again(a)], [])),
    _case(
        "a delete that comes again does not remove the row's next life",
        ([a, gone, insert(1, 5, "n")], [(1, 5, "n")]),
        ([_again(a), _again(gone)], [(1, 5, "n")]),
    ),
    _case(
        "a changed key that comes again moves nothing",
        ([insert(1, 1, "B"), *moved, update(2, 7, "C")], [(2, 7, "C")]),
        ([_again(moved[0]), _again(moved[1])], [(2, 7, "C")]),
        ([_again(moved[1]), update(2, 8, KEPT)], [(2, 8, "C")]),
    ),
    _case(
        "only a change of the same transaction, LSN, key and operation is a repetition",
        ([insert(1, 1, lsn=5, tx_id=6)], [(1, 1, "x")]),
        ([update(1, 2, "u", lsn=5, tx_id=6)], [(1, 2, "u")]),
        ([update(1, 3, "v", lsn=5, tx_id=7)], [(1, 3, "v")]),
        ([update(1, 4, "w", lsn=4, tx_id=7)], [(1, 4, "w")]),
        ([update(1, 6, "y", lsn=9, tx_id=9), update(1, 7, "z", lsn=8, tx_id=9)], [(1, 7, "z")]),
        ([insert(2, 5, "k", lsn=5, tx_id=6)], [(1, 7, "z"), (2, 5, "k")]),
    ),
    _case(
        "a change without LSN or transaction is never a repetition",
        ([update(1, 1, lsn=None), update(1, 2, lsn=None)], [(1, 2, "x")]),
        ([update(1, 3, tx_id=None), update(1, 4, lsn=None, tx_id=None), update(1, 5, lsn=None, tx_id=None)], [(1, 5, "x")]),
        ([update(1, 6, lsn=None, tx_id=None)], [(1, 6, "x")]),
    ),
    _case(
        "the same transaction and LSN in a new epoch are another change",
        ([insert(1, 1, lsn=5, tx_id=6), update(1, 2, lsn=7, tx_id=6)], [(1, 2, "x")]),
        ([replace(insert(1, 3, "n", lsn=5, tx_id=6), position=_EPOCH), update(1, 4, "m", lsn=7, tx_id=6)], [(1, 4, "m")]),
        whole_table=True,
    ),
    # Truncates.
    _case("a truncate removes every row", ([a, b], [(1, 1, "x"), (2, 2, "x")]), ([truncate()], []), whole_table=True),
    _case("rows live that come after a truncate", ([a, b, truncate(), c], [(3, 3, "x")]), ([truncate(), insert(1, 7)], [(1, 7, "x")]), whole_table=True),
    _case(
        "a row written again after a truncate has nothing of its earlier life",
        ([insert(1, 1, "B"), insert(2, 2, "B")], [(1, 1, "B"), (2, 2, "B")]),
        ([truncate(), update(1, 2, KEPT)], [(1, 2, None)]),
        ([insert(2, 3, "C"), truncate(), update(2, 4, KEPT), insert(3, 3)], [(2, 4, None), (3, 3, "x")]),
        whole_table=True,
    ),
    _case("a truncate that comes again does nothing", ([a, emptied, b], [(2, 2, "x")]), ([_again(emptied), c], [(2, 2, "x"), (3, 3, "x")]), whole_table=True),
    _case(
        "rows from before a truncate do not come back with it",
        ([a, b, emptied, c], [(3, 3, "x")]),
        ([_again(a), _again(b), _again(emptied), _again(c)], [(3, 3, "x")]),
        whole_table=True,
    ),
    _case("rows from before a truncate do not come back in its own batch", ([a, emptied, _again(a), _again(emptied), b], [(2, 2, "x")]), whole_table=True),
    _case(
        "a repeated truncate beside a genuine one does not stand for it",
        ([a, emptied, b], [(2, 2, "x")]),
        ([truncate(), c, _again(emptied)], [(3, 3, "x")]),
        whole_table=True,
    ),
    _case(
        "a row that moved after a truncate keeps its value, and one truncated after it moved is gone",
        ([insert(1, 1, "A"), truncate(), insert(2, 2, "B")], [(2, 2, "B")]),
        ([move(2, 1, 3)], [(1, 3, "B")]),
        ([truncate(), update(1, 4, KEPT)], [(1, 4, None)]),
        whole_table=True,
    ),
    # Snapshots.
    _case(
        "a finished snapshot removes the rows it did not see",
        ([a, b, c], [(1, 1, "x"), (2, 2, "x"), (3, 3, "x")]),
        ([first(1, 1), last(3, 4)], [(1, 1, "x"), (3, 4, "x")]),
        whole_table=True,
    ),
    _case("a finished snapshot of all rows removes none", ([first(1, 1), middle(2, 2), last(3, 3)], [(1, 1, "x"), (2, 2, "x"), (3, 3, "x")]), whole_table=True),
    _case(
        "a snapshot across batches removes when its last row comes, and not before",
        ([a, b, c], [(1, 1, "x"), (2, 2, "x"), (3, 3, "x")]),
        ([first(1, 5)], [(1, 5, "x"), (2, 2, "x"), (3, 3, "x")]),
        ([middle(4, 4)], [(1, 5, "x"), (2, 2, "x"), (3, 3, "x"), (4, 4, "x")]),
        ([last(3, 6)], [(1, 5, "x"), (3, 6, "x"), (4, 4, "x")]),
        whole_table=True,
    ),
    _case(
        "an unfinished snapshot removes nothing, the next one counts from its own start",
        ([a, b], [(1, 1, "x"), (2, 2, "x")]),
        ([first(1, 1), middle(3, 3)], [(1, 1, "x"), (2, 2, "x"), (3, 3, "x")]),
        ([first(1, 1, taken=1), last(2, 2, taken=1)], [(1, 1, "x"), (2, 2, "x")]),
        whole_table=True,
    ),
    _case("a table of one row is a finished snapshot", ([a, b], [(1, 1, "x"), (2, 2, "x")]), ([last(2, 3)], [(2, 3, "x")]), whole_table=True),
    _case(
        "a table of one row ends no snapshot that was left unfinished",
        ([a, b, c, first(1, 1), middle(2, 2)], [(1, 1, "x"), (2, 2, "x"), (3, 3, "x")]),
        ([last(1, 5, taken=1)], [(1, 5, "x")]),
        whole_table=True,
    ),
    _case(
        "what is streamed during a snapshot lives",
        ([a, b], [(1, 1, "x"), (2, 2, "x")]),
        ([first(1, 1), insert(4, 4), last(3, 3)], [(1, 1, "x"), (3, 3, "x"), (4, 4, "x")]),
        whole_table=True,
    ),
    _case("the markers of a whole snapshot count too", ([a, b], [(1, 1, "x"), (2, 2, "x")]), ([snapshot("first", 2, 2), snapshot("last", 3, 3)], [(2, 2, "x"), (3, 3, "x")]), whole_table=True),
    _case("rows of an incremental snapshot are written and remove none", ([a, b], [(1, 1, "x"), (2, 2, "x")]), ([incremental(1, 7), incremental(3, 3)], [(1, 7, "x"), (2, 2, "x"), (3, 3, "x")]), whole_table=True),
    _case(
        "the value of a row that a snapshot removed is not known any more",
        ([insert(1, 1, "B"), insert(2, 2, "B")], [(1, 1, "B"), (2, 2, "B")]),
        ([first(2, 2, "B"), last(3, 3), update(1, 4, KEPT)], [(1, 4, None), (2, 2, "B"), (3, 3, "x")]),
        ([update(2, 5, KEPT), update(3, 6, KEPT)], [(1, 4, None), (2, 5, "B"), (3, 6, "x")]),
        whole_table=True,
    ),
    _case(
        "the value of a row that a snapshot removed is not known any more in the same batch",
        ([insert(1, 1, "B"), first(2, 2), last(3, 3), update(1, 4, KEPT)], [(1, 4, None), (2, 2, "x"), (3, 3, "x")]),
        ([insert(4, 1, "B"), first(4, 1, "C", taken=1), last(3, 3, taken=1), update(4, 4, KEPT)], [(3, 3, "x"), (4, 4, "C")]),
        whole_table=True,
    ),
    _case(
        "a row seen by a snapshot keeps its value when the snapshot ends in a later batch",
        ([insert(1, 1, "B"), insert(2, 2, "B")], [(1, 1, "B"), (2, 2, "B")]),
        ([first(1, 1, "C")], [(1, 1, "C"), (2, 2, "B")]),
        ([last(3, 3), update(1, 4, KEPT), update(2, 5, KEPT)], [(1, 4, "C"), (2, 5, None), (3, 3, "x")]),
        whole_table=True,
    ),
    _case(
        "two snapshots in one batch remove what either did not see",
        ([a, b, c], [(1, 1, "x"), (2, 2, "x"), (3, 3, "x")]),
        ([first(1, 1), last(2, 2), insert(4, 4), first(1, 1, taken=1), last(5, 5, taken=1)], [(1, 1, "x"), (5, 5, "x")]),
        whole_table=True,
    ),
    _case(
        "a row that moved under a snapshot's eyes keeps its value",
        ([insert(1, 1, "A"), insert(2, 2, "B")], [(1, 1, "A"), (2, 2, "B")]),
        ([first(1, 1, "A"), move(1, 3, 5), last(2, 2, "B")], [(2, 2, "B"), (3, 5, "A")]),
        ([first(2, 2, "B", taken=1), last(4, 4, taken=1), move(2, 1, 6)], [(1, 6, "B"), (4, 4, "x")]),
        whole_table=True,
    ),
    _case(
        "a row that a snapshot removed stays removed when its component moves again",
        ([insert(1, 1, "A"), move(1, 2, 2)], [(2, 2, "A")]),
        ([first(5, 5), last(6, 6)], [(5, 5, "x"), (6, 6, "x")]),
        ([insert(1, 3, "Z"), move(1, 3, 4)], [(3, 4, "Z"), (5, 5, "x"), (6, 6, "x")]),
        whole_table=True,
    ),
    _case(
        "a snapshot ahead of the stream does not hide the value that a key change takes along",
        ([insert(1, 1, "A")], [(1, 1, "A")]),
        ([last(2, 9, "A", taken=LATER)], [(2, 9, "A")]),
        ([insert(2, 2, "x"), delete(2), move(1, 2, 9)], [(2, 9, "A")]),
        whole_table=True,
    ),
    _case(
        "a snapshot ahead of the stream does not lend a later row's value to a key change",
        ([insert(2, 1, "A"), insert(4, 4)], [(2, 1, "A"), (4, 4, "x")]),
        ([first(2, 5, "q", taken=LATER), last(3, 1, "A", taken=LATER)], [(2, 5, "q"), (3, 1, "A")]),
        ([insert(3, 7, "z"), delete(3), update(2, 1, KEPT), move(2, 3, 1), insert(2, 5, "q")], [(2, 5, "q"), (3, 1, "A")]),
        whole_table=True,
    ),
    _case(
        "a change newer than the snapshot takes what the snapshot saw",
        ([insert(1, 1, "A"), insert(2, 2)], [(1, 1, "A"), (2, 2, "x")]),
        ([first(1, 1, "B"), last(2, 2)], [(1, 1, "B"), (2, 2, "x")]),
        ([move(1, 3, 3)], [(2, 2, "x"), (3, 3, "B")]),
        whole_table=True,
    ),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}
WHOLE_TABLE = [case for case in CASES if case.whole_table]
OF_ROWS = [case for case in CASES if not case.whole_table]


def side_by_side() -> Iterator[tuple[list[Event], dict[str, list[Row]]]]:
    """The batches of all cases about rows, in one table, and the rows of each case after each batch.

    Each case has keys of its own, 100 for each: `by_case` tells them apart.
    """
    landed = 0
    for i in range(max(len(case.batches) for case in OF_ROWS)):
        batch = [_shifted(e, n) for n, case in enumerate(OF_ROWS) for e in dict(enumerate(case.batches)).get(i, [])]
        yield (
            [replace(event, position=landed + j) for j, event in enumerate(batch)],
            {case.name: case.after[min(i, len(case.after) - 1)] for case in OF_ROWS},
        )
        landed += len(batch)


def by_case(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of the table of `side_by_side`, sorted, by the case they belong to and under its own keys."""
    found: dict[str, list[Row]] = {case.name: [] for case in OF_ROWS}
    for k, v, big in sorted(rows):
        found[OF_ROWS[k // 100].name].append((k % 100, v, big))
    return found


def _shifted(event: Event, by: int) -> Event:
    """The change under other keys, LSNs and transactions, so that it has nothing in common with other cases'."""
    k = None if event.key is None else json.loads(event.key)["k"] + 100 * by
    return replace(
        event,
        position=-1,
        key=None if k is None else key_of(k),
        after=event.after and {**event.after, "k": k},
        lsn=event.lsn and event.lsn + 10_000 * by,
        tx_id=event.tx_id and event.tx_id + 10_000 * by,
    )
