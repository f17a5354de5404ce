"""When each refined table was computed, and whether what reached raw a while ago is missing in it; from the lake alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.positions import exists, floors, folded
from lakehouse_assets.engine.reader import places
from lakehouse_assets.engine.refined import note_of

LATE_SECONDS = 180  # twice what a change takes at worst while all is well


@dataclass(frozen=True)
class RefinedState:
    """One refined table: when it was computed, and the source tables of which it lacks changes.

    `behind` lacks any that transformed has; `late` lacks one that raw has had for LATE_SECONDS.
    """

    name: str
    computed_at: datetime
    behind: tuple[str, ...]
    late: tuple[str, ...]


@dataclass(frozen=True)
class Stand:
    """The newest commit of a table: its version, and when it was written (ns), which tells a lake made anew."""

    name: str
    version: int
    written_ns: int


def stands(paths: LakePaths, *layers: str) -> tuple[Stand, ...]:
    """Where each table of the layers stands; a cheap answer to whether anything changed. OSError when it cannot be read."""
    known = places(paths)
    return tuple(_stand(name, place) for name, place in known.items() if name.split(".")[0] in layers)


def refined_states(paths: LakePaths, names: tuple[str, ...]) -> list[RefinedState]:
    """The state of the refined tables of these names that were computed."""
    long_ago = floors(paths, int((time.time() - LATE_SECONDS) * 1000))
    return [state for name in names if (state := _state(paths, name, long_ago))]


def _state(paths: LakePaths, name: str, long_ago: dict[str, int]) -> RefinedState | None:
    for commit in deltalog.commits_backwards(paths.refined(name)):
        inputs: dict[str, int] | None = note_of(commit).get("inputs")
        if inputs is None:
            continue
        behind = [t for t, held in inputs.items() if exists(paths.transformed(t)) and folded(paths, t).applied > held]
        late = [t for t, held in inputs.items() if long_ago.get(t, NOTHING) > held]
        return RefinedState(name, datetime.fromtimestamp(commit.timestamp_ms / 1000, UTC), tuple(behind), tuple(late))
    return None


def _stand(name: str, place: Path) -> Stand:
    version = deltalog.newest_version(place)
    log = place / "_delta_log"
    commit = log / f"{version:020d}.json"
    return Stand(name, version, (commit if commit.exists() else log).stat().st_mtime_ns)
