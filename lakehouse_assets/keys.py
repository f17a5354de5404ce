"""The keys of protected columns: from `LAKEHOUSE_KEYS` or a file that only its owner may read, never from the catalog.

Each key has a name (`kid`) that stands before whatever it made. Every key listed is live; the last one makes new tokens.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.settings import Settings

KEY_BYTES = 32
FILE_NAME = "keys.env"
_NEXT = "lakehouse keys new makes a right one"
_KID = re.compile(r"[A-Za-z0-9_.-]{1,32}")


@dataclass(frozen=True)
class Key:
    """A key and its name; the key is not shown."""

    kid: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if problems := _problems(self.kid, self.key):
            raise ConfigurationError(problems, where="key")


@dataclass(frozen=True)
class Keys:
    """The live keys, oldest first."""

    live: tuple[Key, ...] = ()

    @property
    def active(self) -> Key | None:
        """The key that makes new tokens; None when there is no key."""
        return self.live[-1] if self.live else None


NO_KEYS = Keys()


def keys_file(settings: Settings) -> Path:
    """Where a stack's keys are when they are not in the environment."""
    return settings.keys_file or settings.home / FILE_NAME


def load_keys(settings: Settings) -> Keys:
    """The live keys, none when none were made; ConfigurationError listing every problem, never a key."""
    if settings.keys is not None:
        return _read(settings.keys.get_secret_value().split(","), "LAKEHOUSE_KEYS")
    path = keys_file(settings)
    if not path.exists():
        return NO_KEYS
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(
            [f"others may read it (mode {mode:04o})"], where=str(path), next_step=f"chmod 600 {path}"
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigurationError(["not UTF-8 text"], where=str(path), next_step=_NEXT) from None
    return _read(lines, str(path))


def ensure_keys(settings: Settings) -> Keys:
    """The live keys; the first one is made when nobody gave any."""
    known = load_keys(settings)
    return known if known.live else Keys((add_key(settings, "k1"),))


def add_key(settings: Settings, kid: str) -> Key:
    """Make a key and append it to the file: it is the active one from now on; the others stay live."""
    if settings.keys is not None:
        raise LakehouseError(
            "the keys come from the environment",
            where="LAKEHOUSE_KEYS",
            next_step="add a line `kid=base64 of 32 bytes` there, last",
        )
    known = load_keys(settings)
    if any(key.kid == kid for key in known.live):
        raise LakehouseError(
            f"there is a key {kid} already", where=str(keys_file(settings)), next_step="choose another kid"
        )
    key = Key(kid, secrets.token_bytes(KEY_BYTES))
    _write(keys_file(settings), (*known.live, key))
    return key


def _read(lines: list[str], where: str) -> Keys:
    problems: list[str] = []
    found: list[Key] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        kid, _, text = line.strip().partition("=")
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            problems.append(f"entry {number}: not `kid=base64`")
            continue
        wrong = _problems(kid, key)
        if any(k.kid == kid for k in found):
            wrong.append(f"kid {kid} comes twice")
        problems += [f"entry {number}: {problem}" for problem in wrong]
        if not wrong:
            found.append(Key(kid, key))
    if problems:
        raise ConfigurationError(problems, where=where, next_step=_NEXT)
    return Keys(tuple(found))


def _problems(kid: str, key: bytes) -> list[str]:
    problems = []
    if not _KID.fullmatch(kid):
        problems.append("the kid must be 1 to 32 letters, digits, dots, hyphens or underscores")
    if len(key) != KEY_BYTES:
        problems.append(f"the key has {len(key)} bytes; it must have {KEY_BYTES}")
    return problems


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{key.kid}={base64.b64encode(key.key).decode('ascii')}\n" for key in keys)
    os.replace(partial, path)
