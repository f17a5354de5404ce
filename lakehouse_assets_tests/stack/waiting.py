"""Waits for what is about to be true, and for what a stack is about to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lakehouse_assets import continuity
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.gateways import connect, postgres
from lakehouse_assets.stack.connector import connector_name
from lakehouse_assets_tests.real_stack import RealStack

HALT_SECONDS = 300


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    """Return once `true()`; fails when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not become true"
        time.sleep(0.2)


def halted(paths: LakePaths) -> str:
    """Why the stream is halted, once it is."""

    def stopped() -> bool:
        halt = continuity.read_halt(paths)
        return halt is not None and halt.stopped

    eventually(stopped, HALT_SECONDS)
    halt = continuity.read_halt(paths)
    return halt.text if halt else ""


@contextmanager
def connector_away(stack: RealStack) -> Iterator[None]:
    """The connector is stopped and its slot free; it goes on afterwards."""
    url, name = stack.links.connect_url, connector_name(stack.catalog)
    connect.stop(url, name)
    eventually(lambda: connect.connector_status(url, name).state == "STOPPED", 120)
    eventually(lambda: not postgres.slot_state(stack.links.checking_dsn, stack.catalog.slot).active, 120)
    try:
        yield
    finally:
        connect.resume(url, name)
