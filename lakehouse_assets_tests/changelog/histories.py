"""A small model of a PostgreSQL table and its Debezium connector, driven by random actions.

Transactions interleave and reach the topic in commit order; LSNs are given when a change is made; snapshots read
the committed state whatever has been streamed; a restart sends a stretch of streamed events again; a large text
that an update leaves alone is sent as the placeholder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from lakehouse_assets.catalog import Column, Table, parse_type
from lakehouse_assets_tests.changelog.oracle import PLACEHOLDER, Event

TABLE = Table(
    name="t",
    schema="public",
    key=("k",),
    columns=tuple(
        Column(n, parse_type(t)) for n, t in (("k", "integer"), ("v", "integer"), ("big", "text"), ("s", "text"))
    ),
    description="",
    owner="",
    topic_prefix="test",
)
KEYS = st.integers(1, 5)
TXS = st.integers(0, 2)
TEXTS = st.sampled_from(["", "x", "BIG one", "BIG two", None])
ACTIONS = st.one_of(
    st.tuples(st.just("insert"), TXS, KEYS, st.integers(0, 9), TEXTS),
    st.tuples(st.just("update"), TXS, KEYS, st.integers(0, 9)),
    st.tuples(st.just("rewrite"), TXS, KEYS, TEXTS),
    st.tuples(st.just("delete"), TXS, KEYS),
    st.tuples(st.just("move"), TXS, KEYS, KEYS),
    st.tuples(st.just("commit"), TXS),
    st.tuples(st.just("commit"), TXS),
    st.tuples(st.just("rollback"), TXS),
    st.tuples(st.just("stream"), st.integers(1, 3)),
    st.tuples(st.just("restart"), st.integers(1, 6)),
    st.tuples(st.just("truncate"), TXS),
    st.tuples(st.just("snapshot"), st.booleans()),
    st.tuples(st.just("incremental"), KEYS),
    st.tuples(st.just("lose")),
)
SCRIPTS = st.lists(ACTIONS, min_size=5, max_size=60)


@dataclass
class _Transaction:
    number: int
    rows: dict[int, dict[str, Any] | None] = field(default_factory=dict)  # own writes; None: deleted
    events: list[Event] = field(default_factory=list)
    truncated: bool = False


@dataclass
class Source:
    """The table, its open transactions, what is committed and not streamed yet, and the topic."""

    committed: dict[int, dict[str, Any]] = field(default_factory=dict)
    open: dict[int, _Transaction] = field(default_factory=dict)
    queue: list[list[Event]] = field(default_factory=list)
    streamed: list[Event] = field(default_factory=list)
    topic: list[Event] = field(default_factory=list)
    lsn: int = 100
    tx_id: int = 700

    def run(self, script: list[tuple[Any, ...]]) -> None:
        """Play a script, then commit and stream everything."""
        for action, *arguments in script:
            getattr(self, action)(*arguments)
        for tx in list(self.open):
            self.commit(tx)
        self.stream(len(self.queue))

    def insert(self, tx: int, k: int, v: int, text: str | None) -> None:
        if self._row(tx, k) is None and not self._locked(tx, k):
            self._write(tx, "insert", k, {"k": k, "v": v, "big": text, "s": "s"})

    def update(self, tx: int, k: int, v: int) -> None:
        row = self._row(tx, k)
        if row is not None and not self._locked(tx, k):
            self._write(tx, "update", k, {**row, "v": v}, unchanged=True)

    def rewrite(self, tx: int, k: int, text: str | None) -> None:
        row = self._row(tx, k)
        if row is not None and not self._locked(tx, k):
            self._write(tx, "update", k, {**row, "big": text})

    def delete(self, tx: int, k: int) -> None:
        if self._row(tx, k) is not None and not self._locked(tx, k):
            self._write(tx, "delete", k, None)

    def move(self, tx: int, k: int, to: int) -> None:
        row = self._row(tx, k)
        if row is None or self._row(tx, to) is not None or self._locked(tx, k) or self._locked(tx, to):
            return
        self._write(tx, "delete", k, None)
        self.lsn -= 1  # both halves of a key change carry one LSN
        self._write(tx, "insert", to, {**row, "k": to}, unchanged=True)

    def truncate(self, tx: int) -> None:
        if not set(self.open) - {tx}:
            transaction = self._transaction(tx)
            transaction.rows, transaction.truncated = {}, True
            self.lsn += 1
            transaction.events.append(Event(-1, "truncate", None, None, self.lsn, transaction.number))

    def commit(self, tx: int) -> None:
        transaction = self.open.pop(tx, None)
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

    def rollback(self, tx: int) -> None:
        self.open.pop(tx, None)

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
        rows = sorted(self.committed.items())
        for i, (k, row) in enumerate(rows):
            last = i == len(rows) - 1
            if last and not complete:
                return
            marker = "last_in_data_collection" if last else "first_in_data_collection" if i == 0 else "true"
            self._send(Event(-1, "snapshot", _key(k), row, self.lsn, self.tx_id, marker))

    def incremental(self, k: int) -> None:
        if k in self.committed and not self.queue:
            self._send(Event(-1, "snapshot", _key(k), self.committed[k], None, None, "incremental"))

    def lose(self) -> None:
        """The slot is lost with what was not streamed; a new one starts with a snapshot, which must not be empty."""
        if self.committed and not self.open:
            self.queue.clear()
            self.streamed.clear()
            self.snapshot(True)

    def _transaction(self, tx: int) -> _Transaction:
        if tx not in self.open:
            self.tx_id += 1
            self.open[tx] = _Transaction(self.tx_id)
        return self.open[tx]

    def _locked(self, tx: int, k: int) -> bool:
        return any(k in t.rows or t.truncated for n, t in self.open.items() if n != tx)

    def _row(self, tx: int, k: int) -> dict[str, Any] | None:
        own = self.open.get(tx, _Transaction(0))
        if k in own.rows:
            return own.rows[k]
        return None if own.truncated else self.committed.get(k)

    def _write(self, tx: int, op: str, k: int, row: dict[str, Any] | None, unchanged: bool = False) -> None:
        transaction = self._transaction(tx)
        self.lsn += 1
        transaction.rows[k] = row
        sent = row
        if unchanged and row and (row["big"] or "").startswith("BIG"):
            sent = {**row, "big": PLACEHOLDER}
        transaction.events.append(Event(-1, op, _key(k), sent, self.lsn, transaction.number))

    def _send(self, event: Event) -> None:
        self.topic.append(Event(len(self.topic), *list(vars(event).values())[1:]))


def raw_row(event: Event) -> dict[str, Any]:
    """The event as a row of raw."""
    value = {"before": None, "after": event.after, "op": event.op}
    return {
        "table_name": TABLE.name, "op": event.op, "position": event.position, "kafka_offset": event.position,
        "topic": TABLE.topic, "key": event.key, "value": json.dumps(value), "lsn": event.lsn, "tx_id": event.tx_id,
        "snapshot": event.snapshot,
    }  # fmt: skip


def _key(k: int) -> str:
    return json.dumps({"k": k}, separators=(",", ":"))
