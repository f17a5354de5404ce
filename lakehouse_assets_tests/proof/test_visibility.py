"""Which transactions a snapshot sees: as PostgreSQL says, across the wrap of 32-bit transaction numbers."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.proof import Snapshot


def later(snapshot: Snapshot, *numbers: int) -> list[bool]:
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT {snapshot.later('n')} FROM (SELECT unnest(?::BIGINT[]) AS n)", [list(numbers)]
        )
        return [row[0] for row in rows.fetchall()]


def test_a_snapshot_is_read_from_postgres_text() -> None:
    assert Snapshot.parse("10:20:10,14,15") == Snapshot(10, 20, (10, 14, 15))
    assert Snapshot.parse("10:10:") == Snapshot(10, 10, ())
    with pytest.raises(ValueError):
        Snapshot.parse("10")


def test_running_and_future_transactions_are_later() -> None:
    snapshot = Snapshot(10, 20, (10, 14))
    assert later(snapshot, 9, 10, 11, 14, 19, 20, 21) == [False, True, False, True, False, True, True]


def test_a_number_of_32_bits_is_the_same_as_that_of_64() -> None:
    epoch = 7 << 32
    snapshot = Snapshot(epoch + 10, epoch + 20, (epoch + 10,))
    assert later(snapshot, 9, 10, 11, 20) == later(snapshot, *(epoch + n for n in (9, 10, 11, 20)))
    assert later(snapshot, 9, 10, 11, 20) == [False, True, False, True]


def test_numbers_that_wrapped_around_are_compared_as_postgres_does() -> None:
    top = 1 << 32
    before = Snapshot(top - 5, top - 3, (top - 5,))
    assert later(before, top - 6, top - 5, top - 4, top - 3, 3, 100) == [False, True, False, True, True, True]
    after = Snapshot(top + 4, top + 5, (top + 4,))
    assert later(after, top - 6, 3, 4, 5, 6) == [False, False, True, True, True]


@given(
    st.integers(3, 1 << 40),
    st.integers(0, 50),
    st.lists(st.integers(0, 49), max_size=5),
    st.lists(st.integers(-(1 << 31) + 100, (1 << 31) - 100), min_size=1, max_size=20),
)
def test_it_agrees_with_the_definition(xmin: int, width: int, running: list[int], around: list[int]) -> None:
    xmax = xmin + width
    snapshot = Snapshot(xmin, xmax, tuple(xmin + r for r in running if r < width))
    numbers = [xmax + a for a in around if xmax + a > 0] + [*snapshot.running] + [xmin]
    expected = [n >= xmax or n in snapshot.running for n in numbers]
    assert later(snapshot, *(n & ((1 << 32) - 1) for n in numbers)) == expected
    assert later(snapshot, *numbers) == expected
