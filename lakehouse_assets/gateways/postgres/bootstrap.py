"""Makes a server of ours the source: database, roles, tables, rights and publication. Safe to repeat; keeps data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import encrypt_password, make_dsn

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import identifier, quoted
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.postgres.connection import connect, failure, place
from lakehouse_assets.gateways.postgres.publication import apply_publication

APPLICATION_ROLE = "lakehouse_app"
REPLICATION_ROLE = "lakehouse_replication"
SQL_FOLDER = Path(__file__).resolve().parents[3] / "infra" / "postgres"
_DEMO_TABLES = ("public.condominios", "public.moradores", "public.imoveis", "public.transacoes", "public.boletos")
_BOOTSTRAP_LOCK = 0x1A4E  # two `up` at once would otherwise update the same rights and one would fail


def bootstrap(admin_dsn: str, *, database: str, app_password: str, replication_password: str, catalog: Catalog) -> None:
    """Create whatever is missing and correct what differs. `admin_dsn` is a superuser's URL to database `postgres`."""
    with _session(admin_dsn, autocommit=True) as connection, connection.cursor() as cursor:
        _create_database(cursor, database)
    with _session(make_dsn(admin_dsn, dbname=database)) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_BOOTSTRAP_LOCK])
        _set_role(cursor, APPLICATION_ROLE, "noreplication", app_password)
        _set_role(cursor, REPLICATION_ROLE, "replication", replication_password)
        _let_only_the_roles_in(cursor, database)
        for file in ("01_tables.sql", "02_platform.sql"):
            cursor.execute(_read(file))
        for table in catalog.tables:
            _create_missing_table(cursor, table)
        # Before the rights: it waits for an autovacuum of its tables, which itself waits for whoever changes their rights.
        apply_publication(cursor, catalog)
        cursor.execute(_read("03_rights.sql"))
        _grant_tables(cursor, catalog)


def create_table_sql(table: Table) -> str:
    """SQL that makes a catalog table that the source does not have yet."""
    columns = [f"{identifier(column.name)} {column.type.text}" for column in table.columns]
    key = ", ".join(map(identifier, table.key))
    return f"create table {table.source_sql} ({', '.join(columns)}, primary key ({key}))"


@contextmanager
def _session(dsn: str, *, autocommit: bool = False) -> Iterator[Connection]:
    connection = connect(dsn, autocommit=autocommit, application_name="lakehouse bootstrap")
    try:
        if autocommit:
            yield connection
        else:
            with connection:
                yield connection
    except psycopg2.Error as error:
        raise failure(error, place(dsn)) from None
    finally:
        connection.close()


def _read(file: str) -> str:
    path = SQL_FOLDER / file
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LakehouseError("is missing", where=f"infra/postgres/{file}", next_step="git checkout infra/") from None


def _create_database(cursor: Cursor, database: str) -> None:
    cursor.execute("select from pg_database where datname = %s", [database])
    if cursor.fetchone() is None:
        # Spelled out, so that encoding and order do not depend on the machine's locale.
        cursor.execute(
            sql.SQL(
                "create database {} template template0 encoding 'UTF8' "
                "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'"
            ).format(sql.Identifier(database))
        )


def _set_role(cursor: Cursor, role: str, replication: str, password: str) -> None:
    cursor.execute("select from pg_roles where rolname = %s", [role])
    verb = "create" if cursor.fetchone() is None else "alter"
    # The server gets the verifier, so that no statement log can hold the password.
    verifier = encrypt_password(password, role, scope=cursor.connection, algorithm="scram-sha-256")
    cursor.execute(
        sql.SQL("{} role {} login {} nosuperuser nocreatedb nocreaterole nobypassrls password {}").format(
            sql.SQL(verb), sql.Identifier(role), sql.SQL(replication), sql.Literal(verifier)
        )
    )


def _let_only_the_roles_in(cursor: Cursor, database: str) -> None:
    cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
    cursor.execute(
        sql.SQL("grant connect on database {} to {}, {}").format(
            *(sql.Identifier(name) for name in (database, APPLICATION_ROLE, REPLICATION_ROLE))
        )
    )


def _create_missing_table(cursor: Cursor, table: Table) -> None:
    cursor.execute("select to_regclass(%s)", [table.source_sql])
    if cursor.fetchone() != (None,):
        return
    if any(column.type.text == "citext" for column in table.columns):
        cursor.execute("create extension if not exists citext")
    cursor.execute(f"create schema if not exists {quoted(table.schema)}")
    cursor.execute(create_table_sql(table))


def _grant_tables(cursor: Cursor, catalog: Catalog) -> None:
    for schema in sorted({quoted(table.schema) for table in catalog.tables} - {quoted("public")}):
        cursor.execute(f"revoke all on all tables in schema {schema} from {APPLICATION_ROLE}, {REPLICATION_ROLE}")
        cursor.execute(f"grant usage on schema {schema} to {APPLICATION_ROLE}, {REPLICATION_ROLE}")
        cursor.execute(f"grant usage, select, update on all sequences in schema {schema} to {APPLICATION_ROLE}")
    published = ", ".join(table.source_sql for table in catalog.tables)
    written = f"{published}, {', '.join(_DEMO_TABLES)}"
    cursor.execute(f"grant select, insert, update, delete, truncate on {written} to {APPLICATION_ROLE}")
    cursor.execute(f"grant select on {published} to {REPLICATION_ROLE}")
