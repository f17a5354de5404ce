"""One version of the lake's tables, and which keys changed after the source's moment it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.engine import canonical, deltalog
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.proof import Bounds, Comparison, Key, Row, Snapshot, Sum, bucket_count

_SAMPLE = 200_000  # keys from which the bounds of buckets are taken


@dataclass(frozen=True)
class Versions:
    """The tables' versions, and the position up to which each transformed table may have applied changes."""

    versions: dict[str, int]
    applied: dict[str, int]


def newest_versions(paths: LakePaths, tables: tuple[Table, ...]) -> Versions:
    """The newest version of each transformed table, and one of raw that holds every change in them."""
    versions = {f"transformed.{t.name}": deltalog.newest_version(paths.transformed(t.name)) for t in tables}
    applied = {t.name: folded(paths, t.name).applied for t in tables}
    return Versions(versions | {"raw": deltalog.newest_version(paths.raw)}, applied)


def bounds_of(lake: LakeReader, comparison: Comparison) -> tuple[int, Bounds]:
    """Rows of a transformed table, and bounds that split it into ranges of about a thousand rows or more."""
    view = f"transformed.{canonical.name(comparison.table.name)}"
    if f"transformed.{comparison.table.name}" not in lake.tables:
        return 0, Bounds(())
    rows: int = lake.scalar(f"SELECT count(*) FROM {view}")
    every = max(1, min(rows, _SAMPLE) // bucket_count(rows))
    first = comparison.key[0]
    answer = lake.query(f"""
      SELECT DISTINCT ON (k) t FROM (
        SELECT k, t, row_number() OVER (ORDER BY k) AS n FROM (
          SELECT {canonical.name(first.lake)} AS k, {canonical.canonical(first.source, first.lake)} AS t
          FROM {view} USING SAMPLE reservoir({_SAMPLE} ROWS) REPEATABLE (1)
        )
      ) WHERE n % {every} = 0 AND n > 1 AND k IS NOT NULL ORDER BY k
    """)
    return rows, Bounds(tuple(row[0] for row in answer.rows))


def changed_later(
    lake: LakeReader, comparison: Comparison, snapshot: Snapshot, after: int, before: int, until: int
) -> frozenset[Key] | None:
    """Keys with a change that the snapshot does not see, at positions in (after, until]; None when all may have one.

    A truncate and a full snapshot touch every row. A change without a transaction is an incremental snapshot's: the
    connector selected it, so the moment sees it when raw held it `before` the moment was taken, and else may not.
    """
    table = comparison.table.name
    unseen = f"""
      FROM raw WHERE table_name = {canonical.text(table)} AND position > {after} AND position <= {until}
      AND op <> '{Op.UNKNOWN}' AND coalesce({snapshot.later("tx_id")}, position > {before})
    """
    whole = f"op = '{Op.TRUNCATE}' OR (op = '{Op.SNAPSHOT}' AND snapshot <> 'incremental')"
    if lake.scalar(f"SELECT count(*) FROM (SELECT 1 {unseen} AND ({whole}) LIMIT 1)"):
        return None
    parts = [canonical.from_message(pair.source, "key") for pair in comparison.key]
    found = lake.query(f"SELECT DISTINCT {', '.join(parts)} {unseen} AND json_valid(key)")
    return frozenset(row for row in found.rows if None not in row)


@dataclass(frozen=True)
class LakeTable:
    """One transformed table at its version: the lake's side of a proof."""

    lake: LakeReader
    comparison: Comparison
    bounds: Bounds

    def sums(self) -> dict[int, Sum]:
        """Every row, counted and summed by bucket."""
        answer = self.lake.query(
            f"SELECT bucket, count(*), sum(first), sum(second) FROM ({self._digests()}) GROUP BY 1", self._parameters
        )
        return {row[0]: Sum(row[1], int(row[2]), int(row[3])) for row in answer.rows}

    def sums_of(self, keys: frozenset[Key]) -> Iterator[tuple[Key, int, Sum]]:
        """The rows of some keys, each with its bucket and its own sum."""
        wanted = ", ".join(f"unnest(CAST(? AS VARCHAR[])) AS {name}" for name in self._keys)
        columns = [list(part) for part in zip(*keys, strict=True)]
        only = f"SEMI JOIN (SELECT {wanted}) USING ({', '.join(self._keys)})"
        answer = self.lake.query(self._digests(only), [*columns, *self._parameters])
        width = len(self._keys)
        for row in answer.rows:
            yield row[:width], row[width], Sum(1, row[width + 1], row[width + 2])

    def rows(self, bucket: int) -> Iterator[Row]:
        """The rows of a bucket, by key."""
        low, high = self.bounds.range(bucket)
        first = self.comparison.key[0]
        value, kind = canonical.name(first.lake), canonical.typed(first.source)
        conditions, parameters = [], []
        for sign, edge in ((">=", low), ("<", high)):
            if edge is not None:
                conditions.append(f"{value} {sign} CAST(? AS {kind})")
                parameters.append(edge)
        where = " AND ".join(conditions) or "true"
        return self.lake.rows(
            f"SELECT {', '.join(canonical.texts(self.comparison))} FROM {self._view} "
            f"WHERE ({where}) {'' if low else f'OR {value} IS NULL'} "
            f"ORDER BY {', '.join(canonical.key_texts(self.comparison))}",
            parameters,
        )

    def _digests(self, only: str = "") -> str:
        """SQL of every row's key texts, bucket and two numbers; its last parameter is the bounds, given twice."""
        first = self.comparison.key[0]
        kind, keys = canonical.typed(first.source), ", ".join(self._keys)
        texts = canonical.key_texts(self.comparison)
        parts = ", ".join(f"{text} AS {name}" for text, name in zip(texts, self._keys, strict=True))
        one, two = canonical.numbers("digest")
        return f"""
          SELECT {keys}, coalesce(bucket, 0) AS bucket, first, second FROM (
            SELECT {keys}, k, {one} AS first, {two} AS second FROM (
              SELECT {keys}, CAST({canonical.name(first.lake)} AS {kind}) AS k, {canonical.digest(self.comparison)} AS digest
              FROM (SELECT *, {parts} FROM {self._view}) {only})
          ) r ASOF LEFT JOIN (
            SELECT unnest(CAST(? AS {kind}[])) AS low, unnest(range(1, len(CAST(? AS VARCHAR[])) + 1)) AS bucket
          ) b ON r.k >= b.low
        """

    @property
    def _parameters(self) -> list[Any]:
        return [list(self.bounds.texts)] * 2

    @property
    def _keys(self) -> list[str]:
        return [f"_key_text{i}" for i in range(len(self.comparison.key))]

    @property
    def _view(self) -> str:
        return f"transformed.{canonical.name(self.comparison.table.name)}"
