"""The generated passwords of a stack: `NAME_PASSWORD=...` lines of `$LAKEHOUSE_HOME/secrets.env`, mode 0600.

The file is also a Java properties file: Connect's FileConfigProvider reads the replication password from it.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from lakehouse_assets.errors import LakehouseError

FILE_NAME = "secrets.env"
ADMIN = "POSTGRES_ADMIN_PASSWORD"
APP = "APP_PASSWORD"
REPLICATION = "REPLICATION_PASSWORD"
EXTERNAL_REPLICATION = "EXTERNAL_REPLICATION_PASSWORD"  # of LAKEHOUSE_REPLICATION_DSN, so that Connect can read it
GENERATED = (ADMIN, APP, REPLICATION)


def secrets_file(home: Path) -> Path:
    """Where the passwords of a stack are."""
    return home / FILE_NAME


def read_secrets(home: Path) -> dict[str, str]:
    """The passwords by name; empty before the first `up`. LakehouseError when others may read the file."""
    path = secrets_file(home)
    if not path.exists():
        return {}
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise LakehouseError(f"others may read it (mode {mode:04o})", where=str(path), next_step=f"chmod 600 {path}")
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.replace("\\\\", "\\") for name, value in pairs}


def ensure_secrets(home: Path, given: dict[str, str] | None = None) -> dict[str, str]:
    """Generate what is missing, once, and store `given` (passwords of external services); returns all of them."""
    known = read_secrets(home)
    generated = {name: secrets.token_hex(24) for name in GENERATED if name not in known}
    wanted = known | generated | (given or {})
    if wanted != known:
        _write(secrets_file(home), wanted)
    return wanted


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={_escaped(value)}\n" for name, value in values.items())
    os.replace(partial, path)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")  # a backslash is an escape in a properties file
