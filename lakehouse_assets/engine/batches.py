"""One line a micro-batch, for a person who reads the engine's log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class BatchLog:
    """Tells each finished batch that brought something, once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = -1

    def tell(self, progress: Any) -> None:
        """Say what Spark's latest progress report holds; nothing for an empty or an already told batch."""
        if progress is None or progress["batchId"] == self._last or not progress["numInputRows"]:
            return
        self._last = progress["batchId"]
        self._say(line(progress))


def line(progress: Any) -> str:
    """Batch number, changes, seconds, rate, and changes by table from the offsets it covered."""
    rows, seconds = progress["numInputRows"], progress["durationMs"]["triggerExecution"] / 1000
    tables = ", ".join(f"{topic.split('.')[-1]} {n}" for topic, n in _by_topic(progress["sources"][0]).items() if n)
    rate = rows / seconds if seconds else 0
    return f"{progress['timestamp']} batch {progress['batchId']}: {rows} changes in {seconds:.2f} s ({rate:.0f}/s): {tables}"


def _by_topic(source: Any) -> dict[str, int]:
    start, end = _offsets(source["startOffset"]), _offsets(source["endOffset"])
    return {
        topic: sum(offset - start.get(topic, {}).get(partition, 0) for partition, offset in partitions.items())
        for topic, partitions in end.items()
    }


def _offsets(value: Any) -> dict[str, dict[str, int]]:
    # Spark gives offsets as JSON text or as an object, by version and by the way it is asked.
    return (json.loads(value) if isinstance(value, str) else value) or {}
