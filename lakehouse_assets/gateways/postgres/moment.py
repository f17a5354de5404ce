"""One moment of the source, read as often as needed without a lock that outlives a read.

One transaction keeps the moment (it exports its snapshot and touches no table); every read is a short transaction of
its own that sees the same. So a TRUNCATE or ALTER TABLE never waits for longer than one read. Both, unlike every
other change, show through an older snapshot: a read that one of them came before is refused.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.catalog import Table
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.postgres import canonical
from lakehouse_assets.gateways.postgres.connection import connect, failure, place
from lakehouse_assets.proof import Bounds, Comparison, Key, Row, Snapshot, Sum

ROWS_AT_A_TIME = 10_000
_cursor_numbers = itertools.count()


class Rewritten(LakehouseError):
    """The table was truncated or rewritten after the moment, so that its rows of then are gone."""


@dataclass(frozen=True)
class Moment:
    """What a snapshot of the source sees. `lsn` is where the WAL ended, `at` the server's clock (UTC)."""

    dsn: str = field(repr=False)
    name: str
    snapshot: Snapshot
    lsn: str
    at: datetime
    statement_seconds: int

    def estimated_rows(self, table: Table) -> int:
        """Rows as the planner estimates them; -1 when it does not know."""
        with self.reading(table) as cursor:
            cursor.execute("select reltuples::bigint from pg_class where oid = %s::regclass", [table.source_sql])
            return cursor.fetchall()[0][0]

    def of(self, comparison: Comparison, bounds: Bounds) -> SourceTable:
        """One table at this moment."""
        return SourceTable(self, comparison, bounds)

    @contextmanager
    def reading(self, table: Table, *, named: bool = False) -> Iterator[Cursor]:
        """A cursor at this moment; Rewritten when what it read of `table` was not the table of then."""
        connection = connect(self.dsn, application_name="lakehouse verify")
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                cursor.execute("set transaction snapshot %s", [self.name])
                cursor.execute(f"{canonical.SESSION}; set local statement_timeout = {self.statement_seconds * 1000}")
                # Refused rather than filtered: what row-level security hides would be proven equal by its absence.
                cursor.execute("set local row_security = off")
                # One core of the source, not more.
                cursor.execute("set local max_parallel_workers_per_gather = 0")
            name = f"lakehouse_rows_{next(_cursor_numbers)}" if named else None
            with connection.cursor(name=name) as cursor:
                yield cursor
            with connection.cursor() as cursor:
                _require_same_files(cursor, table)
        except psycopg2.Error as error:
            raise _explained(error, table, self.statement_seconds) from None
        finally:
            connection.close()


@contextmanager
def open_moment(dsn: str, statement_seconds: int, hold_seconds: int) -> Iterator[Moment]:
    """The source as it is now, readable until the end of the block, at most `hold_seconds`.

    Each statement may take `statement_seconds`. LakehouseError when the source is a standby or does not answer.
    """
    keeper = connect(dsn, application_name="lakehouse verify")
    try:
        keeper.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with keeper.cursor() as cursor:
            cursor.execute(f"set local idle_in_transaction_session_timeout = {hold_seconds * 1000}")
            cursor.execute(
                "select pg_export_snapshot(), pg_current_snapshot()::text, pg_current_wal_lsn()::text, clock_timestamp()"
            )
            name, snapshot, lsn, at = cursor.fetchall()[0]
        yield Moment(dsn, name, Snapshot.parse(snapshot), lsn, at, statement_seconds)
    except psycopg2.Error as error:
        raise failure(error, place(dsn)) from None
    finally:
        keeper.close()


@dataclass(frozen=True)
class SourceTable:
    """One table at a moment: the source's side of a proof."""

    moment: Moment
    comparison: Comparison
    bounds: Bounds

    def sums(self) -> dict[int, Sum]:
        """Every row, counted and summed by bucket: one scan."""
        query = sql.SQL("select bucket, count(*), {} from ({} offset 0) r group by 1").format(
            sql.SQL(canonical.sums("digest")), self._digests(sql.SQL(""))
        )
        with self.moment.reading(self.comparison.table) as cursor:
            found = _interruptible(cursor, lambda: _fetched(cursor, query, self._parameters))
        return {bucket: Sum(rows, int(first), int(second)) for bucket, rows, first, second in found}

    def sums_of(self, keys: frozenset[Key]) -> Iterator[tuple[Key, int, Sum]]:
        """The rows of some keys, each with its bucket and its own sum."""
        query = sql.SQL("select keys, bucket, {} from ({} offset 0) r").format(
            sql.SQL(canonical.numbers("digest")), self._digests(self._of_keys)
        )
        with self.moment.reading(self.comparison.table) as cursor:
            for key, bucket, first, second in _fetched(cursor, query, [*self._parameters, self._wanted(keys)]):
                yield tuple(key), bucket, Sum(1, first, second)

    def row(self, key: Key) -> tuple[Row, Row] | None:
        """The row of a key, as its canonical texts and as the server prints it; None when there is none."""
        query = sql.SQL("select {} from {} {}").format(
            sql.SQL(", ").join([*canonical.selected(self.comparison), *canonical.printed(self.comparison)]),
            self._table,
            self._of_keys,
        )
        with self.moment.reading(self.comparison.table) as cursor:
            found = _fetched(cursor, query, [self._wanted([key])])
        width = len(self.comparison.pairs)
        return (found[0][:width], found[0][width:]) if found else None

    def rows(self, bucket: int) -> Iterator[Row]:
        """The rows of a bucket, by key, through a server-side cursor."""
        low, high = self.bounds.range(bucket)
        first = self.comparison.key[0].source
        edges = [(sign, edge) for sign, edge in ((">=", low), ("<", high)) if edge is not None]
        conditions = [
            sql.SQL("{} {} ({})[1]").format(
                canonical.comparable_key(first), sql.SQL(sign), canonical.typed(first, sql.SQL("%s::text[]"))
            )
            for sign, _ in edges
        ]
        query = sql.SQL("select {} from {} where {} order by {}").format(
            sql.SQL(", ").join(canonical.selected(self.comparison)),
            self._table,
            sql.SQL(" and ").join(conditions or [sql.SQL("true")]),
            sql.SQL(", ").join(canonical.key_texts(self.comparison)),
        )
        with self.moment.reading(self.comparison.table, named=True) as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            cursor.execute(query, [[edge] for _, edge in edges])
            yield from cursor

    def _digests(self, condition: sql.Composable) -> sql.Composable:
        first = self.comparison.key[0].source
        return sql.SQL("select array[{}] as keys, {} as bucket, {} as digest from {} {}").format(
            sql.SQL(", ").join(canonical.key_texts(self.comparison)),
            sql.SQL("width_bucket({}, {})").format(
                canonical.comparable_key(first), canonical.typed(first, sql.SQL("%s::text[]"))
            ),
            canonical.digest(self.comparison),
            self._table,
            condition,
        )

    @property
    def _of_keys(self) -> sql.Composable:
        """The server reads the keys as the table's own types, so that its index is used."""
        keys = sql.SQL(", ").join(map(canonical.named, self.comparison.table.key))
        recordset = sql.SQL("jsonb_populate_recordset(null::{}, %s::jsonb)").format(self._table)
        return sql.SQL("where ({0}) in (select {0} from {1})").format(keys, recordset)

    def _wanted(self, keys: Iterable[Key]) -> str:
        names = self.comparison.table.key
        return json.dumps([dict(zip(names, key, strict=True)) for key in keys])

    @property
    def _parameters(self) -> list[object]:
        return [list(self.bounds.texts)]

    @property
    def _table(self) -> sql.Composable:
        return sql.SQL(self.comparison.table.source_sql.replace("%", "%%"))


def _fetched(cursor: Cursor, query: sql.Composable, parameters: list[object]) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters)
    return cursor.fetchall()


def _interruptible(cursor: Cursor, work: Callable[[], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """`work` in a thread: the driver lets no signal through, and Ctrl-C must end the statement at the server too."""
    connection: Connection = cursor.connection
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            while not future.done():  # no wait without an end: a signal need not wake it (SA_RESTART)
                wait([future], timeout=0.2)
            return future.result()
        except BaseException:
            while not future.done():
                connection.cancel()  # before the statement has begun at the server, it ends nothing
                wait([future], timeout=0.2)
            raise


def _require_same_files(cursor: Cursor, table: Table) -> None:
    """pg_class is read at the moment, pg_relation_filenode as it is now: other files are another table."""
    cursor.execute(
        """select bool_and(nullif(relfilenode, 0) is not distinct from pg_relation_filenode(oid)) from pg_class
           where oid in (select relid from pg_partition_tree(%(table)s) union select %(table)s::regclass)""",
        {"table": table.source_sql},
    )
    if cursor.fetchall() != [(True,)]:
        raise Rewritten("was truncated or rewritten meanwhile", where=table.source_name, next_step="verify again")


def _explained(error: psycopg2.Error, table: Table, statement_seconds: int) -> LakehouseError:
    if error.pgcode == "57014":
        return LakehouseError(
            f"a statement took longer than {statement_seconds} s and was cancelled",
            where=f"source {table.source_name}",
            next_step="raise LAKEHOUSE_VERIFY_STATEMENT_TIMEOUT_SECONDS",
        )
    return failure(error, f"source {table.source_name}")
