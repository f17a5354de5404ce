"""What the lake knows of its stream: two small JSON files beside its layers, each replaced in one step."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lakehouse_assets import documents
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity.identity import UNKNOWN_IDENTITY, Break, Identity, Kind
from lakehouse_assets.continuity.wal import WalGuard

FOLDER = "_stream"


@dataclass(frozen=True)
class Halt:
    """Why the stream does not go on, since when (ISO time), and whether the engine has put it down already."""

    breaks: tuple[Break, ...]
    since: str
    stopped: bool = False

    @property
    def text(self) -> str:
        """The reasons in one line."""
        return "; ".join(b.reason for b in self.breaks)

    def of(self, table: str) -> tuple[Break, ...]:
        """What concerns a table."""
        return tuple(b for b in self.breaks if table in b.tables)


@dataclass(frozen=True)
class StreamState:
    """`halt` is None while the stream may run, `wal` when the source does not answer or has no slot yet."""

    halt: Halt | None
    wal: WalGuard | None


def known_identity(paths: LakePaths) -> Identity:
    """What the lake was made from; UNKNOWN_IDENTITY before the first look. A damaged file is an error, never a guess."""
    found = documents.read(_place(paths, "identity"))
    return Identity(**found) if found else UNKNOWN_IDENTITY


def remember(paths: LakePaths, identity: Identity) -> None:
    """Keep the identity with the lake."""
    documents.write(_place(paths, "identity"), asdict(identity))


def read_halt(paths: LakePaths) -> Halt | None:
    """The halt in force; None when the stream may run."""
    found = documents.read(_place(paths, "halt"))
    if not found:
        return None
    breaks = tuple(Break(Kind(b["kind"]), tuple(b["tables"]), b["reason"]) for b in found["breaks"])
    return Halt(breaks, found["since"], found["stopped"])


def halt(paths: LakePaths, breaks: tuple[Break, ...], *, stopped: bool = False) -> Halt:
    """Put a halt in force, or tell of the one in force that the stream is down."""
    before = read_halt(paths)
    since = before.since if before else datetime.now(UTC).isoformat(timespec="seconds")
    known = before.breaks if before else ()
    whole = Halt(
        (*known, *(b for b in breaks if b not in known)), since, stopped or (before is not None and before.stopped)
    )
    documents.write(_place(paths, "halt"), asdict(whole))
    return whole


def clear_halt(paths: LakePaths) -> None:
    """Let the stream run again."""
    _place(paths, "halt").unlink(missing_ok=True)


def _place(paths: LakePaths, name: str) -> Path:
    return paths.root / FOLDER / f"{name}.json"
