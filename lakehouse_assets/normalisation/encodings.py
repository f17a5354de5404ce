"""Decodes the value of a typed source column from its text in Debezium's JSON (VALUES section 7).

Each rule is a pair of Spark SQL expressions: the value, NULL when it cannot be stored, and the status.
No rounding, no wrapping, no guess; only `try_` conversions, so that no value can stop a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lakehouse_assets import sql
from lakehouse_assets.catalog import Kind, PostgresType
from lakehouse_assets.catalog.model import RETYPED
from lakehouse_assets.normalisation.reading import Status, matches


@dataclass(frozen=True)
class Decoded:
    """SQL of the typed value and of its status, for a text that is not NULL; NULL text gives NULL and `ok`."""

    value: str
    status: str


# Days of 0001-01-01 and 9999-12-31, and the four days Debezium 3.7.0 sends for +-infinity (streamed, in a snapshot).
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_INFINITE_DAYS = (2_146_033_979, -622_191_234, -2_147_472_691, -625_821_272)
_DAY_US = 86_400_000_000
_INFINITE_INSTANTS = (9_223_372_036_854_775_807, -9_223_372_036_854_775_808)
_ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}%s(Z|[+-][0-9:]+)"
_TWO_64 = "18446744073709551616BD"
_MOST_PLACES = 100  # a scale beyond it moves every digit out of any type
_TOO_LONG = "repeat('9', 60)"  # digits that fit no type wherever their point is
_SPECIAL_DECIMALS = ("nan", "positive_infinity", "negative_infinity", "infinity", "-infinity")


def decode(kind: PostgresType, text: str, encoding: str | None = None) -> Decoded:
    """The rule of a type, applied to the SQL expression `text`; `encoding` where it is not the connector's usual one."""
    if encoding == RETYPED:
        unread = f"CASE WHEN {text} IS NULL THEN '{Status.OK}' ELSE '{Status.INVALID}' END"
        return Decoded(f"CAST(NULL AS {kind.spark})", unread)
    if encoding in ("precise", "variable_scale"):
        plain = _plain(text, None if encoding == "variable_scale" else kind.decimal[1])
        read = _decimal(kind, "_plain")
        return Decoded(sql.let("_plain", plain, read.value), sql.let("_plain", plain, read.status))
    if kind.units:
        return (_time if kind.kind is Kind.TIME else _timestamp)(text, _UNITS[encoding or kind.units])
    return _RULES[kind.kind](kind, text)


def stored_as_it_is(kind: PostgresType) -> bool:
    """Whether every text is a value of the type, so that none has a status but `ok`."""
    return _RULES.get(kind.kind) is _as_is


def _as_is(_: PostgresType, text: str) -> Decoded:
    return Decoded(text, _status(text, text))


_HEXADECIMAL = "([0-9a-f]{2})*"


def _bytes(_: PostgresType, text: str) -> Decoded:
    """Bytes as the server prints them."""
    value = rf"CASE WHEN {matches(text, _HEXADECIMAL)} THEN concat('\\x', {text}) END"
    return Decoded(value, _status(text, value))


def _bits(kind: PostgresType, text: str) -> Decoded:
    """Bits as the server prints them; bytes of zeros at the end are not sent."""
    if kind.size == 1:
        value = f"CASE {text} WHEN 'true' THEN '1' WHEN 'false' THEN '0' END"
        return Decoded(value, _status(text, value))
    digits = f"regexp_replace(reverse(hex(try_to_binary({text}, 'base64'))), '(.)(.)', '$2$1')"
    bits = f"conv(concat('0', {digits}), 16, 2)"
    legal = f"{matches(text, '[A-Za-z0-9+/]*={0,2}')} AND length({bits}) <= {kind.size}"
    value = f"CASE WHEN {legal} THEN lpad({bits}, {kind.size}, '0') END"
    return Decoded(value, _status(text, value))


def _other(_: PostgresType, text: str) -> Decoded:
    """The text in the digits; a type that only another connector knows may come in any form, which stays."""
    printed = f"try_validate_utf8(CAST(unhex({text}) AS string))"
    value = f"CASE WHEN {matches(text, _HEXADECIMAL)} THEN {printed} ELSE {text} END"
    return Decoded(value, _status(text, value))


def _castable(kind: PostgresType, text: str) -> Decoded:
    value = f"try_cast({text} AS {kind.spark})"
    return Decoded(value, _status(text, value))


def _integer(kind: PostgresType, text: str) -> Decoded:
    value = f"try_cast({text} AS {kind.spark})"
    return Decoded(value, _status(text, value, out_of_range=matches(text, "-?[0-9]+([.][0-9]+)?")))


def _decimal(kind: PostgresType, text: str) -> Decoded:
    _, scale = kind.decimal
    plain = matches(text, "-?[0-9]+([.][0-9]+)?")
    # A cast rounds what does not fit the scale, so only zeros may stand beyond it.
    exact = matches(text, f"-?[0-9]+([.][0-9]{{0,{scale}}}0*)?")
    value = f"CASE WHEN {plain} AND {exact} THEN try_cast({text} AS {kind.spark}) END"
    special = f"lower({text}) IN ({', '.join(map(repr, _SPECIAL_DECIMALS))})"
    return Decoded(value, _status(text, value, special=special, out_of_range=plain))


def _date(_: PostgresType, text: str) -> Decoded:
    days = f"try_cast({text} AS bigint)"
    value = f"CASE WHEN {days} BETWEEN {_FIRST_DAY} AND {_LAST_DAY} THEN date_from_unix_date(CAST({days} AS int)) END"
    special = f"{days} IN ({', '.join(map(str, _INFINITE_DAYS))})"
    return Decoded(value, _status(text, value, special=special, out_of_range=matches(text, "-?[0-9]+")))


# Debezium's times without a zone: units in a second.
_UNITS = {"Timestamp": 1_000, "MicroTimestamp": 1_000_000, "NanoTimestamp": 1_000_000_000}


def _time(text: str, units: int) -> Decoded:
    """A time of day as the server prints it; units since midnight, which may also end the day."""
    number = f"try_cast({text} AS bigint)"
    second, rest = f"({number} DIV {units})", f"({number} % {units})"
    clock = f"format_string('%02d:%02d:%02d', {second} DIV 3600, {second} DIV 60 % 60, {second} % 60)"
    digits = f"rtrim('0', lpad(CAST({rest} AS string), {len(str(units)) - 1}, '0'))"
    value = (
        f"CASE WHEN {number} BETWEEN 0 AND {86_400 * units} "
        f"THEN concat({clock}, CASE WHEN {rest} = 0 THEN '' ELSE concat('.', {digits}) END) END"
    )
    return Decoded(value, _status(text, value, out_of_range=matches(text, "-?[0-9]+")))


def _timestamp(text: str, units: int) -> Decoded:
    number = f"try_cast({text} AS bigint)"
    first, last = _FIRST_DAY * 86_400 * units, (_LAST_DAY + 1) * 86_400 * units - 1
    # Nanoseconds begin and end inside the years that a timestamp can hold.
    first, last = max(first, _INFINITE_INSTANTS[1] + 1), min(last, _INFINITE_INSTANTS[0] - 1)
    micros = f"{number} * {1_000_000 // units}" if units <= 1_000_000 else f"{number} DIV {units // 1_000_000}"
    whole = "true" if units <= 1_000_000 else f"{number} % {units // 1_000_000} = 0"
    instant = f"CAST(timestamp_micros({micros}) AS timestamp_ntz)"
    value = f"CASE WHEN {number} BETWEEN {first} AND {last} THEN CASE WHEN {whole} THEN {instant} END END"
    special = f"{text} IN ({', '.join(repr(str(i)) for i in _INFINITE_INSTANTS)})"
    return Decoded(value, _status(text, value, special=special, out_of_range=matches(text, "-?[0-9]+")))


def _plain(text: str, scale: int | None) -> str:
    """The plain decimal of a base64 unscaled value; without a scale `text` is a JSON object that has one.

    What cannot be decoded becomes a text that is no decimal. The bytes are a big-endian two's complement.
    """
    encoded = "_wire" if scale is not None else "get_json_object(_wire, '$.value')"
    places = str(scale) if scale is not None else "try_cast(get_json_object(_wire, '$.scale') AS int)"
    legal = f"({matches('_text', '[A-Za-z0-9+/]+={0,2}')} AND length(rtrim('=', _text)) % 4 <> 1)"
    padded = "rpad(rtrim('=', _text), CAST(ceil(length(rtrim('=', _text)) / 4) * 4 AS int), '=')"
    # Sign bytes that say nothing are left out; then 16 bytes are two halves of 64 bits, the upper one signed.
    digits = (
        rf"regexp_replace(hex(try_to_binary({padded}, 'base64')), r'\A(?:(?:00)+(?=[0-7].)|(?:FF)+(?=[89A-F].))', '')"
    )
    wide = "lpad(_digits, 32, CASE WHEN left(_digits, 1) >= '8' THEN 'F' ELSE '0' END)"
    upper = "CAST(conv(left(_wide, 16), 16, -10) AS decimal(20,0))"
    lower = "CAST(conv(right(_wide, 16), 16, 10) AS decimal(20,0))"
    # The size of a negative one from its complement: its own upper half may be beyond 38 digits.
    negative = "left(_wide, 1) >= '8'"
    high = f"CASE WHEN {negative} THEN -1 - {upper} ELSE {upper} END"
    low = f"CASE WHEN {negative} THEN {_TWO_64} - {lower} ELSE {lower} END"
    size = f"CAST(try_add(try_multiply({high}, {_TWO_64}), {low}) AS string)"
    unscaled = f"concat(CASE WHEN {negative} THEN '-' ELSE '' END, {size})"
    whole = f"CASE WHEN length(_digits) <= 32 THEN coalesce({sql.let('_wide', wide, unscaled)}, {_TOO_LONG}) WHEN length(_digits) > 32 THEN {_TOO_LONG} END"
    size = "lpad(replace(_whole, '-', ''), greatest(length(replace(_whole, '-', '')), _places + 1), '0')"
    shifted = "CASE WHEN _places > 0 THEN concat(left(_size, length(_size) - _places), '.', right(_size, _places)) ELSE concat(_size, repeat('0', -_places)) END"
    signed = f"concat(CASE WHEN startswith(_whole, '-') THEN '-' ELSE '' END, {sql.let('_size', size, shifted)})"
    decimal = (
        "CASE WHEN _whole IS NULL OR _places IS NULL THEN 'undecodable' WHEN _whole = '0' THEN '0' "
        f"WHEN _places BETWEEN -{_MOST_PLACES} AND {_MOST_PLACES} THEN {signed} ELSE {_TOO_LONG} END"
    )
    read = sql.let("_digits", sql.let("_text", encoded, f"CASE WHEN {legal} THEN {digits} END"), whole)
    decimal = sql.let("_places", places, sql.let("_whole", read, decimal))
    return sql.let("_wire", text, f"CASE WHEN _wire IS NOT NULL THEN {decimal} END")


def _timestamp_tz(_: PostgresType, text: str) -> Decoded:
    instant = f"try_cast({text} AS timestamp)"
    first, last = _FIRST_DAY * _DAY_US, (_LAST_DAY + 1) * _DAY_US - 1
    # A cast cuts what is smaller than a microsecond, so only zeros may stand beyond it.
    exact = matches(text, _ISO % "([.][0-9]{1,6}0*)?")
    value = f"CASE WHEN {exact} AND unix_micros({instant}) BETWEEN {first} AND {last} THEN {instant} END"
    readable = f"({matches(text, _ISO % '([.][0-9]+)?')} AND {instant} IS NOT NULL)"
    beyond = matches(text, "[+-][0-9]{4,}-[0-9]{2}-[0-9]{2}T.*")
    special = f"{text} IN ('infinity', '-infinity')"
    return Decoded(value, _status(text, value, special=special, out_of_range=f"({beyond} OR {readable})"))


def _status(text: str, value: str, *, special: str = "false", out_of_range: str = "false") -> str:
    return (
        f"CASE WHEN {text} IS NULL OR ({value}) IS NOT NULL THEN '{Status.OK}' WHEN {special} THEN '{Status.SPECIAL}' "
        f"WHEN {out_of_range} THEN '{Status.OUT_OF_RANGE}' ELSE '{Status.INVALID}' END"
    )


_RULES: dict[Kind, Callable[[PostgresType, str], Decoded]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.FLOAT: _castable,
    Kind.BOOLEAN: _castable,
    Kind.DATE: _date,
    Kind.TIMESTAMP_TZ: _timestamp_tz,
    Kind.TEXT: _as_is,
    Kind.BYTES: _bytes,
    Kind.BITS: _bits,
    Kind.INTERVAL: _as_is,
    Kind.TIME_TZ: _as_is,
    Kind.ARRAY: _as_is,
    Kind.STRUCT: _as_is,
    Kind.OTHER: _other,
}
