"""Small JSON documents on disk: read whole or not at all, replaced in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
    with replacing(place, json.dumps(document, indent=1) + "\n"):
        pass


@contextmanager
def replacing(place: Path, text: str) -> Iterator[Path]:
    """A draft that holds the text, on the disk; it takes the file's place at the end of the block, or is gone."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
