"""Compares a source table with its copy in the lake, row for row, walking both in key order in constant memory.

Equality is exact and typed: 1.50 is not 1.5, "" is not NULL, "é" in one code point is not "é" in two.
Only keys and column names are kept: a proof is printed and logged, and a row's values must not be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lakehouse_assets.catalog import Table
from lakehouse_assets.errors import EXIT_DATA, LakehouseError

SAMPLES = 20

Key = tuple[Any, ...]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Difference:
    """A row that both sides have, and the columns in which they disagree."""

    key: Key
    columns: tuple[str, ...]


@dataclass
class TableProof:
    """What the walk found. The counts are complete; the lists hold the first 20 of each kind.

    `missing` are in the source only, `extra` in the lake only or there more than once.
    """

    table: str
    source_count: int = 0
    lake_count: int = 0
    missing_count: int = 0
    extra_count: int = 0
    different_count: int = 0
    missing: list[Key] = field(default_factory=list)
    extra: list[Key] = field(default_factory=list)
    different: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same rows."""
        return not (self.missing_count or self.extra_count or self.different_count)


def compare(table: Table, source_rows: Iterable[Row], lake_rows: Iterable[Row]) -> TableProof:
    """Compare two iterators of rows in the catalog's column order, each sorted by key (text by code point).

    Raises LakehouseError when an iterator is not sorted, a row has another number of columns, or the source
    holds a key twice: then the walk would prove nothing.
    """
    proof = TableProof(table.name)
    source = _walk(table, source_rows, "source")
    lake = _walk(table, lake_rows, "lake")
    left, right = next(source, None), next(lake, None)
    while left is not None or right is not None:
        if right is None or (left is not None and _before(left[0], right[0], table)):
            assert left is not None
            _count_missing(proof, left[0])
            left = next(source, None)
        elif left is None or _before(right[0], left[0], table):
            _count_extra(proof, right[0])
            right = next(lake, None)
        else:
            _count_pair(proof, table, left, right)
            left, right = next(source, None), _skip_repeated(proof, lake, right[0])
    return proof


def _walk(table: Table, rows: Iterable[Row], side: str) -> Iterator[tuple[Key, Row]]:
    """Every row with its key; checks what the merge relies on."""
    positions = [[column.name for column in table.columns].index(name) for name in table.key]
    previous: Key | None = None
    for row in rows:
        if len(row) != len(table.columns):
            raise _unusable(table, side, f"a row has {len(row)} columns, the catalog {len(table.columns)}")
        key = tuple(row[position] for position in positions)
        if previous is not None:
            _check_order(table, side, previous, key)
        previous = key
        yield key, row


def _check_order(table: Table, side: str, previous: Key, key: Key) -> None:
    if _before(key, previous, table):
        raise _unusable(table, side, "the rows are not in key order (text by code point)")
    if side == "source" and key == previous:
        raise _unusable(table, side, "a key comes twice, so it is no primary key")


def _before(one: Key, other: Key, table: Table) -> bool:
    try:
        return one < other
    except TypeError:
        types = " and ".join(sorted({type(value).__name__ for value in (*one, *other)}))
        raise _unusable(table, "source and lake", f"keys of types {types} cannot be compared") from None


def _count_missing(proof: TableProof, key: Key) -> None:
    proof.source_count += 1
    proof.missing_count += 1
    if len(proof.missing) < SAMPLES:
        proof.missing.append(key)


def _count_extra(proof: TableProof, key: Key) -> None:
    proof.lake_count += 1
    proof.extra_count += 1
    if len(proof.extra) < SAMPLES:
        proof.extra.append(key)


def _count_pair(proof: TableProof, table: Table, source: tuple[Key, Row], lake: tuple[Key, Row]) -> None:
    proof.source_count += 1
    proof.lake_count += 1
    pairs = zip(table.columns, source[1], lake[1], strict=True)
    columns = tuple(column.name for column, one, other in pairs if not same_value(one, other))
    if columns:
        proof.different_count += 1
        if len(proof.different) < SAMPLES:
            proof.different.append(Difference(source[0], columns))


def _skip_repeated(proof: TableProof, lake: Iterator[tuple[Key, Row]], key: Key) -> tuple[Key, Row] | None:
    """The lake's first row behind `key`; further rows of that key are too many."""
    following = next(lake, None)
    while following is not None and following[0] == key:
        _count_extra(proof, key)
        following = next(lake, None)
    return following


def same_value(one: object, other: object) -> bool:
    """Same type and same value; decimals also in scale, floats in NaN and in the sign of zero."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, float) and isinstance(other, float):
        return (one == other and math.copysign(1, one) == math.copysign(1, other)) or (
            math.isnan(one) and math.isnan(other)
        )
    return one == other


def _unusable(table: Table, side: str, problem: str) -> LakehouseError:
    return LakehouseError(
        problem,
        where=f"{side} {table.name}",
        next_step="nothing is proven; read both sides ordered by the catalog's key",
        exit_code=EXIT_DATA,
    )
