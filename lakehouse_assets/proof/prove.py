"""The proof of one table: sums of ranges first, then a walk through those that differ, down to the key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.proof.buckets import NO_ROWS, Sum, Sums, total, unequal, without
from lakehouse_assets.proof.comparable import Comparison
from lakehouse_assets.proof.compare import LISTED, Key, Row, TableProof, compare, key_of

Keys = frozenset[Key]


class Side(Protocol):
    """A table at one moment: the source in its snapshot, or the lake at its version."""

    def sums(self) -> dict[int, Sum]:
        """Every row, counted and summed by bucket."""
        ...

    def sums_of(self, keys: Keys) -> Iterator[tuple[Key, int, Sum]]:
        """The rows of some keys (and perhaps of more), each with its bucket and its own sum."""
        ...

    def rows(self, bucket: int) -> Iterator[Row]:
        """The rows of a bucket, by key."""
        ...


def prove(comparison: Comparison, source: Side, source_sums: Sums, lake: Side, later: Keys) -> TableProof:
    """What source and lake differ in, but for the keys that changed later than the source's moment.

    Raises LakehouseError when the sums of a bucket differ and its rows do not.
    """
    lake_sums = lake.sums()
    proof = TableProof(
        comparison.table.name, comparison.table.key, total(source_sums), total(lake_sums),
        left_out_keys=later, not_compared=comparison.not_compared,
    )  # fmt: skip
    source_left, lake_left = (
        without(sums, _taken(side, later)) for side, sums in ((source, source_sums), (lake, lake_sums))
    )
    for bucket in unequal(source_left, lake_left):
        before = proof.differences
        here, there = source_left.get(bucket, NO_ROWS).rows, lake_left.get(bucket, NO_ROWS).rows
        if here and there:
            rows = (_kept(side, comparison, bucket, later) for side in (source, lake))
            compare(comparison, proof, *rows)
        else:  # every row, so that only the first keys are read
            proof.missing_count += here
            proof.extra_count += there
            side, keys = (source, proof.missing) if here else (lake, proof.extra)
            first = islice(_kept(side, comparison, bucket, later), LISTED - len(keys))
            keys += [key_of(comparison, row) for row in first]
        if proof.differences == before:
            raise LakehouseError(
                f"the sums of bucket {bucket} differ and its rows agree",
                where=comparison.table.name,
                next_step="verify again; when it says the same, source and lake are summed differently: a defect",
            )
    return proof


def _taken(side: Side, keys: Keys) -> dict[int, list[Sum]]:
    found: dict[int, list[Sum]] = defaultdict(list)
    if keys:
        for key, bucket, one in side.sums_of(keys):
            if key in keys:
                found[bucket].append(one)
    return found


def _kept(side: Side, comparison: Comparison, bucket: int, later: Keys) -> Iterator[Row]:
    return (row for row in side.rows(bucket) if key_of(comparison, row) not in later)
