"""Rows counted and summed by range of the key: equal sums are equal rows, so only unequal ranges are looked into.

A row's two numbers are halves (60 bits each) of the MD5 of its canonical texts. Sums neither care for the order of the
rows nor forget that one is there twice, and a row can be taken out of them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

ROWS_A_BUCKET, MOST_BUCKETS = 1000, 4000


class Sum(NamedTuple):
    """How many rows, and the sums of their two numbers."""

    rows: int
    first: int
    second: int

    def without(self, other: Sum) -> Sum:
        """The sum when the other's rows are taken out."""
        return Sum(self.rows - other.rows, self.first - other.first, self.second - other.second)


NO_ROWS = Sum(0, 0, 0)
Sums = Mapping[int, Sum]


class Bounds(NamedTuple):
    """Ascending texts of the first key column: bucket 0 is below the first, bucket n from the n-th on."""

    texts: tuple[str, ...]

    def range(self, bucket: int) -> tuple[str | None, str | None]:
        """From (inclusive) and to (exclusive) of a bucket; None where it is open."""
        low = self.texts[bucket - 1] if bucket else None
        return low, self.texts[bucket] if bucket < len(self.texts) else None


def bucket_count(rows: int) -> int:
    """Into how many buckets a table of that size is split."""
    return max(1, min(rows // ROWS_A_BUCKET, MOST_BUCKETS))


def total(sums: Sums) -> int:
    """Rows in all buckets."""
    return sum(found.rows for found in sums.values())


def without(sums: Sums, taken: Mapping[int, list[Sum]]) -> dict[int, Sum]:
    """The sums when rows are taken out of their buckets."""
    left = defaultdict(lambda: NO_ROWS, sums)
    for bucket, found in taken.items():
        for one in found:
            left[bucket] = left[bucket].without(one)
    return dict(left)


def unequal(source: Sums, lake: Sums) -> list[int]:
    """The buckets whose rows differ, in order."""
    return [b for b in sorted({*source, *lake}) if source.get(b, NO_ROWS) != lake.get(b, NO_ROWS)]
