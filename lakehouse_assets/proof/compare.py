"""Compares rows of the source with their copies in the lake, walking both in key order in constant memory.

A row is the canonical text of each compared column, None for NULL, made by the database that holds it: equal texts
are equal values of the same type. Only keys and column names are kept: a proof is printed and logged, and a row's
other values must not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lakehouse_assets.errors import EXIT_DATA, LakehouseError
from lakehouse_assets.proof.comparable import Comparison

LISTED = 1000

Key = tuple[str, ...]
Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Difference:
    """A row that both sides have, and the columns in which they disagree."""

    key: Key
    columns: tuple[str, ...]


@dataclass
class TableProof:
    """What was found of a table with that `key`. The counts are complete; the lists hold the first 1000 of each kind.

    `missing` are in the source only, `extra` in the lake only or there more than once. `left_out_keys` were changed
    after the moment of comparison, so that the lake is right to differ. `unproven` says why nothing is known.
    """

    table: str
    key: tuple[str, ...] = ()
    source_count: int = 0
    lake_count: int = 0
    missing_count: int = 0
    extra_count: int = 0
    different_count: int = 0
    missing: list[Key] = field(default_factory=list)
    extra: list[Key] = field(default_factory=list)
    different: list[Difference] = field(default_factory=list)
    left_out_keys: frozenset[Key] = frozenset()
    not_compared: dict[str, str] = field(default_factory=dict)
    unproven: str = ""

    @property
    def equal(self) -> bool:
        """Whether both sides are known to hold the same rows."""
        return not (self.unproven or self.differences)

    @property
    def left_out(self) -> int:
        """How many keys were left out."""
        return len(self.left_out_keys)

    @property
    def differences(self) -> int:
        """How many rows are wrong in the lake."""
        return self.missing_count + self.extra_count + self.different_count

    @property
    def verdict(self) -> str:
        """`equal`, `different` or `not verified`."""
        return "not verified" if self.unproven else "different" if self.differences else "equal"

    def count_missing(self, key: Key) -> None:
        """A row the lake lacks."""
        self.missing_count += 1
        if len(self.missing) < LISTED:
            self.missing.append(key)

    def count_extra(self, key: Key) -> None:
        """A row the lake has too many."""
        self.extra_count += 1
        if len(self.extra) < LISTED:
            self.extra.append(key)


def compare(comparison: Comparison, proof: TableProof, source_rows: Iterable[Row], lake_rows: Iterable[Row]) -> None:
    """Add to `proof` what two iterators of rows differ in, each sorted by key (text by code point).

    Raises LakehouseError when an iterator is not sorted, a row has another number of columns, or the source
    holds a key twice: then the walk would prove nothing.
    """
    source = _walk(comparison, source_rows, "source")
    lake = _walk(comparison, lake_rows, "lake")
    left, right = next(source, None), next(lake, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None
            proof.count_missing(left[0])
            left = next(source, None)
        elif left is None or right[0] < left[0]:
            proof.count_extra(right[0])
            right = next(lake, None)
        else:
            _count_pair(proof, comparison, left, right)
            left, right = next(source, None), _skip_repeated(proof, lake, right[0])


def _walk(comparison: Comparison, rows: Iterable[Row], side: str) -> Iterator[tuple[Key, Row]]:
    """Every row with its key; checks what the merge relies on."""
    width, previous = len(comparison.pairs), None
    for row in rows:
        if len(row) != width:
            raise _unusable(comparison, side, f"a row has {len(row)} columns, {width} are compared")
        key = key_of(comparison, row)
        if previous is not None and key < previous:
            raise _unusable(comparison, side, "the rows are not in key order (text by code point)")
        if side == "source" and key == previous:
            raise _unusable(comparison, side, "a key comes twice, so it is no primary key")
        previous = key
        yield key, row


def key_of(comparison: Comparison, row: Row) -> Key:
    """The key of a row; a lake that lost a part of it has an empty text there."""
    return tuple(row[place] or "" for place in comparison.key_places)


def _count_pair(proof: TableProof, comparison: Comparison, source: tuple[Key, Row], lake: tuple[Key, Row]) -> None:
    pairs = zip(comparison.columns, source[1], lake[1], strict=True)
    columns = tuple(name for name, one, other in pairs if one != other)
    if columns:
        proof.different_count += 1
        if len(proof.different) < LISTED:
            proof.different.append(Difference(source[0], columns))


def _skip_repeated(proof: TableProof, lake: Iterator[tuple[Key, Row]], key: Key) -> tuple[Key, Row] | None:
    """The lake's first row behind `key`; further rows of that key are too many."""
    following = next(lake, None)
    while following is not None and following[0] == key:
        proof.count_extra(key)
        following = next(lake, None)
    return following


def _unusable(comparison: Comparison, side: str, problem: str) -> LakehouseError:
    return LakehouseError(
        problem,
        where=f"{side} {comparison.table.name}",
        next_step="nothing is proven; read both sides ordered by the catalog's key",
        exit_code=EXIT_DATA,
    )
