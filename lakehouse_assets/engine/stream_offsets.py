"""How far the stream has read: the offsets its checkpoint says are committed, without asking Spark."""

from __future__ import annotations

import json
from pathlib import Path


def committed_offsets(checkpoint: Path) -> dict[str, int]:
    """Topic -> next offset to read; {} before the first batch.

    A batch is committed when `commits/<n>` exists; its end offsets are the last line of `offsets/<n>`.
    """
    batches = [int(path.name) for path in (checkpoint / "commits").glob("*") if path.name.isdigit()]
    if not batches:
        return {}
    text = (checkpoint / "offsets" / str(max(batches))).read_text(encoding="utf-8")
    offsets: dict[str, dict[str, int]] = json.loads(text.splitlines()[-1])
    return {topic: partitions["0"] for topic, partitions in offsets.items()}
