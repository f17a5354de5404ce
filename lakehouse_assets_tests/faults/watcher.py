"""Watches every version of the transformed tables as it is published: no row and no position may go back in time."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.deltalog import NO_VERSION
from lakehouse_assets.engine.positions import FOLD_APP

_POLL_SECONDS = 0.5


class Watcher:
    """A thread that looks at each new version; `regressions` are sentences, one for each thing that went back."""

    def __init__(self, catalog: Catalog, paths: LakePaths) -> None:
        self.regressions: list[str] = []
        self.versions = 0
        self._tables = [_Watched(table, paths.transformed(table.name)) for table in catalog.tables]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._stop.set()
        self._thread.join(60)

    def look(self) -> None:
        """Look at what was published since the last look."""
        for watched in self._tables:
            seen, back = watched.look()
            self.versions += seen
            self.regressions += back

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            self.look()
        self.look()


class _Watched:
    """What was seen of one table: its newest version, the highest applied position, and each key's highest position."""

    def __init__(self, table: Table, path: Path) -> None:
        self._table, self._path = table, path
        self._version, self._applied = NO_VERSION, NOTHING
        self._highest: dict[tuple[object, ...], int] = {}

    def look(self) -> tuple[int, list[str]]:
        """How many new versions there were, and what went back in them."""
        newest, back, seen = deltalog.newest_version(self._path), list[str](), 0
        if newest < self._version:  # the table was deleted: folded anew, its rows must still not be older
            self._version, self._applied = NO_VERSION, NOTHING
        while self._version < newest:
            try:
                back += self._compare(self._version + 1)
            except (KeyError, DeltaError, OSError):
                break  # being deleted just now
            self._version, seen = self._version + 1, seen + 1
        return seen, back

    def _compare(self, version: int) -> list[str]:
        name, back = self._table.name, list[str]()
        applied = deltalog.read_commit(self._path, version).transactions.get(FOLD_APP, self._applied)
        if applied < self._applied:
            back.append(f"{name} version {version}: applied position {self._applied} -> {applied}")
        self._applied = applied
        columns = [*self._table.key, "_position"]
        rows = DeltaTable(str(self._path), version=version).to_pyarrow_table(columns=columns)
        for *key, position in zip(*(rows.column(c).to_pylist() for c in columns), strict=True):
            before = self._highest.get(tuple(key), NOTHING)
            if position < before:
                back.append(f"{name} version {version}: key {tuple(key)} at position {before} -> {position}")
            self._highest[tuple(key)] = max(before, position)
        return back
