"""Waits for what is about to be true."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    """Return once `true()`; fails when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not become true"
        time.sleep(0.1)
