"""The person who lets mass changes pass: the traffic's truncates are meant."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine import brake

_POLL_SECONDS = 1


@contextmanager
def allowing(catalog: Catalog, paths: LakePaths) -> Iterator[None]:
    """Allow what the brake holds back, table by table, as long as the block lasts."""
    done = threading.Event()

    def allow() -> None:
        while not done.wait(_POLL_SECONDS):
            for fold in brake.waiting(paths, catalog.names):
                brake.allow(paths, fold.table, fold.target)

    thread = threading.Thread(target=allow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)
