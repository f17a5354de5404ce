"""What must hold after every fault: the lake equals the source, nothing is there twice, nothing is missing."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.changelog.position import EPOCH_SHIFT
from lakehouse_assets.demo.report import silent
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.progress.status import explain_stage
from lakehouse_assets.progress.sync import sync
from lakehouse_assets.progress.verify import live_request, verify
from lakehouse_assets_tests.faults.ground import Ground

RECOVERY_SECONDS = 600  # the sensor alone waits up to 300 s after failed runs
_AGAIN_SECONDS = 1
_IDENTITY = "(table_name, tx_id, lsn, key, op, value)"


@dataclass(frozen=True)
class Counted:
    """What raw holds: rows, changes delivered again, messages stored twice, offsets missing inside an epoch."""

    events: int
    delivered_again: int
    stored_twice: int
    missing: int

    def since(self, before: Counted) -> Counted:
        """What came to it."""
        mine, theirs = astuple(self), astuple(before)
        return Counted(*(now - then for now, then in zip(mine, theirs, strict=True)))


def recover(ground: Ground) -> float:
    """Seconds until all that is committed by now is in refined; LakehouseError when it never is."""
    since, stack = time.monotonic(), ground.stack

    def why(stage: str) -> str:
        return explain_stage(stage, stack.settings, stack.catalog, stack.links)

    while True:
        left = RECOVERY_SECONDS - (time.monotonic() - since)
        try:
            sync(ground.here.sync_request(), left, silent, why)
            return time.monotonic() - since
        except LakehouseError:  # a part may still be down
            if left <= 0:
                raise
        time.sleep(_AGAIN_SECONDS)


def broken_promises(ground: Ground, before: Counted) -> list[str]:
    """One sentence for each promise that does not hold; nothing may be changing at the source.

    `before`: what raw held before the first fault, its gaps too: a tombstone leaves one.
    """
    stack = ground.stack
    found = [
        f"{proof.table}: {proof.missing_count} missing, {proof.extra_count} extra, {proof.different_count} different"
        f" {proof.unproven} {[*proof.missing[:5], *proof.extra[:5], *(d.key for d in proof.different[:5])]}"
        for proof in verify(
            live_request(stack.settings, stack.links, ground.here.sync_request(), silent, RECOVERY_SECONDS)
        ).proofs
        if not proof.equal
    ]
    with open_lake(ground.paths) as lake:
        found += [sentence for table in ground.here.refined for sentence in business_problems(lake, table)]
        counted = count(lake).since(before)
    if counted.stored_twice:
        found.append(f"raw: {counted.stored_twice} messages are there twice")
    if counted.missing:
        found.append(f"raw: {counted.missing} offsets are missing")
    return found


def count(lake: LakeReader) -> Counted:
    """Count raw."""
    streamed = "tx_id IS NOT NULL AND coalesce(snapshot, 'false') = 'false'"
    (row,) = lake.query(f"""
      SELECT CAST(sum(n) AS BIGINT), CAST(sum(n - positions) AS BIGINT), CAST(sum(width - positions) AS BIGINT), (
          SELECT count(*) - count(DISTINCT {_IDENTITY}) FROM raw WHERE {streamed})
      FROM (SELECT count(*) AS n, count(DISTINCT position) AS positions, max(position) - min(position) + 1 AS width
            FROM raw GROUP BY table_name, position >> {EPOCH_SHIFT})
    """).rows
    return Counted(events=row[0] or 0, stored_twice=row[1] or 0, missing=row[2] or 0, delivered_again=row[3])


def business_problems(lake: LakeReader, table: RefinedTable) -> list[str]:
    """One sentence for what a business table holds twice, and for a total that is not its inputs'."""
    name, grain = f"refined.{table.name}", ", ".join(f'"{column}"' for column in table.grain)
    found = []
    different = f"SELECT count(*) FROM (SELECT DISTINCT {grain} FROM {name})"  # count(DISTINCT ...) leaves out NULL
    if doubled := lake.scalar(f"SELECT count(*) - ({different}) FROM {name}"):
        found.append(f"{name}: {doubled} rows too many")
    if table.total and (total := lake.scalar(f"SELECT {table.total} FROM {name}") or 0) != (
        expected := lake.scalar(str(table.of)) or 0
    ):
        found.append(f"{name}: {table.total} is {total}, its inputs give {expected}")
    return found
