"""CPU and memory of a stack's processes by service, ended children included."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil

from lakehouse_assets.stack.processes import of_stack
from lakehouse_assets.stack.service import SERVICE_MARK


@dataclass(frozen=True)
class Usage:
    """CPU-seconds since each process started, its ended children's included, and resident bytes (PSS where known)."""

    cpu_seconds: float
    resident: int


def usage(home: Path) -> dict[str, Usage]:
    """Usage by service; processes that end meanwhile are left out."""
    cpu: dict[str, float] = defaultdict(float)
    resident: dict[str, int] = defaultdict(int)
    for process in of_stack(home):
        try:
            name = process.environ().get(SERVICE_MARK, "supervisor")
            times, memory = process.cpu_times(), process.memory_full_info()
        except psutil.Error:
            continue
        cpu[name] += times.user + times.system + times.children_user + times.children_system
        resident[name] += memory.pss
    return {name: Usage(cpu[name], resident[name]) for name in cpu}
