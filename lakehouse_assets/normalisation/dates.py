"""Rules `date` and `timestamp`: how a text becomes a day or an instant (VALUES section 5).

The clauses are in CLAUSES; every branch below names the one it carries out. A text is taken apart once (`$p`), its
parts read as numbers, the day they may mean computed in each order, and then one CASE decides.
"""

from __future__ import annotations

from datetime import date

from lakehouse_assets import sql
from lakehouse_assets.catalog.rules import DateRule
from lakehouse_assets.normalisation.reading import (
    Branch,
    Layer,
    Reading,
    Status,
    cases,
    decide,
    has_pattern,
    matches,
    overlapped,
    regex,
    taken_apart,
)
from lakehouse_assets.normalisation.text import cleaned

CLAUSES = {
    "empty": "Empty or a null word: NULL.",
    "sentinel": "A day that stands for `none` or `for ever` (0000-00-00, 0001-01-01, 1899-12-30, 1900-01-01, 9999-12-31, infinity, the rule's own).",
    "no_form": "No form of a date.",
    "no_day": "A day that does not exist.",
    "no_time": "The time of day does not exist.",
    "weekday": "The weekday is not the one of that day.",
    "month_only": "A month without a day: no date, unless `format` has `month`.",
    "year_only": "Four digits from 1600 to 2400 are a year, no date.",
    "digits": "Digits alone are never guessed, unless `format` says what they are.",
    "iso": "Year first: yyyy-M-d, yyyy/M/d or yyyy.M.d, in every order.",
    "order": "Read in the declared order.",
    "other_order": "Does not fit the declared order, but another order gives a day.",
    "day_first": "A day above 12 in first place: day, month, year.",
    "equal_parts": "Day and month are the same number.",
    "assumed_order": "Both parts at most 12 and no declared order: read as day, month, year.",
    "american": "Only month, day, year gives a day, and the rule does not declare that order.",
    "short_year": "A two-digit year: in the years around the anchor (`due`), or the latest not after it (`birth`).",
    "short_year_hyphens": "dd-MM-yy without a declared order: the year may be first or last.",
    "words": "A Portuguese month in letters.",
    "midnight_utc": "Exactly midnight at offset zero is how programs print a plain date: the date as written.",
    "offset": "The instant is converted to the rule's time zone, then its date is taken.",
    "midnight": "No time: midnight in the rule's time zone.",
    "wall_time": "The wall clock of the rule's time zone.",
    "clock_change": "That wall time does not exist (moved forward by the gap) or exists twice (the earlier instant).",
    "too_fine": "Digits beyond microseconds.",
    "years": "Outside the years 1600 to 2400.",
    "format": "Read as one of the declared formats.",
    "no_format": "None of the declared formats fits.",
    "formats_differ": "Two of the declared formats fit and differ.",
    "zeros": "Zeros only under a format of digits: NULL.",
}  # fmt: skip

SENTINELS = (date(1, 1, 1), date(1899, 12, 30), date(1900, 1, 1), date(9999, 12, 31))
_MONTHS = ("janeiro", "fevereiro", "marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro")  # fmt: skip
_WEEKDAY = "((?:segunda|terca|quarta|quinta|sexta)(?:-feira)?|sabado|domingo|seg|ter|qua|qui|sex|sab|dom)"
MONTH = "(" + "|".join(f"{m[:3]}(?:{m[3:]})?" for m in _MONTHS) + ")[.]?"
DAY_US = 86_400_000_000
_SHIFT = 1_000_000  # days that make every day's number positive
_NO_MINUTES = r"[6-9][0-9]\z"  # at the end of an offset
# The groups of the one pattern, in order; `p[group]` is what each found.
_GROUPS = (
    "first", "separator", "second", "third", "weekday", "day", "ordinal", "month_in_words", "month_sign", "month", "year",
    "hour", "minute", "second_of_minute", "fraction", "minute_after_h", "half", "offset", "era",
)  # fmt: skip
_FITS = has_pattern(len(_GROUPS))


def read_forms(rule: DateRule) -> Reading:
    """The rule without declared formats, as layers over `$text`."""
    return Reading(
        (
            *overlapped(cleaned(rule.null_words), as_written(rule)),
            *(_kept_instant(rule) if rule.instant else _date_of_instant(rule)),
            *decide(_verdicts(rule), "$read"),
        )
    )


def as_written(rule: DateRule) -> tuple[Layer, ...]:
    """`$fits`: whether the text has a form of a date; `$day`, `$other`: what it may mean, as `_chosen` says."""
    return (
        _taken_apart(),
        _numbers(rule) | _unfit(),
        _years(),
        _days(rule),
        _chosen(rule),
    )


def part(group: str) -> str:
    """What a group of the pattern found; empty when nothing."""
    return f"get($p, {_GROUPS.index(group)})"


def _taken_apart() -> Layer:
    """`$p`: what each group of the one pattern of a dated text found; of another length when it is none.

    Around a month in letters stand `de` or spaces (an empty group that is there only then), or the same sign twice.
    """
    numeric = r"([0-9]{1,4})([/.-])([0-9]{1,2})\2([0-9]{1,4})"
    weekday = f"(?:{_WEEKDAY}[.]?, )?"
    words = (
        rf"{weekday}(?:([0-9]{{1,2}})|(1)[o°])(?:(?: de | )()|([/-])){MONTH}(?:\8(?: de | )|\9)([0-9]{{4}}|[0-9]{{2}})"
    )
    clock = "([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?|h([0-9]{2}))"
    time = f"(?:(?:t|,? (?:as )?){clock}( ?[ap]m)?(?: ?(z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?))?)?"
    pattern = rf"\A(?:{numeric}|{words}){time}(?: (bc|a[.]?c[.]?))?\z"
    return {"p": taken_apart(pattern, len(_GROUPS))}


def integer(text: str) -> str:
    """Digits as an int, NULL for none.

    Spark may compute what AND and CASE share before it looks at a condition: so nothing here can fail.
    """
    return f"CASE WHEN {text} <> '' THEN try_cast({text} AS int) END"  # a cast that fails costs an exception


def _numbers(rule: DateRule) -> Layer:
    """The parts as numbers, and `$kind`: `y`ear first, `l`ong or `s`hort year last, `w`ords."""
    first, third = f"length({part('first')})", f"length({part('third')})"
    short = f"{first} = 2 AND {third} <= 2" if rule.order == "ymd" else f"{first} <= 2 AND {third} = 2"
    if rule.order is None:
        short += f" OR {first} = 2 AND {third} = 1 AND {part('separator')} = '-'"
    kind = cases(
        (f"{first} = 0", "'w'"),
        (f"{first} = 4 AND {third} <= 2", "'y'"),
        (f"{first} <= 2 AND {third} = 4", "'l'"),
        (short, "'s'"),
    )
    month = f"try_cast((locate(left({part('month')}, 3), 'jan fev mar abr mai jun jul ago set out nov dez') + 3) DIV 4 AS int)"
    day = f"coalesce({integer(part('day'))}, 1)"
    words = f"{part('first')} = ''"
    offset = part("offset")
    minutes = f"substr(replace({offset}, ':', ''), 4, 2)"
    seconds = (
        f"CASE WHEN {offset} = '' THEN NULL WHEN {offset} = 'z' THEN 0 ELSE "
        f"(CASE WHEN left({offset}, 1) = '-' THEN -1 ELSE 1 END) * (try_cast(substr({offset}, 2, 2) AS int) * 3600 + "
        f"coalesce({integer(minutes)}, 0) * 60) END"
    )
    numbers = {
        "kind": kind,
        "a": f"CASE WHEN {words} THEN {day} ELSE {integer(part('first'))} END",
        "b": f"CASE WHEN {words} THEN {month} ELSE {integer(part('second'))} END",
        "c": f"CASE WHEN {words} THEN {integer(part('year'))} ELSE {integer(part('third'))} END",
        "h": integer(part("hour")),
        "mi": f"coalesce({integer(part('minute'))}, {integer(part('minute_after_h'))})",
        "s": f"coalesce({integer(part('second_of_minute'))}, 0)",
        "fraction": f"rtrim('0', {part('fraction')})",
        "offset": seconds,
        "weekday": f"left({part('weekday')}, 3)",
        "era": f"{part('era')} <> ''",
    }
    return {"fits": _FITS} | {name: f"CASE WHEN {_FITS} THEN {expression} END" for name, expression in numbers.items()}


def _years() -> Layer:
    """`$short`: whether the year has two digits, `$year_first`, `$year_last`: where it may stand among numbers.

    `$timed`: whether the time of day exists, NULL without one. The last layer that needs `$p`, the widest column.
    """
    return {
        "short": f"($kind = 's' OR ($kind = 'w' AND length({part('year')}) = 2))",
        "timed": "(($h <= 23 AND $mi <= 59 AND $s <= 59) OR ($h = 24 AND $mi = 0 AND $s = 0 AND $fraction = '')) "
        f"AND {part('half')} = '' AND coalesce(abs($offset) < 86400, true) AND NOT {part('offset')} RLIKE {regex(_NO_MINUTES)}",
        "dashed": f"($kind = 's' AND {part('separator')} = '-')",
        "year_first": f"($kind = 'y' OR ($kind = 's' AND length({part('first')}) = 2))",
        "year_last": f"($kind = 'l' OR ($kind = 's' AND length({part('third')}) = 2))",
    }


def day_of(year: str, month: str, day: str) -> str:
    """The date, NULL when there is no such day."""
    leap = f"({year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0))"
    days = f"CASE WHEN {month} = 2 THEN CASE WHEN {leap} THEN 29 ELSE 28 END WHEN {month} IN (4, 6, 9, 11) THEN 30 ELSE 31 END"
    return (
        f"CASE WHEN {month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND {days} THEN make_date({year}, {month}, {day}) END"
    )


def short_day_of(rule: DateRule, year: str, month: str, day: str) -> str:
    """The date of a two-digit year by the rule's `century`, NULL when there is no such day."""
    if rule.century == "due":
        first = rule.anchor.year - 80
        return day_of(f"(pmod({year} - {first}, 100) + {first})", month, day)
    latest = f"({rule.anchor.year} - pmod({rule.anchor.year} - {year}, 100)"
    tries = [day_of(f"{latest} - {back})", month, day) for back in (0, 100, 200, 300, 400)]
    return "coalesce(" + ", ".join(f"CASE WHEN ({d}) <= DATE'{rule.anchor}' THEN ({d}) END" for d in tries) + ")"


def _days(rule: DateRule) -> Layer:
    """The day that the parts mean in each order, NULL where there is none."""

    def read(kind: str, year: str, month: str, day: str) -> str:
        short, whole = short_day_of(rule, year, month, day), day_of(year, month, day)
        return f"CASE WHEN {kind} THEN CASE WHEN $short THEN {short} ELSE {whole} END END"

    return {
        "dmy": read("$kind = 'w' OR $year_last", "$c", "$b", "$a"),
        "mdy": read("$year_last", "$c", "$a", "$b"),
        "ymd": read("$year_first", "$a", "$b", "$c"),
    }


def _chosen(rule: DateRule) -> Layer:
    """`$day`: the day in the order that counts; `$other`: one that another order gives."""
    if rule.order == "ymd":
        day, other = cases(("$kind = 'w'", "$dmy"), otherwise="$ymd"), cases(("$kind = 'l'", "coalesce($dmy, $mdy)"))
    elif rule.order == "mdy":
        day, other = (
            cases(("$kind = 'w'", "$dmy"), ("$kind = 'y'", "$ymd"), otherwise="$mdy"),
            cases(("$kind <> 'w'", "$dmy")),
        )
    elif rule.order == "dmy":
        day, other = cases(("$kind = 'y'", "$ymd"), otherwise="$dmy"), "$mdy"
    else:
        day = cases(("$kind = 'y'", "$ymd"), ("$dashed", "NULL"), otherwise="$dmy")
        other = cases(("$dashed", "coalesce($dmy, $mdy, $ymd)"), ("$kind <> 'y'", "$mdy"))
    return {"day": f"CASE WHEN $fits THEN {day} END", "other": f"CASE WHEN $fits THEN {other} END"}


def local(instant: str, timezone: str) -> str:
    """The wall clock of a time zone at an instant, both in microseconds since 1970."""
    return f"unix_micros(from_utc_timestamp(timestamp_micros({instant}), {sql.text(timezone)}))"


def date_of(micros: str) -> str:
    """The date of a wall clock in microseconds; as whole numbers, since a double would round a last microsecond up."""
    return f"date_from_unix_date(CAST(({micros} + {_SHIFT} * {DAY_US}L) DIV {DAY_US}L AS int) - {_SHIFT})"


_TIME_US = "($h * 3600L + $mi * 60 + $s) * 1000000 + try_cast(rpad(left($fraction, 6), 6, '0') AS int)"  # of a time that exists
_WALL_US = f"unix_date($day) * {DAY_US}L + CASE WHEN $timed THEN {_TIME_US} ELSE 0 END"
_INSTANT_US = f"({_WALL_US} - $offset * 1000000L)"


def _date_of_instant(rule: DateRule) -> tuple[Layer, ...]:
    """`$read`: the date as written, or of its instant; `$utc_midnight`: whether it was written at midnight, offset zero."""
    moved = f"CASE WHEN $offset IS NOT NULL AND $timed THEN {date_of(local(_INSTANT_US, rule.timezone))} END"
    return (
        {
            "moved": moved,
            "utc_midnight": "coalesce($offset = 0 AND $h = 0 AND $mi = 0 AND $s = 0 AND $fraction = '', false)",
        },
        {"read": "CASE WHEN $moved IS NULL OR $utc_midnight THEN $day ELSE $moved END"},
        {"read_day": "$read"},
    )


def _kept_instant(rule: DateRule) -> tuple[Layer, ...]:
    return (
        {"wall": f"CASE WHEN $day IS NOT NULL THEN {_WALL_US} END"},
        *wall_to_instant("$wall", "$offset", rule.timezone),
        {"read": "timestamp_micros($instant)", "read_day": date_of("$instant")},
    )


def wall_to_instant(wall: str, offset: str, timezone: str) -> tuple[Layer, ...]:
    """`$instant` and `$shown`, its wall clock in the time zone; `$changed`: whether a clock change makes the wall time odd.

    All in microseconds. With an offset (seconds) the zone decides nothing.
    """
    zone = sql.text(timezone)
    later = local(f"($instant + {DAY_US})", timezone)
    return (
        {
            "instant": f"CASE WHEN {offset} IS NOT NULL THEN {wall} - {offset} * 1000000L "
            f"ELSE unix_micros(to_utc_timestamp(timestamp_micros({wall}), {zone})) END"
        },
        {
            "shown": local("$instant", timezone),
            "again": f"CASE WHEN {offset} IS NULL THEN {wall} - ({later} - $instant - {DAY_US}) END",  # as the clock is a day later
        },
        {
            "changed": f"({offset} IS NULL AND ($shown <> {wall} OR "
            f"($again <> $instant AND {local('$again', timezone)} = {wall})))"
        },
    )


def sentinel(rule: DateRule, day: str) -> str:
    """Whether a day stands for none."""
    days = ", ".join(f"DATE'{d}'" for d in (*SENTINELS, *rule.sentinels))
    return f"{day} IN ({days})"


def stands_for_none(rule: DateRule) -> str:
    """Whether the date as written does, in any order that it may have."""
    days = ["coalesce($day, $other)"]
    if rule.order is None:
        days += [f"CASE WHEN $dashed THEN ${order} END" for order in ("mdy", "ymd")]
    elif rule.order == "ymd":
        days += ["CASE WHEN $kind = 'l' THEN $mdy END"]
    zeros = "$kind IN ('y', 'l') AND $a = 0 AND $b = 0 AND $c = 0"
    none = " OR ".join([f"({zeros})", *(f"coalesce({sentinel(rule, day)}, false)" for day in days)])
    return f"(NOT $era AND ({none}))"


def _unfit() -> Layer:
    """`$unfit`: what a text is that has no form of a date, where that has a name."""
    month = rf"[0-9]{{1,2}}[/-][0-9]{{4}}|[0-9]{{4}}[/-][0-9]{{1,2}}|{MONTH}(?:/|-| de | )(?:[0-9]{{4}}|[0-9]{{2}})"
    found = cases(
        ("$x IN ('infinity', '-infinity')", "'infinity'"),
        (matches("$x", "1[6-9][0-9]{2}|2[0-3][0-9]{2}|2400"), "'year'"),
        (matches("$x", "[0-9]+"), "'digits'"),
        (matches("$x", month), "'month'"),
    )
    return {"unfit": f"CASE WHEN NOT {_FITS} THEN {found} END"}


def outside(day: str) -> str:
    """Whether a day is outside the years that are read."""
    return f"{day} NOT BETWEEN DATE'1600-01-01' AND DATE'2400-12-31'"


def _verdicts(rule: DateRule) -> list[Branch]:
    auto = rule.order is None
    ambiguous = "short_year_hyphens" if auto else "other_order"
    weekday = "substr('seg ter qua qui sex sab dom', 4 * weekday($day) + 1, 3) <> $weekday"
    return [
        Branch("$unfit = 'infinity'", Status.SPECIAL, "sentinel"),
        Branch(stands_for_none(rule), Status.SPECIAL, "sentinel"),
        Branch("$unfit = 'year'", Status.INVALID, "year_only"),
        Branch("$unfit = 'digits'", Status.AMBIGUOUS, "digits"),
        Branch("$unfit = 'month'", Status.INVALID, "month_only"),
        Branch("$kind IS NULL", Status.INVALID, "no_form"),
        Branch("$day IS NULL AND $other IS NULL", Status.INVALID, "no_day"),
        Branch("NOT $timed", Status.INVALID, "no_time"),
        Branch(f"$kind = 'w' AND $weekday <> '' AND {weekday}", Status.INVALID, "weekday"),
        *([Branch("$day IS NULL AND NOT $dashed", Status.AMBIGUOUS, "american")] if auto else []),
        Branch("$day IS NULL", Status.AMBIGUOUS, ambiguous),
        Branch(f"$era OR {outside('$read_day')}", Status.OUT_OF_RANGE, "years"),
        *([Branch("length($fraction) > 6", Status.OUT_OF_RANGE, "too_fine")] if rule.instant else []),
        Branch("$short", Status.ASSUMED, "short_year"),
        *(
            [Branch("$kind = 'l' AND $a <= 12 AND $b <= 12 AND $a <> $b", Status.ASSUMED, "assumed_order")]
            if auto
            else []
        ),
        *_of_time(rule),
        Branch("$kind = 'y'", Status.OK, "iso"),
        Branch("$kind = 'w'", Status.OK, "words"),
        *([Branch("$a = $b", Status.OK, "equal_parts")] if auto else []),
        Branch("true", Status.OK, "day_first" if auto else "order"),
    ]


def _of_time(rule: DateRule) -> list[Branch]:
    if rule.instant:
        return [
            Branch("$changed", Status.ASSUMED, "clock_change"),
            Branch("$timed IS NULL", Status.ASSUMED, "midnight"),
            Branch("$offset IS NULL", Status.OK, "wall_time"),
            Branch("true", Status.OK, "offset"),
        ]
    return [
        Branch("$utc_midnight AND $moved <> $day", Status.ASSUMED, "midnight_utc"),
        Branch("$moved IS NOT NULL", Status.OK, "offset"),
    ]
