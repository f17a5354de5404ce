"""Small JSON files that are kept beside the lake's layers: what is known of a table and is no data."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PROOF, BRAKE = "_proof", "_brake"  # folders of a lake: what is proven of its tables, and what waits for a person


def read(place: Path) -> dict[str, Any]:
    """The object in a file; {} when there is none that can be read."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(place: Path, found: dict[str, Any]) -> None:
    """Replace the file in one step; one that says the same is left alone."""
    if read(place) == found:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(found) + "\n", encoding="utf-8")
    draft.replace(place)
