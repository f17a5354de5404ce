"""What the traffic did, counted as it was committed: the figure that a lake is later compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lakehouse_assets.demo.changes import Change


def silent(_: str) -> None:
    """What `say` is when nobody listens."""


@dataclass
class TrafficReport:
    """Committed row changes by (table, operation); a `key_change` reaches the lake as a delete and an insert.

    `refused` transactions met another session's rows or keys. `worst_lag` is how many seconds the
    generator itself was behind its plan at the worst moment: a large one means this machine was too slow.
    `interrupted`: Ctrl-C ended it before its time.
    """

    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    transactions: int = 0
    rolled_back: int = 0
    refused: int = 0
    long_transactions: int = 0
    seconds: float = 0.0
    worst_lag: float = 0.0
    interrupted: bool = False

    def add(self, changes: Iterable[Change]) -> None:
        """Count one committed transaction."""
        self.transactions += 1
        for change in changes:
            self.changes[change.table, change.operation] += change.count

    @property
    def total(self) -> int:
        """All committed row changes."""
        return self.changes.total()

    @property
    def achieved_rate(self) -> float:
        """Committed row changes a second."""
        return self.total / self.seconds if self.seconds else 0.0

    def by_table(self) -> dict[str, dict[str, int]]:
        """Counts by table, then operation; for JSON."""
        tables: dict[str, dict[str, int]] = {}
        for (table, operation), count in sorted(self.changes.items()):
            tables.setdefault(table, {})[operation] = count
        return tables

    def line(self) -> str:
        """One line for people."""
        return (
            f"{self.total} changes in {self.transactions} transactions, {self.seconds:.1f} s, "
            f"{self.achieved_rate:.0f}/s; {self.rolled_back} rolled back, {self.refused} refused, "
            f"{self.long_transactions} long; worst lag {self.worst_lag:.2f} s"
        )
