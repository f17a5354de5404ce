"""The table that is folded where source and lake are not what the catalog says, by the table's policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lakehouse_assets.catalog.columns import encoding_of, source_column, with_type
from lakehouse_assets.catalog.model import RETYPED, Column, Drift, Table
from lakehouse_assets.catalog.shape import Awaited, BuiltColumn, BuiltTable, SourceColumn, SourceShape, built_table
from lakehouse_assets.catalog.types import ENUM, Fit, Kind, PostgresType, declared, fit, parse_type

ADOPTED = (Fit.GROWS, Fit.REWRITES)  # what a table that evolves takes from the source


def as_built(table: Table, built: BuiltTable | None) -> Table:
    """The catalog's table with what the lake took from the source before: columns, types, and columns that are retyped."""
    if built is None:
        return table
    columns = [_as_built(table, column, built.columns.get(column.name)) for column in table.columns]
    for name, known in built.columns.items():
        if not known.declared and name not in [column.name for column in table.columns]:
            found = source_column(table, name, known.type)
            columns += [_held(found, known)] if isinstance(found, Column) else []
    return replace(table, columns=tuple(columns))


def following(table: Table, source: SourceShape | None, built: BuiltTable | None) -> Table:
    """The table to fold: as it was built, and as far as its policy lets it, as the source has it now (None: unknown)."""
    known = as_built(table, built)
    if source is None or not source.exists:
        return known
    columns = [_following(known, column, source.by_name.get(column.name)) for column in known.columns]
    if table.drift is Drift.EVOLVE:
        columns += [c for new in added(known, source) if isinstance(c := addable(known, new), Column)]
    return replace(known, columns=tuple(columns))


def added(known: Table, source: SourceShape) -> list[SourceColumn]:
    """The source's columns that a table does not have."""
    return [column for column in source.columns if column.name not in [c.name for c in known.columns]]


def addable(known: Table, column: SourceColumn) -> Column | str:
    """A new column of the source, or why the lake cannot have it."""
    if column.generated:
        return "it is generated, and no message has it"
    return source_column(known, column.name, column.type)


def fits(table: Table, mine: PostgresType, theirs: str) -> Fit:
    """How a source column of the type `theirs` fits a column read as `mine`."""
    if theirs == ENUM:
        return Fit.HOLDS if mine.kind is Kind.TEXT else Fit.OTHER
    other = parse_type(declared(theirs))
    if isinstance(other, str):
        return Fit.OTHER
    encoding = encoding_of(mine, table.encodings)
    if encoding != encoding_of(other, table.encodings):
        return Fit.OTHER
    if encoding == "precise" and mine.decimal[1] != other.decimal[1]:
        return Fit.OTHER  # the bytes do not say their scale
    return fit(mine, other)


def next_built(
    wanted: Table, source: SourceShape | None, built: BuiltTable, applied: int, lacking: Mapping[str, int]
) -> BuiltTable:
    """What the lake keeps of a table that was `built` and is folded as `wanted` from position `applied` on.

    `lacking`: of the new columns, the newest folded position whose message does not have it.
    """
    now = built_table(wanted, built)
    if source is None or not source.exists:
        return now
    # A renamed column is one that went and one of its type that came: its rows have values that no event told of.
    gone = {c.type for name, c in built.columns.items() if name not in source.by_name and not c.dropped}
    columns: dict[str, BuiltColumn] = {}
    for name, column in now.columns.items():
        theirs, was = source.by_name.get(name), built.columns.get(name)
        last = applied
        if theirs is None:
            columns[name] = replace(column, dropped=True)
            continue
        if was is None:
            again = (theirs.filled or column.type in gone) and name in lacking
            last = lacking.get(name, applied)
        else:
            # Messages from before another key tell of rows that a fold from raw would not find any more.
            rekeyed = built.key != wanted.key and name in wanted.key
            again = rekeyed or was.dropped or (column.retyped and not was.retyped) or _rewritten(wanted, was, column)
        awaits = Awaited(last, applied, source.lsn) if again else column.awaits
        columns[name] = replace(column, dropped=False, awaits=awaits)
    return BuiltTable(now.key, columns)


def not_comparable(known: Table, source: SourceShape) -> dict[str, str]:
    """The columns whose values in the lake cannot be held against the source's, and why."""
    frozen = "not in the lake yet" if known.drift is Drift.EVOLVE else f"not in the catalog, and drift is {known.drift}"
    reasons = {c.name: found if isinstance(found := addable(known, c), str) else frozen for c in added(known, source)}
    for column in known.columns:
        theirs = source.by_name.get(column.name)
        if theirs is None:
            reasons[column.name] = "no longer in the source"
        elif fits(known, column.type, theirs.type) is Fit.OTHER:
            reasons[column.name] = f"{theirs.type} in the source, read as {column.type.text}"
    return reasons


def _as_built(table: Table, column: Column, known: BuiltColumn | None) -> Column:
    if known is None or known.type == column.type.text:
        return _held(column, known)
    if not known.declared and fits(table, column.type, known.type) in ADOPTED:
        return _held(with_type(table, column, _parsed(known.type)), known)
    return column  # the catalog was changed since


def _held(column: Column, known: BuiltColumn | None) -> Column:
    return replace(column, encoding=RETYPED) if known and known.retyped else column


def _following(table: Table, column: Column, theirs: SourceColumn | None) -> Column:
    if theirs is None:
        return column
    found = fits(table, column.type, theirs.type)
    if found is Fit.OTHER:
        return replace(column, encoding=RETYPED)
    if found in ADOPTED and table.drift is Drift.EVOLVE:
        return with_type(table, column, _parsed(theirs.type))
    return replace(column, encoding=encoding_of(column.type, table.encodings))


def _rewritten(table: Table, was: BuiltColumn, now: BuiltColumn) -> bool:
    before = parse_type(was.type)
    return isinstance(before, PostgresType) and fits(table, before, now.type) is Fit.REWRITES


def _parsed(text: str) -> PostgresType:
    found = parse_type(text)
    assert isinstance(found, PostgresType)
    return found
