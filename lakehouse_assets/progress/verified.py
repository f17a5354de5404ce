"""Up to which moment each table is proven equal: one small JSON file a table beside the lake's layers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from lakehouse_assets import documents
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.proof import TableProof
from lakehouse_assets.proof.verification import FOLDER, Through, Verified


def read(paths: LakePaths, table: str) -> Verified | None:
    """What is known of a table; None when it was never looked at."""
    try:
        found = documents.read(_place(paths, table)) or {}
        through = found["verified_through"]
        return Verified(Through(**through) if through else None, found["verdict"], found["checked_at"])
    except (LakehouseError, KeyError, TypeError):
        return None


def keep(paths: LakePaths, proof: TableProof, at: datetime, lsn: str) -> Verified:
    """Write down what a proof found, in one step, and return what is known now.

    A table that was not equal stays verified through what it was, and what was looked at later stands.
    """
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
    before = read(paths, proof.table)
    if before and before.checked_at > moment:
        return before
    through = Through(moment, lsn, proof.left_out) if proof.equal else before.through if before else None
    text = {"verified_through": asdict(through) if through else None, "verdict": proof.verdict, "checked_at": moment}
    documents.write(_place(paths, proof.table), text)
    return Verified(through, proof.verdict, moment)


def _place(paths: LakePaths, table: str) -> Path:
    return paths.root / FOLDER / f"{table}.json"
