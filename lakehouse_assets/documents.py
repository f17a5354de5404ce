"""Small JSON documents on disk: read whole or not at all, replaced in one step."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from lakehouse_assets.errors import LakehouseError


def read(place: Path) -> dict[str, Any] | None:
    """The document, None when there is none; LakehouseError when it is damaged."""
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise LakehouseError(
            f"is no JSON: {error}", where=str(place), next_step="put it back from a copy, or remove it"
        ) from None


def write(place: Path, document: dict[str, Any]) -> None:
    """Put the document there; a reader sees the old one or the new one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
