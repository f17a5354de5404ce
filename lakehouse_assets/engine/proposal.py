"""What each rule would make of the texts that raw holds of a column: the ground for proposing one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.rules import Rule, parse_rule
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine.positions import newest_cut
from lakehouse_assets.engine.values import read_texts
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.normalisation.reading import Status

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DISTINCT_TEXTS = 2_000
NULL_WORD = "null word"
LEAST_READ = 0.8  # of the texts a proposed rule must read
CANDIDATES: tuple[dict[str, object], ...] = (
    {"rule": "date"}, {"rule": "date", "order": "dmy"}, {"rule": "date", "order": "mdy"},
    *({"rule": "date", "format": [name]} for name in ("ddMMyyyy", "yyyyMMdd", "ddMMyy", "epoch_s", "epoch_ms", "excel", "month")),
    {"rule": "amount"}, {"rule": "amount", "decimal": "comma"}, {"rule": "amount", "decimal": "dot"},
    {"rule": "amount", "implied_decimals": 2},
)  # fmt: skip


class Candidate(NamedTuple):
    """A rule as a catalog writes it, and how many texts get which status under it."""

    entry: dict[str, object]
    statuses: dict[str, int]

    @property
    def good(self) -> tuple[int, int]:
        """Texts that get a value, and among them those without an assumption."""
        ok = self.statuses.get(Status.OK, 0)
        return ok + self.statuses.get(Status.ASSUMED, 0), ok


class Profile(NamedTuple):
    """The texts of one column under every candidate, best first, and the one to propose (None: no rule fits)."""

    column: Column
    texts: int
    candidates: list[Candidate]
    best: Candidate | None


def require_in_raw(table: Table, paths: LakePaths) -> None:
    """LakehouseError while raw holds no change of the table, from which nothing can be proposed."""
    if newest_cut(paths).position(table.name) == NOTHING:
        raise LakehouseError(
            "raw holds nothing of it yet", where=table.name, next_step="lakehouse up, then lakehouse sync"
        )


def profile(
    spark: SparkSession, table: Table, paths: LakePaths, columns: tuple[Column, ...], say: Callable[[str], None]
) -> list[Profile]:
    """Profile the columns over the newest texts in raw."""
    found = []
    for number, column in enumerate(columns, 1):
        say(f"{number}/{len(columns)}: {table.name}.{column.name}")
        found.append(_profile(spark, column, _texts(spark, table, paths, column)))
    return found


def _texts(spark: SparkSession, table: Table, paths: LakePaths, column: Column) -> dict[str, int]:
    after = sql.struct_of_texts((column.name,))
    rows = spark.sql(f"""
      SELECT text, count(*) AS n FROM (
        SELECT from_json(value, {sql.text(f"struct<after: {after}>")}).after.{sql.name(column.name)} AS text
        FROM {sql.delta(paths.raw)} WHERE table_name = {sql.text(table.name)} AND op IN ('insert', 'update', 'snapshot')
      ) WHERE text IS NOT NULL GROUP BY text ORDER BY n DESC, text LIMIT {DISTINCT_TEXTS}
    """).collect()
    return {row.text: row.n for row in rows}


def _profile(spark: SparkSession, column: Column, texts: dict[str, int]) -> Profile:
    candidates = [Candidate(entry, _statuses(spark, _rule(entry), texts)) for entry in CANDIDATES] if texts else []
    # Among equals the rule of now, else the first, which says the least.
    candidates.sort(key=lambda c: (*c.good, _rule(c.entry) == column.rule), reverse=True)
    total = sum(texts.values())
    told = total - candidates[0].statuses.get(NULL_WORD, 0) if candidates else 0
    best = candidates[0] if told and candidates[0].good[0] >= LEAST_READ * told else None
    return Profile(column, total, candidates, best)


def _rule(entry: dict[str, object]) -> Rule:
    rule = parse_rule(entry)
    assert rule is not None
    assert not isinstance(rule, list)
    return rule


def _statuses(spark: SparkSession, rule: Rule, texts: dict[str, int]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    read = read_texts(spark, [(text, rule) for text in texts])
    for n, value in zip(texts.values(), read, strict=True):
        # A null word tells nothing about the form of the others.
        counts[NULL_WORD if value.value is None and value.status == Status.OK else value.status] += n
    return dict(counts)
