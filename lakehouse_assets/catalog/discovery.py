"""What of a source's tables can be captured, and the catalog's entry that captures each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse_assets.catalog.columns import PERSONAL, READABLE, read_column
from lakehouse_assets.catalog.load import USUAL_ENCODINGS
from lakehouse_assets.catalog.model import Table, plain_name, quoted, relation, topic_of, unspeakable
from lakehouse_assets.catalog.types import Kind, PostgresType, declared, parse_type

# Parts of a name by which a column is taken to hold personal data when there is no row to see it by.
_NAMED = {"cpf", "cnpj", "email", "mail", "telefone", "celular", "phone"}
_MOST = 0.5  # share of a sample's texts from which on a column is one of personal data
_CAPTURED = {
    Kind.OTHER: "its texts are captured as the server prints them",
    Kind.STRUCT: "captured as the connector writes it, and not compared",
}
IDENTITY_LACKS = (
    "the old rows of its updates and deletes do not carry the primary key (its replica identity, or a deferrable key)"
)
_NO_TABLES = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}


@dataclass(frozen=True)
class FoundColumn:
    """A column as the source has it: `type` as the catalog spells it, or the server's name of one that it cannot hold."""

    name: str
    type: str
    comment: str = ""
    generated: bool = False

    @property
    def is_text(self) -> bool:
        """Whether people type into it."""
        return self.type.split("(")[0] in READABLE


@dataclass(frozen=True)
class Sample:
    """How many texts of a column were looked at, and by kind how many of them hold personal data."""

    texts: int
    personal: Mapping[str, int]


@dataclass(frozen=True)
class FoundTable:
    """A relation of the source. `kind` is pg_class.relkind; `rows` the planner's estimate, -1 before the first ANALYZE.

    `unique`: the columns of a unique index that no row lacks, which could be the primary key that there is not.
    `identity_fix`: SQL that lets its updates and deletes carry the key, where they do not.
    """

    schema: str
    name: str
    kind: str
    key: tuple[str, ...]
    columns: tuple[FoundColumn, ...]
    comment: str = ""
    rows: int = -1
    readable: bool = True
    logged: bool = True
    unique: tuple[str, ...] = ()
    identity_fix: str = ""

    @property
    def source_name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.name}"

    @property
    def source_sql(self) -> str:
        """The same as SQL."""
        return relation(self.schema, self.name)


@dataclass(frozen=True)
class Left:
    """What is left out, why, and the SQL that would allow it; empty where there is none."""

    place: str
    reason: str
    fix_sql: str = ""


@dataclass(frozen=True)
class Proposal:
    """A table's section of the catalog under its name in the lake, and what of the table the section leaves out."""

    table: FoundTable
    name: str
    section: dict[str, Any]
    left: tuple[Left, ...] = ()


def obstacle(table: FoundTable, role: str) -> Left | None:
    """Why the table cannot be captured at all; None when it can."""
    change = f"alter table {table.source_sql}"
    if kind := _NO_TABLES.get(table.kind):
        return Left(table.source_name, f"is {kind}: it has no changes of its own")
    if why := unspeakable(table.schema + table.name):
        return Left(table.source_name, f"its name {why}")
    if not table.logged:
        return Left(table.source_name, "is unlogged: its changes are in no WAL", f"{change} set logged;")
    if not table.readable:
        grant = f"grant usage on schema {quoted(table.schema)} to {quoted(role)}; grant select on {table.source_sql} to {quoted(role)};"
        return Left(table.source_name, f"role {role} may not read it", grant)
    if not table.key:
        columns = ", ".join(map(quoted, table.unique)) or "..."
        reason = "has no primary key: its updates and deletes cannot be told apart"
        return Left(table.source_name, reason, f"{change} add primary key ({columns});")
    if table.identity_fix:
        return Left(table.source_name, IDENTITY_LACKS, table.identity_fix)
    return None


def propose(
    tables: Iterable[FoundTable], samples: Mapping[str, Mapping[str, Sample]], role: str, declared: Iterable[Table] = ()
) -> tuple[list[Proposal], list[Left]]:
    """A section for every table that can be captured beside those that are declared, and the tables that cannot.

    `samples`: by `schema.table` and column.
    """
    declared, proposals, left = list(declared), list[Proposal](), list[Left]()
    names = {table.name for table in declared}
    topics = {_topic(table.source_name): table.source_name for table in declared}
    for table in tables:
        found = obstacle(table, role) or _proposal(table, samples.get(table.source_name, {}), names)
        if isinstance(found, Left):
            left.append(found)
        elif other := topics.get(_topic(table.source_name)):
            left.append(Left(table.source_name, f"its changes would come in the same topic as those of {other}"))
        else:
            names.add(found.name)
            topics[_topic(table.source_name)] = table.source_name
            proposals.append(found)
    return proposals, left


def _topic(source_name: str) -> str:
    return topic_of("", source_name)


def _proposal(table: FoundTable, samples: Mapping[str, Sample], taken: set[str]) -> Proposal | Left:
    columns, left = dict[str, Any](), list[Left]()
    first: dict[str, str] = {}  # of the names that Spark does not tell apart; a key's go before the others
    for name in sorted((column.name for column in table.columns), key=lambda name: name not in table.key):
        first.setdefault(name.lower(), name)
    for column in table.columns:
        place, is_key = f"{table.source_name}.{column.name}", column.name in table.key
        entry = _entry(column, samples.get(column.name), is_key=is_key)
        if column.generated:
            why = "is computed by the source: no event has it"
        elif (other := first[column.name.lower()]) != column.name:
            why = f"has the name of {other} but for its case"
        else:
            why = _problem(column, entry, is_key=is_key)
        if why and is_key:
            return Left(table.source_name, f"its key cannot be held: {column.name} {why}")
        if why:
            left.append(Left(place, f"{why}; the table is captured without it"))
            continue
        columns[column.name] = entry["type"] if len(entry) == 1 else entry
        kind = parse_type(entry["type"])
        if isinstance(kind, PostgresType) and kind.kind in _CAPTURED:
            left.append(Left(place, f"is of type {column.type}: {_CAPTURED[kind.kind]}"))
        if "holds" in entry:
            told = f"some of its texts hold {', '.join(entry['holds'])}, and it is declared so"
            left.append(Left(place, f'{told}; protect = "mask" or "token" would hide them'))
    name = _name(table, taken)
    section: dict[str, Any] = {"description": table.comment} if table.comment else {}
    section |= {"schema": table.schema} if table.schema != "public" else {}
    section |= {"source": table.name} if name != table.name else {}
    return Proposal(table, name, {**section, "key": list(table.key), "columns": columns}, tuple(left))


def _name(table: FoundTable, taken: set[str]) -> str:
    """The table's name in the lake: its own where it can be and is free."""
    name = plain_name(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", table.name))
    if name in taken:
        name = plain_name(f"{table.schema}_{name}")
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}_{number}"
    return free


def _entry(column: FoundColumn, sample: Sample | None, *, is_key: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": declared(column.type)}
    if column.comment:
        entry["description"] = column.comment
    if is_key or not column.is_text:
        return entry
    held = dict(sample.personal) if sample else {}
    named = set(re.findall(r"[a-z]+", column.name.lower())) & _NAMED
    if any(n > _MOST * sample.texts for n in held.values()) if sample and sample.texts else named:
        entry["protect"] = "token"
    elif some := [kind for kind in PERSONAL if held.get(kind)]:
        entry["holds"] = some
    return entry


def _problem(column: FoundColumn, entry: dict[str, Any], *, is_key: bool) -> str:
    problems: list[str] = []
    read_column("", column.name, entry, is_key, USUAL_ENCODINGS, problems)
    return problems[0].removeprefix(": ").partition("; accepted")[0] if problems else ""
