"""Sums find the ranges that differ, the walk the keys in them; what changed later is left out and nothing else is."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.proof import Bounds, Comparison, Key, Row, Sum, TableProof, bucket_count, comparison, prove
from lakehouse_assets.proof.buckets import NO_ROWS
from lakehouse_assets.proof.compare import key_of
from lakehouse_assets_tests.proof.tables import table

PAIRS = comparison(table("id", id="text", v="text", w="text"))
BOUNDS = Bounds(("d", "h", "p"))


@dataclass
class Rows:
    """A side that holds its rows in memory; `read` are the buckets that were walked through."""

    held: list[Row]
    read: list[int] = field(default_factory=list)

    def sums(self) -> dict[int, Sum]:
        found: dict[int, Sum] = defaultdict(lambda: NO_ROWS)
        for row in self.held:
            bucket, one = self._sum(row)
            found[bucket] = Sum(*(a + b for a, b in zip(found[bucket], one, strict=True)))
        return dict(found)

    def sums_of(self, keys: frozenset[Key]) -> Iterator[tuple[Key, int, Sum]]:
        for row in self.held:  # more than was asked for, as the source may give
            yield key_of(PAIRS, row), *self._sum(row)

    def rows(self, bucket: int) -> Iterator[Row]:
        self.read.append(bucket)
        return iter(sorted((row for row in self.held if self._sum(row)[0] == bucket), key=lambda row: str(row[0])))

    def _sum(self, row: Row) -> tuple[int, Sum]:
        digest = hashlib.sha256(repr(row).encode()).digest()
        bucket = sum(str(row[0]) >= bound for bound in BOUNDS.texts)
        return bucket, Sum(1, int.from_bytes(digest[:7]), int.from_bytes(digest[7:14]))


def proven(source: list[Row], lake: list[Row], later: frozenset[Key] = frozenset()) -> TableProof:
    side = Rows(source)
    return prove(PAIRS, side, side.sums(), Rows(lake), later)


def rows(keys: str, value: str = "1") -> list[Row]:
    return [(key, value, None) for key in keys]


def test_equal_buckets_are_not_looked_into() -> None:
    source, lake = Rows(rows("abefijqr")), Rows(rows("abefjqr"))
    proof = prove(PAIRS, source, source.sums(), lake, frozenset())
    assert proof.missing == [("i",)]
    assert (source.read, lake.read) == ([2], [2])
    assert (proof.source_count, proof.lake_count) == (8, 7)


def test_a_key_that_changed_later_is_left_out_and_counted() -> None:
    lake = rows("abc") + rows("e", "newer") + rows("z")
    proof = proven(rows("abcdef"), lake, frozenset({("d",), ("e",), ("f",), ("z",), ("nowhere",)}))
    assert proof.equal
    assert proof.left_out == 5


def test_a_difference_beside_a_key_that_changed_later_is_found() -> None:
    proof = proven(rows("abcde"), rows("ab") + rows("c", "wrong") + rows("d", "newer"), frozenset({("d",)}))
    assert [difference.key for difference in proof.different] == [("c",)]
    assert proof.missing == [("e",)]


def test_an_empty_lake_lacks_every_row_and_is_counted_without_reading_them_all() -> None:
    proof = proven([(f"{n:05}", None, None) for n in range(5000)], [])
    assert (proof.missing_count, len(proof.missing)) == (5000, 1000)
    assert proof.missing[0] == ("00000",)


def test_a_row_that_is_there_twice_is_found_by_its_sum() -> None:
    assert proven(rows("abc"), rows("abbc")).extra == [("b",)]


def test_sums_that_differ_over_rows_that_agree_are_a_defect_and_told() -> None:
    side = Rows(rows("abc"))
    with pytest.raises(LakehouseError, match="sums of bucket 0 differ and its rows agree"):
        prove(PAIRS, side, {0: Sum(3, 1, 1)}, Rows(rows("abc")), frozenset())


def test_buckets_are_ranges_and_their_number_is_bounded() -> None:
    assert [BOUNDS.range(bucket) for bucket in range(4)] == [(None, "d"), ("d", "h"), ("h", "p"), ("p", None)]
    assert [bucket_count(rows) for rows in (0, 999, 1_000_000, 1 << 30)] == [1, 1, 1000, 4000]


_KEYS = st.sampled_from([chr(c) for c in range(97, 117)])
_SIDE = st.dictionaries(_KEYS, st.tuples(st.sampled_from([None, "", "1"]), st.sampled_from([None, "x"])))


@settings(max_examples=300)
@given(_SIDE, _SIDE, st.lists(_KEYS, max_size=3), st.frozensets(_KEYS, max_size=5))
def test_the_proof_agrees_with_two_dictionaries(
    source: dict[str, tuple[str | None, ...]],
    lake: dict[str, tuple[str | None, ...]],
    twice: list[str],
    later: frozenset[str],
) -> None:
    doubled = Counter(key for key in twice if key in lake)
    held = [(key, *lake[key]) for key in lake for _ in range(1 + doubled[key])]
    proof = proven([(key, *row) for key, row in source.items()], held, frozenset((key,) for key in later))
    here, there = ({k: v for k, v in side.items() if k not in later} for side in (source, lake))
    assert set(proof.missing) == {(key,) for key in here.keys() - there.keys()}
    surplus = Counter({(key,): n for key, n in doubled.items() if key not in later})
    assert Counter(proof.extra) == Counter((key,) for key in there.keys() - here.keys()) + surplus
    assert {d.key for d in proof.different} == {(k,) for k in here.keys() & there.keys() if here[k] != there[k]}
    assert proof.equal == (here == there and not surplus)


def test_protected_columns_are_told_and_a_protected_key_is_an_obstacle() -> None:
    whole = table("id", id="integer", cpf="text")
    without = Comparison(whole, comparison(whole).pairs[:1])
    assert without.not_compared == {"cpf": "protected"}
    assert without.obstacle == ""
    assert Comparison(whole, comparison(whole).pairs[1:]).obstacle == "key column id is protected"
    precise = replace(table("n", n="numeric(9,2)").column("n"), encoding="precise")
    assert "as bytes" in comparison(replace(table("n", n="numeric(9,2)"), columns=(precise,))).obstacle
    assert "floating-point" in comparison(table("id", id="real")).obstacle
