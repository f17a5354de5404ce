"""A small disk of its own for a stack, in memory, that can be filled to the last block while everything writes to it."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIZE = "1536m"
_PIECES = (16 << 20, 1 << 20, 4096)


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """Where temporary folders are made meanwhile; None, and no change, on a machine that lets nobody mount one."""
    folder, usual = tempfile.mkdtemp(prefix="lakehouse-disk-"), tempfile.tempdir
    os.chmod(folder, 0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=755", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        os.rmdir(folder)
        yield None
        return
    tempfile.tempdir = folder
    try:
        yield Path(folder)
    finally:
        tempfile.tempdir = usual
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a block is free on the disk until the block ends."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb") as file:
            for piece in _PIECES:
                _fill(file.fileno(), piece)
        yield
    finally:
        ballast.unlink()


def _fill(file: int, piece: int) -> None:
    size = os.fstat(file).st_size
    while True:
        try:
            os.posix_fallocate(file, size, piece)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return
        size += piece
