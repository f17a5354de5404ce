"""No figure of a small group is shown, nor one from which it follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.dashboard import floors


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
