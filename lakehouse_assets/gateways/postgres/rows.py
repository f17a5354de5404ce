"""A source table's rows as the proof needs them: in key order, nothing changed on the way by the driver."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import PYDATE, PYDATETIME, PYDATETIMETZ, new_type, register_type
from psycopg2.extensions import connection as Connection

from lakehouse_assets.catalog import Column, Kind, Table
from lakehouse_assets.gateways.postgres.connection import failure

ROWS_AT_A_TIME = 10_000
_DATE, _TIMESTAMP, _TIMESTAMP_TZ = 1082, 1114, 1184  # type numbers, fixed in every server
_Reader = Callable[[Any, Any], Any]
_cursor_numbers = itertools.count()


def rows(connection: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """The table's rows in key order, columns in the catalog's order, read through a server-side cursor.

    Text keys are ordered by code point, as Python compares them; json comes as its text, and so does a date
    or timestamp that Python cannot hold (infinity, BC, beyond 9999). The cursor lives in the connection's
    transaction: read to the end, or close the iterator, before the next commit.
    """
    query = sql.SQL("select {} from {} order by {}").format(
        sql.SQL(", ").join(_selected(column) for column in table.columns),
        sql.Identifier(table.schema, table.name),
        sql.SQL(", ").join(_ordered(column) for column in table.key_columns),
    )
    _read_times_exactly(connection)
    with connection.cursor(name=f"lakehouse_rows_{next(_cursor_numbers)}") as cursor:
        cursor.itersize = ROWS_AT_A_TIME
        try:
            cursor.execute(query)
            yield from cursor
        except psycopg2.Error as error:
            raise failure(error, f"table {table.source_name}") from None


def _selected(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    # The driver would parse json into Python objects, where the lake keeps the text, and read the shortest
    # decimal text of a real as a double, which is another number.
    cast = {"json": "text", "jsonb": "text", "real": "double precision"}.get(column.type.text)
    return sql.SQL("{}::{}").format(name, sql.SQL(cast)) if cast else name


def _ordered(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    return sql.SQL('{}::text collate "C"').format(name) if column.type.kind is Kind.TEXT else name


def _read_times_exactly(connection: Connection) -> None:
    for number, name, driver in (
        (_DATE, "DATE", PYDATE),
        (_TIMESTAMP, "TIMESTAMP", PYDATETIME),
        (_TIMESTAMP_TZ, "TIMESTAMPTZ", PYDATETIMETZ),
    ):
        register_type(new_type((number,), f"LAKEHOUSE_{name}", _or_text(driver)), connection)


def _or_text(driver: _Reader) -> _Reader:
    def read(text: Any, cursor: Any) -> Any:
        # The driver would turn infinity into the last day Python knows.
        if text is None or text.endswith(("infinity", "BC")):
            return text
        # A year of five digits has its first dash later.
        return driver(text, cursor) if text.index("-") == 4 else text

    return read
