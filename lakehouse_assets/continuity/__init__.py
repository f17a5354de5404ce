"""Whether the stream into the lake is still the one the lake was made from, or has a gap that nobody would see."""

from lakehouse_assets.continuity.identity import (
    UNKNOWN_IDENTITY,
    Break,
    Identity,
    Kind,
    Observed,
    Reached,
    Slot,
    Source,
    Topic,
    breaks,
)
from lakehouse_assets.continuity.state import Halt, StreamState, clear_halt, halt, known_identity, read_halt, remember
from lakehouse_assets.continuity.wal import WalGuard

__all__ = [
    "UNKNOWN_IDENTITY",
    "Break",
    "Halt",
    "Identity",
    "Kind",
    "Observed",
    "Reached",
    "Slot",
    "Source",
    "StreamState",
    "Topic",
    "WalGuard",
    "breaks",
    "clear_halt",
    "halt",
    "known_identity",
    "read_halt",
    "remember",
]
