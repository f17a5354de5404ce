"""Delta logs written by hand: commits of JSON lines, as Spark and deltalake write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lakehouse_assets.engine.positions import FOLD_APP


def write_commit(table: Path, version: int, *actions: dict[str, Any], **info: Any) -> None:
    """One commit of a table."""
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    lines = [{"commitInfo": {"timestamp": 1_000_000 + version, "operation": "WRITE"} | info}, *actions]
    (log / f"{version:020d}.json").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def added(table: str, low: int, high: int, op: str = "insert", day: str = "2026-01-31", **lsns: int) -> dict[str, Any]:
    """A file of raw with its positions, and with its LSNs where it has any."""
    stats: dict[str, Any] = {
        "numRecords": high - low + 1,
        "minValues": {"position": low},
        "maxValues": {"position": high},
    }
    if lsns:
        stats["minValues"]["lsn"], stats["maxValues"]["lsn"] = lsns["low_lsn"], lsns["high_lsn"]
    stats["nullCount"] = {"position": 0}
    partition = {"table_name": table, "op": op, "event_date": day}
    path = f"table_name={table}/op={op}/event_date={day}/{low}-{high}.parquet"
    return {
        "add": {
            "path": path, "partitionValues": partition, "size": 1, "modificationTime": 1, "dataChange": True,
            "stats": json.dumps(stats),
        }
    }  # fmt: skip


def fold_commit(table: Path, version: int, applied: int, raw_version: int, max_lsn: int) -> None:
    """A commit as a fold makes it."""
    note = json.dumps({"raw_version": raw_version, "max_lsn": max_lsn})
    write_commit(table, version, {"txn": {"appId": FOLD_APP, "version": applied}}, userMetadata=note)


def last_checkpoint(table: Path, version: int) -> None:
    """The hint where the newest checkpoint is."""
    (table / "_delta_log" / "_last_checkpoint").write_text(
        json.dumps({"version": version, "size": 1}), encoding="utf-8"
    )


def clean_up_to(table: Path, version: int) -> None:
    """Remove the commits before a version, as log retention does."""
    for path in (table / "_delta_log").glob("*.json"):
        if int(path.stem) < version:
            path.unlink()
