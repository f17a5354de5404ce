"""How far the stream has read: the offsets its checkpoint says are committed or planned, without asking Spark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lakehouse_assets import documents

_START = "start.json"  # ours, in Spark's folder: where a checkpoint without a batch begins


def committed_offsets(checkpoint: Path) -> dict[str, int]:
    """Topic -> next offset to read; where the checkpoint begins before the first batch, {} when that is the beginning.

    A batch is committed when `commits/<n>` exists; its end offsets are the last line of `offsets/<n>`.
    """
    return _offsets_of(checkpoint, "commits")


def planned_offsets(checkpoint: Path) -> dict[str, int]:
    """The same of the batch that was begun last: what raw may hold already when it was broken off."""
    return _offsets_of(checkpoint, "offsets")


def start_offsets(checkpoint: Path) -> dict[str, int]:
    """Where the checkpoint begins, as `write_start` said; {} for the beginning."""
    return documents.read(checkpoint / _START) or {}


def write_start(checkpoint: Path, offsets: Mapping[str, int]) -> None:
    """Make a checkpoint whose stream begins at these offsets, by topic."""
    documents.write(checkpoint / _START, dict(offsets))


def _offsets_of(checkpoint: Path, log: str) -> dict[str, int]:
    batches = [int(path.name) for path in (checkpoint / log).glob("*") if path.name.isdigit()]
    if not batches:
        return start_offsets(checkpoint)
    text = (checkpoint / "offsets" / str(max(batches))).read_text(encoding="utf-8")
    offsets: dict[str, dict[str, int]] = json.loads(text.splitlines()[-1])
    return {topic: partitions["0"] for topic, partitions in offsets.items()}
