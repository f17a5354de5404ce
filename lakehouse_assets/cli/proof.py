"""Words about the truth of the lake: verify, explain, repair, backfill, recover."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Shown

from lakehouse_assets.cli.completion import source_tables
from lakehouse_assets.cli.context import Edge, edge, say
from lakehouse_assets.errors import EXIT_DATA, EXIT_FAILED

if TYPE_CHECKING:
    from lakehouse_assets.catalog import Table
    from lakehouse_assets.engine.rebuild import Rebuilt
    from lakehouse_assets.progress.explain import Explanation
    from lakehouse_assets.progress.repair import RepairRequest
    from lakehouse_assets.proof import Key, TableProof
    from lakehouse_assets.proof.verification import Verification, Verified

KEYS_SHOWN = 20  # of each kind and table; --json has up to 1000


@click.command()
@click.argument("table", shell_complete=source_tables)
@click.option(
    "--keys",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Only this row; a key of several parts as a,b. May be repeated.",
)
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait until the table is equal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def repair(table: str, keys: tuple[str, ...], timeout: float, yes: bool) -> None:
    """Bring a table that differs from its source back, and verify it.

    Shows what differs and asks. First the table is folded anew from raw; what still differs is asked of the connector
    again, as single rows or, when the lake has rows too many, as a whole snapshot. Nothing is written at the source but
    the signal. Exit 0: equal. 1: could not repair.
    """
    from lakehouse_assets.progress.repair import key_of
    from lakehouse_assets.progress.repair import repair as mend
    from lakehouse_assets.progress.verify import verify as compare

    here = edge()
    chosen, request = here.table(table), repair_request(here, timeout)
    only = [key_of(request, chosen, key.split(",")) for key in keys]
    found = compare(request.verify, [table])
    show(found)
    if found.equal:
        click.echo(f"{table}: nothing to repair")
        return
    if not yes:
        click.confirm("repair it?", abort=True)
    (before,) = found.proofs
    after = mend(request, chosen, before, only)
    click.echo(f"{table}: {before.differences} rows differed, {after.differences} do now")


@click.command()
@click.argument("tables", nargs=-1, required=True, metavar="TABLE...", shell_complete=source_tables)
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait until the tables are equal.")
def backfill(tables: tuple[str, ...], timeout: float) -> None:
    """Take a new snapshot of a table, a new generation of all its rows, without touching the others; then verify it."""
    from lakehouse_assets.progress.repair import backfill as take

    here = edge()
    for after in take(repair_request(here, timeout), [here.table(name) for name in dict.fromkeys(tables)]):
        click.echo(f"{after.table}: {after.source_count} rows, equal")


@click.command()
@click.option(
    "--snapshot", is_flag=True, help="Begin with a new slot and a snapshot of every table, whatever is found."
)
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to wait until every table is equal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def recover(snapshot: bool, timeout: float, yes: bool) -> None:
    """Bring a halted stream back: show what is broken and what would mend it, ask, do it, and prove the result.

    The stream halts when it is not the one the lake was made from: another or an older source, a slot that is lost,
    missing or ahead, a topic made again or cut short, a checkpoint that is lost or old. Broken off, it can be told again.
    Exit 0: nothing is broken, or the lake is equal again. 1: could not recover.
    """
    from lakehouse_assets.progress.recover import RecoverRequest, plan
    from lakehouse_assets.progress.recover import recover as bring_back

    here = edge()
    request = RecoverRequest(here.settings, here.catalog, here.links, repair_request(here, timeout), say)
    found = plan(request, snapshot=snapshot)
    if not found.breaks:
        click.echo("nothing to recover: the stream is the one the lake was made from")
        return
    for broken in found.breaks:
        click.echo(f"{broken.kind}: {broken.reason}")
    for number, step in enumerate(found.steps(here.catalog), 1):
        click.echo(f"  {number}. {step}")
    if not yes:
        click.confirm("recover?", abort=True)
    bring_back(request, found)


def repair_request(here: Edge, timeout: float) -> RepairRequest:
    """What a repair works with; it waits at most `timeout` seconds."""
    from lakehouse_assets.engine.rebuild import rebuild
    from lakehouse_assets.progress.repair import RepairRequest
    from lakehouse_assets.sessions import spark

    def fold_from_raw(table: Table) -> Rebuilt:
        with spark(here.settings, here.links, say) as session:
            return rebuild(session, table, here.paths, here.keys)

    return RepairRequest(here.verify_request(timeout), here.links, fold_from_raw, timeout)


@click.command()
@click.argument("tables", nargs=-1, metavar="[TABLE]...", shell_complete=source_tables)
@click.option("--timeout", type=float, help="Seconds to wait for the lake; default: LAKEHOUSE_VERIFY_TIMEOUT_SECONDS.")
@click.option("--force", is_flag=True, help="Read tables larger than LAKEHOUSE_VERIFY_MAX_ROWS too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def verify(tables: tuple[str, ...], timeout: float | None, force: bool, as_json: bool) -> None:
    """Prove that transformed equals the source, row for row, while both go on changing. Without TABLE, every table.

    The source is read once, at one moment. Keys that change during the verification are left out and counted; they
    are verified next time. Only keys and column names are printed, no other value.

    Exit 0: equal. 3: differences found. 1: could not verify (source down, lake behind, table too large). 2: usage.
    """
    from lakehouse_assets.progress.verify import verify as compare

    here = edge()
    found = compare(here.verify_request(timeout, force=force), tables)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        show(found)
    sys.exit(exit_code(found))


def exit_code(found: Verification) -> int:
    """3 when a table differs, else 1 when one could not be verified."""
    return EXIT_DATA if found.different else 0 if found.equal else EXIT_FAILED


def show(found: Verification) -> None:
    """The proofs as a table, and each difference by its key."""
    shown = Shown(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("table", "source", "lake", "missing", "extra", "different", "left out", "verdict"):
        shown.add_column(name, justify="left" if name in ("table", "verdict") else "right", no_wrap=True)
    for proof in found.proofs:
        counts = (
            proof.source_count, proof.lake_count, proof.missing_count, proof.extra_count, proof.different_count,
            proof.left_out,
        )  # fmt: skip
        style = {"equal": "green", "different": "red"}.get(proof.verdict, "yellow")
        cells = ["-"] * len(counts) if proof.unproven else [str(count) for count in counts]
        shown.add_row(proof.table, *cells, f"[{style}]{proof.verdict}[/]")
    console = Console(soft_wrap=True, highlight=False)
    console.print(shown)
    for proof in found.proofs:
        for line in _lines(proof):
            console.print(line, markup=False)
    console.print(f"compared at {found.at:%Y-%m-%d %H:%M:%S} UTC, LSN {found.lsn}", markup=False)


def _lines(proof: TableProof) -> list[str]:
    lines = [f"{proof.table}: {name} is not compared: {why}" for name, why in proof.not_compared.items()]
    if proof.unproven:
        lines.append(f"{proof.table}: not verified: {proof.unproven}")
    different = [(found.key, ", ".join(found.columns)) for found in proof.different]
    for kind, count, keys in (
        ("missing in the lake", proof.missing_count, [(key, "") for key in proof.missing]),
        ("extra in the lake", proof.extra_count, [(key, "") for key in proof.extra]),
        ("different", proof.different_count, different),
    ):
        lines += [
            f"{proof.table}: {kind}: {_told(proof, key)} {columns}".rstrip() for key, columns in keys[:KEYS_SHOWN]
        ]
        if count > KEYS_SHOWN:
            lines.append(f"{proof.table}: {kind}: {count - KEYS_SHOWN} more; --json lists up to 1000")
    if proof.left_out:
        lines.append(f"{proof.table}: {proof.left_out} keys changed meanwhile and are left out; verify again for them")
    return lines


def _told(proof: TableProof, key: Key) -> str:
    return _printable(", ".join(f"{name}={value}" for name, value in zip(proof.key, key, strict=True)))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("table", shell_complete=source_tables)
@click.argument("key", nargs=-1, required=True, metavar="KEY...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def explain(table: str, key: tuple[str, ...], as_json: bool) -> None:
    """Tell why a row is as it is: every event of its key in raw, what the fold did with each, and the row at each stage.

    KEY is the primary key's value, or its values in the key's order. Values of the row are printed, protected ones are
    not. Exit 1 when nothing is known of the key.
    """
    from lakehouse_assets.progress.explain import explain as look

    here = edge()
    found = look(here.catalog, here.paths, here.source_dsn(), table, key)
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    else:
        _show_explanation(found)
    if not found.known:
        sys.exit(EXIT_FAILED)


def _show_explanation(found: Explanation) -> None:
    console = Console(soft_wrap=True, highlight=False)
    key = ", ".join(f"{name}={value}" for name, value in found.key.items())
    console.print(
        f"{found.table} {_printable(key)}: {len(found.events)} events, applied up to {found.applied}", markup=False
    )
    for event in found.events:
        fate = f"{event.fate} ({event.by})" if event.by is not None else str(event.fate)
        op = "snapshot" if event.snapshot else event.op
        moved = f"; the key's row moved, other half {_printable(event.moved)}" if event.moved else ""
        console.print(f"{event.position}  {op:8}  {fate}{moved}", markup=False)
        at, lsn, transaction = event.committed_at or "-", event.lsn or "-", event.tx_id or "-"
        console.print(f"    committed {at}, LSN {lsn}, transaction {transaction}, {event.file}", markup=False)
    shown = Shown("column", "newest message", "transformed", "source", "", box=box.SIMPLE_HEAD, pad_edge=False)
    there = (bool(found.events), bool(found.in_transformed), bool(found.in_source))
    for cell in found.cells:
        texts = [
            ("NULL" if text is None else escape(_printable(text))) if is_there else ""
            for text, is_there in zip((cell.raw, cell.transformed, cell.source), there, strict=True)
        ]
        shown.add_row(cell.column, *texts, "" if cell.same or found.in_source is None else "[red]differs[/]")
    console.print(shown)
    source = {True: "a row", False: "no row", None: "unknown"}[found.in_source]
    console.print(f"in transformed: {found.in_transformed or 'no'} row; in the source: {source}", markup=False)
    for note in found.notes:
        console.print(note, markup=False)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)


def _as_json(found: Verification) -> dict[str, Any]:
    return {
        "at": found.at.isoformat(timespec="milliseconds"),
        "lsn": found.lsn,
        "equal": found.equal,
        "tables": [_table_json(proof, found.known[proof.table]) for proof in found.proofs],
    }


def _table_json(proof: TableProof, known: Verified) -> dict[str, Any]:
    def named(key: Key) -> dict[str, str]:
        return dict(zip(proof.key, key, strict=True))

    return {
        "name": proof.table,
        "verdict": proof.verdict,
        "reason": proof.unproven or None,
        "source_rows": proof.source_count,
        "lake_rows": proof.lake_count,
        "left_out": proof.left_out,
        "verified_through": asdict(known.through) if known.through else None,
        "not_compared": proof.not_compared,
        "missing": {"count": proof.missing_count, "keys": [named(key) for key in proof.missing]},
        "extra": {"count": proof.extra_count, "keys": [named(key) for key in proof.extra]},
        "different": {
            "count": proof.different_count,
            "rows": [{"key": named(d.key), "columns": list(d.columns)} for d in proof.different],
        },
    }
