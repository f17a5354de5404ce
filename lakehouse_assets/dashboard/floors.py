"""Small groups: a figure of fewer than K households is not shown, nor one that would give it away by subtraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

K = 5
Path = tuple[Any, ...]


def small(count: int) -> bool:
    """Whether a group is so small that its figure would point at a household; nobody is nobody."""
    return 0 < count < K


def hidden(counts: Sequence[int]) -> list[bool]:
    """Which parts of a known total are hidden: the small ones, and the next larger until together they are K."""
    order = sorted((i for i, count in enumerate(counts) if count > 0), key=lambda i: counts[i])
    hide = {i for i in order if small(counts[i])}
    for i in order:
        if not hide or sum(counts[j] for j in hide) >= K:
            break
        hide.add(i)
    return [i in hide for i in range(len(counts))]


def within(counts: Mapping[Path, int]) -> set[Path]:
    """Which parts are hidden of a whole that has parts of parts, given the count of each smallest part by its path.

    Of the whole and of every part that is shown the total is known; all within a hidden part is hidden.
    """
    parts: dict[Path, dict[Path, int]] = {}  # a part before those within it
    for path, count in counts.items():
        for depth in range(len(path)):
            inner, part = parts.setdefault(path[:depth], {}), path[: depth + 1]
            inner[part] = inner.get(part, 0) + count
    hide: set[Path] = set()
    for whole, inner in parts.items():
        secret = hidden(list(inner.values()))
        hide |= {part for part, alone in zip(inner, secret, strict=True) if alone or whole in hide}
    return hide
