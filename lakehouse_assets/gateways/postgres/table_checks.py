"""Whether a source table is what the catalog says: columns, types and key agree, and the role may read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.catalog import Kind, Table, parse_type
from lakehouse_assets.gateways.postgres.bootstrap import create_table_sql


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and the SQL (to be run as the owner or a superuser) that mends it."""

    text: str
    fix_sql: str


def table_problems(cursor: Cursor, table: Table) -> Iterator[Problem]:
    """What is wrong with one catalog table."""
    oid = table_oid(cursor, table.source_name)
    if oid is None:
        yield Problem(f"table {table.source_name} does not exist", f"{create_table_sql(table)};")
        return
    yield from right_problems(cursor, table.source_name, oid, ("select",))
    yield from _columns(cursor, table, oid)
    yield from _key(cursor, table, oid)


def _columns(cursor: Cursor, table: Table, oid: int) -> Iterator[Problem]:
    cursor.execute(
        """select attname, case t.typtype when 'e' then 'enum' when 'd' then format_type(t.typbasetype, t.typtypmod)
                                else format_type(a.atttypid, a.atttypmod) end
           from pg_attribute a join pg_type t on t.oid = a.atttypid
           where a.attrelid = %s and a.attnum > 0 and not a.attisdropped""",
        [oid],
    )
    found = dict(cursor.fetchall())
    for column in table.columns:
        expected, at = column.type.text, f"{table.source_name}.{column.name}"
        if column.name not in found:
            yield Problem(
                f"column {at} ({expected}) does not exist",
                f"alter table {table.source_name} add column {column.name} {expected};",
            )
            continue
        actual = _catalog_type(found[column.name])
        # An enum has no type of its own in the catalog: its labels are text.
        if actual != expected and not (actual == "enum" and column.type.kind is Kind.TEXT):
            yield Problem(
                f"column {at} is {actual}, the catalog says {expected}",
                f"alter table {table.source_name} alter column {column.name} type {expected};"
                f'  -- or write {column.name} = "{actual}" in the catalog',
            )


def _key(cursor: Cursor, table: Table, oid: int) -> Iterator[Problem]:
    cursor.execute(
        """select a.attname from pg_index i cross join unnest(i.indkey) with ordinality k (attnum, place)
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
           where i.indrelid = %s and i.indisprimary and k.place <= i.indnkeyatts order by k.place""",
        [oid],
    )
    found = tuple(name for (name,) in cursor.fetchall())
    expected = ", ".join(table.key)
    if not found:
        yield Problem(
            f"table {table.source_name} has no primary key: its updates and deletes cannot be told apart",
            f"alter table {table.source_name} add primary key ({expected});",
        )
    elif set(found) != set(table.key):
        yield Problem(
            f"the primary key of {table.source_name} is ({', '.join(found)}), the catalog says ({expected})",
            f"-- write key = {list(found)} for {table.name} in the catalog",
        )


def table_oid(cursor: Cursor, name: str) -> int | None:
    """The number of `schema.table`, or None. Unlike to_regclass it needs no right on the schema."""
    cursor.execute(
        """select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where n.nspname || '.' || c.relname = %s and c.relkind in ('r', 'p')""",
        [name],
    )
    found = cursor.fetchone()
    return found[0] if found else None


def right_problems(cursor: Cursor, name: str, oid: int, privileges: tuple[str, ...]) -> Iterator[Problem]:
    """Which of the privileges on `schema.table` the current role lacks."""
    schema = name.split(".")[0]
    cursor.execute("select current_user, has_schema_privilege(%s, 'usage')", [schema])
    role, may_enter = one_row(cursor)
    if not may_enter:
        yield Problem(f"role {role} may not use schema {schema}", f'grant usage on schema {schema} to "{role}";')
    for privilege in privileges:
        cursor.execute("select has_table_privilege(%s::oid, %s)", [oid, privilege])
        if one_row(cursor) != (True,):
            yield Problem(f"role {role} may not {privilege} {name}", f'grant {privilege} on {name} to "{role}";')


def _catalog_type(text: str) -> str:
    """The server's name of a type as the catalog spells it; a type the catalog does not know stays as it is."""
    text = re.sub(r"^(timestamp)(\(\d\)) (with.*)$", r"\1 \3\2", text).split(".")[-1]
    parsed = parse_type(text)
    return text if isinstance(parsed, str) else parsed.text


def one_row(cursor: Cursor) -> tuple[Any, ...]:
    """The row of a query that always has exactly one."""
    found = cursor.fetchone()
    assert found is not None
    return found
