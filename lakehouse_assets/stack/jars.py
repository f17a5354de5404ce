"""The jars that no Python package brings: listed in jars.lock with SHA-256, fetched once, checked at each start."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack import ivy

LOCK = Path(__file__).with_name("jars.lock")
SETS = ("kafka", "debezium", "spark")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    sha256: str
    set_name: str
    organisation: str
    module: str
    revision: str

    @property
    def coordinate(self) -> tuple[str, str, str]:
        """Organisation, module, revision, as Ivy wants them."""
        return (self.organisation, self.module, self.revision)

    @property
    def file_name(self) -> str:
        """The jar's name in its set's folder."""
        return f"{self.module}-{self.revision}.jar"


def read_lock(lock: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of the lock; LakehouseError with the line that cannot be read."""
    lines = enumerate(lock.read_text(encoding="utf-8").splitlines(), start=1)
    return tuple(_jar(line, f"{lock.name}:{number}") for number, line in lines if line.strip())


def _jar(line: str, where: str) -> Jar:
    words = line.split()
    coordinate = words[2].split(":") if len(words) == 3 else []
    if len(coordinate) != 3 or len(words[0]) != 64 or words[1] not in SETS:
        raise LakehouseError(
            f"expected `sha256  set  organisation:module:revision` with a set of {', '.join(SETS)}", where=where
        )
    return Jar(words[0], words[1], coordinate[0], coordinate[1], coordinate[2])


def set_folder(cache: Path, set_name: str, jars: Iterable[Jar]) -> Path:
    """The folder that holds one set; its parent holds nothing else, as Connect's plugin.path wants it."""
    lines = sorted(f"{jar.sha256} {jar.coordinate}" for jar in jars if jar.set_name == set_name)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    return cache / "jars" / f"{set_name}-{digest}" / set_name


def jar_paths(cache: Path, set_name: str, lock: Path = LOCK) -> list[Path]:
    """Where the jars of a set are, in the lock's order; they exist once `ensure_jars` has returned."""
    jars = read_lock(lock)
    folder = set_folder(cache, set_name, jars)
    return [folder / jar.file_name for jar in jars if jar.set_name == set_name]


def ensure_jars(cache: Path, say: Say, java: Path, lock: Path = LOCK) -> None:
    """Fetch what is missing and check every SHA-256; LakehouseError naming each jar that differs."""
    jars = read_lock(lock)
    with _locked(cache / "jars"):
        if any(not _place(cache, jar, jars).is_file() for jar in jars):
            _fetch(java, cache, jars, say)
        problems = check_jars(cache, lock)
    if problems:
        raise LakehouseError(
            "\n".join(["jars differ from jars.lock", *(f"  - {problem}" for problem in problems)]),
            where=str(cache / "jars"),
            next_step="delete these files and run the command again: they are fetched anew",
        )


def check_jars(cache: Path, lock: Path = LOCK) -> list[str]:
    """What is wrong with the jars in the cache: missing, different, or not in the lock; empty when all is well."""
    jars = read_lock(lock)
    problems = []
    for jar in jars:
        path = _place(cache, jar, jars)
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif (found := _sha256(path)) != jar.sha256:
            problems.append(f"{path}: SHA-256 is {found[:12]}..., locked is {jar.sha256[:12]}...")
    for set_name in SETS:
        expected = {jar.file_name for jar in jars if jar.set_name == set_name}
        found = set_folder(cache, set_name, jars).glob("*.jar")
        problems += [f"{path}: not in jars.lock" for path in found if path.name not in expected]
    return problems


def _place(cache: Path, jar: Jar, jars: Iterable[Jar]) -> Path:
    return set_folder(cache, jar.set_name, jars) / jar.file_name


@retry(retry=retry_if_exception_type(ivy.FetchError), stop=stop_after_attempt(3), wait=wait_fixed(2), reraise=True)
def _fetch(java: Path, cache: Path, jars: tuple[Jar, ...], say: Say) -> None:
    missing = [jar for jar in jars if not _place(cache, jar, jars).is_file()]
    say(f"fetching {len(missing)} jars (once; kept in {cache})")
    coordinates = sorted({jar.coordinate for jar in missing})
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache / "jars") as folder:
        try:
            ivy.fetch(java, coordinates, Path(folder))
        finally:
            _install_all(Path(folder), cache, missing, jars)


def _install_all(folder: Path, cache: Path, missing: list[Jar], jars: tuple[Jar, ...]) -> None:
    for jar in missing:
        fetched = folder / ivy.fetched_name(*jar.coordinate)
        if fetched.is_file():
            _install(fetched, _place(cache, jar, jars), jar)


def _install(fetched: Path, target: Path, jar: Jar) -> None:
    found = _sha256(fetched)
    if found != jar.sha256:
        raise LakehouseError(
            f"{':'.join(jar.coordinate)} was fetched with SHA-256 {found}, locked is {jar.sha256}; it was thrown away",
            where="jars",
            next_step="look at the proxy or mirror between this machine and the repository",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    shutil.copyfile(fetched, partial)
    os.replace(partial, target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Two stacks of one user share the cache and may start at the same moment.
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
