"""The embedded PostgreSQL: makes its cluster once, keeps its configuration current, and says how to run it."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import ADMIN_ROLE
from lakehouse_assets.stack.owner import Place, place_of, prepare
from lakehouse_assets.stack.ports import LOOPBACK, Port
from lakehouse_assets.stack.service import Service

NAME = "postgres"
_OWN_CONF = "lakehouse.conf"
_INITDB_SECONDS = 120
_HBA = f"""# Written by `lakehouse up`: passwords for everybody, and nobody from elsewhere.
host all all {LOOPBACK}/32 scram-sha-256
"""


def prepare_cluster(settings: Settings, admin_password: str) -> None:
    """Make the cluster if there is none and write its configuration; LakehouseError with initdb's words."""
    place = place_of(settings.home)
    prepare(settings.home, place)
    if not (place.data / "PG_VERSION").exists():
        _initdb(place, admin_password)
    _configure(place, settings)
    _drop_stale_lock(place.data)


def service(settings: Settings) -> Service:
    """How the supervisor runs it: `postgres` itself in the foreground; INT is its fast shutdown."""
    place = place_of(settings.home)
    port = Port.POSTGRES.of(settings.port_base)
    return Service(
        name=NAME,
        command=(str(place.binaries / "postgres"), "-D", str(place.data)),
        address=f"{LOOPBACK}:{port}",
        port=port,
        directory=place.data.parent,
        user=place.user,
        stop_signal="INT",
        stop_seconds=30,
    )


def configuration(settings: Settings) -> str:
    """The text of our part of postgresql.conf."""
    return f"""# Written by `lakehouse up`; changes here are lost.
listen_addresses = '{LOOPBACK}'
port = {Port.POSTGRES.of(settings.port_base)}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
# Logical decoding is what Debezium reads; a slot that does not move may keep this much WAL, then it is invalidated.
wal_level = logical
max_wal_senders = 8
max_replication_slots = 8
max_slot_wal_keep_size = '{settings.max_slot_wal_gb}GB'
shared_buffers = '128MB'
max_wal_size = '1GB'
max_connections = 60
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] '
# Statements may hold passwords (ALTER ROLE ... PASSWORD) and rows: none of their text is logged.
log_statement = 'none'
log_min_error_statement = 'panic'
log_min_duration_statement = -1
log_parameter_max_length_on_error = 0
log_replication_commands = off
"""


def _initdb(place: Place, admin_password: str) -> None:
    partial = place.data.with_name("data.part")
    if partial.exists():
        shutil.rmtree(partial)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="lakehouse-") as password_file:
        password_file.write(admin_password + "\n")
        password_file.flush()
        if place.user:
            os.chown(password_file.name, _uid(place.user), -1)
        command = [str(place.binaries / "initdb"), "-D", str(partial), "-U", ADMIN_ROLE, "-A", "scram-sha-256"]
        command += [f"--pwfile={password_file.name}", "-E", "UTF8", "--no-instructions"]
        # The builtin provider knows upper and lower case beyond ASCII on every machine alike.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        _run_as(place, command)
    partial.rename(place.data)  # a cluster that is half made never has the final name


def _run_as(place: Place, command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            user=place.user,
            group=_gid(place.user) if place.user else None,
            extra_groups=[] if place.user else None,
            cwd=place.data.parent,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INITDB_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LakehouseError(f"initdb does not run: {error}", where=NAME) from None
    if done.returncode:
        reason = "; ".join(line.strip() for line in done.stderr.splitlines()[-3:])
        raise LakehouseError(f"initdb failed: {reason}", where=str(place.data), next_step="lakehouse doctor")


def _configure(place: Place, settings: Settings) -> None:
    main = place.data / "postgresql.conf"
    include = f"include '{_OWN_CONF}'\n"
    text = main.read_text(encoding="utf-8")
    if include not in text:
        main.write_text(text + "\n" + include, encoding="utf-8")
    for name, content in ((_OWN_CONF, configuration(settings)), ("pg_hba.conf", _HBA)):
        path = place.data / name
        path.write_text(content, encoding="utf-8")
        path.chmod(0o600)
        if place.user:
            os.chown(path, _uid(place.user), _gid(place.user))


def _drop_stale_lock(data: Path) -> None:
    # After a power cut the pid in the file may belong to anybody by now, and PostgreSQL would not start.
    lock = data / "postmaster.pid"
    match = re.match(r"\d+", lock.read_text(encoding="utf-8")) if lock.exists() else None
    if match and not _is_postgres(int(match[0])):
        lock.unlink()


def _is_postgres(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == "postgres"
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _uid(user: str) -> int:
    return pwd.getpwnam(user).pw_uid


def _gid(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
