"""What has to hold before a stack is started: folders that every part can be told, and space to write."""

from __future__ import annotations

import codecs
import locale
import shutil
from pathlib import Path

from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.settings import Settings

LEAST_FREE_BYTES = 1 << 30
# Each means something in a class path, a properties file, a config provider's reference or the supervisor's file.
_REFUSED = ":,;%${}\"'\\\n"


def require_plain_paths(settings: Settings) -> None:
    """ConfigurationError listing the folders with a character that some part's configuration cannot hold, or that Java
    does not find under the locale of now."""
    folders = {"LAKEHOUSE_HOME": settings.home, "LAKEHOUSE_CACHE": settings.cache}
    problems = [
        f"{name}: the path {str(path)!r} has {', '.join(repr(sign) for sign in _REFUSED if sign in str(path))} in it"
        for name, path in folders.items()
        if any(sign in str(path) for sign in _REFUSED)
    ]
    encoding = locale.getencoding()
    if codecs.lookup(encoding).name != "utf-8":
        problems += [
            f"{name}: the path {str(path)!r} has letters beyond ASCII, which Java finds under a UTF-8 locale only; "
            f"this one is {encoding}: set LC_ALL=C.UTF-8"
            for name, path in (folders | {"LAKEHOUSE_LAKE": settings.lake}).items()
            if not str(path).isascii()
        ]
    if problems:
        raise ConfigurationError(problems, where="environment", next_step="choose another folder")


def require_disk(home: Path) -> None:
    """LakehouseError when less than 1 GiB is free where the stack's state is."""
    free = free_bytes(home)
    if free < LEAST_FREE_BYTES:
        raise LakehouseError(
            f"only {free >> 20} MiB are free on its disk; at least {LEAST_FREE_BYTES >> 20} are needed",
            where=str(home),
            next_step="free some space, or set LAKEHOUSE_HOME to a folder on another disk",
        )


def free_bytes(home: Path) -> int:
    """Bytes free on the disk of `home`, which need not exist yet."""
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    return shutil.disk_usage(existing).free
