"""Where the lake and the platform stand now; a part that does not answer is told, not raised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.progress import status
from lakehouse_assets.progress.freshness import RefinedState, Stand, refined_states, stands
from lakehouse_assets.settings import Settings

UNREACHABLE, EMPTY, BUILDING, READY = "unreachable", "empty", "building", "ready"
PAGE = "dashboard"  # the page's own service says nothing of the others
_DEAD = ("down", "failing")


@dataclass(frozen=True)
class Pulse:
    """The lake at a glance: `lake` is one of the words above, `stands` what a page's figures depend on.

    `running` says whether any other service of the stack is; None when that cannot be told.
    """

    lake: str
    stands: tuple[Stand, ...]
    refined: tuple[RefinedState, ...]
    running: bool | None

    @property
    def computed_at(self) -> datetime | None:
        """When a business table was computed last; one whose inputs stand still is not computed again."""
        return max((state.computed_at for state in self.refined), default=None)

    @property
    def late(self) -> tuple[str, ...]:
        """The source tables with changes that have waited too long for refined."""
        return tuple(sorted({name for state in self.refined for name in state.late}))


def pulse(settings: Settings) -> Pulse:
    """Look at the lake's logs and ask the supervisor; never raises."""
    paths, running = LakePaths(settings.lake), _running(settings)
    try:
        if not paths.root.is_dir():
            return Pulse(UNREACHABLE, (), (), running)
        found = stands(paths, "refined", "transformed", "quarantine", "raw")
        names = tuple(stand.name.partition(".")[2] for stand in found if stand.name.startswith("refined."))
        refined = tuple(refined_states(paths, names))
    except (OSError, ValueError, KeyError):  # removed or replaced while it was looked at
        return Pulse(UNREACHABLE, (), (), running)
    word = READY if names else BUILDING if found else EMPTY
    return Pulse(word, tuple(stand for stand in found if stand.name != "raw"), refined, running)


def platform(settings: Settings, catalog: Catalog) -> status.Seen | None:
    """Services, lag and sensor; None when not even that can be asked."""
    try:
        return status.look(settings, catalog)
    except (LakehouseError, OSError, ValueError, KeyError):
        return None


def _running(settings: Settings) -> bool | None:
    try:
        others = [service for service in status.services(settings) if service.name != PAGE]
    except (LakehouseError, OSError):
        return None
    own = [service for service in others if service.state != "external"]
    return not own or any(service.state not in _DEAD for service in own)
