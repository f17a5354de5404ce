"""Which Postgres types the lake holds, and as what."""

from __future__ import annotations

import pytest

from lakehouse_assets.catalog import UNAVAILABLE, Kind, PostgresType, parse_type
from lakehouse_assets.catalog.types import declared

# The catalog's text, how it is printed, its kind and its Spark type.
TYPES = [
    ("smallint", "smallint", Kind.INTEGER, "smallint"),
    ("int2", "smallint", Kind.INTEGER, "smallint"),
    ("integer", "integer", Kind.INTEGER, "int"),
    ("serial", "integer", Kind.INTEGER, "int"),
    ("INT4", "integer", Kind.INTEGER, "int"),
    ("bigint", "bigint", Kind.INTEGER, "bigint"),
    ("bigserial", "bigint", Kind.INTEGER, "bigint"),
    ("numeric(15,2)", "numeric(15,2)", Kind.DECIMAL, "decimal(15,2)"),
    ("numeric( 15 , 2 )", "numeric(15,2)", Kind.DECIMAL, "decimal(15,2)"),
    ("decimal(5)", "numeric(5,0)", Kind.DECIMAL, "decimal(5,0)"),
    ("numeric(38,38)", "numeric(38,38)", Kind.DECIMAL, "decimal(38,38)"),
    ("numeric", "numeric", Kind.DECIMAL, "decimal(38,18)"),
    ("real", "real", Kind.FLOAT, "float"),
    ("double precision", "double precision", Kind.FLOAT, "double"),
    ("float8", "double precision", Kind.FLOAT, "double"),
    ("bool", "boolean", Kind.BOOLEAN, "boolean"),
    ("date", "date", Kind.DATE, "date"),
    ("time", "time", Kind.TIME, "string"),
    ("time(3)", "time(3)", Kind.TIME, "string"),
    ("time without time zone", "time", Kind.TIME, "string"),
    ("timestamp", "timestamp", Kind.TIMESTAMP, "timestamp_ntz"),
    ("timestamp(3)", "timestamp(3)", Kind.TIMESTAMP, "timestamp_ntz"),
    ("timestamp without time zone", "timestamp", Kind.TIMESTAMP, "timestamp_ntz"),
    ("timestamptz(0)", "timestamptz(0)", Kind.TIMESTAMP_TZ, "timestamp"),
    ("timestamp with time zone", "timestamptz", Kind.TIMESTAMP_TZ, "timestamp"),
    ("text", "text", Kind.TEXT, "string"),
    ("varchar", "varchar", Kind.TEXT, "string"),
    ("varchar(50)", "varchar(50)", Kind.TEXT, "string"),
    ("character varying(255)", "varchar(255)", Kind.TEXT, "string"),
    ("char(2)", "char(2)", Kind.TEXT, "string"),
    ("character", "char(1)", Kind.TEXT, "string"),
    ("citext", "citext", Kind.TEXT, "string"),
    ("uuid", "uuid", Kind.TEXT, "string"),
    ("json", "json", Kind.TEXT, "string"),
    ("jsonb", "jsonb", Kind.TEXT, "string"),
    ("tstzrange", "tstzrange", Kind.TEXT, "string"),
    ("name", "name", Kind.TEXT, "string"),
    ("xml", "xml", Kind.TEXT, "string"),
    ("oid", "oid", Kind.INTEGER, "bigint"),
    ("money", "money", Kind.DECIMAL, "decimal(19,2)"),
    ("bytea", "bytea", Kind.BYTES, "string"),
    ("interval", "interval", Kind.INTERVAL, "string"),
    ("interval(3)", "interval", Kind.INTERVAL, "string"),
    ("interval day to second(3)", "interval", Kind.INTERVAL, "string"),
    ("timetz", "timetz", Kind.TIME_TZ, "string"),
    ("time with time zone", "timetz", Kind.TIME_TZ, "string"),
    ("timetz(3)", "timetz(3)", Kind.TIME_TZ, "string"),
    ("text[]", "text[]", Kind.ARRAY, "string"),
    ("character varying(10)[]", "varchar(10)[]", Kind.ARRAY, "string"),
    ("int8[]", "bigint[]", Kind.ARRAY, "string"),
    ("uuid[]", "uuid[]", Kind.ARRAY, "string"),
    ("hstore", "hstore", Kind.STRUCT, "string"),
    ("point", "point", Kind.STRUCT, "string"),
    ("jsonb[]", "jsonb[]", Kind.ARRAY, "string"),
    ("bit", "bit(1)", Kind.BITS, "string"),
    ("bit(64)", "bit(64)", Kind.BITS, "string"),
    ("other", "other", Kind.OTHER, "string"),
]


@pytest.mark.parametrize(("text", "printed", "kind", "spark"), TYPES, ids=[t[0] for t in TYPES])
def test_a_type_is_read_in_every_spelling(text: str, printed: str, kind: Kind, spark: str) -> None:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType)
    assert (parsed.text, parsed.kind, parsed.spark) == (printed, kind, spark)


REFUSED = [
    ("", "cannot be read"),
    ("numeric(6,2)[]", "do not tell an unchanged long value from NULL"),
    ("char(2)[]", "do not tell an unchanged long value from NULL"),
    ("comp[]", "do not tell an unchanged long value from NULL"),
    ("polygon", "do not tell an unchanged long value from NULL"),
    *(
        (text, "do not tell an unchanged long value from NULL")
        for text in ("bit(65)", "bit varying(3)", "geometry", "vector(3)")
    ),
    ("numeric(15,-2)", "cannot be read"),
    ("numeric(15,2", "cannot be read"),
    ("cube", "not supported"),
    ("integer(4)", "not supported"),
    ("text(10)", "not supported"),
    ("date(3)", "not supported"),
    ("varchar(10,2)", "not supported"),
    ("timestamp(3,1)", "not supported"),
    ("numeric(0)", "precision must be 1..38"),
    ("numeric(39,2)", "precision must be 1..38"),
    ("numeric(5,6)", "scale at most the precision"),
    ("timestamp(7)", "at most 6 fraction digits"),
    ("timestamptz(9)", "at most 6 fraction digits"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[r[0] or "nothing" for r in REFUSED])
def test_a_type_that_the_lake_cannot_hold_gets_a_reason(text: str, reason: str) -> None:
    parsed = parse_type(text)
    assert isinstance(parsed, str)
    assert reason in parsed


@pytest.mark.parametrize(
    ("text", "decimal"), [("numeric(15,2)", (15, 2)), ("numeric(7)", (7, 0)), ("numeric", (38, 18))]
)
def test_a_decimal_knows_its_precision_and_scale(text: str, decimal: tuple[int, int]) -> None:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType)
    assert parsed.decimal == decimal


@pytest.mark.parametrize(
    "text", ["text", "varchar(50)", "char(2)", "json", "jsonb", "numeric", "bytea", "text[]", "hstore", "other"]
)
def test_a_type_of_any_length_may_be_stored_out_of_line_and_so_be_unavailable(text: str) -> None:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType)
    assert parsed.toastable


@pytest.mark.parametrize(
    "text",
    ["integer", "numeric(15,2)", "double precision", "boolean", "date", "timestamptz", "interval", "point", "bit(64)"],
)
def test_a_type_of_few_bytes_is_always_sent(text: str) -> None:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType)
    assert not parsed.toastable


@pytest.mark.parametrize(
    ("source", "catalog"),
    [
        ("enum", "text"), ("varchar(3)", "varchar(3)"), ("bytea", "bytea"), ("cube", "other"), ("xml", "xml"),
        ("My Type", "other"), ("int4multirange", "other"), ("pg_snapshot", "other"),
        ("numeric(50,2)", "numeric(50,2)"), ("numeric(3,5)", "numeric(3,5)"), ("interval day to second(3)", "interval day to second(3)"),
        ("cube[]", "cube[]"), ("polygon", "polygon"), ("bit(3)", "bit(3)"), ("bit(99)", "bit(99)"), ("bit varying(3)", "bit varying(3)"),
    ],
)  # fmt: skip
def test_a_type_of_the_source_that_the_catalog_does_not_know_is_declared_as_other(source: str, catalog: str) -> None:
    assert declared(source) == catalog


@pytest.mark.parametrize(
    ("text", "unavailable"),
    [
        ("text", UNAVAILABLE),
        ("bytea", UNAVAILABLE),
        ("other", UNAVAILABLE),
        ("text[]", f'["{UNAVAILABLE}"]'),
        ("varchar(10)[]", f'["{UNAVAILABLE}"]'),
        ("integer[]", "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]"),
        ("uuid[]", '["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]'),
        ("hstore", f'{{"{UNAVAILABLE}":"{UNAVAILABLE}"}}'),
    ],
)  # fmt: skip
def test_an_unavailable_value_is_known_by_what_the_connector_puts_in_its_place(text: str, unavailable: str) -> None:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType)
    assert parsed.unavailable == unavailable
