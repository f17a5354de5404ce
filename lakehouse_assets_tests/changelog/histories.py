"""A small model of a PostgreSQL table and its Debezium connector, driven by random actions.

Transactions interleave and reach the topic in commit order; LSNs are given when a change is made; snapshots read
the committed state whatever has been streamed; a restart sends a stretch of streamed events again; a large text
that an update leaves alone is sent as the placeholder; a lost slot begins an epoch whose LSNs and offsets start again.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from lakehouse_assets.catalog import Column, Table, parse_type
from lakehouse_assets_tests.changelog.oracle import PLACEHOLDER, Event


def table_of(name: str, key: tuple[str, ...], /, **types: str) -> Table:
    """A table of the catalog from the Postgres types of its columns."""
    columns = tuple(Column(n, t) for n, text in types.items() if not isinstance(t := parse_type(text), str))
    assert len(columns) == len(types), f"a type cannot be read: {types}"
    return Table(name, "public", key, columns, "", "", "test")


TABLE = table_of("t", ("k",), k="integer", v="integer", big="text", s="text")
AUTOCOMMIT = 0  # the lane whose every change is a transaction of its own
LANES = [AUTOCOMMIT, AUTOCOMMIT, 1, 2]
TEXTS = ["BIG one", "BIG two", "BIG three", "x", "", None]
# How often each thing happens, of 30 times.
WEIGHTS = {
    "write": 6, "update": 4, "move": 4, "delete": 2, "stream": 4, "restart": 2, "commit": 2, "rollback": 1,
    "truncate": 1, "snapshot": 2, "incremental": 1, "lose": 1,
}  # fmt: skip
Script = list[tuple[Any, ...]]


def _choices(keys: int) -> dict[str, tuple[list[Any], ...]]:
    """What each thing that happens can be given."""
    key = list(range(1, keys + 1))
    return {
        "write": (LANES, key, list(range(10)), TEXTS),
        "update": (LANES, key, list(range(10))),
        "move": (LANES, key, key),
        "delete": (LANES, key),
        "stream": ([1, 2, 3, 4],),
        "restart": (list(range(1, 9)),),
        "commit": ([1, 2],),
        "rollback": ([1, 2],),
        "truncate": (LANES,),
        "snapshot": ([True, False],),
        "incremental": (key,),
        "lose": (),
    }


def scripts(keys: int = 4) -> st.SearchStrategy[Script]:
    """Short histories of a table of few keys, for hypothesis to vary."""
    names = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
    arguments = {name: [st.sampled_from(c) for c in choices] for name, choices in _choices(keys).items()}
    action = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), *arguments[name]))
    return st.lists(action, min_size=20, max_size=60)


def long_script(seed: int, keys: int, length: int, **weights: int) -> Script:
    """One long history of a table of many keys; the same for the same seed."""
    chance, choices = random.Random(seed), _choices(keys)
    names = [name for name, weight in (WEIGHTS | weights).items() for _ in range(weight)]
    return [(name, *(chance.choice(c) for c in choices[name])) for name in chance.choices(names, k=length)]


@dataclass
class _Transaction:
    number: int
    rows: dict[int, dict[str, Any] | None] = field(default_factory=dict)  # own writes; None: deleted
    events: list[Event] = field(default_factory=list)
    truncated: bool = False


@dataclass
class Source:
    """The table, its open transactions, what is committed and not streamed yet, and the topic."""

    keys: int = 4
    committed: dict[int, dict[str, Any]] = field(default_factory=dict)
    open: dict[int, _Transaction] = field(default_factory=dict)
    queue: list[list[Event]] = field(default_factory=list)
    streamed: list[Event] = field(default_factory=list)
    topic: list[Event] = field(default_factory=list)
    epoch: int = 0
    offset: int = 0
    lsn: int = 100
    tx_id: int = 700

    def run(self, script: Script) -> Source:
        """Play a script, then commit and stream everything."""
        for action, *arguments in script:
            getattr(self, action)(*arguments)
        for lane in list(self.open):
            self.commit(lane)
        self.stream(len(self.queue))
        return self

    def write(self, lane: int, k: int, v: int, text: str | None) -> None:
        if self._locked(lane, k):
            return
        op = "insert" if self._row(lane, k) is None else "update"
        self._write(lane, op, k, {"k": k, "v": v, "big": text, "s": "s"})

    def update(self, lane: int, k: int, v: int) -> None:
        for found in self._from(lane, k, present=True):
            self._write(lane, "update", found, {**(self._row(lane, found) or {}), "v": v}, unchanged=True)
            return

    def delete(self, lane: int, k: int) -> None:
        for found in self._from(lane, k, present=True):
            self._write(lane, "delete", found, None)
            return

    def move(self, lane: int, k: int, to: int) -> None:
        """A key change."""
        for old, new in zip(self._from(lane, k, present=True), self._from(lane, to, present=False), strict=False):
            row = self._row(lane, old) or {}
            self._write(lane, "delete", old, None, more=True)
            self.lsn -= 1  # both halves of a key change carry one LSN
            self._write(lane, "insert", new, {**row, "k": new}, unchanged=True)
            return

    def truncate(self, lane: int) -> None:
        if not set(self.open) - {lane}:
            transaction = self._begin(lane)
            transaction.rows, transaction.truncated = {}, True
            self.lsn += 1
            transaction.events.append(Event(-1, "truncate", None, None, self.lsn, transaction.number))
            if lane == AUTOCOMMIT:
                self.commit(lane)

    def commit(self, lane: int) -> None:
        transaction = self.open.pop(lane, None)
        if transaction is None:
            return
        if transaction.truncated:
            self.committed.clear()
        for k, row in transaction.rows.items():
            if row is None:
                self.committed.pop(k, None)
            else:
                self.committed[k] = row
        if transaction.events:
            self.queue.append(transaction.events)

    def rollback(self, lane: int) -> None:
        self.open.pop(lane, None)

    def stream(self, count: int) -> None:
        for _ in range(min(count, len(self.queue))):
            for event in self.queue.pop(0):
                self.streamed.append(event)
                self._send(event)

    def restart(self, back: int) -> None:
        for event in self.streamed[-back:]:
            self._send(event)

    def snapshot(self, complete: bool) -> None:
        self.lsn += 1
        self.tx_id += 1
        rows = sorted(self.committed.items())
        for i, (k, row) in enumerate(rows):
            last = i == len(rows) - 1
            if last and not complete:
                return
            marker = "last_in_data_collection" if last else "first_in_data_collection" if i == 0 else "true"
            self._send(Event(-1, "snapshot", key_of(k), row, self.lsn, self.tx_id, marker))

    def incremental(self, k: int) -> None:
        if k in self.committed and not self.queue:
            self._send(Event(-1, "snapshot", key_of(k), self.committed[k], None, None, "incremental"))

    def lose(self) -> None:
        """The slot and the topic are lost, with what was not streamed; a snapshot follows, which must not be empty."""
        if self.committed and not self.open:
            self.queue.clear()
            self.streamed.clear()
            self.epoch, self.offset, self.lsn, self.tx_id = self.epoch + 1, 0, 100, 700
            self.snapshot(True)

    def _begin(self, lane: int) -> _Transaction:
        if lane not in self.open:
            self.tx_id += 1
            self.open[lane] = _Transaction(self.tx_id)
        return self.open[lane]

    def _locked(self, lane: int, k: int) -> bool:
        return any(k in t.rows or t.truncated for n, t in self.open.items() if n != lane)

    def _row(self, lane: int, k: int) -> dict[str, Any] | None:
        own = self.open.get(lane, _Transaction(0))
        if k in own.rows:
            return own.rows[k]
        return None if own.truncated else self.committed.get(k)

    def _from(self, lane: int, k: int, *, present: bool) -> list[int]:
        """The keys that a transaction may change, from `k` on, that hold a row, or hold none."""
        keys = [(k + i - 1) % self.keys + 1 for i in range(self.keys)]
        return [k for k in keys if not self._locked(lane, k) and (self._row(lane, k) is not None) is present]

    def _write(
        self, lane: int, op: str, k: int, row: dict[str, Any] | None, unchanged: bool = False, more: bool = False
    ) -> None:
        transaction = self._begin(lane)
        self.lsn += 1
        transaction.rows[k] = row
        sent = row
        if unchanged and row and (row["big"] or "").startswith("BIG"):
            sent = {**row, "big": PLACEHOLDER}
        transaction.events.append(Event(-1, op, key_of(k), sent, self.lsn, transaction.number))
        if lane == AUTOCOMMIT and not more:
            self.commit(lane)

    def _send(self, event: Event) -> None:
        self.topic.append(replace(event, position=self.epoch << 40 | self.offset))
        self.offset += 1


def moment(position: int) -> datetime:
    """When the source committed the change at a position."""
    return datetime(2026, 1, 31, tzinfo=UTC) + timedelta(days=position >> 40, milliseconds=position & ((1 << 40) - 1))


RAW_SCHEMA = pa.schema(
    [
        ("table_name", pa.string()),
        ("op", pa.string()),
        ("event_date", pa.date32()),
        ("position", pa.int64()),
        ("kafka_offset", pa.int64()),
        ("kafka_timestamp", pa.timestamp("us", "UTC")),
        ("topic", pa.string()),
        ("key", pa.string()),
        ("value", pa.string()),
        ("lsn", pa.int64()),
        ("tx_id", pa.int64()),
        ("snapshot", pa.string()),
        ("committed_at", pa.timestamp("us", "UTC")),
    ]
)


def raw_row(event: Event, table: str = TABLE.name) -> dict[str, Any]:
    """The event as a row of raw."""
    value = {"before": None, "after": event.after, "op": event.op}
    return {
        "table_name": table, "op": event.op, "event_date": date(2026, 1, 31), "position": event.position,
        "kafka_offset": event.position & ((1 << 40) - 1), "kafka_timestamp": None, "topic": f"test.public.{table}",
        "key": event.key, "value": json.dumps(value), "lsn": event.lsn, "tx_id": event.tx_id,
        "snapshot": event.snapshot, "committed_at": moment(event.position),
    }  # fmt: skip


def key_of(k: int) -> str:
    """A message's key, as Debezium writes it."""
    return json.dumps({"k": k}, separators=(",", ":"))
