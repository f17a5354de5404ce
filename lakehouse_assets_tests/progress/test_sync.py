"""What a person sees while `sync` waits; that it waits for the right things is tried on the real stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from lakehouse_assets.progress import sync as sync_module


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told at every look, and no rest between two of them."""
    monkeypatch.setattr(sync_module, "TELL_SECONDS", 0)
    monkeypatch.setattr(sync_module, "POLL_SECONDS", 0)


def left_in_turn(*texts: str) -> Callable[[], str]:
    rest: Iterator[str] = iter((*texts, ""))
    return lambda: next(rest)


def test_what_is_left_is_told_until_nothing_is() -> None:
    told: list[str] = []
    assert sync_module.wait_for(left_in_turn("a, b", "b"), time.monotonic() + 600, told.append) == ""
    assert [line.rpartition(" (")[0] for line in told] == ["a, b", "b"]


def test_nothing_is_told_of_what_is_done() -> None:
    told: list[str] = []
    assert sync_module.wait_for(left_in_turn(), time.monotonic() - 1, told.append) == ""
    assert told == []


def test_who_gives_up_says_what_is_left() -> None:
    assert sync_module.wait_for(lambda: "b not folded yet", time.monotonic() - 1, print) == "b not folded yet"


def test_two_hundred_names_do_not_fill_the_screen() -> None:
    assert sync_module._few([f"t{number}" for number in range(200)]) == "t0, t1, t2, t3, t4 and 195 more"
    assert sync_module._few(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
