"""What a verification found, and through which moment a table is known to be equal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lakehouse_assets.proof.compare import TableProof

FOLDER = "_proof"  # of a lake: what is known of its tables


@dataclass(frozen=True)
class Through:
    """A moment of the source: ISO time (UTC) and LSN. `left_out` keys were changing then and are not covered."""

    at: str
    lsn: str
    left_out: int

    @property
    def age_seconds(self) -> float:
        """How long ago that was, by this machine's clock."""
        return round(max((datetime.now(UTC) - datetime.fromisoformat(self.at)).total_seconds(), 0.0), 1)


@dataclass(frozen=True)
class Verified:
    """Through which moment a table is proven equal (None: never), and what the newest look at it said, and when."""

    through: Through | None
    verdict: str
    checked_at: str


@dataclass(frozen=True)
class Verification:
    """What was found at one moment of the source: its time, LSN, a proof for every table, and what is known of it now."""

    at: datetime
    lsn: str
    proofs: list[TableProof]
    known: dict[str, Verified]

    @property
    def equal(self) -> bool:
        """Whether every table is equal."""
        return all(proof.equal for proof in self.proofs)

    @property
    def different(self) -> bool:
        """Whether a table is known to differ."""
        return any(proof.differences for proof in self.proofs)
