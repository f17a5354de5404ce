"""A typed column's value is decoded exactly or is NULL with the reason; nothing is rounded, wrapped or guessed."""

from __future__ import annotations

import base64
import json
import random
from decimal import Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lakehouse_assets.catalog import Kind, PostgresType, parse_type
from lakehouse_assets.normalisation.encodings import decode

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WORKED = Path(__file__).parent / "cases" / "encodings.jsonl"
# Encodings that the type alone does not ask for: the connector's other modes.
OF_OTHER_MODES = ("precise", "variable_scale", "Timestamp", "NanoTimestamp")


class Case(NamedTuple):
    type: str
    wire: Any  # the member of `after`, as JSON
    value: str | None
    status: str = "ok"
    why: str = ""
    encoding: str | None = None  # where it is not the one of the type


def _lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in WORKED.read_text(encoding="utf-8").splitlines()]


def _worked() -> list[Case]:
    return [
        Case(c["source_type"], c["wire"], c["value"], c["status"], c["why"], c["encoding"] if c["encoding"] in OF_OTHER_MODES else None)
        for c in _lines()
        # What is unavailable is the fold's to know: see changelog/test_fold.py.
        if c["status"] != "unavailable"
    ]  # fmt: skip


def unscaled(number: int, size: int = 0) -> str:
    """A whole number as Kafka Connect writes it: big-endian two's complement, in as few bytes as it needs or in so many."""
    least = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return base64.b64encode(number.to_bytes(max(size, least), "big", signed=True)).decode()


def precise(kind: str, number: int, value: str | None, status: str = "ok", size: int = 0) -> Case:
    return Case(kind, unscaled(number, size), value, status, f"{number} in {size or 'few'} bytes", "precise")


def variable(scale: Any, number: int, value: str | None, status: str = "ok") -> Case:
    return Case("numeric", {"scale": scale, "value": unscaled(number)}, value, status, "", "variable_scale")


NINES = 10**38 - 1
OTHER_MODES = [
    *(precise("numeric(38,0)", n, str(n)) for n in (0, 1, -1, 127, 128, -128, -129, 255, 256, NINES, -NINES)),
    *(precise("numeric(38,0)", sign * (1 << bits) + more, str(sign * (1 << bits) + more))
      for bits in (7, 8, 31, 32, 63, 64, 65, 120) for sign in (1, -1) for more in (-1, 0, 1)),
    *(precise("numeric(38,0)", n, str(n), size=size) for n in (0, 1, -1, 200, -200, NINES, -NINES) for size in (8, 9, 16, 17, 33, 64)),
    *(precise("numeric(38,0)", n, None, "out_of_range")
      for n in (NINES + 1, -NINES - 1, (1 << 127) - 1, -(1 << 127), 1 << 127, -(1 << 127) - 1, 1 << 128, -(1 << 128), 10**60, -(10**60), 1 << 2000)),
    precise("numeric(38,0)", NINES + 1, None, "out_of_range", 64),
    precise("numeric(38,38)", NINES, "0." + "9" * 38),
    precise("numeric(38,38)", -1, "-0." + "0" * 37 + "1"),
    precise("numeric(38,38)", NINES + 1, None, "out_of_range"),
    precise("numeric(5)", 99999, "99999"),
    precise("numeric(5)", 100000, None, "out_of_range"),
    precise("numeric(5,5)", -99999, "-0.99999"),
    precise("numeric(1,0)", -9, "-9"),
    precise("numeric(1,0)", 10, None, "out_of_range"),
    *(Case("numeric(15,2)", w, None, "invalid", "no base64", "precise")
      for w in ("=", "==", "AQ===", "AQ==AQ==", "A=Q=", "AQ==\n", " AQ==", "AQ ==", "-w==", "_w==", "٣AAA", "AQ\x00=")),
    variable(18, 1, "0.000000000000000001"),
    variable(19, 10, "0.000000000000000001"),
    variable(19, 1, None, "out_of_range"),
    variable(0, 10**20 - 1, "99999999999999999999." + "0" * 18),
    variable(0, 10**20, None, "out_of_range"),
    variable(-19, 9, "9" + "0" * 19 + "." + "0" * 18),
    variable(-20, 1, None, "out_of_range"),
    variable(18, NINES, "9" * 20 + "." + "9" * 18),
    variable(18, -NINES, "-" + "9" * 20 + "." + "9" * 18),
    variable(37, 10**37, "1." + "0" * 18),
    variable("2", 100, "1." + "0" * 18),
    *(variable(scale, 0, "0." + "0" * 18) for scale in (0, 18, 100, 101, 16383, -5, -101)),
    *(variable(scale, n, None, "out_of_range") for scale in (100, 101, 16383, -100, -101, -16383) for n in (1, -1, NINES)),
    *(Case("numeric", {"scale": scale, "value": "AQ=="}, None, "invalid", "no scale", "variable_scale") for scale in ("x", None, 1.5, "", [2], 10**10)),
    *(Case("numeric", w, None, "invalid", "no such object", "variable_scale")
      for w in ({}, {"scale": 2}, {"value": "AQ=="}, {"scale": 2, "value": None}, {"scale": 2, "value": "!"}, [], "AQ==", "1.5", 5)),
    Case("numeric", None, None, encoding="variable_scale"),
    *(Case("timestamp", w, value, encoding="Timestamp") for w, value in (
        (0, "1970-01-01T00:00:00.000000"), (-1, "1969-12-31T23:59:59.999000"), (-62135596800000, "0001-01-01T00:00:00.000000"))),
    *(Case("timestamp", w, None, status, encoding="Timestamp") for w, status in (
        (-62135596800001, "out_of_range"), (9223372036854775807, "special"), (-9223372036854775808, "special"), ("x", "invalid"), (1.5, "invalid"))),
    *(Case("timestamp", w, value, encoding="NanoTimestamp") for w, value in (
        (0, "1970-01-01T00:00:00.000000"), (-1000, "1969-12-31T23:59:59.999999"), (1000, "1970-01-01T00:00:00.000001"),
        (9223372036854775000, "2262-04-11T23:47:16.854775"), (-9223372036854775000, "1677-09-21T00:12:43.145225"))),
    *(Case("timestamp", w, None, status, encoding="NanoTimestamp") for w, status in (
        (1, "out_of_range"), (-1, "out_of_range"), (999, "out_of_range"), (-1001, "out_of_range"), (9223372036854775806, "out_of_range"),
        (9223372036854775807, "special"), (-9223372036854775808, "special"), (9223372036854775808, "out_of_range"), ("", "invalid"))),
]  # fmt: skip


FORMS = [
    *(Case(t, None, None) for t in ("bytea", "interval", "timetz", "text[]", "hstore", "other", "money", "oid")),
    Case("bytea", "00ff41", r"\x00ff41"),
    Case("bytea", "", r"\x"),
    *(Case("bytea", w, None, "invalid") for w in ("0", "0g", "AP9B", "00FF", " 00", "00\n")),
    Case("other", "28312c226120622229", '(1,"a b")'),
    Case("other", "c3a9", "é"),
    Case("other", "", ""),
    *(Case("other", w, w) for w in ("<a>b</a>", "x", "[1,2]", "abc", "é", "28 31")),
    Case("other", "ff", None, "invalid", "no UTF-8"),
    Case("bit", "true", "1"),
    Case("bit", "false", "0"),
    Case("bit(8)", "gQ==", "10000001"),
    Case("bit(12)", "Awg=", "100000000011"),
    Case("bit(12)", "", "000000000000"),
    Case("bit(12)", "AAA=", "000000000000"),
    Case("bit(12)", "AQ==", "000000000001"),
    Case("bit(64)", "AQAAAAAAAIA=", "1" + "0" * 62 + "1"),
    *(Case(kind, w, None, "invalid") for kind, w in (("bit", "AQ=="), ("bit(3)", "gQ=="), ("bit(8)", "101"), ("bit(8)", "true "))),
    Case("interval", "P0Y10M3DT-4H-5M-6.78S", "P0Y10M3DT-4H-5M-6.78S"),
    Case("timetz", "07:00:00.25Z", "07:00:00.25Z"),
    Case("text[]", ["a", None, 'b"'], r'["a",null,"b\""]'),
    Case("bigint[]", [1, None, -3], "[1,null,-3]"),
    Case("point", {"x": 1.5, "y": 2.0}, '{"x":1.5,"y":2.0}'),
    Case("money", "-1.50", "-1.50"),
    Case("money", "1.505", None, "out_of_range"),
    Case("oid", 4294967295, "4294967295"),
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
TIMES = [
    Case("time", 0, "00:00:00"), Case("time", 36_000_500_000, "10:00:00.5"), Case("time", 86_399_999_999, "23:59:59.999999"),
    Case("time", 86_400_000_000, "24:00:00", why="the end of the day"), Case("time", 86_400_000_001, None, "out_of_range"),
    Case("time", -1, None, "out_of_range"), Case("time", "x", None, "invalid"), Case("time", None, None),
    Case("time(3)", 36_000_120, "10:00:00.12"), Case("time(3)", 86_400_001, None, "out_of_range"),
    Case("time", 36_000_120, "10:00:00.12", encoding="Timestamp"),
    Case("time", 36_000_000_001_000, "10:00:00.000001", encoding="NanoTimestamp"),
]  # fmt: skip
CASES = _worked() + EXTREMES + FORMS + OTHER_MODES + TIMES


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
    kinds = list(dict.fromkeys((case.type, case.encoding) for case in CASES))
    rows = [
        (i, kinds.index((case.type, case.encoding)), json.dumps({"after": {"c": case.wire}}))
        for i, case in enumerate(CASES)
    ]
    spark.createDataFrame(rows, "i int, kind int, value string").createOrReplaceTempView("encoding_cases")
    selects = []
    for number, (text, encoding) in enumerate(kinds):
        rule = decode(_type(text), "c", encoding)
        selects.append(
            f"SELECT i, {_printed(_type(text), rule.value)} AS value, {rule.status} AS status FROM "
            "(SELECT i, kind, from_json(value, 'struct<after: struct<c: string>>').after.c AS c FROM encoding_cases) "
            f"WHERE kind = {number}"
        )
    return {row.i: (row.value, row.status) for row in spark.sql(" UNION ALL ".join(selects)).collect()}


@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=[f"{c.encoding or ''} {c.type} {c.wire!r:.50} {c.why:.60}" for c in CASES]
)
def test_a_value_is_decoded_exactly_or_has_a_reason(decoded: dict[int, tuple[str | None, str]], number: int) -> None:
    case, (value, status) = CASES[number], decoded[number]
    expected = case.value
    if _type(case.type).kind is Kind.TIMESTAMP_TZ and expected:
        expected = expected.removesuffix("Z")
    assert (value, status) == (expected, case.status)


def test_every_worked_example_is_tried_but_for_what_only_the_fold_can_know() -> None:
    assert len(_lines()) - len(_worked()) == 2
    assert {case.encoding for case in _worked()} == {*OF_OTHER_MODES, None}


def test_any_bytes_are_the_number_that_they_are(spark: SparkSession) -> None:
    draw = random.Random(1)
    numbers = [int.from_bytes(draw.randbytes(size), "big", signed=True) for size in range(1, 19) for _ in range(60)]
    spark.createDataFrame([(i, unscaled(n)) for i, n in enumerate(numbers)], "i int, c string").createOrReplaceTempView(
        "any_bytes"
    )
    rule = decode(_type("numeric(38,10)"), "c", "precise")
    rows = spark.sql(
        f"SELECT CAST({rule.value} AS string) AS v, {rule.status} AS s FROM any_bytes ORDER BY i"
    ).collect()
    with localcontext(prec=60):
        expected = [
            (f"{Decimal(n).scaleb(-10):.10f}", "ok") if abs(n) < 10**38 else (None, "out_of_range") for n in numbers
        ]
    assert [(row.v, row.s) for row in rows] == expected


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
