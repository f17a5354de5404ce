"""Decodes the value of a typed source column from its text in Debezium's JSON (VALUES section 7).

Each rule is a pair of Spark SQL expressions: the value, NULL when it cannot be stored, and the status.
No rounding, no wrapping, no guess; only `try_` conversions, so that no value can stop a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lakehouse_assets.catalog import Kind, PostgresType


class Status(StrEnum):
    """How a value was read; a value that is not NULL is `ok`."""

    OK = "ok"
    INVALID = "invalid"
    OUT_OF_RANGE = "out_of_range"
    SPECIAL = "special"


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
_SPECIAL_DECIMALS = ("nan", "positive_infinity", "negative_infinity", "infinity", "-infinity")


def decode(kind: PostgresType, text: str) -> Decoded:
    """The rule of a type, applied to the SQL expression `text`."""
    return _RULES[kind.kind](kind, text)


def _as_is(_: PostgresType, text: str) -> Decoded:
    return Decoded(text, _status(text, text))


def _castable(kind: PostgresType, text: str) -> Decoded:
    value = f"try_cast({text} AS {kind.spark})"
    return Decoded(value, _status(text, value))


def _integer(kind: PostgresType, text: str) -> Decoded:
    value = f"try_cast({text} AS {kind.spark})"
    return Decoded(value, _status(text, value, out_of_range=_matches(text, "-?[0-9]+([.][0-9]+)?")))


def _decimal(kind: PostgresType, text: str) -> Decoded:
    _, scale = kind.decimal
    plain = _matches(text, "-?[0-9]+([.][0-9]+)?")
    # A cast rounds what does not fit the scale, so only zeros may stand beyond it.
    exact = _matches(text, f"-?[0-9]+([.][0-9]{{0,{scale}}}0*)?")
    value = f"CASE WHEN {plain} AND {exact} THEN try_cast({text} AS {kind.spark}) END"
    special = f"lower({text}) IN ({', '.join(map(repr, _SPECIAL_DECIMALS))})"
    return Decoded(value, _status(text, value, special=special, out_of_range=plain))


def _date(_: PostgresType, text: str) -> Decoded:
    days = f"try_cast({text} AS bigint)"
    value = f"CASE WHEN {days} BETWEEN {_FIRST_DAY} AND {_LAST_DAY} THEN date_from_unix_date(CAST({days} AS int)) END"
    special = f"{days} IN ({', '.join(map(str, _INFINITE_DAYS))})"
    return Decoded(value, _status(text, value, special=special, out_of_range=_matches(text, "-?[0-9]+")))


def _timestamp(kind: PostgresType, text: str) -> Decoded:
    units = 1000 if kind.fraction_digits <= 3 else 1  # microseconds in one unit of Debezium's adaptive encoding
    number = f"try_cast({text} AS bigint)"
    first, last = _FIRST_DAY * _DAY_US // units, (_LAST_DAY + 1) * _DAY_US // units - 1
    instant = f"CAST(timestamp_micros({number} * {units}) AS timestamp_ntz)"
    value = f"CASE WHEN {number} BETWEEN {first} AND {last} THEN {instant} END"
    special = f"{text} IN ({', '.join(repr(str(i)) for i in _INFINITE_INSTANTS)})"
    return Decoded(value, _status(text, value, special=special, out_of_range=_matches(text, "-?[0-9]+")))


def _timestamp_tz(_: PostgresType, text: str) -> Decoded:
    instant = f"try_cast({text} AS timestamp)"
    first, last = _FIRST_DAY * _DAY_US, (_LAST_DAY + 1) * _DAY_US - 1
    # A cast cuts what is smaller than a microsecond, so only zeros may stand beyond it.
    exact = _matches(text, _ISO % "([.][0-9]{1,6}0*)?")
    value = f"CASE WHEN {exact} AND unix_micros({instant}) BETWEEN {first} AND {last} THEN {instant} END"
    readable = f"({_matches(text, _ISO % '([.][0-9]+)?')} AND {instant} IS NOT NULL)"
    beyond = _matches(text, "[+-][0-9]{4,}-[0-9]{2}-[0-9]{2}T.*")
    special = f"{text} IN ('infinity', '-infinity')"
    return Decoded(value, _status(text, value, special=special, out_of_range=f"({beyond} OR {readable})"))


def _matches(text: str, pattern: str) -> str:
    """Whether the whole text has the pattern; `$` would let a line break stand behind it."""
    return rf"{text} RLIKE r'\A(?:{pattern})\z'"


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
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMP_TZ: _timestamp_tz,
    Kind.TEXT: _as_is,
}
