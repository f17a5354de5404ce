"""Whether a source table is what the catalog says: columns, types and key agree, and the role may read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.catalog import Kind, Table
from lakehouse_assets.catalog.discovery import IDENTITY_LACKS
from lakehouse_assets.catalog.model import quoted
from lakehouse_assets.catalog.types import ENUM, declared
from lakehouse_assets.gateways.postgres.bootstrap import create_table_sql
from lakehouse_assets.gateways.postgres.shape import columns_of, identity_fix, key_of, table_oid


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and the SQL (to be run as the owner or a superuser) that mends it.

    `drift`: columns that are not as declared, which the table's policy deals with; changes are read all the same.
    """

    text: str
    fix_sql: str
    drift: bool = False


def table_problems(cursor: Cursor, table: Table) -> Iterator[Problem]:
    """What is wrong with one catalog table."""
    oid = table_oid(cursor, table.source_name)
    if oid is None:
        yield Problem(f"table {table.source_name} does not exist", f"{create_table_sql(table)};")
        return
    yield from right_problems(cursor, table.source_sql, oid, ("select",))
    yield from _columns(cursor, table, oid)
    yield from _key(cursor, table, oid)


def _columns(cursor: Cursor, table: Table, oid: int) -> Iterator[Problem]:
    found = {column.name: column.type for column in columns_of(cursor, oid)}
    for column in table.columns:
        expected, at = column.type.text, f"{table.source_name}.{column.name}"
        if column.name not in found:
            yield Problem(
                f"column {at} ({expected}) does not exist",
                f"alter table {table.source_sql} add column {quoted(column.name)} {expected};",
                drift=True,
            )
            continue
        actual = found[column.name]
        # An enum's labels are text, of any length.
        if declared(actual) != expected and not (actual == ENUM and column.type.kind is Kind.TEXT):
            yield Problem(
                f"column {at} is {actual}, the catalog says {expected}",
                f"alter table {table.source_sql} alter column {quoted(column.name)} type {expected};"
                f'  -- or write {column.name} = "{actual}" in the catalog',
                drift=True,
            )


def _key(cursor: Cursor, table: Table, oid: int) -> Iterator[Problem]:
    found = key_of(cursor, oid)
    expected = ", ".join(table.key)
    if not found:
        yield Problem(
            f"table {table.source_name} has no primary key: its updates and deletes cannot be told apart",
            f"alter table {table.source_sql} add primary key ({', '.join(map(quoted, table.key))});",
        )
    elif set(found) != set(table.key):
        yield Problem(
            f"the primary key of {table.source_name} is ({', '.join(found)}), the catalog says ({expected})",
            f"-- write key = {list(found)} for {table.name} in the catalog",
        )
    if statements := identity_fix(cursor, oid):
        yield Problem(f"table {table.source_name}: {IDENTITY_LACKS}", statements)


def right_problems(cursor: Cursor, name: str, oid: int, privileges: tuple[str, ...]) -> Iterator[Problem]:
    """Which of the privileges on a table the current role lacks; `name`: `schema.table` as SQL."""
    cursor.execute(
        """select current_user, n.nspname, has_schema_privilege(n.oid, 'usage')
           from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = %s""",
        [oid],
    )
    role, schema, may_enter = one_row(cursor)
    if not may_enter:
        yield Problem(
            f"role {role} may not use schema {schema}", f'grant usage on schema {quoted(schema)} to "{role}";'
        )
    cursor.execute("select row_security_active(%s::oid)", [oid])
    if one_row(cursor) == (True,):
        yield Problem(
            f"row-level security hides rows of {name} from role {role}, while the WAL has them all",
            f'alter role "{role}" bypassrls;',
        )
    for privilege in privileges:
        cursor.execute("select has_table_privilege(%s::oid, %s)", [oid, privilege])
        if one_row(cursor) != (True,):
            yield Problem(f"role {role} may not {privilege} {name}", f'grant {privilege} on {name} to "{role}";')


def one_row(cursor: Cursor) -> tuple[Any, ...]:
    """The row of a query that always has exactly one."""
    found = cursor.fetchone()
    assert found is not None
    return found
