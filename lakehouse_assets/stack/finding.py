"""What the doctor looks at and what he says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.service import ServiceState

UP = "lakehouse up"


@dataclass(frozen=True)
class Finding:
    """One line of `doctor`; `fix` is the command, SQL or setting that mends what is not ok."""

    area: str
    ok: bool
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Patient:
    """The stack that is looked at."""

    settings: Settings
    catalog: Catalog
    links: Connections
    states: Mapping[str, ServiceState]
    environ: Mapping[str, str]


def broken(area: str, error: LakehouseError) -> Finding:
    """The finding of a part whose look failed."""
    where = f"{error.where}: " if error.where else ""
    return Finding(area, False, f"{where}{error.problem}", error.next_step)
