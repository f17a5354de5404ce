"""Section 5: dates and, the same with the instant kept, timestamps."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lakehouse_assets_tests.normalisation.reference.text import WORD, Reading, first, fold

MONTHS = ("janeiro", "fevereiro", "marco", "abril", "maio", "junho")
MONTHS += ("julho", "agosto", "setembro", "outubro", "novembro", "dezembro")
WEEKDAYS = ("segunda-feira", "terca-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sabado", "domingo")
MONTH_OF = {name: at for at, month in enumerate(MONTHS, 1) for name in (month, month[:3])}
WEEKDAY_OF = {name: at for at, day in enumerate(WEEKDAYS) for name in (day, day.removesuffix("-feira"), day[:3])}

INFINITIES = ("infinity", "-infinity")
BEFORE_OUR_ERA = re.compile(" (?:bc|a\\.?c\\.?)$")
SENTINELS = ("0000-00-00", "0001-01-01", "1899-12-30", "1900-01-01", "9999-12-31")
YEARS = range(1600, 2401)

DIGIT_FORMATS = {
    "ddMMyy": "(?P<d>[0-9]{2})(?P<m>[0-9]{2})(?P<y>[0-9]{2})",
    "ddMMyyyy": "(?P<d>[0-9]{2})(?P<m>[0-9]{2})(?P<y>[0-9]{4})",
    "yyyyMMdd": "(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
}
SECOND, DAY = 1_000_000, 86_400_000_000  # in microseconds
EPOCH_UNITS = {"epoch_s": Fraction(SECOND), "epoch_ms": Fraction(1000), "epoch_us": Fraction(1)}
EPOCH_UNITS |= {"epoch_ns": Fraction(1, 1000)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No instant outside these falls into the years that are kept, whatever the time zone.
EARLIEST, LATEST = ((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).days * DAY for year in (YEARS[0] - 1, YEARS[-1] + 2))
EXCEL_DAY_0 = {"excel": date(1899, 12, 30), "excel1904": date(1904, 1, 1)}

NUMERIC = re.compile("([0-9]{1,4})([-/.])([0-9]{1,2})\\2([0-9]{1,4})")
IN_WORDS = re.compile(
    f"(?:(?P<weekday>{WORD}(?:-{WORD})?)\\.?, )?(?P<day>[0-9]{{1,2}})(?P<ordinal>[o°])?"
    f"(?:(?P<mark>[-/])(?P<month>{WORD})\\.?(?P=mark)| (?:de )?(?P<word>{WORD})\\.? (?:de )?)"
    "(?P<year>[0-9]{4}|[0-9]{2})"
)
MONTH_IN_WORDS = re.compile(f"({WORD})\\.?(?:[-/]| (?:de )?)([0-9]{{4}}|[0-9]{{2}})")
WITH_TIME = re.compile(
    "(?P<date>.+?)(?:t|,? (?:as )?)(?P<hour>[0-9]{1,2})"
    "(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?|h(?P<h_minute>[0-9]{2}))"
    "(?P<half> ?[ap]m)?(?: ?(?P<offset>z|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)


class Day(NamedTuple):
    """A day as written; it may not exist."""

    year: int
    month: int
    day: int


class Written(NamedTuple):
    """The days that a text may mean and whether the rule chooses one, which is then the first."""

    status: str
    days: list[Day]


class Time(NamedTuple):
    """A time of day, in microseconds, whether non-zero digits follow them, and the offset in minutes."""

    micros: int
    has_more: bool = False
    offset: int | None = None


def exists(day: Day) -> bool:
    """Whether the calendar has the day."""
    return 1 <= day.month <= 12 and 1 <= day.day <= calendar.monthrange(day.year, day.month)[1]


def weekday(day: Day) -> int:
    """The day of the week, Monday 0; the calendar repeats every 400 years."""
    return date(2000 + day.year % 400, day.month, day.day).weekday()


def is_sentinel(days: Iterable[Day], rule: dict[str, Any]) -> bool:
    """Whether one of the days is a sentinel."""
    sentinels = (*SENTINELS, *rule.get("sentinels", ()))
    return any("{:04}-{:02}-{:02}".format(*day) in sentinels for day in days)


def day_of(year: str, month: str, day: str, rule: dict[str, Any]) -> Day | None:
    """The day of three texts, its two-digit year in the century that the rule says; None where they are no such texts."""
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
        return None
    if len(year) == 4:
        return Day(int(year), int(month), int(day))
    century = rule.get("century", "due")
    if century == "birth" and "anchor" not in rule:
        raise ValueError("century = birth needs an anchor")
    anchor = date.fromisoformat(rule.get("anchor", "2024-01-01"))
    # The last of the hundred years in which the two digits are looked for.
    last = anchor.year + 19 if century == "due" else anchor.year
    latest = Day(last - (last - int(year)) % 100, int(month), int(day))
    if century == "due":
        return latest
    earlier = (latest._replace(year=latest.year - back) for back in range(0, 500, 100))
    return next((read for read in earlier if exists(read) and read <= (anchor.year, anchor.month, anchor.day)), latest)


def numeric(text: str, rule: dict[str, Any]) -> Written | None:
    """The forms with three numbers."""
    match = NUMERIC.fullmatch(text)
    if not match:
        return None
    a, mark, b, c = match.groups()
    order = rule.get("order")
    dmy, mdy, ymd = day_of(c, b, a, rule), day_of(c, a, b, rule), day_of(a, b, c, rule)
    if len(a) == 4:
        days = [ymd] if ymd else []
        return Written("ok" if ymd and exists(ymd) else "invalid", days)
    if order == "ymd" and len(c) < 4:
        days = [ymd] if ymd else []
        return Written("assumed" if ymd and exists(ymd) else "invalid", days)
    if order == "ymd" or (order is None and mark == "-" and len(c) < 4):
        days = [day for day in (dmy, mdy, ymd) if day]
        return Written("ambiguous" if any(exists(day) for day in days) else "invalid", days)
    if dmy is None or mdy is None:
        return Written("invalid", [])
    chosen, other = (mdy, dmy) if order == "mdy" else (dmy, mdy)
    if exists(chosen):
        is_default = order is None and int(a) <= 12 and int(a) != int(b)
        return Written("assumed" if is_default or len(c) == 2 else "ok", [chosen])
    return Written("ambiguous" if exists(other) else "invalid", [chosen, other])


def in_words(text: str, rule: dict[str, Any]) -> Written | None:
    """The forms with a Portuguese month; a weekday must be the right one."""
    match = IN_WORDS.fullmatch(text)
    month = MONTH_OF.get(match["month"] or match["word"]) if match else None
    if not match or month is None or (match["ordinal"] and match["day"] != "1"):
        return None
    weekday_read = WEEKDAY_OF.get(match["weekday"]) if match["weekday"] else None
    if match["weekday"] and weekday_read is None:
        return None
    day = day_of(match["year"], str(month), match["day"], rule)
    if day is None or not exists(day) or (weekday_read is not None and weekday_read != weekday(day)):
        return Written("invalid", [day] if day else [])
    return Written("assumed" if len(match["year"]) == 2 else "ok", [day])


def split_time(text: str) -> tuple[str, Time | str | None]:
    """The date's text and its time: None without one, `invalid` for one that does not exist."""
    match = WITH_TIME.fullmatch(text)
    if not match:
        return text, None
    hour, minute, second = int(match["hour"]), int(match["minute"] or match["h_minute"]), int(match["second"] or 0)
    fraction = match["fraction"] or ""
    is_end_of_day = hour == 24 and minute == second == 0 and not fraction.strip("0")
    if match["half"] or not (hour < 24 or is_end_of_day) or minute > 59 or second > 59:
        return match["date"], "invalid"
    micros = (hour * 3600 + minute * 60 + second) * SECOND + int(fraction[:6].ljust(6, "0"))
    has_more = fraction[6:].strip("0") != ""
    offset = match["offset"]
    if offset is None:
        return match["date"], Time(micros, has_more)
    digits = re.sub("[^0-9]", "", offset).ljust(4, "0")
    if int(digits[:2]) > 23 or int(digits[2:]) > 59:
        return match["date"], "invalid"
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return match["date"], Time(micros, has_more, -minutes if offset[0] == "-" else minutes)


def zone_of(rule: dict[str, Any]) -> ZoneInfo:
    """The declared time zone."""
    return ZoneInfo(rule.get("timezone", "America/Sao_Paulo"))


def dated(day: date, status: str) -> Reading:
    """A date in the years that are kept."""
    return Reading(day.isoformat(), status) if day.year in YEARS else Reading(None, "out_of_range")


def instant(at: datetime, status: str) -> Reading:
    """An instant in the years that are kept, in UTC."""
    if at.year not in YEARS:
        return Reading(None, "out_of_range")
    return Reading(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), status)


def at_instant(micros: int, has_more: bool, plain: date | None, status: str, rule: dict[str, Any]) -> Reading:
    """A known instant, in microseconds from the epoch; `plain` is the date that a midnight at offset zero stands for."""
    if not EARLIEST <= micros < LATEST:
        return Reading(None, "out_of_range")
    at = EPOCH + timedelta(microseconds=micros)
    if rule["rule"] == "timestamp":
        return Reading(None, "out_of_range") if has_more else instant(at, status)
    converted = at.astimezone(zone_of(rule)).date()
    if plain is not None and plain != converted:
        return dated(plain, "assumed")
    return dated(converted, status)


def at_wall(day: date, time: Time | None, status: str, rule: dict[str, Any]) -> Reading:
    """A wall clock of the declared time zone: the date as written, or the instant; 24:00 is the next midnight."""
    if rule["rule"] == "date":
        return dated(day, status)
    if time and time.has_more:
        return Reading(None, "out_of_range")
    wall = datetime(day.year, day.month, day.day) + timedelta(microseconds=time.micros if time else 0)
    # The offset before a change moves a time that does not exist forward and gives the earlier of two instants.
    before, after = (wall.replace(tzinfo=zone_of(rule), fold=after).astimezone(UTC) for after in (0, 1))
    is_plain = time is not None and before == after
    return instant(before, status if is_plain else "assumed")


def finish(day: Day, time: Time | None, status: str, rule: dict[str, Any]) -> Reading:
    """The value of a day that exists and its time."""
    if not YEARS[0] - 1 <= day.year <= YEARS[-1] + 1:  # no offset brings it back
        return Reading(None, "out_of_range")
    plain = date(*day)
    if time is None or time.offset is None:
        return at_wall(plain, time, status, rule)
    micros = (plain - EPOCH.date()).days * DAY + time.micros - time.offset * 60 * SECOND
    is_midnight = time.micros == 0 and time.offset == 0
    return at_instant(micros, time.has_more, plain if is_midnight else None, status, rule)


def by_digits(name: str, text: str, rule: dict[str, Any]) -> Reading | None:
    """A form of digits alone; zeros alone, any number of them, are NULL."""
    if re.fullmatch("0+", text):
        return Reading(None, "ok")
    match = re.fullmatch(DIGIT_FORMATS[name], text)
    day = day_of(match["y"], match["m"], match["d"], rule) if match else None
    if not match or day is None:
        return None
    if is_sentinel([day], rule):
        return Reading(None, "special")
    if not exists(day):
        return Reading(None, "invalid")
    return finish(day, None, "ok" if len(match["y"]) == 4 else "assumed", rule)


def by_epoch(name: str, text: str, rule: dict[str, Any]) -> Reading | None:
    """A whole number of days or of a unit of time since the epoch."""
    if not re.fullmatch("-?[0-9]+", text):
        return None
    number = int(Decimal(text))
    if name == "epoch_days":
        return on_day(EPOCH.date(), number, None, rule)
    micros = number * EPOCH_UNITS[name]
    whole, has_more = floor(micros), micros.denominator > 1
    is_midnight = whole % DAY == 0 and EARLIEST <= whole < LATEST
    plain = EPOCH.date() + timedelta(whole // DAY) if is_midnight else None
    return at_instant(whole, has_more, plain, "ok", rule)


def by_excel(name: str, text: str, rule: dict[str, Any]) -> Reading | None:
    """A serial day; its fraction is a time of day, to the nearest microsecond."""
    match = re.fullmatch("([0-9]+)(?:[.,]([0-9]+))?", text)
    if not match:
        return None
    whole = int(Decimal(match[1]))
    if name == "excel" and whole <= 60:
        return Reading(None, "invalid")
    time = Time(floor(Fraction(Decimal("0." + match[2])) * DAY + Fraction(1, 2))) if match[2] else None
    return on_day(EXCEL_DAY_0[name], whole, time, rule)


def on_day(day_0: date, days: int, time: Time | None, rule: dict[str, Any]) -> Reading:
    """A number of days after a day."""
    if abs(days) > 400_000:  # more than a thousand years
        return Reading(None, "out_of_range")
    day = day_0 + timedelta(days)
    return finish(Day(day.year, day.month, day.day), time, "ok", rule)


def by_month(text: str, rule: dict[str, Any]) -> Reading | None:
    """A month: its first day."""
    if match := re.fullmatch("([0-9]{1,2})/[0-9]{2}", text):
        return Reading(None, "ambiguous" if 1 <= int(match[1]) <= 12 else "invalid")
    if match := re.fullmatch("([0-9]{1,2})/([0-9]{4})", text):
        month, year = match.groups()
    elif match := re.fullmatch("([0-9]{4})-([0-9]{1,2})", text):
        year, month = match.groups()
    elif (match := MONTH_IN_WORDS.fullmatch(text)) and match[1] in MONTH_OF:
        year, month = match[2], str(MONTH_OF[match[1]])
    else:
        return None
    day = day_of(year, month, "1", rule)
    if day is None or not exists(day):
        return Reading(None, "invalid")
    if is_sentinel([day], rule):
        return Reading(None, "special")
    return finish(day, None, "assumed", rule)


def by_format(name: str, text: str, rule: dict[str, Any]) -> Reading | None:
    """What a text means in one format, or None where it has not its form."""
    if name in DIGIT_FORMATS:
        return by_digits(name, text, rule)
    if name in EXCEL_DAY_0:
        return by_excel(name, text, rule)
    return by_month(text, rule) if name == "month" else by_epoch(name, text, rule)


def by_formats(text: str, rule: dict[str, Any]) -> Reading:
    """What a text means in the listed formats: only entries that give a value count as fitting."""
    readings = [reading for name in rule["format"] if (reading := by_format(name, text, rule))]
    fitting = [reading for reading in readings if reading.value is not None]
    if len({reading.value for reading in fitting}) > 1:
        return Reading(None, "ambiguous")
    if fitting:
        return Reading(fitting[0].value, first(reading.status for reading in fitting))
    if Reading(None, "ok") in readings:
        return Reading(None, "ok")
    return Reading(None, first(reading.status for reading in readings) if readings else "invalid")


def read(text: str, rule: dict[str, Any]) -> Reading:
    """What a cleaned text means under the rules `date` and `timestamp`."""
    text = fold(text)
    if text in INFINITIES:
        return Reading(None, "special")
    in_our_era = BEFORE_OUR_ERA.sub("", text)
    is_bc = in_our_era != text
    date_text, time = split_time(in_our_era)
    written = numeric(date_text, rule) or in_words(date_text, rule) or Written("invalid", [])
    if not is_bc and is_sentinel(written.days, rule):
        return Reading(None, "special")
    if "format" in rule:
        return by_formats(text, rule)
    if re.fullmatch("[0-9]+", text):
        is_year = len(text) == 4 and int(text) in YEARS
        return Reading(None, "invalid" if is_year else "ambiguous")
    if time == "invalid" or written.status == "invalid":
        return Reading(None, "invalid")
    if written.status == "ambiguous":
        return Reading(None, "ambiguous")
    if is_bc:
        return Reading(None, "out_of_range")
    assert not isinstance(time, str)
    return finish(written.days[0], time, written.status, rule)
