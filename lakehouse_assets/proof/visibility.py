"""Which transactions a snapshot of the source does not see, by the transaction number a change carries.

Debezium sends the 32-bit number of a streamed change (pgoutput has no more) and the 64-bit one of a snapshot's, so
numbers are compared modulo 2^32, as PostgreSQL itself compares them: right for the two billion transactions around
the snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass

_BITS, _HALF = (1 << 32) - 1, 1 << 31


@dataclass(frozen=True)
class Snapshot:
    """`pg_current_snapshot()`: transactions from `xmax` on had not begun, those in `running` had not ended."""

    xmin: int
    xmax: int
    running: tuple[int, ...]

    @staticmethod
    def parse(text: str) -> Snapshot:
        """From `xmin:xmax:xip,xip`; ValueError when the text is none."""
        xmin, xmax, running = text.split(":")
        return Snapshot(int(xmin), int(xmax), tuple(int(number) for number in running.split(",") if number))

    def later(self, tx_id: str) -> str:
        """SQL (of the lake's reader): whether a transaction, given as a bigint expression, is not seen."""
        not_begun = f"(({tx_id} - {self.xmax}) & {_BITS}) < {_HALF}"
        running = ", ".join(str(number & _BITS) for number in self.running)
        return f"({not_begun} OR ({tx_id} & {_BITS}) IN ({running}))" if running else f"({not_begun})"
