"""A typed column's value is decoded exactly or is NULL with the reason; nothing is rounded, wrapped or guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lakehouse_assets.catalog import Kind, PostgresType, parse_type
from lakehouse_assets.normalisation.encodings import decode

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WORKED = Path(__file__).parent / "cases" / "encodings.jsonl"
# The stack does not send these (decimal.handling.mode=string, time.precision.mode=adaptive); they come with the text rules.
NOT_SENT = ("precise", "variable_scale", "NanoTimestamp")
MILLISECONDS = "Timestamp"  # of a timestamp of at most three fraction digits


class Case(NamedTuple):
    type: str
    wire: Any  # the member of `after`, as JSON
    value: str | None
    status: str = "ok"
    why: str = ""


def _worked() -> list[Case]:
    cases = [json.loads(line) for line in WORKED.read_text(encoding="utf-8").splitlines()]
    return [
        Case("timestamp(3)" if c["encoding"] == MILLISECONDS else c["source_type"], c["wire"], c["value"], c["status"], c["why"])
        for c in cases
        # What is unavailable is the fold's to know: see changelog/test_fold.py.
        if c["encoding"] not in NOT_SENT and c["status"] != "unavailable"
    ]  # fmt: skip


EXTREMES = [
    *(Case(t, None, None) for t in ("integer", "numeric(15,2)", "date", "timestamp", "timestamptz", "text", "boolean", "real")),
    Case("smallint", 32767, "32767"),
    Case("smallint", -32768, "-32768"),
    Case("smallint", 32768, None, "out_of_range"),
    Case("integer", 2147483647, "2147483647"),
    Case("integer", -2147483648, "-2147483648"),
    Case("integer", 2147483648, None, "out_of_range"),
    Case("integer", 1.5, None, "out_of_range"),
    Case("integer", "x", None, "invalid"),
    Case("integer", "", None, "invalid"),
    Case("integer", True, None, "invalid"),
    Case("integer", [1], None, "invalid"),
    Case("bigint", 9223372036854775807, "9223372036854775807"),
    Case("bigint", -9223372036854775808, "-9223372036854775808"),
    Case("bigint", 9223372036854775808, None, "out_of_range"),
    Case("bigint", 10**40, None, "out_of_range"),
    Case("numeric(15,2)", "0", "0.00"),
    Case("numeric(15,2)", "-0.00", "0.00"),
    Case("numeric(15,2)", "00012.5", "12.50"),
    Case("numeric(15,2)", "1.500000000000", "1.50", why="zeros beyond the scale are no loss"),
    Case("numeric(15,2)", "1.005", None, "out_of_range"),
    Case("numeric(15,2)", "1.0000000000000000000000000000000000000000000000001", None, "out_of_range"),
    Case("numeric(15,2)", "-0.001", None, "out_of_range"),
    Case("numeric(15,2)", "9999999999999.99", "9999999999999.99"),
    Case("numeric(15,2)", "-9999999999999.99", "-9999999999999.99"),
    Case("numeric(15,2)", "9999999999999.995", None, "out_of_range"),
    Case("numeric(15,2)", "10000000000000", None, "out_of_range"),
    Case("numeric(15,2)", "1" + "0" * 60, None, "out_of_range"),
    Case("numeric(15,2)", "0" * 60 + "1", "1.00"),
    Case("numeric(5)", "99999", "99999"),
    Case("numeric(5)", "1.0", "1"),
    Case("numeric(5)", "1.5", None, "out_of_range"),
    Case("numeric(38,0)", "9" * 38, "9" * 38),
    Case("numeric(38,0)", "-" + "9" * 38, "-" + "9" * 38),
    Case("numeric(38,0)", "1" + "0" * 38, None, "out_of_range"),
    Case("numeric(38,38)", "0." + "9" * 38, "0." + "9" * 38),
    Case("numeric(38,38)", "1", None, "out_of_range"),
    Case("numeric", "-99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999"),
    Case("numeric", "1.1000000000000000000", "1.100000000000000000"),
    *(Case("numeric(15,2)", w, None, "special") for w in ("nan", "INFINITY", "-Infinity", "positive_infinity")),
    *(
        Case("numeric(15,2)", w, None, "invalid", f"{w!r} is no plain decimal")
        for w in ("", " ", "1.", ".5", "+1", "1e2", "1E-7", " 1.5", "1.5 ", "1.5\n", "--1", "1,5", "1.2.3", "٣", "0x1F", "1d", "null")
    ),
    Case("date", "19753", "2024-01-31", why="the type decides, not the form of the JSON"),
    Case("date", "2024-01-31", None, "invalid"),
    Case("date", 1.5, None, "invalid"),
    Case("date", "", None, "invalid"),
    Case("date", -625821272, None, "special"),
    Case("date", 2147483648, None, "out_of_range"),
    Case("date", 9223372036854775807, None, "out_of_range"),
    Case("date", 10**30, None, "out_of_range"),
    Case("timestamp", 253402300799999999, "9999-12-31T23:59:59.999999"),
    Case("timestamp", 253402300800000000, None, "out_of_range"),
    Case("timestamp", 9223372036854775806, None, "out_of_range"),
    Case("timestamp", "2024-01-31T10:00:00", None, "invalid"),
    Case("timestamp(3)", -62135596800000, "0001-01-01T00:00:00.000000"),
    Case("timestamp(3)", -62135596800001, None, "out_of_range"),
    Case("timestamp(3)", 9223372036854775807, None, "special"),
    Case("timestamp(0)", 1706695200000, "2024-01-31T10:00:00.000000", why="up to three digits are milliseconds"),
    Case("timestamp(4)", 1706695200123400, "2024-01-31T10:00:00.123400", why="from four digits on, microseconds"),
    Case("timestamptz", "2024-01-31T13:00:00Z", "2024-01-31T13:00:00.000000"),
    Case("timestamptz", "2024-01-31T13:00:00.123456Z", "2024-01-31T13:00:00.123456"),
    Case("timestamptz", "2024-01-31T13:00:00.1234560000Z", "2024-01-31T13:00:00.123456"),
    Case("timestamptz", "2024-01-31T13:00:00.1234567Z", None, "out_of_range", "a digit beyond microseconds is never cut"),
    Case("timestamptz", "2024-01-31T23:30:00-03:00", "2024-02-01T02:30:00.000000"),
    Case("timestamptz", "0001-01-01T00:30:00+01:00", None, "out_of_range", "the instant is in the year 0"),
    Case("timestamptz", "9999-12-31T23:30:00-01:00", None, "out_of_range", "the instant is in the year 10000"),
    Case("timestamptz", "0000-01-01T00:00:00Z", None, "out_of_range"),
    *(
        Case("timestamptz", w, None, "invalid", f"{w!r} is no instant")
        for w in ("", "now", "epoch", "today", "2024-01-31", "2024-01-31T13:00:00", "2024-02-30T13:00:00Z", "2024-01-31T25:00:00Z",
                  "2024-01-31T13:00:00Z\n", "2024-01-31 13:00:00Z", "2024-01-31T13:00:60Z", "2024-01-31T13:00:00+30:00",
                  "2024-1-31T13:00:00Z", "13:00:00Z")
    ),
    Case("boolean", True, "true"),
    Case("boolean", False, "false"),
    Case("boolean", "maybe", None, "invalid"),
    Case("double precision", 0.1, "0.1"),
    Case("double precision", 1.7976931348623157e308, "1.7976931348623157E308"),
    Case("double precision", "NaN", "NaN"),
    Case("double precision", "Infinity", "Infinity"),
    Case("double precision", "-Infinity", "-Infinity"),
    Case("double precision", "x", None, "invalid"),
    Case("real", 0.1, "0.1"),
    Case("real", "NaN", "NaN"),
    Case("text", "", ""),
    Case("text", "  NULL\n", "  NULL\n", why="a text is never touched"),
    Case("text", "São João 🏠 \\ \" ' `", "São João 🏠 \\ \" ' `"),
    Case("char(5)", "ab   ", "ab   "),
    Case("jsonb", '{"a": 1.10}', '{"a": 1.10}'),
    Case("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
]  # fmt: skip
CASES = _worked() + EXTREMES


def _type(text: str) -> PostgresType:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType), parsed
    return parsed


def _printed(kind: PostgresType, value: str) -> str:
    """SQL of a value as the worked examples write it; an instant with its zone left out, which is UTC."""
    if kind.kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_TZ):
        return f"date_format({value}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS\")"
    return f"CAST({value} AS STRING)"


@pytest.fixture(scope="module")
def decoded(spark: SparkSession) -> dict[int, tuple[str | None, str]]:
    """Value as text and status of every case, from its message's JSON, by the case's number; one pass over all."""
    rows = [(i, case.type, json.dumps({"after": {"c": case.wire}})) for i, case in enumerate(CASES)]
    spark.createDataFrame(rows, "i int, type string, value string").createOrReplaceTempView("encoding_cases")
    selects = []
    for text in dict.fromkeys(case.type for case in CASES):
        rule = decode(_type(text), "c")
        selects.append(
            f"SELECT i, {_printed(_type(text), rule.value)} AS value, {rule.status} AS status FROM "
            "(SELECT i, type, from_json(value, 'struct<after: struct<c: string>>').after.c AS c FROM encoding_cases) "
            f"WHERE type = '{text}'"
        )
    return {row.i: (row.value, row.status) for row in spark.sql(" UNION ALL ".join(selects)).collect()}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c.type} {c.wire!r:.50} {c.why}" for c in CASES])
def test_a_value_is_decoded_exactly_or_has_a_reason(decoded: dict[int, tuple[str | None, str]], number: int) -> None:
    case, (value, status) = CASES[number], decoded[number]
    expected = case.value
    if _type(case.type).kind is Kind.TIMESTAMP_TZ and expected:
        expected = expected.removesuffix("Z")
    assert (value, status) == (expected, case.status)


def test_every_encoding_of_the_worked_examples_is_tried_or_named_as_not_sent() -> None:
    lines = [json.loads(line) for line in WORKED.read_text(encoding="utf-8").splitlines()]
    left_out = [line for line in lines if line["encoding"] in NOT_SENT or line["status"] == "unavailable"]
    assert {line["encoding"] for line in left_out} == {*NOT_SENT, "string"}
    assert len(_worked()) == len(lines) - len(left_out) == 49


def test_only_a_value_that_was_read_is_not_null(decoded: dict[int, tuple[str | None, str]]) -> None:
    assert {status for value, status in decoded.values() if value is not None} == {"ok"}
    assert {CASES[i].wire for i, (value, status) in decoded.items() if value is None and status == "ok"} == {None}


def test_the_value_has_the_type_of_the_column(spark: SparkSession) -> None:
    texts = ["smallint", "integer", "bigint", "numeric(15,2)", "numeric", "real", "double precision", "boolean", "date",
             "timestamp(3)", "timestamp", "timestamptz", "text", "varchar(5)"]  # fmt: skip
    columns = [f"{decode(_type(text), 'CAST(NULL AS STRING)').value} AS `{text}`" for text in texts]
    schema = spark.sql(f"SELECT {', '.join(columns)}").schema
    assert {f.name: f.dataType.simpleString() for f in schema} == {text: _type(text).spark for text in texts}


def test_sums_of_decoded_amounts_are_exact(spark: SparkSession) -> None:
    value = decode(_type("numeric(15,2)"), "c").value
    row = spark.sql(f"SELECT sum({value}) AS total FROM (SELECT '0.10' AS c FROM range(1000))").first()
    assert row is not None
    assert row.total == Decimal("100.00")
