"""Which columns of a table are compared, and which column of the lake holds each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from lakehouse_assets.catalog import Column, Kind, Table

PROTECTED = "protected"
SENT_OTHERWISE = "of a type that the connector writes otherwise than the server prints it"
_NONE: Mapping[str, str] = MappingProxyType({})


def comparable(table: Table, apart: Mapping[str, str] = _NONE) -> list[tuple[str, str]]:
    """Pairs of a source column and the lake column that must hold the same value, without those `apart`.

    The one place that knows where a source value is kept: a text with a rule is in `<c>__raw`, a protected one is
    nowhere, one that the server prints otherwise has nothing to be compared with: both are left out.
    """
    seen = (c for c in table.columns if not c.hidden and c.type.kind is not Kind.STRUCT and c.name not in apart)
    return [(c.name, f"{c.name}__raw" if c.judged else c.name) for c in seen]


@dataclass(frozen=True)
class Pair:
    """A source column, and the name of the lake column that holds its values."""

    source: Column
    lake: str


@dataclass(frozen=True)
class Comparison:
    """What of one table is compared; the columns' order is that of every row handed to the proof.

    `apart`: columns that only one side has, or that the sides hold as different types, and why.
    """

    table: Table
    pairs: tuple[Pair, ...]
    apart: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the compared columns, as the source has them."""
        return tuple(pair.source.name for pair in self.pairs)

    @cached_property
    def key(self) -> tuple[Pair, ...]:
        """The pairs of the primary key, in the key's order."""
        return tuple(self.pairs[place] for place in self.key_places)

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """Where the key's columns are in a row."""
        return tuple(self.columns.index(name) for name in self.table.key)

    @property
    def not_compared(self) -> dict[str, str]:
        """Columns that are left out, and why."""
        left = [c for c in self.table.columns if c.name not in self.columns]
        return {
            **{c.name: SENT_OTHERWISE if c.type.kind is Kind.STRUCT and not c.hidden else PROTECTED for c in left},
            **self.apart,
        }

    @property
    def obstacle(self) -> str:
        """Why the table cannot be compared at all, or nothing: a row is found by its key's exact text."""
        for name in self.table.key:
            if name not in self.columns:
                return f"key column {name} is {self.not_compared[name]}"
            column = self.table.column(name)
            if column.type.kind is Kind.FLOAT:
                return f"key column {name} is a floating-point number"
            if column.type.kind is Kind.DECIMAL and column.encoding:
                return f"key column {name} is a decimal that messages hold as bytes"
        return ""


def comparison(table: Table, apart: Mapping[str, str] = _NONE) -> Comparison:
    """What of `table` is compared, without the columns `apart`."""
    pairs = tuple(Pair(table.column(source), lake) for source, lake in comparable(table, apart))
    return Comparison(table, pairs, apart)
