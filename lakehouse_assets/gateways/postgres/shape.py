"""What the source's tables are: their columns with types and defaults, their keys, and whether they are published."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.catalog import Catalog, Table, parse_type
from lakehouse_assets.catalog.shape import SourceColumn, SourceShape
from lakehouse_assets.gateways.postgres.connection import session

_OPTIONS: dict[str, Any] = {"application_name": "lakehouse drift"}

# SQL of the name of a column's type (pg_attribute a, pg_type t): a domain's is the one it rests on at last.
TYPE_NAME = """(
        with recursive rest(kind, type, modifier, base, base_modifier) as (
            select t.typtype, a.atttypid, a.atttypmod, t.typbasetype, t.typtypmod
            union all
            select b.typtype, b.oid, r.base_modifier, b.typbasetype, b.typtypmod
            from rest r join pg_type b on b.oid = r.base where r.kind = 'd'
        )
        select case kind when 'e' then 'enum' else format_type(type, modifier) end from rest where kind <> 'd')"""
# SQL that lets the old row of an update or a delete carry the primary key of a table (pg_class c) and of its partitions;
# '' where it does. Once such a table is published the server refuses its updates and deletes, or says too little of them.
IDENTITY_FIX = """coalesce((
        with recursive parts(id, kind) as (
            select c.oid, c.relkind
            union all
            select p.oid, p.relkind from parts join pg_inherits i on i.inhparent = parts.id
            join pg_class p on p.oid = i.inhrelid and p.relispartition
        )
        select string_agg(format('alter table %%I.%%I replica identity %%s;', s.nspname, p.relname,
                                 case when k.indimmediate then 'default' else 'full' end), ' ' order by p.oid)
        from parts join pg_class p on p.oid = parts.id join pg_namespace s on s.oid = p.relnamespace
        join pg_index k on k.indrelid = p.oid and k.indisprimary
        where parts.kind = 'r' and p.relreplident <> 'f' and not (p.relreplident = 'd' and k.indimmediate)
          and not exists (select from pg_index i where p.relreplident = 'i' and i.indrelid = p.oid and i.indisreplident
              and string_to_array(k.indkey::text, ' ') <@ string_to_array(i.indkey::text, ' '))), '')"""


def index_columns(which: str) -> str:
    """SQL of the columns, in its order, of the smallest index of a relation (pg_class c) that is `which` (pg_index i)."""
    return f"""coalesce((
        select array_agg(a.attname::text order by k.place)
        from (select i.* from pg_index i where i.indrelid = c.oid and {which} order by i.indnatts, i.indexrelid limit 1) i
        cross join unnest(i.indkey) with ordinality k (attnum, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where k.place <= i.indnkeyatts), '{{}}')"""


def read_shapes(dsn: str, catalog_publication: str, tables: Sequence[Table]) -> dict[str, SourceShape]:
    """Each table by its name, all as of one moment; one that does not exist has no columns. Takes no lock on a table.

    LakehouseError when the source does not answer.
    """
    with session(dsn, **_OPTIONS) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            return {table.name: _table(cursor, catalog_publication, table) for table in tables}


def undeclared_tables(dsn: str, catalog: Catalog) -> list[str]:
    """Every `schema.table` in the catalog's schemas that the catalog does not name and the role may read."""
    with session(dsn, **_OPTIONS) as connection, connection.cursor() as cursor:
        cursor.execute(
            """select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = any(%s) and c.relkind in ('r', 'p') and not c.relispartition
                 and has_table_privilege(c.oid, 'select') order by 1""",
            [sorted({table.schema for table in catalog.tables})],
        )
        return [name for (name,) in cursor.fetchall() if name not in catalog.published]


def columns_of(cursor: Cursor, oid: int) -> tuple[SourceColumn, ...]:
    """A table's columns in its order."""
    cursor.execute(
        f"""select attname, {TYPE_NAME},
                  a.atthasmissing or a.atthasdef or a.attidentity <> '', a.attgenerated <> ''
           from pg_attribute a join pg_type t on t.oid = a.atttypid
           where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by a.attnum""",
        [oid],
    )
    return tuple(
        SourceColumn(name, catalog_type(kind), filled, generated) for name, kind, filled, generated in cursor.fetchall()
    )


def key_of(cursor: Cursor, oid: int) -> tuple[str, ...]:
    """The columns of a table's primary key, in its order; () when it has none."""
    cursor.execute(f"select {index_columns('i.indisprimary')} from pg_class c where c.oid = %s", [oid])
    ((names,),) = cursor.fetchall()
    return tuple(names)


def identity_fix(cursor: Cursor, oid: int) -> str:
    """SQL that lets a table's updates and deletes carry its primary key; '' when they do."""
    cursor.execute(f"select {IDENTITY_FIX} from pg_class c where c.oid = %s", [oid])
    ((statements,),) = cursor.fetchall()
    return statements


def table_oid(cursor: Cursor, name: str) -> int | None:
    """The number of `schema.table`, or None. Unlike to_regclass it needs no right on the schema."""
    cursor.execute(
        """select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where n.nspname || '.' || c.relname = %s and c.relkind in ('r', 'p')""",
        [name],
    )
    found = cursor.fetchone()
    return found[0] if found else None


def _table(cursor: Cursor, publication: str, table: Table) -> SourceShape:
    oid = table_oid(cursor, table.source_name)
    if oid is None:
        return SourceShape((), ())
    # The view pg_publication_tables would wait for a table that is being altered.
    cursor.execute(
        """select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end
                  - '0/0'::pg_lsn, exists (
               select from pg_publication p join pg_class c on c.oid = %s where p.pubname = %s and (p.puballtables
                 or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid)
                 or exists (select from pg_publication_namespace n where n.pnpubid = p.oid and n.pnnspid = c.relnamespace)))""",
        [oid, publication],
    )
    ((lsn, published),) = cursor.fetchall()
    return SourceShape(columns_of(cursor, oid), key_of(cursor, oid), int(lsn), published)


def catalog_type(text: str) -> str:
    """The server's name of a type as the catalog spells it; a type the catalog does not know stays as it is."""
    text = re.sub(r"^(timestamp|time)(\(\d\)) (with.*)$", r"\1 \3\2", text).split(".")[-1]
    parsed = parse_type(text)
    return text if isinstance(parsed, str) else parsed.text
