"""What of a table differs between catalog, source and lake: facts, each with its sentence and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from lakehouse_assets.catalog.evolution import ADOPTED, addable, added, as_built, fits
from lakehouse_assets.catalog.model import Column, Drift, Table
from lakehouse_assets.catalog.shape import BuiltTable, SourceShape, read_otherwise
from lakehouse_assets.catalog.types import Fit

_NONE: Mapping[str, int] = MappingProxyType({})


class Change(StrEnum):
    """What kind of difference it is."""

    NO_TABLE = "no table"
    UNPUBLISHED = "not published"
    KEY = "key changed"
    REKEYED = "key taken over"
    ADDED = "added"
    DROPPED = "dropped"
    WIDENED = "widened"
    RETYPED = "retyped"
    AWAITED = "rows awaited"
    RULES = "other rules"


@dataclass(frozen=True)
class Difference:
    """One difference. `catalog`, `source` and `lake` are types, empty where there is none, or keys.

    `settled`: the lake follows the source as far as it can; only the catalog does not say so. `obstacle`: why it never will.
    `rows`: how many wait.
    """

    change: Change
    column: str = ""
    catalog: str = ""
    source: str = ""
    lake: str = ""
    settled: bool = False
    obstacle: str = ""
    rows: int = 0


def difference(
    table: Table, source: SourceShape | None, built: BuiltTable | None, awaited: Mapping[str, int] = _NONE
) -> tuple[Difference, ...]:
    """Every difference between the catalog's table, the source's (None: not known) and the lake's (None: there is none).

    `awaited`: rows of the lake that have to come again, by the column that says so.
    """
    found = list(_waiting(table, built, awaited))
    if source is None:
        return tuple(found)
    if not source.exists:
        return (Difference(Change.NO_TABLE, lake=table.name if built else ""), *found)
    if not source.published:
        found.append(Difference(Change.UNPUBLISHED))
    if set(source.key) != set(table.key):
        mine, theirs, lake = (", ".join(key) for key in (table.key, source.key, built.key if built else ()))
        found.append(Difference(Change.KEY, "", mine, theirs, lake))
    elif built and built.key != table.key:
        found.append(Difference(Change.REKEYED, "", ", ".join(table.key), ", ".join(source.key), ", ".join(built.key)))
    return (*found, *_columns(table, source, built))


def _waiting(table: Table, built: BuiltTable | None, awaited: Mapping[str, int]) -> Iterator[Difference]:
    if built is None:
        return
    declared = [column.name for column in table.columns]
    others = [name for name in read_otherwise(as_built(table, built), built.keyed_by(table)) if name in built.columns]
    for name in others:
        catalog = table.column(name).type.text if name in declared else ""
        yield Difference(Change.RULES, name, catalog, lake=built.columns[name].type)
    yield from (Difference(Change.AWAITED, name, rows=rows) for name, rows in awaited.items() if rows)


def _columns(table: Table, source: SourceShape, built: BuiltTable | None) -> Iterator[Difference]:
    known = as_built(table, built)
    declared = {column.name: column for column in table.columns}
    for column in known.columns:
        theirs = source.by_name.get(column.name)
        lake = built.columns.get(column.name) if built else None
        types = (declared[column.name].type.text if column.name in declared else "", theirs.type if theirs else "",
                 lake.type if lake else "")  # fmt: skip
        if theirs is None:
            yield Difference(Change.DROPPED, column.name, *types, settled=lake is not None and lake.dropped)
            continue
        said = declared.get(column.name, column)
        found = fits(table, said.type, theirs.type)
        if found is Fit.OTHER:
            yield Difference(Change.RETYPED, column.name, *types)
        elif found in ADOPTED:
            settled = fits(table, column.type, theirs.type) is Fit.HOLDS and lake is not None
            yield Difference(Change.WIDENED, column.name, *types, settled=settled)
        elif column.name not in declared or (built is not None and lake is None):
            yield Difference(Change.ADDED, column.name, *types, settled=lake is not None)
    for new in added(known, source):
        found = addable(known, new)
        never = "" if isinstance(found, Column) else found
        yield Difference(Change.ADDED, new.name, "", new.type, settled=bool(never), obstacle=never)


def halting(table: Table, found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """The differences for which nothing of the table is folded."""
    strict = (Change.NO_TABLE, Change.DROPPED, Change.WIDENED, Change.RETYPED)
    return tuple(
        d
        for d in found
        if d.change is Change.KEY
        or (table.drift is Drift.FAIL and (d.change in strict or (d.change is Change.ADDED and not d.catalog)))
    )


def sentence(table: Table, found: Difference) -> str:
    """What differs, in words."""
    name, source, catalog = found.column, found.source, found.catalog
    return {
        Change.NO_TABLE: f"{table.source_name} does not exist in the source",
        Change.UNPUBLISHED: f"{table.source_name} is not in the publication: its changes are not sent",
        Change.KEY: f"the primary key is ({source}) in the source, ({catalog}) in the catalog",
        Change.REKEYED: f"the key is ({catalog}) now, the rows in the lake are still told apart by ({found.lake})",
        Change.ADDED: f"{name} ({source}) is in the source" + ("" if catalog else ", not in the catalog"),
        Change.DROPPED: f"{name} ({catalog or found.lake}) is no longer in the source",
        Change.WIDENED: f"{name} is {source} in the source, {catalog or found.lake} before",
        Change.RETYPED: f"{name} is {source} in the source, {catalog or found.lake} before: its values cannot be read",
        Change.AWAITED: f"{found.rows} rows have not come since the source changed their {name}",
        Change.RULES: f"the catalog reads {name} by other rules than the table was built with",
    }[found.change]


def remedy(table: Table, found: Difference) -> str:
    """What happens by itself, or what a person types."""
    follows = table.drift is Drift.EVOLVE
    write = f'write {found.column} = "{found.source}" under [tables.{table.name}.columns] in the catalog'
    anew = f"lakehouse up, lakehouse rebuild {table.name}, lakehouse backfill {table.name}"
    by_itself = f"the lake has it; {write} to declare it" if found.settled else "the next run takes it up"
    return {
        Change.NO_TABLE: "make it again, or take it out of the catalog" if found.lake else "lakehouse up",
        Change.UNPUBLISHED: f"lakehouse up, then lakehouse backfill {table.name}",
        Change.KEY: f"write key = [{', '.join(repr(k) for k in found.source.split(', ') if k)}] under [tables.{table.name}]"
        f" in the catalog, then lakehouse up, lakehouse backfill {table.name}",
        Change.REKEYED: "the next run takes it up",
        Change.ADDED: found.obstacle or (by_itself if follows or found.catalog else write),
        Change.DROPPED: "it stays, NULL in rows that change from now on",
        Change.WIDENED: by_itself if follows else write,
        Change.RETYPED: f"it is NULL in rows that change from now on; {write}, then {anew}",
        Change.AWAITED: f"lakehouse backfill {table.name}",
        Change.RULES: f"lakehouse rebuild {table.name}",
    }[found.change]
