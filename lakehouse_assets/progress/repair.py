"""Brings a table that differs from its source back, through the road that every change takes.

First the table is folded anew from raw, which undoes whatever was done to the lake by hand. What then still differs is not in
raw: the connector is asked for those rows again, or, when the lake has rows that the source has not, for a whole snapshot of
the table, a new generation that removes them. In the end it is verified again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse_assets import continuity
from lakehouse_assets.catalog import Table
from lakehouse_assets.changelog.generations import completed
from lakehouse_assets.changelog.position import NOTHING
from lakehouse_assets.engine import brake, history
from lakehouse_assets.engine.positions import folded, newest_cut
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.rebuild import Rebuilt
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress.verify import VerifyRequest, verify
from lakehouse_assets.proof import Key, TableProof, comparison
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.signals import Kind, ask_rows, ask_snapshot

_LOOK_SECONDS, _VERIFY_SECONDS = 2, 5  # between two looks at the lake; between two reads of the source's table


@dataclass(frozen=True)
class RepairRequest:
    """What to repair with: the verification, the connector's links, the fold from raw, and how long to wait."""

    verify: VerifyRequest
    links: Connections
    fold_from_raw: Callable[[Table], Rebuilt]
    wait_seconds: float


def repair(request: RepairRequest, table: Table, shown: TableProof, only: Sequence[Key] = ()) -> TableProof:
    """Repair what `shown` found to differ; the proof afterwards. With `only` those rows are asked for, and no more.

    Raises LakehouseError when the table was not verified, or still differs after the wait; a usage error when a row of
    `only` is not one that the source can send again.
    """
    _require_proof(shown)
    if only:
        _require_sendable(shown, only)
        _ask(request, table, only)
        return wait_until_equal(request, [table], only)[0]
    found = shown
    if folded(request.verify.paths, table.name).applied != NOTHING:
        request.verify.say(f"{table.name}: folding from raw")
        request.fold_from_raw(table)
        found = _require_proof(_proof(request, table))
    wanted = _sendable(found)
    if found.extra_count or len(wanted) < found.differences:  # not every key is listed
        return backfill(request, [table])[0]
    if wanted:
        _ask(request, table, wanted)
        return wait_until_equal(request, [table], wanted)[0]
    return found


def backfill(request: RepairRequest, tables: Sequence[Table]) -> list[TableProof]:
    """A new snapshot generation of these tables, the others untouched; the proofs once transformed is made of it."""
    for table in tables:
        if not has_rows(request, table):
            raise LakehouseError(
                "the source has no rows, so a snapshot of it says nothing",
                where=table.name,
                next_step=f"where it is to be empty, have its owner say so (never with CASCADE): {_told_empty(table)}",
            )
    since = newest_cut(request.verify.paths)
    for table in tables:
        request.verify.say(f"{table.name}: asking for a snapshot of the whole table")
    ask_snapshot(request.links, tables, Kind.BLOCKING)
    for table in tables:
        wait_for_generation(request, table, since.position(table.name))
    return wait_until_equal(request, tables)


def key_of(request: RepairRequest, table: Table, parts: Sequence[str]) -> Key:
    """A key that a person typed, in the words a proof has for it; LakehouseError (usage) when it is none."""
    with open_lake(request.verify.paths) as lake:
        return history.key_of(lake, comparison(table), parts)


def _told_empty(table: Table) -> str:
    """SQL that tells the lake that a table is empty, and fails where it is not."""
    name = table.source_sql
    return (
        f"begin; lock table {name} in access exclusive mode; do $$ begin if exists (select from {name}) then "
        f"raise exception 'it has rows'; end if; end $$; truncate {name}; commit;"
    )


def _sendable(found: TableProof) -> list[Key]:
    return [*found.missing, *(different.key for different in found.different)]


def _require_sendable(shown: TableProof, only: Sequence[Key]) -> None:
    if unknown := [", ".join(key) for key in only if key not in _sendable(shown)]:
        raise LakehouseError(
            f"neither missing nor different: {'; '.join(unknown)}",
            where=shown.table,
            next_step=f"lakehouse verify {shown.table} lists them; rows too many leave when the whole table is repaired",
            exit_code=EXIT_USAGE,
        )


def _ask(request: RepairRequest, table: Table, keys: Sequence[Key]) -> None:
    request.verify.say(f"{table.name}: asking for {len(keys)} rows")
    ask_rows(request.links, table, keys)
    time.sleep(_VERIFY_SECONDS)  # they are never there at once, and a look reads the source's whole table


def has_rows(request: RepairRequest, table: Table) -> bool:
    """Whether the source's table has any: a snapshot of no rows says nothing."""
    return bool(postgres.execute(request.verify.source_dsn, f"select 1 from {table.source_sql} limit 1"))


def wait_for_generation(request: RepairRequest, table: Table, since: int, *, allow: bool = False) -> None:
    """Return once a snapshot that began after position `since` is folded. `allow`: also when it changes most of the table.

    LakehouseError when the brake holds it back, the stream halts, or it is not there within the request's wait.
    """
    paths, compared = request.verify.paths, comparison(table)
    deadline = time.monotonic() + request.wait_seconds
    while True:
        with open_lake(paths, only={"raw"}) as lake:
            taken = completed(history.markers(lake, compared)) if "raw" in lake.tables else []
        applied = folded(paths, table.name).applied
        if any(since < one.start and one.end <= applied for one in taken):
            return
        if waiting := brake.braked(paths, table.name, applied):
            if not allow:
                raise LakehouseError(waiting.words, where=table.name, next_step=waiting.next_step)
            brake.allow(paths, table.name, waiting.target)
        if halted := continuity.read_halt(paths):
            raise LakehouseError(halted.text, where="the stream is halted", next_step="lakehouse recover")
        if time.monotonic() > deadline:
            raise LakehouseError(
                f"its snapshot is not in transformed after {request.wait_seconds:.0f} s",
                where=table.name,
                next_step="lakehouse doctor; then the same again, or lakehouse recover --snapshot",
            )
        time.sleep(_LOOK_SECONDS)


def wait_until_equal(request: RepairRequest, tables: Sequence[Table], asked: Sequence[Key] = ()) -> list[TableProof]:
    """Verify until every table is equal (or the keys asked for are), at most as long as the request says; their proofs.

    A verification that a snapshot passes by says nothing of the table, and one that leaves a key out nothing of the key.
    """
    deadline, equal = time.monotonic() + request.wait_seconds, dict[str, TableProof]()
    while True:
        found = verify(request.verify, [table.name for table in tables if table.name not in equal]).proofs
        equal |= {one.table: one for one in found if not one.unproven and not _open_keys(one, asked)}
        if len(equal) == len(tables):
            return [equal[table.name] for table in tables]
        if time.monotonic() > deadline:
            unlike = _require_proof(next(one for one in found if one.table not in equal))
            raise LakehouseError(
                f"still differs after {request.wait_seconds:.0f} s: {unlike.missing_count} missing, "
                f"{unlike.extra_count} extra, {unlike.different_count} different",
                where=unlike.table,
                next_step="lakehouse doctor; then lakehouse repair again, or lakehouse recover --snapshot",
            )
        time.sleep(_VERIFY_SECONDS)


def _open_keys(found: TableProof, asked: Sequence[Key]) -> set[Key]:
    unlike = {*_sendable(found), *found.extra}
    return (unlike | found.left_out_keys) & set(asked) if asked else unlike


def _proof(request: RepairRequest, table: Table) -> TableProof:
    (found,) = verify(request.verify, [table.name]).proofs
    return found


def _require_proof(found: TableProof) -> TableProof:
    if found.unproven:
        raise LakehouseError(found.unproven, where=found.table, next_step="lakehouse verify again later")
    return found
