"""A row as text that the lake's reader can make too, byte for byte (`engine/canonical.py` is the other half).

A value that the rules of values make NULL in the lake (VALUES section 7) is NULL here, and no other is: NaN and
infinite decimals and those that do not fit, infinite days and instants, and those outside the years 1-9999.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import sql

from lakehouse_assets.catalog import Column, Kind
from lakehouse_assets.catalog.model import identifier
from lakehouse_assets.proof import Comparison

# The texts of days, instants and bytes depend on these.
SESSION = "set local datestyle = 'ISO, YMD'; set local time zone 'UTC'; set local bytea_output = 'hex'"
_ARGUMENTS = 80  # a function takes 100
_OF_KIND = {
    # Debezium's ISO 8601: each part with a sign of its own.
    Kind.INTERVAL: " || ".join(
        ["'P'", *(f"extract({part} from {{c}}) || '{unit}'" for part, unit in
                  (("year", "Y"), ("month", "M"), ("day", "DT"), ("hour", "H"), ("minute", "M"))),
         "trim_scale(extract(second from {c})::numeric) || 'S'"]
    ),
    Kind.TIME_TZ: "({c} at time zone 'UTC')::time::text || 'Z'",
    # Element by element: JSON has more than one way to write a text.
    Kind.ARRAY: """case when {c} is not null then coalesce((select string_agg(coalesce(length(e.t) || ':' || e.t, ''), '|' order by e.n)
        from unnest({c}::text[]) with ordinality e (t, n)), '') end""",
}  # fmt: skip


def canonical(column: Column) -> sql.Composable:
    """The canonical text of a column, NULL for what the lake holds as NULL."""
    return sql.SQL(_template(column)).format(c=named(column.name))


def named(name: str) -> sql.Composable:
    """A name in a statement with parameters: psycopg2 leaves the `%` of a name to be read as one."""
    return sql.SQL(identifier(name).replace("%", "%%"))


def _template(column: Column) -> str:
    kind = column.type.kind
    if kind in _OF_KIND:
        return _OF_KIND[kind]
    if column.type.text == "money":
        return "{c}::numeric::text"
    if kind is Kind.DECIMAL:
        precision, scale = column.type.decimal
        # NaN is above every number, so that the first comparison leaves it out.
        return f"case when abs({{c}}) < 1e{precision - scale} and {{c}} = round({{c}}, {scale}) then round({{c}}, {scale})::text end"
    if kind is Kind.FLOAT:
        send, bits = ("float4send", 32) if column.type.text == "real" else ("float8send", 64)
        return f"case when {{c}} = 'NaN' then 'NaN' else ('x' || encode({send}({{c}}), 'hex'))::bit({bits})::text end"
    if kind is Kind.DATE:
        return "case when {c} between '0001-01-01' and '9999-12-31' then {c}::text end"
    if kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_TZ):
        zone = "+00" if kind is Kind.TIMESTAMP_TZ else ""
        return f"case when {{c}} >= '0001-01-01 00:00{zone}' and {{c}} < '10000-01-01 00:00{zone}' then {{c}}::text end"
    if column.type.text.startswith("char(") or column.type.text == "inet":
        # As the server prints it: a cast would cut the blanks at the end, or add a mask.
        return "case when {c} is not null then concat({c}) end"
    return "{c}::text"


def key_texts(comparison: Comparison) -> list[sql.Composable]:
    """The canonical texts of the key's columns, ordered and compared by code point."""
    return [sql.SQL('{} collate "C"').format(canonical(pair.source)) for pair in comparison.key]


def digest(comparison: Comparison) -> sql.Composable:
    """The MD5 of a row's canonical texts: each cell ends with a bar, NULL is nothing, a text begins with its length."""
    cells = [part for pair in comparison.pairs for part in (_cell(pair.source), sql.SQL("'|'"))]
    groups = [_concat(cells[start : start + _ARGUMENTS]) for start in range(0, len(cells), _ARGUMENTS)]
    return sql.SQL("md5(convert_to({}, 'UTF8'))").format(groups[0] if len(groups) == 1 else _concat(groups))


def sums(digest_column: str) -> str:
    """The two sums of many rows' digests."""
    return f"{_half('sum', digest_column, 1)}, {_half('sum', digest_column, 16)}"


def numbers(digest_column: str) -> str:
    """The two numbers of one row's digest."""
    return f"{_half('', digest_column, 1)}, {_half('', digest_column, 16)}"


def _half(aggregate: str, digest_column: str, start: int) -> str:
    return f"{aggregate}(('x' || substr({digest_column}, {start}, 15))::bit(60)::bigint)"


def _cell(column: Column) -> sql.Composable:
    text = canonical(column)
    return sql.SQL("length({0}) || ':' || {0}").format(text) if column.type.is_text else text


def _concat(parts: list[sql.Composable]) -> sql.Composable:
    return sql.SQL("concat({})").format(sql.SQL(", ").join(parts))


def typed(column: Column, texts: sql.Composable) -> sql.Composable:
    """An array of canonical texts as values that compare as the column does; of a text column they stay texts."""
    return texts if column.type.is_text else sql.SQL("{}::{}[]").format(texts, sql.SQL(column.type.text))


def comparable_key(column: Column) -> sql.Composable:
    """The first key column as the lake's reader orders it: numbers and times by value, texts by code point."""
    if column.type.is_text:
        return sql.SQL('({}) collate "C"').format(canonical(column))
    return named(column.name)


def selected(comparison: Comparison) -> Iterator[sql.Composable]:
    """The canonical texts of all compared columns."""
    return (canonical(pair.source) for pair in comparison.pairs)


def printed(comparison: Comparison) -> Iterator[sql.Composable]:
    """The texts of all compared columns as the server prints them, also of values that the lake holds as NULL."""
    return (sql.SQL("{}::text").format(named(pair.source.name)) for pair in comparison.pairs)
