"""The place of a change in its table's order: ONE number, ONE comparison.

position = epoch << 40 | Kafka offset. Topics have one partition. The epoch goes up when offsets start
again or the source's history changes. LSN and clocks are evidence, never order.
"""

from __future__ import annotations

EPOCH_SHIFT = 40
NOTHING = -1  # the position before the first change


def position(epoch: int, offset: int) -> int:
    """The position of a Kafka offset in an epoch; ValueError when either is outside its bits."""
    if not 0 <= offset < 1 << EPOCH_SHIFT or not 0 <= epoch < 1 << (63 - EPOCH_SHIFT):
        raise ValueError(f"epoch {epoch}, offset {offset}: outside the 63 bits of a position")
    return epoch << EPOCH_SHIFT | offset


def offset_of(position: int) -> int:
    """The Kafka offset of a position."""
    return position & ((1 << EPOCH_SHIFT) - 1)


def epoch_of(position: int) -> int:
    """The epoch of a position."""
    return position >> EPOCH_SHIFT


def position_text(position: int) -> str:
    """A position for people: the offset, behind the epoch when there was more than one."""
    epoch = epoch_of(position)
    return f"{epoch}:{offset_of(position)}" if epoch > 0 else str(position)


def changes_between(applied: int, newest: int) -> int:
    """How many offsets lie behind `applied` up to `newest`; when offsets began again since, those of the new epoch."""
    if newest <= applied:
        return 0
    began_again = applied == NOTHING or (
        epoch_of(newest) != epoch_of(applied) and offset_of(newest) <= offset_of(applied)
    )
    return offset_of(newest) + 1 if began_again else offset_of(newest) - offset_of(applied)
