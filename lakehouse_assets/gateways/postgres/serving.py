"""Business tables in a PostgreSQL for BI tools: each is replaced in one transaction, and read back to be compared."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.gateways.postgres.connection import session

SCHEMA = "serving"
_PORTION = 10_000
_APPLICATION = "lakehouse serving"
_LOCK = 0x5E4F  # two publications of one table wait for each other
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def publish(
    dsn: str, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], description: str = ""
) -> None:
    """Replace the rows of `serving.<name>`; who reads it sees the old ones until the commit. `columns`: name -> type.

    The table stays the same one, with its rights and the views on it, unless its columns changed. LakehouseError when
    the server does not answer or refuses; then the old rows stay.
    """
    table = sql.Identifier(SCHEMA, name)
    with session(dsn, application_name=_APPLICATION) as connection, connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, name])
        if _columns(cursor, name) == list(columns.items()):
            cursor.execute(sql.SQL("delete from {}").format(table))
        else:
            cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SCHEMA)))
            cursor.execute(sql.SQL("drop table if exists {}").format(table))
            typed = (sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(kind)) for c, kind in columns.items())
            cursor.execute(sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(typed)))
        cursor.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(description)))
        for start in range(0, len(rows), _PORTION):
            lines = "".join("\t".join(map(_text, row)) + "\n" for row in rows[start : start + _PORTION])
            cursor.copy_expert(sql.SQL("copy {} from stdin").format(table), io.StringIO(lines))
        cursor.execute(sql.SQL("analyze {}").format(table))


def published(dsn: str, name: str) -> Iterator[tuple[Any, ...]]:
    """The rows of `serving.<name>` as they are; LakehouseError when there is no such table."""
    with session(dsn, application_name=_APPLICATION) as connection, connection.cursor("published") as cursor:
        cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(SCHEMA, name)))
        yield from cursor


def _columns(cursor: Cursor, name: str) -> list[tuple[str, str]]:
    cursor.execute(
        """select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a
           join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
           where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped order by a.attnum""",
        [SCHEMA, name],
    )
    return cursor.fetchall()


def _text(value: Any) -> str:
    """A value in COPY's text format."""
    return "\\N" if value is None else str(value).translate(_ESCAPES)
