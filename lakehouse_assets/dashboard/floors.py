"""Small groups: a figure of fewer than K households is not shown, nor one that would give it away by subtraction."""

from __future__ import annotations

from collections.abc import Sequence

K = 5


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
