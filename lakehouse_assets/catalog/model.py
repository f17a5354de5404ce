"""The facts of the catalog: tables, columns, and the names everything else derives from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from lakehouse_assets.catalog.rules import Rule
from lakehouse_assets.catalog.types import PostgresType

NAME = re.compile(r"[a-z_][a-z0-9_]*")  # what the catalog's own names are
# PostgreSQL 18's words that are no name of a column or table without quotes (pg_get_keywords, R and T).
_RESERVED = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
collation column concurrently constraint create cross current_catalog current_date current_role current_schema
current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch
for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
overlaps placing primary references returning right select session_user similar some symmetric system_user
table tablesample then to trailing true union unique user using variadic verbose when where window with
"""
RESERVED = frozenset(_RESERVED.split())
LAKEHOUSE_SCHEMA = "lakehouse"  # the platform's own tables in the source
HEARTBEAT_TABLE = "heartbeat"
SIGNAL_TABLE = "signal"
_OWN_TABLES = (f"{LAKEHOUSE_SCHEMA}.{HEARTBEAT_TABLE}", f"{LAKEHOUSE_SCHEMA}.{SIGNAL_TABLE}")
RETYPED = "retyped"  # the encoding of a column whose messages are no longer of its type


SERVING = "_serving"  # folder of a lake: which version of a business table was published where
BRAKE = "_brake"  # folder of a lake: folds that wait for a person, and what was allowed
# What a transformed table has beside its source's columns.
META_COLUMNS = {
    "_position": "bigint",
    "_lsn": "bigint",
    "_tx_id": "bigint",
    "_op": "string",
    "_committed_at": "timestamp",
}
# What a history table has beside its transformed table's columns.
VERSION_COLUMNS = {
    "_op": "string",
    "valid_from": "timestamp",
    "valid_to": "timestamp",
    "valid_from_position": "bigint",
    "valid_to_position": "bigint",
}


def identifier(name: str) -> str:
    """A name of the source as SQL, in quotes: it may be a reserved word."""
    return '"' + name.replace('"', '""') + '"'


def quoted(name: str) -> str:
    """The same as a person writes it: in quotes only where it needs them."""
    return name if NAME.fullmatch(name) and name not in RESERVED else identifier(name)


def relation(schema: str, name: str) -> str:
    """`schema.table` of the source as SQL."""
    return f"{quoted(schema)}.{quoted(name)}"


def unspeakable(name: str) -> str:
    """Why a schema or table of this name cannot be captured; empty when it can."""
    return "holds what the connector cannot be told: a point, a comma or a backslash" if set(name) & set(".,\\") else ""


def plain_name(text: str) -> str:
    """A text as a name that the catalog accepts."""
    name = re.sub(r"[^a-z0-9_]", "_", text.lower())
    return name if NAME.fullmatch(name) else f"_{name}"


def topic_of(prefix: str, source_name: str) -> str:
    """The topic of a table's changes."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{prefix}.{source_name}")


class Protect(StrEnum):
    """How a column's values are hidden in the lake's layers above raw (VALUES section 8)."""

    MASK = "mask"
    TOKEN = "token"
    DROP = "drop"
    DECRYPT = "decrypt"


class Drift(StrEnum):
    """What a table does when the source's table is no longer what the catalog says."""

    EVOLVE = "evolve"
    FREEZE = "freeze"
    FAIL = "fail"


class LakeColumn(NamedTuple):
    """A column of a transformed table: its name, its Spark SQL type, and the source column it comes from."""

    name: str
    spark: str
    source: str


@dataclass(frozen=True)
class Column:
    """One source column.

    `rule` reads its text, `why` says who chose it. `keep`: characters a mask leaves. `at_source`: the connector masks
    already. `encoding`: how the connector writes a typed value, None for the one of its type. `declared`: whether it, and
    its type, are the catalog's; else the source's.
    """

    name: str
    type: PostgresType
    description: str = ""
    rule: Rule | None = None
    why: str = ""
    protect: Protect | None = None
    keep: int = 0
    at_source: bool = False
    holds: frozenset[str] = frozenset()
    encoding: str | None = None
    declared: bool = True

    @property
    def judged(self) -> bool:
        """Whether the lake holds its text and its status beside the value."""
        return self.rule is not None or self.protect is Protect.DECRYPT

    @property
    def hidden(self) -> bool:
        """Whether the lake's layers above raw hold its source value nowhere."""
        return self.protect in (Protect.MASK, Protect.TOKEN, Protect.DROP)

    @property
    def value_type(self) -> str:
        """The Spark SQL type of its value in the lake."""
        return self.rule.spark if self.rule else self.type.spark

    @property
    def lake_columns(self) -> tuple[LakeColumn, ...]:
        """What a transformed table holds of it."""
        if self.protect is Protect.DROP:
            return ()
        value = LakeColumn(self.name, self.value_type, self.name)
        if not self.judged:
            return (value,)
        beside = (LakeColumn(f"{self.name}__{kind}", "string", self.name) for kind in ("raw", "status"))
        return (value, *beside)


@dataclass(frozen=True)
class Table:
    """One source table; `name` is its name in every layer. `history`: whether every version of its rows is kept.

    `source`: its name in the source, where that is another.
    `decimals` and `times` say how the connector writes them: its decimal.handling.mode and time.precision.mode.
    """

    name: str
    schema: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str
    owner: str
    topic_prefix: str
    drift: Drift = Drift.EVOLVE
    history: bool = False
    decimals: str = "string"
    times: str = "adaptive"
    source: str = ""

    @property
    def source_name(self) -> str:
        """`schema.table` as Postgres and Debezium write it."""
        return f"{self.schema}.{self.source or self.name}"

    @property
    def source_sql(self) -> str:
        """The same as SQL."""
        return relation(self.schema, self.source or self.name)

    @property
    def topic(self) -> str:
        """The Kafka topic Debezium writes this table's changes to: it replaces what no topic's name may hold."""
        return topic_of(self.topic_prefix, self.source_name)

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The primary key's columns, in the key's order."""
        return tuple(self.column(name) for name in self.key)

    @property
    def other_columns(self) -> tuple[Column, ...]:
        """The columns outside the primary key, in the table's order."""
        return tuple(column for column in self.columns if column.name not in self.key)

    @property
    def lake_columns(self) -> tuple[LakeColumn, ...]:
        """The columns of its transformed table, without the fold's own."""
        return tuple(lake_column for column in self.columns for lake_column in column.lake_columns)

    @property
    def encodings(self) -> dict[str, str]:
        """How the connector writes decimals and times."""
        return {"decimals": self.decimals, "times": self.times}

    @property
    def judged_columns(self) -> tuple[Column, ...]:
        """The columns that have a status beside them."""
        return tuple(column for column in self.columns if column.judged)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


@dataclass(frozen=True)
class Catalog:
    """Everything that exists, in the file's order."""

    topic_prefix: str
    publication: str
    slot: str
    tables: tuple[Table, ...]
    decimals: str = "string"  # how the connector writes decimals (its decimal.handling.mode)
    times: str = "adaptive"  # ... and dates and times (its time.precision.mode)
    parameters: Mapping[str, object] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """The table of that name; KeyError when there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The tables' names."""
        return tuple(table.name for table in self.tables)

    @property
    def published(self) -> tuple[str, ...]:
        """Every `schema.table` the publication must list, the platform's own two included."""
        return tuple(table.source_name for table in self.tables) + _OWN_TABLES

    @property
    def published_sql(self) -> tuple[str, ...]:
        """The same as SQL."""
        return tuple(table.source_sql for table in self.tables) + _OWN_TABLES

    @property
    def heartbeat_topic(self) -> str:
        """The topic that carries the heartbeat table's changes; it never enters raw."""
        return f"{self.topic_prefix}.{LAKEHOUSE_SCHEMA}.{HEARTBEAT_TABLE}"


@dataclass(frozen=True)
class LakePaths:
    """Where each layer of a lake lives."""

    root: Path

    @property
    def raw(self) -> Path:
        """The one raw Delta table."""
        return self.root / "raw"

    @property
    def quarantine(self) -> Path:
        """Every cell that could not be stored, with its text and the reason."""
        return self.root / "quarantine"

    def transformed(self, table: str) -> Path:
        """The current state of one source table."""
        return self.root / "transformed" / table

    def history(self, table: str) -> Path:
        """Every version of the rows of one source table."""
        return self.root / "history" / table

    def refined(self, name: str) -> Path:
        """One business table."""
        return self.root / "refined" / name
