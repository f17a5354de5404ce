"""The word that reads a database of your own: discover."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lakehouse_assets.catalog.load import catalog_text
from lakehouse_assets.cli.catalog_text import has_tables, offer, with_tables
from lakehouse_assets.cli.context import Edge, edge, say

if TYPE_CHECKING:
    from lakehouse_assets.progress.discovery import Discovery


@click.command()
@click.argument("tables", nargs=-1)
@click.option("--source", metavar="DSN", help="The database to look at (postgresql://user:password@host:port/db); default: the stack's source.")  # fmt: skip
@click.option("--schema", "schemas", multiple=True, metavar="S", help="Only this schema; may be repeated.")
@click.option("--write", is_flag=True, help="Put what was found in the catalog; a catalog that does not exist is made.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def discover(tables: tuple[str, ...], source: str | None, schemas: tuple[str, ...], write: bool, as_json: bool) -> None:
    """Read the tables of a database and propose their sections of the catalog, as a difference to look at first.

    Columns that hold CPF, CNPJ, e-mail or phone numbers in the first 1,000 rows are proposed as protected. What cannot be
    captured is listed with the reason, and the SQL that would allow it. Sections that the catalog has are not touched.

    For example: LAKEHOUSE_CATALOG=mine.toml lakehouse discover --source postgresql://me@db/shop --write
    """
    from lakehouse_assets.progress.discovery import discover as look

    here = edge()
    before = catalog_text(here.settings.catalog) or ""
    catalog = here.catalog if has_tables(before) else None
    found = look(source or _source(here), catalog, schemas, tables, say)
    after = with_tables(before, found.database, found.proposals)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    changed = offer(here, before, after, write=write, err=as_json)
    if not as_json:
        _tell(found)
    if changed:
        say("written; lakehouse up, or on a running stack lakehouse plan --apply, carries it; lakehouse doctor shows the SQL the source still needs"
            if write else "nothing is written; --write does it")  # fmt: skip


def _source(here: Edge) -> str:
    """The embedded source is seen by its administrator, who gives `up` its rights; another by the connector's role."""
    here.source_dsn()
    return here.links.owner_dsn or here.links.checking_dsn


def _tell(found: Discovery) -> None:
    for one in (*found.left, *(left for proposal in found.proposals for left in proposal.left)):
        click.echo(f"{one.place}: {one.reason}" + (f"\n    {one.fix_sql}" if one.fix_sql else ""))
    rows = sum(max(one.table.rows, 0) for one in found.proposals)
    click.echo(
        f"{found.database}: {len(found.proposals)} tables can be captured (about {rows:,} rows), "
        f"{len(found.left)} cannot, {len(found.declared)} are in the catalog"
    )


def _as_json(found: Discovery) -> dict[str, object]:
    return {
        "database": found.database,
        "tables": [
            {"name": p.name, **p.section, "source": p.table.source_name, "estimated_rows": p.table.rows, "left_out": [asdict(one) for one in p.left]}
            for p in found.proposals
        ],
        "not_captured": [asdict(one) for one in found.left],
        "declared": found.declared,
    }  # fmt: skip
