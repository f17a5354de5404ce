"""The rules that say how a text is read: their options as a catalog (or a JSON line) writes them, checked hard."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from lakehouse_assets.catalog.types import MAX_DECIMAL_PRECISION

DIGIT_FORMATS = ("ddMMyy", "ddMMyyyy", "yyyyMMdd")
EPOCH_FORMATS = ("epoch_s", "epoch_ms", "epoch_us", "epoch_ns")
EXCEL_FORMATS = ("excel", "excel1904")
FORMATS = (*DIGIT_FORMATS, "epoch_days", *EPOCH_FORMATS, *EXCEL_FORMATS, "month")
DEBIT_MARKS = ("D", "C", "DB", "CR")
NONE = "none"
_NO_PLACES = {"Factory", "localtime", "ROC"}  # a placeholder, the machine's own, one that Java does not know


@dataclass(frozen=True)
class DateRule:
    """Rules `date` and, with the instant kept, `timestamp` (VALUES section 5)."""

    instant: bool = False
    order: str | None = None
    formats: tuple[str, ...] = ()
    timezone: str = "America/Sao_Paulo"
    century: str = "due"
    anchor: date = date(2024, 1, 1)
    sentinels: tuple[date, ...] = ()
    null_words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule's name."""
        return "timestamp" if self.instant else "date"

    @property
    def spark(self) -> str:
        """The Spark SQL type of its values."""
        return self.name


@dataclass(frozen=True)
class AmountRule:
    """Rule `amount` (VALUES section 6)."""

    decimal: str | None = None
    precision: int = 18
    scale: int = 2
    implied_decimals: int | None = None
    debit_marks: tuple[str, ...] = ()
    currency: str = "BRL"
    currency_marks: tuple[str, ...] = ()
    scientific: bool = False
    null_words: tuple[str, ...] = ()

    name = "amount"

    @property
    def spark(self) -> str:
        """The Spark SQL type of its values."""
        return f"decimal({self.precision},{self.scale})"


Rule = DateRule | AmountRule
NAMES = ("date", "timestamp", "amount")


def parse_rule(entry: object) -> Rule | list[str] | None:
    """The rule that a name or a table of options stands for, None for `none`, or every problem it has."""
    options = {"rule": entry} if isinstance(entry, str) else entry
    if not isinstance(options, dict):
        return ["must be a rule's name or a table with `rule` and its options"]
    name = options.get("rule")
    if name not in (*NAMES, NONE):
        return [f"unknown rule {name!r}; known: {', '.join((*NAMES, NONE))}"]
    known: dict[str, _Option] = {} if name == NONE else _AMOUNT if name == "amount" else _DATE
    given = {key: value for key, value in options.items() if key != "rule"}
    problems = [
        f"rule {name} has no option {key!r}; known: {', '.join(known) or 'none'}" for key in given if key not in known
    ]
    fields: dict[str, Any] = {}
    for key, value in given.items():
        if key in known:
            try:
                fields |= known[key](value)
            except ValueError as error:
                problems.append(f"{key}: {error}")
    problems += _contradictions(given)
    if problems:
        return problems
    if name == NONE:
        return None
    return AmountRule(**fields) if name == "amount" else DateRule(instant=name == "timestamp", **fields)


def _contradictions(given: dict[str, Any]) -> list[str]:
    found = []
    if "order" in given and "format" in given:
        found.append("order and format contradict each other: under a format nothing else is tried")
    if given.get("century") == "birth" and "anchor" not in given:
        found.append("century = 'birth' needs an anchor: a date that no birth is after")
    if "implied_decimals" in given:
        found += [
            f"implied_decimals and {key} contradict each other: then only digits and one sign are read"
            for key in ("decimal", "scientific", "debit_marks", "currency_marks")
            if key in given
        ]
    return found


_Option = Callable[[Any], dict[str, Any]]


def _one_of(field: str, *allowed: str) -> _Option:
    def read(value: Any) -> dict[str, Any]:
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
        return {field: value}

    return read


def _texts(field: str, *allowed: str) -> _Option:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
            raise ValueError("must be a list of texts")
        unknown = [v for v in value if allowed and v not in allowed]
        if unknown:
            raise ValueError(f"{', '.join(map(repr, unknown))} not known; known: {', '.join(allowed)}")
        if len(set(value)) < len(value):
            raise ValueError("names one twice")
        return {field: tuple(value)}

    return read


def _date(value: Any) -> date:
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError(f"{value!r} is no date yyyy-mm-dd")
    return date.fromisoformat(value)


def _dates(value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        raise ValueError("must be a list of dates yyyy-mm-dd")
    return {"sentinels": tuple(_date(v) for v in value)}


def _timezone(value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or value not in zoneinfo.available_timezones() - _NO_PLACES:
        raise ValueError(f"{value!r} is no time zone of the IANA database")
    return {"timezone": value}


def _decimal_type(value: Any) -> dict[str, Any]:
    match = re.fullmatch(r"\s*(?:decimal|numeric)\s*\(\s*([0-9]+)\s*(?:,\s*([0-9]+)\s*)?\)\s*", str(value).lower())
    if not match:
        raise ValueError(f"{value!r} is no decimal(precision,scale)")
    precision, scale = int(match[1]), int(match[2] or 0)
    if not 1 <= precision <= MAX_DECIMAL_PRECISION or scale > precision:
        raise ValueError(f"precision must be 1..{MAX_DECIMAL_PRECISION} and scale at most the precision")
    return {"precision": precision, "scale": scale}


def _implied(value: Any) -> dict[str, Any]:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_DECIMAL_PRECISION:
        raise ValueError(f"must be a number 0..{MAX_DECIMAL_PRECISION}")
    return {"implied_decimals": value}


def _currency(value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise ValueError(f"{value!r} is no ISO code of three capitals")
    return {"currency": value}


def _scientific(value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return {"scientific": value}


_DATE: dict[str, _Option] = {
    "order": _one_of("order", "dmy", "mdy", "ymd"),
    "format": _texts("formats", *FORMATS),
    "timezone": _timezone,
    "century": _one_of("century", "due", "birth"),
    "anchor": lambda value: {"anchor": _date(value)},
    "sentinels": _dates,
    "null_words": _texts("null_words"),
}
_AMOUNT: dict[str, _Option] = {
    "decimal": _one_of("decimal", "comma", "dot"),
    "type": _decimal_type,
    "implied_decimals": _implied,
    "debit_marks": _texts("debit_marks", *DEBIT_MARKS),
    "currency": _currency,
    "currency_marks": _texts("currency_marks"),
    "scientific": _scientific,
    "null_words": _texts("null_words"),
}

# The options as docs/normalisation.md shows them: option, values, default.
OPTIONS = {
    "date": (
        "| `order` | `dmy`, `mdy`, `ymd` | none: unmistakable dates are `ok`, others are read day first and `assumed` |",
        f"| `format` | a list of {', '.join(f'`{name}`' for name in FORMATS)}; nothing else is then tried | none |",
        "| `timezone` | a name of the IANA database | `America/Sao_Paulo` |",
        "| `century` | `due`: anchor-80 to anchor+19; `birth`: the latest not after the anchor, which must be declared | `due` |",
        "| `anchor` | a date | `2024-01-01` |",
        "| `sentinels` | a list of dates that stand for none, beside the usual ones | none |",
        "| `null_words` | a list of words that stand for NULL, beside the usual ones | none |",
    ),
    "amount": (
        "| `decimal` | `comma`, `dot` | none: decided by the form where only one reading is possible |",
        "| `type` | a decimal type | `decimal(18,2)` |",
        "| `implied_decimals` | how many of the last digits are decimals; then only digits and one sign are read | none |",
        f"| `debit_marks` | a list of {', '.join(f'`{mark}`' for mark in DEBIT_MARKS)}: those that are negative | none |",
        "| `currency` | an ISO code | `BRL` |",
        "| `currency_marks` | a list of further marks of that currency | none |",
        "| `scientific` | `true`: exponents are read | `false` |",
        "| `null_words` | a list of words that stand for NULL, beside the usual ones | none |",
    ),
}
