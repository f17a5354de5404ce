"""The publication the connector reads: exactly the catalog's tables, every operation."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.catalog import Catalog

OPTIONS = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
OPERATIONS = ("insert", "update", "delete", "truncate")


@dataclass(frozen=True)
class Publication:
    """What the server has: `tables` are `schema.table`; `narrowed` those with a column list or a row filter."""

    tables: frozenset[str]
    narrowed: frozenset[str]
    operations: frozenset[str]
    all_tables: bool
    by_schema: bool
    via_root: bool


def read_publication(cursor: Cursor, name: str) -> Publication | None:
    """The publication of that name, or None."""
    cursor.execute(
        """select p.puballtables, p.pubviaroot, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,
                  exists (select from pg_publication_namespace n where n.pnpubid = p.oid)
           from pg_publication p where p.pubname = %s""",
        [name],
    )
    found = cursor.fetchone()
    if found is None:
        return None
    all_tables, via_root, *operations, by_schema = found
    cursor.execute("select schemaname || '.' || tablename from pg_publication_tables where pubname = %s", [name])
    tables = frozenset(table for (table,) in cursor.fetchall())
    return Publication(
        tables=tables,
        narrowed=_narrowed(cursor, name),
        operations=frozenset(operation for operation, on in zip(OPERATIONS, operations, strict=True) if on),
        all_tables=all_tables,
        by_schema=by_schema,
        via_root=via_root,
    )


def publication_is_exact(publication: Publication, catalog: Catalog) -> bool:
    """Whether nothing has to change."""
    listed = publication.tables == frozenset(catalog.published) and not publication.narrowed
    explicit = not publication.all_tables and not publication.by_schema
    return listed and explicit and publication.via_root and len(publication.operations) == len(OPERATIONS)


def create_sql(catalog: Catalog) -> str:
    """SQL that makes it."""
    return f"create publication {catalog.publication} for table {', '.join(catalog.published_sql)} with ({OPTIONS})"


def set_tables_sql(catalog: Catalog) -> str:
    """SQL that makes an existing one list exactly the catalog's tables."""
    return f"alter publication {catalog.publication} set table {', '.join(catalog.published_sql)}"


def set_options_sql(catalog: Catalog) -> str:
    """SQL that makes an existing one publish every operation."""
    return f"alter publication {catalog.publication} set ({OPTIONS})"


def apply_publication(cursor: Cursor, catalog: Catalog) -> None:
    """Create or correct it; does nothing when it is right. One made FOR ALL TABLES has to be made anew."""
    publication = read_publication(cursor, catalog.publication)
    if publication is not None and publication_is_exact(publication, catalog):
        return
    if publication is not None and publication.all_tables:
        cursor.execute(f"drop publication {catalog.publication}")
        publication = None
    if publication is None:
        cursor.execute(create_sql(catalog))
        return
    cursor.execute(set_tables_sql(catalog))
    cursor.execute(set_options_sql(catalog))


def _narrowed(cursor: Cursor, name: str) -> frozenset[str]:
    # PostgreSQL 14 has neither of these columns.
    cursor.execute(
        """select n.nspname || '.' || c.relname from pg_publication_rel r
           join pg_publication p on p.oid = r.prpubid join pg_class c on c.oid = r.prrelid
           join pg_namespace n on n.oid = c.relnamespace
           where p.pubname = %s and (to_jsonb(r) ->> 'prattrs' is not null or to_jsonb(r) ->> 'prqual' is not null)""",
        [name],
    )
    return frozenset(table for (table,) in cursor.fetchall())
