"""Connections that say in one line why they failed: the edge where the driver's errors become ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

from lakehouse_assets.errors import ConfigurationError, LakehouseError

CONNECT_TIMEOUT_SECONDS = 10

# libpq gives connection failures no SQLSTATE, only text. First match wins.
_REASONS = (
    ("password authentication failed", "the server refuses the password of this role", "check the password in the DSN"),
    ("no password supplied", "the server asks for a password and the DSN has none", "add the password to the DSN"),
    ("no pg_hba.conf entry", "the server refuses this role or address", "allow it in the server's pg_hba.conf"),
    ("permission denied for database", "the role may not connect to this database", "grant connect to it"),
    ("root certificate file", "the DSN's sslrootcert cannot be read", "give the absolute path of a PEM file"),
    ("private key file", "the DSN's sslkey cannot be used", "give the key of its sslcert, readable by you alone (chmod 600)"),
    ("certificate file", "the DSN's sslcert cannot be read", "give the absolute path of a PEM file"),
    ("certificate verify failed", "the server's certificate is not signed by the DSN's sslrootcert", "give the authority's own"),
    ("does not match host name", "the server's certificate is for another host", "write the host as it is named there"),
    ("server does not support SSL", "the server offers no TLS", "switch it on there, or ask for less: sslmode=prefer"),
    ("does not exist", "the database or the role does not exist", "create it, or correct the DSN"),
    ("starting up", "the server is still starting", "wait a moment and try again"),
    ("shutting down", "the server is shutting down", "start it again: lakehouse up"),
    ("too many clients", "the server has no free connection", "close some, or raise max_connections"),
    ("remaining connection slots", "the server has no free connection", "close some, or raise max_connections"),
)  # fmt: skip
_CORRECT = "correct role, password or database in the DSN"
_SILENT = ("the server does not answer", "start it (lakehouse up), or correct host and port in the DSN")


def place(dsn: str) -> str:
    """Where a DSN points, for people: `postgres role@host:port/database`, never the password."""
    parts = _parts(dsn)
    host, port = parts.get("host", "localhost"), parts.get("port", "5432")
    return f"postgres {parts.get('user', '')}@{host}:{port}/{parts.get('dbname', '')}"


def connect(dsn: str, *, autocommit: bool = False, application_name: str = "lakehouse", **options: Any) -> Connection:
    """An open connection; LakehouseError when the server does not answer or refuses. `options` are libpq's."""
    where = place(dsn)
    options = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "client_encoding": "UTF8"} | options
    try:
        connection = psycopg2.connect(dsn, application_name=application_name, **options)
    except psycopg2.OperationalError as error:
        problem, next_step = _reason(str(error))
        # `from None`: libpq's own text is already said here, and a trace of it would only be longer.
        raise LakehouseError(problem, where=where, next_step=next_step) from None
    connection.autocommit = autocommit
    return connection


@contextmanager
def session(dsn: str, **options: Any) -> Iterator[Connection]:
    """A connection as `connect` opens it, closed at the end; what the server refuses meanwhile is a LakehouseError."""
    connection = connect(dsn, **options)
    try:
        yield connection
    except psycopg2.Error as error:
        raise failure(error, place(dsn)) from None
    finally:
        connection.close()


def execute(dsn: str, statement: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
    """Run SQL in one committed transaction; the rows of its last statement, or an empty list."""
    with session(dsn) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def failure(error: psycopg2.Error, where: str, *, next_step: str = "") -> LakehouseError:
    """A driver error as ours: the server's first line and SQLSTATE.

    DETAIL is left out because it quotes values of rows; raise it `from None`, or a trace would print it after all.
    """
    message = (error.diag.message_primary or str(error)).strip()
    first_line = message.splitlines()[0] if message else type(error).__name__
    problem = f"{first_line} (SQLSTATE {error.pgcode})" if error.pgcode else first_line
    return LakehouseError(problem, where=where, next_step=next_step)


def _reason(message: str) -> tuple[str, str]:
    for text, problem, next_step in _REASONS:
        if text in message:
            return problem, next_step
    _, refuses, why = message.partition("FATAL:")  # then it answered, in whatever language it speaks
    return (f"the server refuses: {why.strip().splitlines()[0]}", _CORRECT) if refuses else _SILENT


def _parts(dsn: str) -> dict[str, str]:
    try:
        parts = parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        # libpq quotes the part it cannot read, which may be the password.
        parts = None
    # Such a port, host or database is a piece of a password that was not encoded.
    if parts is None or not parts.get("port", "0").isdigit() or "@" in parts.get("host", "") + parts.get("dbname", ""):
        raise ConfigurationError(
            ["cannot be read; expected postgresql://role:password@host:port/database, special characters %-encoded"],
            where="the PostgreSQL DSN",
        ) from None
    return parts
