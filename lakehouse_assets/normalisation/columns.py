"""From the texts of a table's changed rows to the columns that the lake holds: rules and protection applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.catalog.model import RETYPED, Protect
from lakehouse_assets.normalisation.dictionary import reading
from lakehouse_assets.normalisation.protection import KEYS_VIEW, decrypted, hidden, needs_keys
from lakehouse_assets.normalisation.reading import Status, read_all, result


def normalised(rows: str, table: Table, also: Iterable[str], unknown: Callable[[Column], str]) -> str:
    """SQL of `rows` with the lake's columns in place of the texts, and `_clause_<c>` of every judged column.

    `also`: columns of `rows` that stay, quoted where they must be. `unknown`: the column that says no text is known.
    """
    if not any(column.judged or column.protect for column in table.columns):
        return rows
    source = f"SELECT * FROM ({rows}) CROSS JOIN {KEYS_VIEW}" if needs_keys(table.columns) else rows
    clear = [f"{decrypted(sql.name(c.name))} AS {_clear(c)}" for c in table.columns if c.protect is Protect.DECRYPT]
    if clear:
        source = f"SELECT *, {', '.join(clear)} FROM ({source})"
    ruled = [c for c in table.columns if c.rule]
    source = read_all(source, {_text(c): reading(c.rule) for c in ruled if c.rule})
    columns = [part for c in table.columns for part in _columns(c, ruled, unknown)]
    return f"SELECT {', '.join([*columns, *also])} FROM ({source})"


def clause(column: Column) -> str:
    """The column that holds the clause which decided on a judged column's value."""
    return sql.name(f"_clause_{column.name}")


def _columns(column: Column, ruled: list[Column], unknown: Callable[[Column], str]) -> list[str]:
    name = sql.name(column.name)
    if column.protect is Protect.DROP:
        return []
    if not column.judged:
        return [f"{hidden(column, name)} AS {name}" if column.protect else name]
    value, status, why = _text(column), f"'{Status.OK}'", "'clear'"
    if column.rule:
        number = ruled.index(column)
        value, status, why = result(number, "value"), result(number, "status"), result(number, "clause")
    if column.protect is Protect.DECRYPT:
        failed = f"{name} IS NOT NULL AND {_clear(column)} IS NULL"
        status = f"CASE WHEN {failed} THEN '{Status.DECRYPT_FAILED}' ELSE {status} END"
        why = f"CASE WHEN {failed} THEN 'cipher' ELSE {why} END"
    if column.encoding == RETYPED:
        value, why = f"CAST(NULL AS {column.value_type})", f"'{RETYPED}'"
        status = f"CASE WHEN {name} IS NULL THEN '{Status.OK}' ELSE '{Status.INVALID}' END"
    return [
        f"{value} AS {name}",
        f"{name} AS {sql.name(column.name + '__raw')}",
        f"CASE WHEN {unknown(column)} THEN '{Status.UNAVAILABLE}' ELSE {status} END AS {sql.name(column.name + '__status')}",
        f"CASE WHEN {unknown(column)} THEN 'no_value' ELSE {why} END AS {clause(column)}",
    ]


def _text(column: Column) -> str:
    return _clear(column) if column.protect is Protect.DECRYPT else sql.name(column.name)


def _clear(column: Column) -> str:
    return sql.name(f"_clear_{column.name}")
