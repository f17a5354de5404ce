"""What in the source would keep the lake from being right: each problem with the SQL that fixes it."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import HEARTBEAT_TABLE, LAKEHOUSE_SCHEMA, SIGNAL_TABLE
from lakehouse_assets.gateways.postgres.bootstrap import SQL_FOLDER
from lakehouse_assets.gateways.postgres.connection import session
from lakehouse_assets.gateways.postgres.publication import (
    OPERATIONS,
    create_sql,
    read_publication,
    set_options_sql,
    set_tables_sql,
)
from lakehouse_assets.gateways.postgres.shape import table_oid
from lakehouse_assets.gateways.postgres.slot import INVALIDATION_REASON, LOST
from lakehouse_assets.gateways.postgres.table_checks import Problem, one_row, right_problems, table_problems

_OWN_TABLES = {
    f"{LAKEHOUSE_SCHEMA}.{HEARTBEAT_TABLE}": ("select", "update"),
    f"{LAKEHOUSE_SCHEMA}.{SIGNAL_TABLE}": ("select", "insert"),
}
_OWN_TABLES_FIX = f"run {SQL_FOLDER / '02_platform.sql'} in this database as its owner (psql -f)"


def source_problems(dsn: str, catalog: Catalog) -> list[Problem]:
    """Every problem, or an empty list. `dsn` is the connector's role: its rights are what is checked."""
    with session(dsn, application_name="lakehouse doctor") as connection, connection.cursor() as cursor:
        return [
            *_server(cursor),
            *_role(cursor),
            *(problem for table in catalog.tables for problem in table_problems(cursor, table)),
            *_own_tables(cursor),
            *_publication(cursor, catalog),
            *_slot(cursor, catalog.slot),
        ]


def access_problems(connector: str, reader: str, catalog: Catalog) -> list[Problem]:
    """What is wrong for either role, each problem once: they may be one and the same."""
    return list(dict.fromkeys([*source_problems(connector, catalog), *reader_problems(reader, catalog)]))


def reader_problems(dsn: str, catalog: Catalog) -> list[Problem]:
    """What the role lacks as which `sync` and `verify` look: it reads the tables, and beats the heartbeat to know when
    all that was committed before has come."""
    heartbeat = f"{LAKEHOUSE_SCHEMA}.{HEARTBEAT_TABLE}"
    rights = [(table.source_name, table.source_sql, ("select",)) for table in catalog.tables]
    rights.append((heartbeat, heartbeat, ("select", "update")))
    with session(dsn, application_name="lakehouse doctor") as connection, connection.cursor() as cursor:
        return [
            problem
            for name, name_in_sql, privileges in rights
            if (oid := table_oid(cursor, name)) is not None
            for problem in right_problems(cursor, name_in_sql, oid, privileges)
        ]


def _server(cursor: Cursor) -> Iterator[Problem]:
    cursor.execute("select current_setting('wal_level')")
    (level,) = one_row(cursor)
    if level != "logical":
        yield Problem(
            f"wal_level is {level}; changes can only be read when it is logical",
            "alter system set wal_level = 'logical';  -- then restart the server",
        )


def _role(cursor: Cursor) -> Iterator[Problem]:
    # Managed servers hand the attribute out through a role of theirs (rds_replication and the like).
    cursor.execute(
        """select rolname, rolreplication or rolsuper or exists (
               select from pg_roles g where g.rolname like '%\\_replication' and pg_has_role(r.oid, g.oid, 'member')
               and g.oid <> r.oid)
           from pg_roles r where rolname = current_user"""
    )
    role, may = one_row(cursor)
    if not may:
        yield Problem(f"role {role} lacks the REPLICATION attribute", f'alter role "{role}" replication;')


def _own_tables(cursor: Cursor) -> Iterator[Problem]:
    for name, privileges in _OWN_TABLES.items():
        oid = table_oid(cursor, name)
        if oid is None:
            yield Problem(f"table {name} does not exist", f"-- {_OWN_TABLES_FIX}")
        else:
            yield from right_problems(cursor, name, oid, privileges)


def _publication(cursor: Cursor, catalog: Catalog) -> Iterator[Problem]:
    name = f"publication {catalog.publication}"
    publication = read_publication(cursor, catalog.publication)
    if publication is None:
        yield Problem(f"{name} does not exist", f"{create_sql(catalog)};")
        return
    for table in catalog.published:
        if table not in publication.tables:
            yield Problem(f"{name} lacks table {table}", f"{set_tables_sql(catalog)};")
        elif table in publication.narrowed:
            yield Problem(f"{name} filters rows or columns of {table}", f"{set_tables_sql(catalog)};")
    for operation in OPERATIONS:
        if operation not in publication.operations:
            yield Problem(f"{name} does not publish {operation}", f"{set_options_sql(catalog)};")
    if not publication.via_root:
        yield Problem(f"{name} names partitions in place of their table", f"{set_options_sql(catalog)};")


def _slot(cursor: Cursor, slot: str) -> Iterator[Problem]:
    """A missing slot is no problem: the connector makes it at its first start."""
    cursor.execute(
        f"""select wal_status, {INVALIDATION_REASON}, plugin, database = current_database()
           from pg_replication_slots s where slot_name = %s""",
        [slot],
    )
    found = cursor.fetchone()
    if found is None:
        return
    status, reason, plugin, here = found
    if plugin != "pgoutput" or not here:
        # Not to be dropped: it may be another lake's, whose changes it keeps.
        yield Problem(
            f"slot {slot} belongs to another plugin or database, not to this connector",
            f'-- write another slot in [lake] of the catalog, such as slot = "{slot}_2"',
        )
    elif status == LOST or reason is not None:
        yield Problem(
            f"slot {slot} is lost ({reason or 'WAL removed'}): changes were thrown away before they were read",
            f"select pg_drop_replication_slot('{slot}');  -- then start the connector with a new snapshot",
        )
