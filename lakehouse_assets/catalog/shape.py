"""What a table is in the source and in the lake, as far as the catalog may differ from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

from lakehouse_assets.catalog.model import RETYPED, Column, Table


class SourceColumn(NamedTuple):
    """A column as the source has it. Its type is spelled as in a catalog, or as the server names one it cannot hold.

    `filled`: the server gave rows a value of its own, without an event. `generated`: it is computed, and no event has it.
    """

    name: str
    type: str
    filled: bool = False
    generated: bool = False


@dataclass(frozen=True)
class SourceShape:
    """A table as the source has it at an LSN; without columns there is no such table."""

    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...]
    lsn: int = 0
    published: bool = True

    @property
    def exists(self) -> bool:
        """Whether the source has it."""
        return bool(self.columns)

    @property
    def by_name(self) -> dict[str, SourceColumn]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}


class Awaited(NamedTuple):
    """Rows that the source changed without an event, and that have to come again.

    They are those whose newest event is at most at position `last`, or after position `seen` and not after `lsn`.
    """

    last: int
    seen: int
    lsn: int


@dataclass(frozen=True)
class BuiltColumn:
    """A source column as the lake's table was built: its type, and a fingerprint of how its values are read.

    `declared`: as the catalog says, else as the source does. `dropped`: the source has it no more. `retyped`: its
    messages are no longer of its type. `awaits`: rows that have to come again.
    """

    type: str
    reading: str
    declared: bool = True
    dropped: bool = False
    retyped: bool = False
    awaits: Awaited | None = None


@dataclass(frozen=True)
class BuiltTable:
    """How a transformed table was built: its key, and its source columns by name."""

    key: tuple[str, ...]
    columns: Mapping[str, BuiltColumn] = field(default_factory=dict)

    def keyed_by(self, table: Table) -> BuiltTable:
        """The same with the key of `table`: its parts are columns of every row, whatever the key was."""
        return replace(self, key=table.key)

    def to_json(self) -> str:
        """A text for a table property."""
        columns = {
            name: {key: value for key, value in asdict(column).items() if value != _USUAL.get(key, "")}
            for name, column in self.columns.items()
        }
        return json.dumps({"key": self.key, "columns": columns}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> BuiltTable:
        """The inverse of `to_json`."""
        document = json.loads(text)
        return BuiltTable(tuple(document["key"]), {name: _column(entry) for name, entry in document["columns"].items()})


_USUAL = {"declared": True, "dropped": False, "retyped": False, "awaits": None}


def _column(entry: dict) -> BuiltColumn:
    awaits = entry.pop("awaits", None)
    return BuiltColumn(**entry, awaits=Awaited(*awaits) if awaits else None)


def built_table(table: Table, before: BuiltTable | None = None) -> BuiltTable:
    """What the lake keeps of a table that is folded as `table`; marks of columns that were there `before` stay."""
    known = before.columns if before else {}
    columns = {
        c.name: replace(
            known.get(c.name, BuiltColumn("", "")),
            type=c.type.text, reading=reading(c), declared=c.declared, retyped=c.encoding == RETYPED,
        )
        for c in table.columns
    }  # fmt: skip
    return BuiltTable(table.key, columns)


def reading(column: Column) -> str:
    """A fingerprint of how the column's values are read: the cells of a column are never a mixture of two."""
    read = (column.type.text, repr(column.rule), str(column.protect), column.keep, column.encoding)
    return hashlib.sha256(repr(read).encode()).hexdigest()[:12]


def read_otherwise(table: Table, built: BuiltTable) -> tuple[str, ...]:
    """The columns that `table` reads otherwise than the lake's table was built, and those that only one of them has.

    With another key every row has another place: then it is the keys' columns.
    """
    if built.key != table.key:
        return tuple(dict.fromkeys((*table.key, *built.key)))
    now = {column.name: reading(column) for column in table.columns}
    then = {name: column.reading for name, column in built.columns.items()}
    return tuple(name for name in dict.fromkeys((*now, *then)) if now.get(name) != then.get(name))
