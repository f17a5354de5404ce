"""No figure of a small group is shown, nor one from which it follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.dashboard import floors

PATHS = st.tuples(*(st.integers(0, 3) for _ in range(3)))


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([], []),
        ([0, 0], [True, True]),
        ([5, 100], [True, True]),
        ([100, 3, 9, 7], [True, False, True, False]),  # 3 alone would be the total less the others
        ([2, 3, 50], [False, False, True]),  # together they are five
        ([1, 0, 2], [False, True, False]),
        ([4, 6], [False, False]),
    ],
)
def test_what_is_hidden(counts: list[int], shown: list[bool]) -> None:
    assert [not hide for hide in floors.hidden(counts)] == shown


@given(st.lists(st.integers(0, 40)))
def test_what_is_hidden_is_nothing_or_five_or_all_there_is(counts: list[int]) -> None:
    hide = floors.hidden(counts)
    unseen = sum(count for count, secret in zip(counts, hide, strict=True) if secret)
    assert not any(floors.small(count) for count, secret in zip(counts, hide, strict=True) if not secret)
    assert unseen == 0 or unseen >= floors.K or unseen == sum(counts)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({}, set()),
        ({("a", 1): 10, ("a", 2): 1, ("b", 1): 9}, {("a", 1), ("a", 2)}),  # 1 would be the 11 of a less the 10
        ({("a", 1): 3, ("b", 1): 8, ("c", 1): 9}, {("a",), ("a", 1), ("b",), ("b", 1)}),
        ({("a", 1): 3, ("b", 1): 2, ("c", 1): 9}, {("a",), ("a", 1), ("b",), ("b", 1)}),
        ({("a", 1): 5, ("a", 2): 6, ("b", 1): 5}, set()),
    ],
)
def test_what_is_hidden_of_parts_of_parts(counts: dict[floors.Path, int], hidden: set[floors.Path]) -> None:
    assert floors.within(counts) == hidden


@given(st.dictionaries(PATHS, st.integers(1, 12)))
def test_of_every_part_that_is_shown_what_is_hidden_is_nothing_or_five(counts: dict[floors.Path, int]) -> None:
    hide = floors.within(counts)

    def count(part: floors.Path) -> int:
        return sum(count for path, count in counts.items() if path[: len(part)] == part)

    inner: dict[floors.Path, set[floors.Path]] = {}
    for path in counts:
        for depth in range(len(path)):
            inner.setdefault(path[:depth], set()).add(path[: depth + 1])
    for whole, parts in inner.items():
        unseen = sum(map(count, parts & hide))
        if whole in hide:
            assert parts <= hide
        else:
            assert not any(map(floors.small, map(count, parts - hide)))
            assert unseen == 0 or unseen >= floors.K or unseen == sum(counts.values())
