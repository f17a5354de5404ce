"""A place in PostgreSQL's WAL: a number where it is compared, `16/B374D848` where people read it."""

from __future__ import annotations


def parse_lsn(text: str) -> int:
    """`16/B374D848` as the integer Debezium writes."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def lsn_text(lsn: int) -> str:
    """The inverse of `parse_lsn`."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
