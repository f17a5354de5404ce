"""The mass-change brake: a fold that would delete or change too much of a table is not published until a person allows it.

What is allowed, and what was braked last, is kept with the lake. A note of a braked fold counts while the table stands
where it stood then and nothing more is allowed: state decides, nobody has to remove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import documents, sql
from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import BRAKE, LakePaths
from lakehouse_assets.changelog.effect import bulk, effect
from lakehouse_assets.changelog.fold import FoldRange
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.survey import Survey
from lakehouse_assets.errors import EXIT_DATA, LakehouseError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Limits:
    """A fold is braked when it deletes or changes at least `rows` rows, and more than this share of the table."""

    share: float = 0.3
    rows: int = 1000

    def least(self, rows: int) -> int:
        """How many of a table's rows are too many."""
        return max(self.rows, int(self.share * rows) + 1)


USUAL = Limits()


@dataclass(frozen=True)
class Braked:
    """A fold that was not published: its positions, the rows it would have deleted and changed, and the table's rows."""

    table: str
    applied: int
    target: int
    deleted: int
    changed: int
    rows: int

    @property
    def words(self) -> str:
        """What it would have done."""
        return f"the fold to position {self.target} would delete {self.deleted} and change {self.changed} of {self.rows} rows"

    @property
    def next_step(self) -> str:
        """How to look at it, and how to let it pass."""
        changes = (
            f"SELECT op, tx_id, count(*), min(committed_at) FROM raw WHERE table_name = '{self.table}' "
            f"AND position > {self.applied} AND position <= {self.target} GROUP BY ALL ORDER BY 3 DESC LIMIT 10"
        )
        return (
            f'look: lakehouse query "{changes}", lakehouse explain {self.table} KEY; '
            f"let it pass: lakehouse allow {self.table} --through {self.target}"
        )


class MassChange(LakehouseError):
    """A fold was braked; nothing of it is published."""

    def __init__(self, found: Braked) -> None:
        self.found = found
        super().__init__(
            f"{found.words}; nothing of it is published",
            where=f"transformed.{found.table}",
            next_step=found.next_step,
            exit_code=EXIT_DATA,
        )


def require_no_mass_change(
    spark: SparkSession, table: Table, paths: LakePaths, raw: str, found: Survey, events: FoldRange, limits: Limits
) -> None:
    """MassChange when the fold of `events` would delete or change too much of the table.

    What costs is asked last: the survey counted the events, the Delta log knows the rows; only when these leave it
    open are the range's transactions counted, and at the end the rows themselves.
    """
    whole = events.oldest_living is not None
    if not whole and found.overwriting < limits.rows:
        return
    path = paths.transformed(table.name)
    rows = deltalog.row_count(path)
    least = limits.least(rows)
    if rows < least or (not whole and found.overwriting < least):
        return
    if not whole and _in_bulk(spark, raw, table, events) < least:
        return
    (told,) = spark.sql(effect(sql.delta(path), raw, table, events)).collect()
    if told.deleted + told.changed >= least:
        braked = Braked(table.name, events.applied, events.target, told.deleted, told.changed, told.rows)
        documents.write(_place(paths, table.name, "braked"), asdict(braked))
        raise MassChange(braked)


def braked(paths: LakePaths, table: str, applied: int) -> Braked | None:
    """The fold that a table standing at `applied` waits to be allowed, None when it waits for none."""
    found = documents.read(_place(paths, table, "braked")) or {}
    waits = found.get("applied") == applied and allowed_through(paths, table) <= applied
    return Braked(**found) if waits else None


def waiting(paths: LakePaths, names: Iterable[str]) -> list[Braked]:
    """The folds of these tables that wait to be allowed now."""
    found = (braked(paths, name, folded(paths, name).applied) for name in names)
    return [fold for fold in found if fold]


def allowed_through(paths: LakePaths, table: str) -> int:
    """The position up to which folds are allowed whatever they do, NOTHING when none is."""
    return (documents.read(_place(paths, table, "allowed")) or {}).get("through", NOTHING)


def allow(paths: LakePaths, table: str, through: int) -> None:
    """Let folds up to a position pass, and no further."""
    documents.write(_place(paths, table, "allowed"), {"through": through})


def _in_bulk(spark: SparkSession, raw: str, table: Table, events: FoldRange) -> int:
    row = spark.sql(f"SELECT coalesce(sum(changes), 0) AS n FROM ({bulk(raw, table, events)})").first()
    return row.n if row else 0


def _place(paths: LakePaths, table: str, what: str) -> Path:
    return paths.root / BRAKE / f"{table}.{what}.json"
