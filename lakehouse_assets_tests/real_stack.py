"""One whole real stack for the tests: started once a session in a home and on ports of its own, gone at the end.

A pytest plugin: the fixture `stack` is the running stack. It stops at the end of the session, after Ctrl-C too; what a
killed session left behind is stopped by the next one.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.demo import seed
from lakehouse_assets.keys import load_keys
from lakehouse_assets.settings import PORTS_PER_STACK, REFINED_FOLDER, Settings, load_settings
from lakehouse_assets.stack import plan
from lakehouse_assets.stack.connections import Connections, connections
from lakehouse_assets.stack.up import clean, service_states, up

CATALOG = Path(__file__).parents[1] / "lakehouse.toml"
# Of the demo's ten: one of typed columns, one of texts that were read with a parameter, one of a history. Every run computes
# them; that all ten are right is shown by their cases and by `make demo`.
BUSINESS_TABLES = ("valor_total_por_morador", "inadimplencia", "valorizacao_por_tipo")
_TRIGGER_SECONDS = "1"  # what is tried does not depend on it, and every test waits for it
_VERIFY_CRON = "0 3 * * *"  # the tests verify when it is due; one more beside them proves nothing
_PREFIX = "lakehouse-test-"
_FIRST_PORT_BASE, _LAST_PORT_BASE = 21_000, 29_000


@dataclass(frozen=True)
class RealStack:
    """A running stack: its settings, catalog and addresses, and the words that make a command act on it."""

    settings: Settings
    catalog: Catalog
    links: Connections
    environment: dict[str, str]

    def pid(self, service: str) -> int | None:
        """The pid of a service, None while it is down."""
        return next(state.pid for state in service_states(self.settings) if state.name == service)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStack]:
    """The whole stack, every service healthy, with the demo's rows and a few business tables."""
    refined = tmp_path_factory.mktemp("refined")
    for name in BUSINESS_TABLES:
        shutil.copy(REFINED_FOLDER / f"{name}.sql", refined)
    with running_stack(refined=refined, seeded=True) as running:
        yield running


@contextmanager
def running_stack(
    catalog: Path = CATALOG, only: Iterable[str] = plan.ALL, *, private: bool = False, refined: Path | None = None,
    seeded: bool = False,
) -> Iterator[RealStack]:  # fmt: skip
    """A stack of its own, removed at the end. `private`: in a folder that no other user may enter. `refined`: the folder
    of its business tables in place of the demo's. `seeded`: with the demo's rows."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    folder.chmod(0o700 if private else 0o755)
    words = _words(folder, catalog) | ({"LAKEHOUSE_REFINED": str(refined)} if refined else {})
    settings = load_settings(words)
    try:
        up(settings, load_catalog(catalog), print, only, partial(_seed, settings) if seeded else None)
        yield RealStack(settings, load_catalog(catalog), connections(settings), words)
    finally:
        clean(settings, print)
        shutil.rmtree(folder)


def _seed(settings: Settings) -> None:
    seed(connections(settings).source_dsn, cipher=load_keys(settings).active)


def free_port_base() -> int:
    """The first of 20 loopback ports that nobody listens on."""
    # Two processes of the tests never begin at one place, nor near each other.
    begin = _FIRST_PORT_BASE + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4 * 100 * PORTS_PER_STACK
    for base in range(begin + os.getpid() % 97 * PORTS_PER_STACK, _LAST_PORT_BASE, PORTS_PER_STACK):
        if all(_is_free(port) for port in range(base, base + PORTS_PER_STACK)):
            return base
    raise RuntimeError("no 20 free ports in a row")


def _words(folder: Path, catalog: Path) -> dict[str, str]:
    return {
        "LAKEHOUSE_HOME": str(folder / "home"),
        "LAKEHOUSE_LAKE": str(folder / "lake"),
        "LAKEHOUSE_CATALOG": str(catalog),
        "LAKEHOUSE_PORT_BASE": str(free_port_base()),
        "LAKEHOUSE_TRIGGER_SECONDS": _TRIGGER_SECONDS,
        "LAKEHOUSE_VERIFY_CRON": _VERIFY_CRON,
        "LAKEHOUSE_CACHE": str(load_settings().cache),  # the jars are fetched once for all
    }


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not pid.isdigit() or psutil.pid_exists(int(pid)):
            continue
        with suppress(FileNotFoundError):  # another process of the tests may be at it
            if folder.stat().st_uid != os.geteuid():
                continue
            clean(
                load_settings({"LAKEHOUSE_HOME": str(folder / "home"), "LAKEHOUSE_LAKE": str(folder / "lake")}), print
            )
            shutil.rmtree(folder, ignore_errors=True)
