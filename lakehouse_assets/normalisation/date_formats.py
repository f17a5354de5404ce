"""A declared list of formats: each is tried alone, nothing else is; two that fit and differ are no answer.

Each format leaves, by its number n: `$form<n>` (whether the text has its form), `$day<n>`, `$time<n>` (microseconds of the day, NULL when it has none) or
`$utc<n>` (an instant in microseconds), and from these `$value<n>`, `$why<n>`: a status and a clause.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from lakehouse_assets.catalog.rules import DIGIT_FORMATS, EPOCH_FORMATS, EXCEL_FORMATS, DateRule
from lakehouse_assets.normalisation.dates import (
    DAY_US,
    MONTH,
    as_written,
    date_of,
    day_of,
    integer,
    local,
    outside,
    sentinel,
    short_day_of,
    stands_for_none,
    wall_to_instant,
)
from lakehouse_assets.normalisation.reading import Branch, Layer, Reading, Status, cases, decide, matches, regex
from lakehouse_assets.normalisation.text import cleaned

_UNITS = {"epoch_s": "1000000", "epoch_ms": "1000", "epoch_us": "1", "epoch_ns": "0.001"}  # microseconds in one
_EXCEL = {"excel": "1899-12-30", "excel1904": "1904-01-01"}
_YEARS_US = (-11_676_096_000_000_000, 13_601_088_000_000_000)  # 1600-01-01 and 2401-01-01


def read_formats(rule: DateRule) -> Reading:
    """The rule as layers over `$text`."""
    numbered = list(enumerate(rule.formats))
    layers = [_merge(_read(rule, n, name) for n, name in numbered)]
    if rule.instant:
        for step in range(3):
            layers.append(_merge(_instant(rule, n, step) for n, _ in numbered))
        layers.append(_merge(_timestamp(n, name) for n, name in numbered))
    else:
        layers.append(_merge(_date(rule, n, name) for n, name in numbered))
    layers.append(_merge(_judged(rule, n, name) for n, name in numbered))
    both = [_merge(pair) for pair in zip_longest(layers, as_written(rule), fillvalue={})]
    return Reading((*cleaned(rule.null_words), *both, *_decision(rule)))


def _merge(layers: Iterable[Layer]) -> Layer:
    return {name: expression for layer in layers for name, expression in layer.items()}


def _read(rule: DateRule, n: int, name: str) -> Layer:
    if name in DIGIT_FORMATS:
        return {
            f"form{n}": matches("$x", f"[0-9]{{{len(name)}}}"),
            f"day{n}": f"CASE WHEN NOT $empty THEN {_digits(rule, name)} END",
        }
    if name == "epoch_days":
        days = "try_cast($x AS int)"
        return {
            f"form{n}": matches("$x", "-?[0-9]+"),
            f"day{n}": f"CASE WHEN {matches('$x', '-?[0-9]+')} AND {days} BETWEEN -200000 AND 200000 THEN date_from_unix_date({days}) END",
        }
    if name in EPOCH_FORMATS:
        number = "try_cast($x AS decimal(38,0))"
        exact = f"{number} * {_UNITS[name]}"
        low, high = _YEARS_US
        return {
            f"form{n}": matches("$x", "-?[0-9]+"),
            f"utc{n}": f"CASE WHEN {matches('$x', '-?[0-9]{1,22}')} AND {exact} BETWEEN {low} AND {high} THEN CAST(floor({exact}) AS bigint) END",
            f"fine{n}": f"({number} % 1000 <> 0)" if name == "epoch_ns" else "false",
        }
    if name in EXCEL_FORMATS:
        first = 61 if name == "excel" else 0  # serials up to 60 are wrong by a day in the program itself
        serial = matches("$x", "[0-9]+(?:[.,][0-9]+)?")
        whole = "try_cast(substring_index(replace($x, ',', '.'), '.', 1) AS int)"
        part = "try_cast(concat('0.', left(regexp_extract($x, '[.,]([0-9]+)', 1), 25)) AS decimal(26,25))"
        day = f"date_add(DATE'{_EXCEL[name]}', {whole})"
        return {
            f"form{n}": serial,
            f"early{n}": f"coalesce({whole} < {first}, false)",
            f"day{n}": f"CASE WHEN {serial} AND {whole} BETWEEN {first} AND 400000 THEN {day} END",
            f"time{n}": f"CASE WHEN {matches('$x', '[0-9]+[.,][0-9]+')} THEN CAST(round({part} * {DAY_US}) AS bigint) END",
        }
    forms = [pattern for pattern, _, _ in _MONTH_FORMS] + [_MONTH_WORDS, _MONTH_SHORT]
    return {
        f"form{n}": matches("$x", "|".join(f"(?:{form})" for form in forms)),
        f"day{n}": f"CASE WHEN NOT $empty THEN {_month(rule)} END",
    }


def _digits(rule: DateRule, name: str) -> str:
    def at(start: int, length: int) -> str:
        return f"try_cast(substr($x, {start}, {length}) AS int)"

    if name == "ddMMyy":
        return cases((matches("$x", "[0-9]{6}"), short_day_of(rule, at(5, 2), at(3, 2), at(1, 2))))
    if name == "ddMMyyyy":
        return cases((matches("$x", "[0-9]{8}"), day_of(at(5, 4), at(3, 2), at(1, 2))))
    return cases((matches("$x", "[0-9]{8}"), day_of(at(1, 4), at(5, 2), at(7, 2))))


_MONTH_FORMS = (
    (r"([0-9]{1,2})/([0-9]{4})", 2, 1),
    (r"([0-9]{4})-([0-9]{1,2})", 1, 2),
)
_MONTH_WORDS = f"{MONTH}(?:/|-| de | )([0-9]{{4}}|[0-9]{{2}})"
_MONTH_SHORT = "(?:0?[1-9]|1[0-2])/[0-9]{2}"  # its year may be a day


def _month(rule: DateRule) -> str:
    def group(pattern: str, number: int) -> str:
        whole = rf"\A(?:{pattern})\z"
        return integer(f"regexp_extract($x, {regex(whole)}, {number})")

    word = f"regexp_extract($x, {regex(MONTH)}, 1)"
    month = f"try_cast((locate(left({word}, 3), 'jan fev mar abr mai jun jul ago set out nov dez') + 3) DIV 4 AS int)"
    year = group(_MONTH_WORDS, 2)
    in_words = f"CASE WHEN $x RLIKE '[0-9]{{4}}' THEN {day_of(year, month, '1')} ELSE {short_day_of(rule, year, month, '1')} END"
    numeric = [(matches("$x", p), day_of(group(p, y), group(p, m), "1")) for p, y, m in _MONTH_FORMS]
    return cases(*numeric, (matches("$x", _MONTH_WORDS), in_words))


def _instant(rule: DateRule, n: int, step: int) -> Layer:
    """The steps of `wall_to_instant` for the n-th format."""
    if rule.formats[n] in EPOCH_FORMATS:
        return {}
    wall = f"(unix_date($day{n}) * {DAY_US}L + {_time(rule, n)})"
    layer = wall_to_instant(wall, "NULL", rule.timezone)[step]
    names = ("instant", "shown", "again", "changed")
    renamed = {}
    for short, expression in layer.items():
        for name in names:
            expression = expression.replace(f"${name}", f"${name}{n}")
        renamed[f"{short}{n}"] = expression
    return renamed


def _time(rule: DateRule, n: int) -> str:
    return f"coalesce($time{n}, 0)" if rule.formats[n] in EXCEL_FORMATS else "0"


def _timestamp(n: int, name: str) -> Layer:
    if name in EPOCH_FORMATS:
        return {f"read{n}": f"timestamp_micros($utc{n})", f"assumed{n}": "false", f"clause{n}": "'format'"}
    timed = f"$time{n} IS NOT NULL" if name in EXCEL_FORMATS else "false"
    clause = f"CASE WHEN $changed{n} THEN 'clock_change' WHEN {timed} THEN 'format' ELSE 'midnight' END"
    return {
        f"read{n}": f"timestamp_micros($instant{n})",
        f"assumed{n}": f"($changed{n} OR NOT ({timed}))",
        f"clause{n}": clause,
    }


def _date(rule: DateRule, n: int, name: str) -> Layer:
    if name in EPOCH_FORMATS:
        moved = date_of(local(f"$utc{n}", rule.timezone))
        written = date_of(f"$utc{n}")
        plain = f"$utc{n} % {DAY_US} = 0"
        return {
            f"read{n}": f"CASE WHEN {plain} THEN {written} ELSE {moved} END",
            f"assumed{n}": f"({plain} AND {written} <> {moved})",
            f"clause{n}": f"CASE WHEN {plain} AND {written} <> {moved} THEN 'midnight_utc' ELSE 'format' END",
        }
    short = "true" if name == "ddMMyy" or name == "month" else "false"
    return {
        f"read{n}": f"$day{n}",
        f"assumed{n}": short,
        f"clause{n}": "'short_year'" if name == "ddMMyy" else "'format'",
    }


def _judged(rule: DateRule, n: int, name: str) -> Layer:
    """`$why<n>`: what the n-th format makes of the text, `none` where it has not its form; `ok` and `assumed` fit."""
    digits = name in DIGIT_FORMATS or name == "month"
    instant = f"$utc{n}" if name in EPOCH_FORMATS else f"$instant{n}"
    assumed = "true" if name in ("ddMMyy", "month") else f"$assumed{n}"
    return {
        f"why{n}": cases(
            (f"NOT $form{n}", "'none'"),
            (f"{sentinel(rule, f'$day{n}')}" if digits else "false", "'special'"),
            (matches("$x", _MONTH_SHORT) if name == "month" else "false", "'ambiguous'"),
            (f"$early{n}" if name in EXCEL_FORMATS else "false", "'invalid'"),
            (f"$read{n} IS NULL" if not digits else "false", "'out_of_range'"),
            (f"$read{n} IS NULL", "'invalid'"),
            (outside(date_of(instant) if rule.instant else f"$read{n}"), "'out_of_range'"),
            (f"$fine{n}" if rule.instant and name in EPOCH_FORMATS else "false", "'out_of_range too_fine'"),
            (assumed, "'assumed'"),
            otherwise="'ok'",
        ),
    }


def _decision(rule: DateRule) -> tuple[Layer, ...]:
    numbers = range(len(rule.formats))
    fits = {n: f"($why{n} IN ('ok', 'assumed'))" for n in numbers}
    values = [f"CASE WHEN {fits[n]} THEN $read{n} END" for n in numbers]
    chosen: Layer = {
        "read": f"coalesce({', '.join([*values, 'NULL'])})",
        "shaky": " OR ".join(f"$why{n} = 'assumed'" for n in numbers),
        "reason": cases(*((fits[n], f"$clause{n}") for n in numbers), otherwise="'format'"),
    }
    differ: Layer = {"differ": " OR ".join(f"coalesce({fits[n]} AND $read{n} <> $read, false)" for n in numbers)}

    def any_is(status: str) -> str:
        return " OR ".join(f"startswith($why{n}, '{status}')" for n in numbers)

    zeros = matches("$x", "0+") if any(name in DIGIT_FORMATS for name in rule.formats) else "false"
    branches = [
        Branch(stands_for_none(rule), Status.SPECIAL, "sentinel"),
        Branch("$differ", Status.AMBIGUOUS, "formats_differ"),
        Branch(f"$read IS NULL AND {zeros}" if zeros != "false" else "false", Status.OK, "zeros"),
        Branch("$read IS NULL AND ($x IN ('infinity', '-infinity'))", Status.SPECIAL, "sentinel"),
        Branch(f"$read IS NULL AND ({any_is('special')})", Status.SPECIAL, "sentinel"),
        Branch(f"$read IS NULL AND ({any_is('invalid')})", Status.INVALID, "no_format"),
        Branch(f"$read IS NULL AND ({any_is('ambiguous')})", Status.AMBIGUOUS, "no_format"),
        Branch(f"$read IS NULL AND ({any_is('out_of_range too_fine')})", Status.OUT_OF_RANGE, "too_fine"),
        Branch(f"$read IS NULL AND ({any_is('out_of_range')})", Status.OUT_OF_RANGE, "years"),
        Branch("$read IS NULL", Status.INVALID, "no_format"),
        *(
            Branch(f"($shaky) AND $reason = '{c}'", Status.ASSUMED, c)
            for c in ("short_year", "midnight_utc", "midnight", "clock_change")
        ),
        Branch("$shaky", Status.ASSUMED, "format"),
        Branch("true", Status.OK, "format"),
    ]
    return (chosen, differ, *decide(branches, "$read"))
