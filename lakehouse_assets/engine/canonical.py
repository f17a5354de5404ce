"""A row of the lake as the text that the source makes of it too (`gateways/postgres/canonical.py` is the other half)."""

from __future__ import annotations

from lakehouse_assets.catalog import Column, Kind
from lakehouse_assets.proof import Comparison

_TYPES = {
    Kind.INTEGER: "BIGINT", Kind.FLOAT: "DOUBLE", Kind.BOOLEAN: "BOOLEAN", Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP", Kind.TIMESTAMP_TZ: "TIMESTAMPTZ",
}  # fmt: skip

_TO_MICROSECONDS = {"Timestamp": "* 1000", "MicroTimestamp": "* 1", "NanoTimestamp": "// 1000"}


def name(identifier: str) -> str:
    """An identifier of the reader's SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal of the reader's SQL."""
    return "'" + value.replace("'", "''") + "'"


def canonical(column: Column, lake: str) -> str:
    """SQL of the canonical text of a lake column that holds values of a source column.

    Nothing is cast to the declared type first: a lake that holds another one differs.
    """
    value = name(lake)
    if column.type.kind is Kind.FLOAT:
        return f"CASE WHEN isnan({value}) THEN 'NaN' ELSE CAST(CAST({value} AS BIT) AS VARCHAR) END"
    if column.type.kind is Kind.ARRAY:
        elements = f"json_extract_string({value}, '$[*]')"
        told = f"array_to_string(list_transform({elements}, e -> coalesce(length(e) || ':' || e, '')), '|')"
        return f"CASE WHEN json_valid({value}) THEN coalesce({told}, '') ELSE {value} END"
    return _text(column, value)


def _text(column: Column, value: str) -> str:
    if column.type.kind is Kind.DECIMAL and column.type.decimal[0] == column.type.decimal[1]:
        # The reader leaves out the zero before the point where the type has no place for another digit.
        return f"CASE WHEN {value} < 0 THEN '-' ELSE '' END || '0' || ltrim(CAST({value} AS VARCHAR), '-')"
    return f"CAST({value} AS VARCHAR)"


def texts(comparison: Comparison) -> list[str]:
    """SQL of the canonical texts of all compared columns."""
    return [canonical(pair.source, pair.lake) for pair in comparison.pairs]


def key_texts(comparison: Comparison) -> list[str]:
    """SQL of the canonical texts of the key; a part that is NULL is an empty text."""
    return [f"coalesce({canonical(pair.source, pair.lake)}, '')" for pair in comparison.key]


def digest(comparison: Comparison) -> str:
    """SQL of the MD5 of a row's canonical texts: each cell ends with a bar, NULL is nothing, a text begins with its length."""
    cells = [f"{_cell(pair.source, pair.lake)}, '|'" for pair in comparison.pairs]
    return f"md5(concat({', '.join(cells)}))"


def numbers(digest_column: str) -> tuple[str, str]:
    """SQL of the two numbers of a row's digest."""
    return _half(digest_column, 1), _half(digest_column, 16)


def typed(column: Column) -> str:
    """The type that orders a key column's values as the source does."""
    if column.type.kind is Kind.DECIMAL:
        return "DECIMAL({},{})".format(*column.type.decimal)
    return _TYPES.get(column.type.kind, "VARCHAR")


def from_message(column: Column, key: str) -> str:
    """SQL of the canonical text of a key column, from the text `key` of a change's key as Debezium writes it."""
    pointer = "/" + column.name.replace("~", "~0").replace("/", "~1")
    value = f"json_extract_string({key}, {text(pointer)})"
    if column.type.kind is Kind.DATE:
        return f"CAST(DATE '1970-01-01' + TRY_CAST({value} AS INTEGER) AS VARCHAR)"
    if column.type.units:
        micros = f"TRY_CAST({value} AS BIGINT) {_TO_MICROSECONDS[column.encoding or column.type.units]}"
        if column.type.kind is Kind.TIMESTAMP:
            return f"CAST(make_timestamp({micros}) AS VARCHAR)"
        return f"CASE WHEN {micros} = 86400000000 THEN '24:00:00' ELSE CAST(TIME '00:00' + to_microseconds({micros}) AS VARCHAR) END"
    if column.type.kind in (Kind.DECIMAL, Kind.TIMESTAMP_TZ):
        return _text(column, f"TRY_CAST({value} AS {typed(column)})")
    return value


def _cell(column: Column, lake: str) -> str:
    value = canonical(column, lake)
    return f"length({value}) || ':' || {value}" if column.type.is_text else value


def _half(digest_column: str, start: int) -> str:
    return f"CAST('0x' || substr({digest_column}, {start}, 15) AS BIGINT)"
