"""A stack of the benchmarks' own, beside the one a person may be using."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lakehouse_assets.cli.context import Edge
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack import plan

FOLDER = Path(__file__).parents[1] / ".bench"
PORT_BASE = 15600


@contextmanager
def own_stack(folder: Path = FOLDER, only: Iterable[str] = plan.ALL, **settings: str) -> Iterator[tuple[Edge, float]]:
    """An empty stack that is up, and the seconds `up` took; stopped and removed afterwards. `settings`: more of them."""
    from lakehouse_assets.stack.up import clean, up

    words = {"HOME": folder / "home", "LAKE": folder / "lake", "PORT_BASE": PORT_BASE} | settings
    environment = {**os.environ, **{f"LAKEHOUSE_{name}": str(value) for name, value in words.items()}}
    here = Edge(load_settings(environment))
    clean(here.settings, click.echo)
    since = time.monotonic()
    try:
        up(here.settings, here.catalog, click.echo, only)
        yield here, time.monotonic() - since
    finally:
        clean(here.settings, click.echo)
        shutil.rmtree(folder, ignore_errors=True)
