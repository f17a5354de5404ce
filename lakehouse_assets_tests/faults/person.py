"""The person who lets mass changes pass: the traffic's truncates are meant."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine import brake
from lakehouse_assets.engine.positions import folded

_POLL_SECONDS = 1


@contextmanager
def allowing(catalog: Catalog, paths: LakePaths) -> Iterator[None]:
    """Allow what the brake holds back, table by table, as long as the block lasts."""
    done = threading.Event()

    def allow() -> None:
        while not done.wait(_POLL_SECONDS):
            for name in catalog.names:
                if waiting := brake.braked(paths, name, folded(paths, name).applied):
                    brake.allow(paths, name, waiting.target)

    thread = threading.Thread(target=allow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)
