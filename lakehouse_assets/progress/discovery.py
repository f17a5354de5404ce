"""Looks at a database that the catalog does not know yet: what can be captured, as what, and what cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.discovery import FoundTable, Left, Proposal, Sample, obstacle, propose
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.proof.personal import kinds

SAMPLED_ROWS = 1000
_TOLD_EVERY = 50  # tables


@dataclass(frozen=True)
class Discovery:
    """What was found: sections for the catalog, what is left out of it, and the tables that it names already."""

    database: str
    proposals: list[Proposal]
    left: list[Left]
    declared: list[str]


def discover(
    dsn: str, catalog: Catalog | None, schemas: Sequence[str], names: Collection[str], say: Callable[[str], None]
) -> Discovery:  # fmt: skip
    """Look at the tables of the schemas, or at those `names` ([schema.]table) of them, with the rights of the DSN's role.

    LakehouseError for a name that is none, a standby, and a server that does not answer.
    """
    found = postgres.find_tables(dsn, schemas)
    if found.standby:
        raise LakehouseError(
            "is a standby: changes are read from the primary",
            where=postgres.place(dsn),
            next_step="give the primary's address",
        )
    tables = _chosen(found.tables, names)
    known = {t.source_name for t in catalog.tables} if catalog else set[str]()
    new = [table for table in tables if table.source_name not in known]
    samples, unread = dict[str, dict[str, Sample]](), list[Left]()
    readable = [table for table in new if obstacle(table, found.role) is None]
    for number, (table, texts) in enumerate(postgres.sampled_texts(dsn, readable, SAMPLED_ROWS), 1):
        if isinstance(texts, LakehouseError):
            unread.append(Left(table.source_name, f"cannot be read: {texts.problem}"))
        else:
            samples[table.source_name] = {name: _sample(of) for name, of in texts.items()}
        if number % _TOLD_EVERY == 0:
            say(f"{number} of {len(readable)} tables looked at")
    places = {one.place for one in unread}
    rest = [table for table in new if table.source_name not in places]
    proposals, left = propose(rest, samples, found.role, catalog.tables if catalog else ())
    declared = [table.source_name for table in tables if table.source_name in known]
    return Discovery(found.database, proposals, unread + left, declared)


def _chosen(tables: Sequence[FoundTable], names: Collection[str]) -> list[FoundTable]:
    if missing := [name for name in names if not any(name in (t.name, t.source_name) for t in tables)]:
        raise LakehouseError(
            f"no such table: {', '.join(missing)}", where="source", exit_code=EXIT_USAGE,
            next_step=f"tables: {', '.join(t.source_name for t in tables[:20])}{', ...' if len(tables) > 20 else ''}",
        )  # fmt: skip
    return [t for t in tables if not names or t.name in names or t.source_name in names]


def _sample(texts: Sequence[str]) -> Sample:
    return Sample(len(texts), Counter(kind for text in texts for kind in kinds(text, frozenset())))
