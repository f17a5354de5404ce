"""Brings a table that differs from its source back, through the road that every change takes.

First the table is folded anew from raw, which undoes whatever was done to the lake by hand. What then still differs is not in
raw: the connector is asked for those rows again, or, when the lake has rows that the source has not, for a whole snapshot of
the table, a new generation that removes them. In the end it is verified again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse_assets.catalog import Table
from lakehouse_assets.engine.rebuild import Rebuilt
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress.verify import VerifyRequest, verify
from lakehouse_assets.proof import Key, TableProof
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.signals import Kind, ask_snapshot, has_key

KEYS_A_SIGNAL = 200
_LOOK_SECONDS = 5


@dataclass(frozen=True)
class RepairRequest:
    """What to repair with: the verification, the connector's links, the fold from raw, and how long to wait."""

    verify: VerifyRequest
    links: Connections
    fold_from_raw: Callable[[Table], Rebuilt]
    wait_seconds: float


def repair(request: RepairRequest, table: Table, keys: Sequence[Key] = ()) -> tuple[TableProof, TableProof]:
    """The proofs before and after. With `keys` only those rows are asked for, and nothing is removed.

    Raises LakehouseError when the table cannot be verified, or still differs after the wait.
    """
    say, before = request.verify.say, _proof(request, table)
    if not before.differences:
        return before, before
    say(f"{table.name}: {before.missing_count} missing, {before.extra_count} extra, {before.different_count} different")
    found = before
    if not keys:
        say(f"{table.name}: folding from raw")
        request.fold_from_raw(table)
        found = _proof(request, table)
    if found.differences:
        _ask(request, table, found, keys)
        found = wait_until_equal(request, table, keys)
    return before, found


def backfill(request: RepairRequest, table: Table) -> TableProof:
    """A new snapshot generation of one table, the others untouched; the proof after it."""
    request.verify.say(f"{table.name}: asking for a snapshot")
    ask_snapshot(request.links, [table], Kind.BLOCKING)
    return wait_until_equal(request, table)


def _ask(request: RepairRequest, table: Table, found: TableProof, only: Sequence[Key]) -> None:
    wanted = [key for key in (*found.missing, *(d.key for d in found.different)) if not only or key in only]
    complete = len(found.missing) == found.missing_count and len(found.different) == found.different_count
    if not only and (found.extra_count or not complete):
        _require_rows(request, table, found)
        request.verify.say(f"{table.name}: asking for a snapshot of the whole table")
        ask_snapshot(request.links, [table], Kind.BLOCKING)
        return
    for start in range(0, len(wanted), KEYS_A_SIGNAL):
        part = wanted[start : start + KEYS_A_SIGNAL]
        request.verify.say(f"{table.name}: asking for {len(part)} rows")
        ask_snapshot(request.links, [table], Kind.INCREMENTAL, {table.name: has_key(table, part)})


def _require_rows(request: RepairRequest, table: Table, found: TableProof) -> None:
    """A snapshot of no rows says nothing: an emptied table needs a truncate, which removes no more than was shown."""
    dsn = request.verify.source_dsn
    if found.source_count or postgres.execute(dsn, f"select 1 from {table.source_name} limit 1"):
        return
    raise LakehouseError(
        f"the source has no rows and the lake {found.extra_count}, and no event says so",
        where=table.name,
        next_step=f"TRUNCATE {table.source_name}; at the source: it changes nothing there and tells the lake",
    )


def wait_until_equal(request: RepairRequest, table: Table, keys: Sequence[Key] = ()) -> TableProof:
    """Verify until the table is equal (or the keys are), at most as long as the request says."""
    deadline = time.monotonic() + request.wait_seconds
    while True:
        time.sleep(_LOOK_SECONDS)
        found = _proof(request, table)
        wrong = {*found.missing, *found.extra, *(d.key for d in found.different)}
        if not found.differences or (keys and not wrong & set(keys)):
            return found
        if time.monotonic() > deadline:
            raise LakehouseError(
                f"still differs after {request.wait_seconds:.0f} s: {found.missing_count} missing, "
                f"{found.extra_count} extra, {found.different_count} different",
                where=table.name,
                next_step="lakehouse doctor; then lakehouse repair again, or lakehouse recover --snapshot",
            )


def _proof(request: RepairRequest, table: Table) -> TableProof:
    (found,) = verify(request.verify, [table.name]).proofs
    if found.unproven:
        raise LakehouseError(found.unproven, where=table.name, next_step="lakehouse verify again later")
    return found
