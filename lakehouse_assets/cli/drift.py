"""The word about schema drift: plan."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lakehouse_assets.catalog.drift import remedy, sentence
from lakehouse_assets.cli.catalog_text import offer, with_shape
from lakehouse_assets.cli.context import Edge, edge, say
from lakehouse_assets.cli.proof import repair_request
from lakehouse_assets.errors import EXIT_DATA

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse_assets.progress.drift import Means, Plan, TablePlan


@click.command()
@click.option(
    "--apply", "apply_it", is_flag=True, help="Do it: start what is new, change the lake, ask for rows again."
)
@click.option("--write", is_flag=True, help="Put new columns, types and keys in the catalog.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for rows that are asked for again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def plan(apply_it: bool, write: bool, timeout: float, as_json: bool) -> None:
    """Show where catalog, source and lake differ, table by table, and what happens to each difference.

    What a table does by itself is its policy in the catalog: drift = "evolve", "freeze" or "fail". With --apply it is done
    now. Dropped columns are never taken out of lake or catalog.

    Exit 0: nothing to do. 3: differences are left. 1: the source does not answer.
    """
    from lakehouse_assets.progress.drift import apply

    here = edge()
    found = _look(here)
    if written := write and _written(here, found):
        here = edge()
        found = _look(here)
        say("written" if apply_it else "written; the running stack reads it with: lakehouse up")
    if apply_it and (written or not found.settled):
        found = apply(found, here.paths, _means(here, timeout), lambda: _look(here), restart=written)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        _show(found, "the rest is for a person to decide" if apply_it else "lakehouse plan --apply does it")
    if not found.settled:
        sys.exit(EXIT_DATA)


def _look(here: Edge) -> Plan:
    from lakehouse_assets.progress.drift import look

    return look(here.settings, here.catalog, here.links, here.source_dsn())


def _written(here: Edge, found: Plan) -> bool:
    before = after = here.settings.catalog.read_text(encoding="utf-8")
    for one in found.tables:
        after = with_shape(after, one.table, one.differences)
    return offer(here, before, after, write=True, err=True)


def _means(here: Edge, timeout: float) -> Means:
    from lakehouse_assets.progress.drift import Means
    from lakehouse_assets.progress.repair import backfill
    from lakehouse_assets.sessions import spark
    from lakehouse_assets.stack.up import up

    def session() -> AbstractContextManager[SparkSession]:
        return spark(here.settings, here.links, say)

    return Means(
        lambda: up(here.settings, here.catalog, say), session, here.keys,
        lambda tables: backfill(repair_request(here, timeout), tables), say,
    )  # fmt: skip


def _show(found: Plan, left: str) -> None:
    width = max(len(one.table.name) for one in found.tables)
    for one in found.tables:
        for line in _lines(one):
            click.echo(f"{one.table.name:{width}}  {one.table.drift:6}  {line}")
    for name in found.undeclared:
        click.echo(f"{name} is in the source and not in the catalog")
    click.echo("nothing to do" if found.settled else left)


def _lines(one: TablePlan) -> list[str]:
    told = [f"{sentence(one.table, d)}: {remedy(one.table, d)}" for d in one.differences]
    if one.unread:
        told.insert(0, "the connector does not read it, or not its rows from before: lakehouse plan --apply")
    return told or ["as declared"]


def _as_json(found: Plan) -> dict[str, Any]:
    return {
        "settled": found.settled,
        "tables": [
            {
                "name": one.table.name,
                "drift": one.table.drift,
                "unread": one.unread,
                "settled": one.settled,
                "differences": [
                    {**asdict(d), "says": sentence(one.table, d), "next": remedy(one.table, d)} for d in one.differences
                ],
            }
            for one in found.tables
        ],
        "undeclared": found.undeclared,
    }
