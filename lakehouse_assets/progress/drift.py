"""The whole difference between catalog, source and lake, and the work that makes the lake follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import documents
from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.drift import Change, Difference
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.shape import SourceShape
from lakehouse_assets.continuity.state import FOLDER as STREAM
from lakehouse_assets.engine.evolution import differences, evolved
from lakehouse_assets.engine.rebuild import rebuild
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect, postgres
from lakehouse_assets.keys import Keys
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.connector import connector_name
from lakehouse_assets.stack.connector_apply import unread

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OF_THE_LAKE = (Change.ADDED, Change.DROPPED, Change.WIDENED, Change.RETYPED, Change.REKEYED, Change.RULES)


@dataclass(frozen=True)
class TablePlan:
    """What differs of one table. `unread`: the connector does not read it yet, or not its rows from before."""

    table: Table
    source: SourceShape
    differences: tuple[Difference, ...]
    unread: bool

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return not self.unread and all(one.settled for one in self.differences)

    @property
    def of_the_stack(self) -> bool:
        """Whether publication, topic or connector lack it, or the source never had it."""
        never_made = any(d.change is Change.NO_TABLE and not d.lake for d in self.differences)
        return self.unread or never_made or self.has(Change.UNPUBLISHED)

    def has(self, *changes: Change) -> bool:
        """Whether there is such a difference that is not settled."""
        return any(one.change in changes and not one.settled for one in self.differences)


@dataclass(frozen=True)
class Plan:
    """Every table of the catalog, and the source's tables that it does not name."""

    tables: list[TablePlan]
    undeclared: list[str]

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return all(table.settled for table in self.tables)


@dataclass(frozen=True)
class Means:
    """What a plan is applied with: the stack's start, a Spark session, the keys, and a new snapshot of some tables."""

    start: Callable[[], None]
    session: Callable[[], AbstractContextManager[SparkSession]]
    keys: Keys
    backfill: Callable[[Sequence[Table]], object]
    say: Callable[[str], None]


def look(settings: Settings, catalog: Catalog, links: Connections, dsn: str) -> Plan:
    """The plan as of now; LakehouseError when the source does not answer."""
    paths = LakePaths(settings.lake)
    sources = postgres.read_shapes(dsn, catalog.publication, catalog.tables)
    behind = {table.name for table in _unread(settings, catalog, links)} | _anew(paths)
    tables = [
        TablePlan(t, sources[t.name], differences(t, paths, sources[t.name]), t.name in behind) for t in catalog.tables
    ]
    return Plan(tables, postgres.undeclared_tables(dsn, catalog))


def apply(plan: Plan, paths: LakePaths, means: Means, look_again: Callable[[], Plan], *, restart: bool) -> Plan:
    """Do what the plan needs, and look again; what only a person can decide is left as it is.

    `restart`: the running stack does not know the catalog yet. The lake comes first, so that no run of the new catalog
    meets it half changed.
    """
    anew = {one.table.name for one in plan.tables if one.has(Change.UNPUBLISHED) and not one.unread} | _anew(paths)
    if anew:
        # Once it is published, nothing else tells that its rows from before have to be asked for.
        documents.write(_anew_file(paths), {"tables": sorted(anew)})
    if changing := [one for one in plan.tables if one.has(*_OF_THE_LAKE) and not one.has(Change.KEY)]:
        with means.session() as spark:
            for one in changing:
                _follow(spark, one, paths, means)
    if restart or any(one.of_the_stack for one in plan.tables):
        means.start()
    if again := [t.table for t in look_again().tables if t.table.name in anew or t.has(Change.AWAITED)]:
        means.backfill(again)
    _anew_file(paths).unlink(missing_ok=True)
    return look_again()


def _anew(paths: LakePaths) -> set[str]:
    """The tables that were made anew in the source and published, whose rows were not asked for: an `apply` was broken off."""
    return set((documents.read(_anew_file(paths)) or {}).get("tables", ()))


def _anew_file(paths: LakePaths) -> Path:
    return paths.root / STREAM / "anew.json"


def _follow(spark: SparkSession, one: TablePlan, paths: LakePaths, means: Means) -> None:
    """Bring a lake's table to the source's shape; one that the catalog reads otherwise is folded from raw first."""
    if one.has(Change.RULES):
        means.say(f"{one.table.name}: folding from raw")
        rebuild(spark, one.table, paths, means.keys)
    means.say(f"{one.table.name}: following the source")
    evolved(spark, one.table, paths, one.source, means.keys)


def _unread(settings: Settings, catalog: Catalog, links: Connections) -> tuple[Table, ...]:
    """The tables that the running connector does not read, or not from their beginning; none when it cannot be asked."""
    try:
        config = connect.connector_config(links.connect_url, connector_name(catalog))
    except LakehouseError:
        return ()
    return unread(settings, config, catalog)
