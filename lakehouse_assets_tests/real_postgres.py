"""One real PostgreSQL for the tests: the stack's own cluster, on a free loopback port, gone at the end."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.postgres import APPLICATION_ROLE, REPLICATION_ROLE, bootstrap, connect
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack import owner, postgres
from lakehouse_assets.stack.connections import ADMIN_ROLE

START_SECONDS = 30
_CATALOG = Path(__file__).parents[1] / "lakehouse.toml"
# Passwords that need quoting wherever they are put.
_PASSWORDS = {APPLICATION_ROLE: "a'p p\\@/%", REPLICATION_ROLE: "r'e p\\@/%"}
# Nothing of a test survives it, so nothing is flushed; a slot is lost after little, so that losing one is quick.
_OPTIONS = {"fsync": "off", "max_wal_size": "256MB", "max_slot_wal_keep_size": "64MB"}


@contextmanager
def running_postgres(*, wal_level: str = "logical") -> Iterator[str]:
    """A server's superuser URL to database `postgres`; stopped, and its data removed, at the end."""
    home = Path(tempfile.mkdtemp(prefix="lakehouse-postgres-"))
    # Entered by the unprivileged user that the stack runs PostgreSQL as under root.
    home.chmod(0o711)
    settings = load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_PORT_BASE": str(_free_port())})
    password = secrets.token_urlsafe(24)
    dsn = f"postgresql://{ADMIN_ROLE}:{password}@127.0.0.1:{settings.port_base}/postgres"
    try:
        postgres.prepare_cluster(settings, password)
        with _process(settings, _OPTIONS | {"wal_level": wal_level}, dsn):
            yield dsn
    finally:
        owner.remove_outside(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_admin_dsn() -> Iterator[str]:
    """The superuser URL of one server for the whole test session."""
    with running_postgres() as dsn:
        yield dsn


@contextmanager
def _process(settings: Settings, options: dict[str, str], dsn: str) -> Iterator[None]:
    service = postgres.service(settings)
    command = [*service.command, *(part for name, value in options.items() for part in ("-c", f"{name}={value}"))]
    log = settings.home / "postgres.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=service.directory, user=service.user, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait(process, dsn, log)
        yield
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: its data is thrown away
        process.wait(START_SECONDS)


def _wait(process: subprocess.Popen[bytes], dsn: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            connect(dsn).close()
            return
        except LakehouseError:
            time.sleep(0.05)
    pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Source:
    """A database made by `bootstrap` on that server, with the DSNs of its three roles."""

    admin: str
    application: str
    replication: str
    catalog: Catalog

    def bootstrap(self, catalog: Catalog) -> None:
        """Run the set-up again, as the next `up` does, for that catalog."""
        database = parse_dsn(self.admin)["dbname"]
        bootstrap(
            make_dsn(self.admin, dbname="postgres"),
            database=database,
            app_password=_PASSWORDS[APPLICATION_ROLE],
            replication_password=_PASSWORDS[REPLICATION_ROLE],
            catalog=catalog,
        )


def new_source(admin_dsn: str, catalog: Catalog | None = None) -> Source:
    """A database of its own, from the repository's catalog unless another is given; its slot has a name of its own."""
    database = f"source_{secrets.token_hex(4)}"
    catalog = replace(catalog or load_catalog(_CATALOG), slot=f"slot_{database}")
    dsns = (make_dsn(admin_dsn, dbname=database, user=role, password=word) for role, word in _PASSWORDS.items())
    source = Source(make_dsn(admin_dsn, dbname=database), *dsns, catalog)
    source.bootstrap(catalog)
    return source
