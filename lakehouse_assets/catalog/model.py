"""The facts of the catalog: tables, columns, and the names everything else derives from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lakehouse_assets.catalog.types import PostgresType

LAKEHOUSE_SCHEMA = "lakehouse"  # the platform's own tables in the source
HEARTBEAT_TABLE = "heartbeat"
SIGNAL_TABLE = "signal"


@dataclass(frozen=True)
class Column:
    """One source column."""

    name: str
    type: PostgresType
    description: str = ""


@dataclass(frozen=True)
class Table:
    """One source table; `name` is its name in every layer."""

    name: str
    schema: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str
    owner: str
    topic_prefix: str

    @property
    def source_name(self) -> str:
        """`schema.table` as Postgres and Debezium write it."""
        return f"{self.schema}.{self.name}"

    @property
    def topic(self) -> str:
        """The Kafka topic Debezium writes this table's changes to."""
        return f"{self.topic_prefix}.{self.source_name}"

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The primary key's columns, in the key's order."""
        return tuple(self.column(name) for name in self.key)

    @property
    def other_columns(self) -> tuple[Column, ...]:
        """The columns outside the primary key, in the table's order."""
        return tuple(column for column in self.columns if column.name not in self.key)

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
        own = (f"{LAKEHOUSE_SCHEMA}.{HEARTBEAT_TABLE}", f"{LAKEHOUSE_SCHEMA}.{SIGNAL_TABLE}")
        return tuple(table.source_name for table in self.tables) + own

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

    def transformed(self, table: str) -> Path:
        """The current state of one source table."""
        return self.root / "transformed" / table

    def refined(self, name: str) -> Path:
        """One business table."""
        return self.root / "refined" / name
