"""What the company does next: transactions of several changes, some given up, some open while others pass by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.demo import changes
from lakehouse_assets.demo.changes import Change, make_change
from lakehouse_assets.demo.population import Population, read_population
from lakehouse_assets.demo.report import TrafficReport
from lakehouse_assets.keys import Key

# Part of the row changes that each table gets, and of a table's changes that each operation gets.
_TABLES = {"transacoes": 0.72, "boletos": 0.10, "moradores": 0.07, "imoveis": 0.07, "condominios": 0.04}
_OPERATIONS = {changes.INSERT: 0.42, changes.UPDATE: 0.40, changes.DELETE: 0.15, changes.KEY_CHANGE: 0.03}
_ROLLED_BACK = 0.02  # part of the transactions
_STATEMENTS = 3  # at most, in a transaction
_LONG_EVERY, _LONG_LASTS = 10, 3  # seconds' worth of changes
# A long endereco, then two renames whose events do not carry it: the work and the seconds' worth of changes until
# the next. Four long texts a minute, of 12 kB each, are enough.
_LONG_TEXT_ROUND = ((changes.lengthen_address, 2), (changes.rename_condominio, 2), (changes.rename_condominio, 11))

# Another session was in the way: the transaction is given up and the population read anew before the next.
REFUSALS = (
    psycopg2.errors.IntegrityError,
    psycopg2.errors.LockNotAvailable,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.SerializationFailure,
)


@dataclass
class Workload:
    """The traffic's state. `attempted` row changes, given-up ones left out, are what the pace is kept by."""

    main: Connection
    other: Connection
    random: Random
    rate: float
    report: TrafficReport
    cipher: Key | None = None
    attempted: int = 0
    population: Population = field(init=False)
    _stale: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        # More rows in a statement rather than more statements keep the cost low at high rates.
        self._largest = max(1, round(self.rate / 40))
        self._long = _LongTransaction(self)
        self._read_population()
        self._long_text_turn, self._long_text_of = 0, list[int]()
        # The first of each early, so that a short run has them too.
        self._next_long, self._next_long_text = self.rate, self.rate * 2

    def step(self) -> None:
        """Run the next transaction, and begin or end the long one when it is time."""
        if self._stale:
            self._guarded(self.main, self._read_population)
        if self._stale:
            # Another session may be waiting for the long transaction, and we for that session.
            self.other.rollback()
            self._long.refused()
            return
        if self._long.is_open and self.attempted >= self._next_long:
            self._guarded(self.other, self._long.end)
            self._next_long = self.attempted + self.rate * _LONG_EVERY
        elif not self._long.is_open and self.attempted >= self._next_long:
            self._guarded(self.other, self._long.begin)
            self._next_long = self.attempted + self.rate * _LONG_LASTS
        if not self._stale:
            self._guarded(self.main, self._transaction)

    def finish(self) -> None:
        """Commit the long transaction, if one is open."""
        if self._long.is_open:
            self._guarded(self.other, self._long.commit)

    def attempt(self, done: list[Change]) -> None:
        """Let the pace know that these were made; a transaction that met no row counts as one, so that none is free."""
        self.attempted += max(1, sum(change.count for change in done))

    def committed(self, done: list[Change]) -> None:
        """Count a committed transaction and let the population know."""
        self.report.add(done)
        for change in done:
            change.settle()

    @property
    def largest(self) -> int:
        """Most rows of transacoes in one statement."""
        return self._largest

    def _transaction(self) -> None:
        given_up = self.random.random() < _ROLLED_BACK
        with self.main.cursor() as cursor:
            done = self._long_text(cursor) + [self._any(cursor) for _ in range(self.random.randint(1, _STATEMENTS))]
        if given_up:
            self.main.rollback()
            self.report.rolled_back += 1
            return
        self.main.commit()
        self.attempt(done)
        self.committed(done)

    def _any(self, cursor: Cursor) -> Change:
        sizes = {table: self._largest if table == "transacoes" else max(1, self._largest // 4) for table in _TABLES}
        # A table whose statements change more rows needs fewer of them to get its part.
        weights = [part / (1 + sizes[table]) for table, part in _TABLES.items()]
        table = self.random.choices(list(_TABLES), weights)[0]
        operation = self.random.choices(list(_OPERATIONS), list(_OPERATIONS.values()))[0]
        size = self.random.randint(1, sizes[table])
        return make_change(cursor, self.random, self.population, table, operation, size, self.cipher)

    def _long_text(self, cursor: Cursor) -> list[Change]:
        if self.attempted < self._next_long_text:
            return []
        work, pause = _LONG_TEXT_ROUND[self._long_text_turn]
        self._long_text_turn = (self._long_text_turn + 1) % len(_LONG_TEXT_ROUND)
        self._next_long_text = self.attempted + self.rate * pause
        if work is changes.lengthen_address:
            self._long_text_of = self.population.parents["condominios"].some(self.random, 1)
        return [work(cursor, self.random, condominio) for condominio in self._long_text_of]

    def _guarded(self, connection: Connection, work: Callable[[], None]) -> None:
        try:
            work()
        except REFUSALS:
            connection.rollback()
            if connection is self.other:
                self._long.refused()
            self.report.refused += 1
            self.attempted += 1
            self._stale = True

    def _read_population(self) -> None:
        with self.main.cursor() as cursor:
            self.population = read_population(cursor)
        self.main.rollback()
        self._stale = False
        # The long transaction's rows are locked by ourselves: meeting them would be waiting for ourselves.
        for key in self._long.rows:
            self.population.spare["transacoes"].discard(key)


class _LongTransaction:
    """A transaction of a second session, open while others commit. Its rows leave the population until it ends."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._done: list[Change] = []
        self.rows: list[int] = []
        self.is_open = False

    def begin(self) -> None:
        """Change some rows and leave them locked."""
        work, self.is_open, self._done = self._workload, True, []
        self.rows = work.population.spare["transacoes"].take(work.random, 2 * work.largest)
        self._change(changes.INSERT)

    def end(self) -> None:
        """Change them once more and commit."""
        self._change(changes.UPDATE)
        self.commit()

    def commit(self) -> None:
        """Make it last; the rows are everybody's again."""
        work, self.is_open = self._workload, False
        work.other.commit()
        work.report.long_transactions += 1
        for key in self.rows:
            work.population.spare["transacoes"].add(key)
        self.rows = []
        work.committed(self._done)

    def refused(self) -> None:
        """It is closed although it did not commit; its rows are read anew with the population."""
        self.is_open, self.rows = False, []

    def _change(self, operation: str) -> None:
        work, made = self._workload, list[Change]()
        with work.other.cursor() as cursor:
            if operation == changes.INSERT:
                made.append(changes.insert(cursor, work.random, work.population, "transacoes", work.largest))
            if self.rows:
                made.append(changes.update(cursor, work.random, "transacoes", self.rows))
        work.attempt(made)
        self._done += made
