"""Everything that a database holds, as far as it may become a table of a catalog; two queries, however many tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from lakehouse_assets.catalog.discovery import FoundColumn, FoundTable
from lakehouse_assets.catalog.model import LAKEHOUSE_SCHEMA
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways.postgres.connection import failure, place, session
from lakehouse_assets.gateways.postgres.shape import IDENTITY_FIX, TYPE_NAME, catalog_type, index_columns

_LOOK = "set lock_timeout = '5s'"  # at a table that somebody holds
_LONGEST = 2000  # characters of a text that are looked at
_OPTIONS: dict[str, Any] = {"application_name": "lakehouse discover", "connect_timeout": 10}
_COULD_BE_PRIMARY = """i.indisunique and i.indpred is null and i.indexprs is null and not exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attnum = any(i.indkey) and not a.attnotnull)"""
# Partitions are captured through their root; what an extension made is not the database's own.
_TABLES = f"""
select n.nspname, c.relname, c.relkind, c.relpersistence <> 'u', greatest(c.reltuples::bigint, -1),
       coalesce(obj_description(c.oid, 'pg_class'), ''),
       has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'), {IDENTITY_FIX},
       {index_columns("i.indisprimary")}, {index_columns(_COULD_BE_PRIMARY)}
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relpersistence <> 't'
  and n.nspname = any(%(schemas)s)
  and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
order by n.nspname, c.relname
"""
_COLUMNS = f"""
select n.nspname, c.relname, a.attname, {TYPE_NAME}, coalesce(col_description(c.oid, a.attnum), ''), a.attgenerated <> ''
from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any(%(schemas)s)
  and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""
_SCHEMAS = """
select nspname from pg_namespace
where nspname !~ '^pg_' and nspname not in ('information_schema', %(own)s) order by nspname
"""


@dataclass(frozen=True)
class FoundSource:
    """A database: its name, and whether it is a standby, whose changes cannot be read."""

    database: str
    role: str
    standby: bool
    tables: tuple[FoundTable, ...]


def find_tables(dsn: str, schemas: Sequence[str] = ()) -> FoundSource:
    """The relations of the schemas, or of every schema of the database's own; LakehouseError for one that does not exist."""
    with session(dsn, **_OPTIONS) as connection, connection.cursor() as cursor:
        cursor.execute(_SCHEMAS, {"own": LAKEHOUSE_SCHEMA})
        known = [name for (name,) in cursor.fetchall()]
        if missing := [name for name in schemas if name not in known]:
            raise LakehouseError(
                f"no such schema: {', '.join(missing)}", where=place(dsn), next_step=f"schemas: {', '.join(known)}",
                exit_code=EXIT_USAGE,
            )  # fmt: skip
        asked = {"schemas": list(schemas or known)}
        cursor.execute(_COLUMNS, asked)
        columns: dict[tuple[str, str], list[FoundColumn]] = defaultdict(list)
        for schema, table, name, kind, comment, generated in cursor.fetchall():
            columns[schema, table].append(FoundColumn(name, catalog_type(kind), comment, generated))
        cursor.execute(_TABLES, asked)
        tables = tuple(
            FoundTable(schema, name, kind, tuple(key), tuple(columns[schema, name]), comment, rows, readable, logged, tuple(unique), identity_fix)
            for schema, name, kind, logged, rows, comment, readable, identity_fix, key, unique in cursor.fetchall()
        )  # fmt: skip
        cursor.execute("select current_database(), current_user, pg_is_in_recovery()")
        ((database, role, standby),) = cursor.fetchall()
        return FoundSource(database, role, standby, tables)


def sampled_texts(
    dsn: str, tables: Sequence[FoundTable], rows: int
) -> Iterator[tuple[FoundTable, dict[str, list[str]] | LakehouseError]]:
    """For each table the texts of its first rows, by the columns that people type into, or why it cannot be read."""
    with session(dsn, **_OPTIONS) as connection:
        connection.set_session(readonly=True, autocommit=True)
        connection.cursor().execute(_LOOK)
        for table in tables:
            names = [column.name for column in table.columns if column.is_text and not column.generated]
            try:
                found = _texts(connection, table, names, rows) if names else {}
            except psycopg2.Error as error:
                if connection.closed:
                    raise
                found = failure(error, table.source_name)
            yield table, found


def _texts(connection: Connection, table: FoundTable, names: Sequence[str], rows: int) -> dict[str, list[str]]:
    statement = sql.SQL("select {} from {} limit {}").format(
        sql.SQL(", ").join(sql.SQL("left({}::text, {})").format(sql.Identifier(name), sql.Literal(_LONGEST)) for name in names),
        sql.Identifier(table.schema, table.name), sql.Literal(rows),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall()
    return {name: [row[i] for row in found if row[i]] for i, name in enumerate(names)}
