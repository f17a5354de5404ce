"""Brazilian dates and amounts in every form that the rules speak of, and the damage that real columns do to them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Draw = st.DrawFn
Texts = st.SearchStrategy[str]
Rules = st.SearchStrategy[dict[str, Any]]

MONTHS = ["janeiro", "fevereiro", "março", "abril", "maio", "junho"]
MONTHS += ["julho", "agosto", "setembro", "outubro", "novembro", "dezembro"]
WEEKDAYS = ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"]
EDGE_DAYS = [
    "2024-01-31", "2024-02-29", "2023-02-29", "2024-02-30", "2024-02-01", "2024-12-13", "2024-05-05", "2024-01-01",
    "1900-02-29", "2000-02-29", "1944-01-01", "1943-12-31", "2043-12-31", "2044-01-01", "2018-11-04", "2018-02-17",
    "2018-02-18", "2024-11-03", "1599-12-31", "1600-01-01", "2400-12-31", "2401-01-01", "1970-01-01", "2099-12-31",
    "0000-00-00", "0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "9999-12-31", "9999-12-30", "0000-01-01",
]  # fmt: skip
NULL_WORDS = ["", "-", "--", "n/a", "NA", "null", "Nulo", "None", "nil", "s/d", "S/N", "#N/D", "#n/a"]
OTHER_WORDS = ["a definir", "pendente", "now", "today", "epoch", "hoje", "amanhã", "ontem"]
ZONES = ["America/Sao_Paulo", "UTC", "America/Manaus", "Asia/Tokyo", "America/New_York", "Europe/Lisbon"]
DATE_FORMATS = ["ddMMyy", "ddMMyyyy", "yyyyMMdd", "epoch_days", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns"]
DATE_FORMATS += ["excel", "excel1904", "month"]

# The damage.
ZEROS = "０٠۰०๐𝟎𝟘"  # the zero of other scripts' decimal digits; the other nine follow it
SPACES = " \u00a0\u202f\u2009\u2003\u3000\u1680\u2028\u0085\t\n\r"
MARKS = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202e\u2060\u2066\u2069\ufeff"
DASHES = "\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d"
SEPARATORS = "/-.,:' ;|_"
ACCENTS = "\u0300\u0301\u0303\u0327\u0308"
COMPATIBLE = "ﬆ₨㏕º°ª½²①⑩⒈ⅫⅮⅭⅯ㋀⁻⁺⁽⁾％．，／：；（）＋＄Ｒ…‥´¨ﬁ℀"
OTHERS = "0123456789abcdehimortzABCDEFKMRSTZçãéô$€%+-()=@#\"'‘’‚“”„\x00\x1f\u180e\u061c∞"


def _one_in(draw: Draw, many: int) -> bool:
    """True once in so many draws."""
    return draw(st.integers(1, many)) == many


def _pick(draw: Draw, *options: Any) -> Any:
    """One of the options."""
    return draw(st.sampled_from(options))


def _mostly(draw: Draw, good: list[str], bad: list[str]) -> str:
    """One of the forms that a rule accepts, or now and then one that none does."""
    return _pick(draw, *(bad if _one_in(draw, 12) else good))


def _in_case(draw: Draw, text: str) -> str:
    """The text in some case."""
    change: Callable[[str], str] = _pick(draw, str, str.lower, str.upper, str.title, str.swapcase)
    return change(text)


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


# Mutations: each takes a text and damages it, mostly where it has something of the kind.


def _other_digits(draw: Draw, text: str) -> str:
    zero, every = ord(_pick(draw, *ZEROS)), draw(st.booleans())
    return "".join(chr(zero + int(c)) if c in "0123456789" and (every or draw(st.booleans())) else c for c in text)


def _other_spaces(draw: Draw, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    space = draw(st.text(SPACES, min_size=1, max_size=2))
    return text.replace(" ", space) if " " in text and draw(st.booleans()) else text[:at] + space + text[at:]


def _marks(draw: Draw, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.text(MARKS, min_size=1, max_size=2)) + text[at:]


def _dashes(draw: Draw, text: str) -> str:
    return text.replace("-", _pick(draw, *DASHES))


def _separators(draw: Draw, text: str) -> str:
    places = [at for at, char in enumerate(text) if char in SEPARATORS]
    if not places:
        return text
    at, other = _pick(draw, *places), _pick(draw, *SEPARATORS)
    changed = _pick(draw, text[at] * 2, other, text[at] + other, "")
    return text.replace(text[at], changed) if draw(st.booleans()) else text[:at] + changed + text[at + 1 :]


def _swapped(draw: Draw, text: str) -> str:
    for separator in draw(st.permutations(["/", "-", ".", ",", " ", ":"])):
        parts = text.split(separator)
        if len(parts) > 1:
            return separator.join(draw(st.permutations(parts)))
    return text


def _deleted(draw: Draw, text: str) -> str:
    at = draw(st.integers(0, max(0, len(text) - 1)))
    return text[:at] + text[at + 1 :]


def _inserted(draw: Draw, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + _pick(draw, *OTHERS) + text[at:]


def _doubled(draw: Draw, text: str) -> str:
    at = draw(st.integers(0, max(0, len(text) - 1)))
    return text[: at + 1] + text[at:]


def _accented(draw: Draw, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + _pick(draw, *ACCENTS) + text[at:]


def _decomposed(draw: Draw, text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _compatible(draw: Draw, text: str) -> str:
    at, over = draw(st.integers(0, len(text))), draw(st.integers(0, 1))
    return text[:at] + _pick(draw, *COMPATIBLE) + text[at + over :]


def _wrapped(draw: Draw, text: str) -> str:
    left, right = _pick(draw, '""', "''", "“”", "‘’", "‘'", ("'", ""), ("", ";"), ("", ";;"), ("'", ";"), ("", " ;"))
    return left + text + right


MUTATIONS = [
    _other_digits, _other_spaces, _marks, _dashes, _separators, _swapped, _deleted, _inserted, _doubled, _in_case,
    _accented, _decomposed, _compatible, _wrapped,
]  # fmt: skip


def _mutated(draw: Draw, text: str) -> str:
    """The text, two times of five damaged once to three times."""
    times = _pick(draw, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3)
    for _ in range(times):
        text = _pick(draw, *MUTATIONS)(draw, text)
    return text


# Dates.


def _day(draw: Draw) -> tuple[int, int, int]:
    """Year, month and day: an ordinary one, an edge, or numbers that make no day."""
    kind = draw(st.integers(1, 10))
    if kind <= 5:
        day = draw(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
        return day.year, day.month, day.day
    if kind <= 7:
        year, month, day = _pick(draw, *EDGE_DAYS).split("-")
        return int(year), int(month), int(day)
    if kind == 8:
        return draw(st.integers(1940, 2050)), draw(st.integers(1, 12)), draw(st.integers(1, 12))
    if kind == 9:
        return draw(st.integers(0, 9999)), draw(st.integers(1, 12)), draw(st.integers(1, 28))
    return draw(st.integers(1990, 2030)), draw(st.integers(0, 14)), draw(st.integers(0, 33))


def _number(draw: Draw, number: int) -> str:
    """A day or a month, mostly with its leading zero."""
    return str(number) if _one_in(draw, 3) else f"{number:02}"


def _year(draw: Draw, year: int) -> str:
    """A year of four digits or two."""
    return f"{year % 100:02}" if _one_in(draw, 3) else f"{year:04}"


def _numeric(draw: Draw) -> str:
    year, month, day = _day(draw)
    y, m, d = _year(draw, year), _number(draw, month), _number(draw, day)
    parts = _pick(draw, [d, m, y], [d, m, y], [y, m, d], [y, m, d], [m, d, y])
    return _mostly(draw, ["/", "/", "-", "-", "."], ["|", " ", "//", ","]).join(parts)


def _month_name(draw: Draw, month: int) -> str:
    """A month in words, full or short, in some case, with or without accent and dot."""
    name = MONTHS[(month - 1) % 12]
    name = name if draw(st.booleans()) else name[:3] + _pick(draw, "", ".")
    return _in_case(draw, name if draw(st.booleans()) else _without_accents(name))


def _in_words(draw: Draw) -> str:
    year, month, day = _day(draw)
    between = _mostly(draw, [" de ", " de ", " ", "/", "-", " DE "], [".", ", ", "", " do "])
    ordinal = _mostly(draw, ["", "º", "°", "o"], ["ª", "O", "ro"]) if day == 1 or _one_in(draw, 20) else ""
    text = between.join([_number(draw, day) + ordinal, _month_name(draw, month), _year(draw, year)])
    if draw(st.booleans()):
        return text
    try:
        right = date(year, month, day).weekday()
    except ValueError:
        right = 0
    name = WEEKDAYS[(right + (draw(st.integers(1, 6)) if _one_in(draw, 6) else 0)) % 7]
    name = _pick(draw, name, name, name[:3], name[:3] + ".", name.removesuffix("-feira"))
    return _in_case(draw, name) + _mostly(draw, [", "], [" ", ",", " - "]) + text


def _time(draw: Draw) -> str:
    """A time of day, mostly one that exists, with or without a fraction and an offset."""
    wrong = _one_in(draw, 12)
    hour = draw(st.integers(0, 26)) if wrong else draw(st.one_of(st.just(0), st.integers(0, 23)))
    minute = draw(st.integers(0, 61)) if wrong else draw(st.one_of(st.just(0), st.integers(0, 59)))
    second = draw(st.integers(58, 61)) if wrong else draw(st.one_of(st.just(0), st.integers(0, 59)))
    if _one_in(draw, 12):
        hour, minute, second = 24, 0, 0
    at = _number(draw, hour)
    kind = draw(st.integers(1, 6))
    if kind == 1:
        text = f"{at}h{minute:02}"
    elif kind == 2:
        text = f"{at}:{minute:02}"
    else:
        text = f"{at}:{minute:02}:{second:02}"
        if kind >= 5:
            text += _pick(draw, ".", ",") + _pick(draw, "0", "000", "5", "25", "123", "123456", "1234560", "1234567")
    if _one_in(draw, 30):
        text += _pick(draw, " AM", " PM", "pm", "h", "hs", " UTC", "min")
    return text + _offset(draw) if _one_in(draw, 3) else text


def _offset(draw: Draw) -> str:
    """An offset from UTC."""
    good = [
        "Z",
        "Z",
        "+00",
        "+00:00",
        "-00:00",
        "-03",
        "-03:00",
        "-0300",
        "-02:00",
        "-05:00",
        "+05:30",
        "+0900",
        "+14:00",
    ]
    return _pick(draw, "", "", " ") + _mostly(draw, good, ["+3", "z", "+02:60", "-03:06:28", "GMT-3"])


def _with_time(draw: Draw, text: str) -> str:
    """The date's text and a time after it."""
    return (
        text + _mostly(draw, [" ", " ", " ", "T", "T", ", ", " às ", ", às "], [" as ", ",", "t", " - "]) + _time(draw)
    )


def _month_only(draw: Draw) -> str:
    year, month, _ = _day(draw)
    if draw(st.booleans()):
        return _month_name(draw, month) + _mostly(draw, ["/", "-", " de ", " "], [".", ""]) + _year(draw, year)
    if draw(st.booleans()):
        return f"{year:04}" + _mostly(draw, ["-"], ["/", "."]) + _number(draw, month)
    return _number(draw, month) + _mostly(draw, ["/"], ["-", "."]) + _year(draw, year)


def _digits(low: int, high: int) -> Texts:
    """So many digits."""
    return st.text("0123456789", min_size=low, max_size=high)


def _in_format(draw: Draw, name: str) -> str:
    """A text of one of the formats of the rules."""
    if name == "month":
        return _month_only(draw)
    if name.startswith(("epoch", "excel")):
        return _serial(draw, name)
    if _one_in(draw, 8):
        return "0" * draw(st.integers(1, 9))
    year, month, day = _day(draw)
    d, m, y = f"{day:02}", f"{month:02}", f"{year:04}"
    return {"ddMMyy": d + m + y[2:], "ddMMyyyy": d + m + y, "yyyyMMdd": y + m + d}[name]


def _serial(draw: Draw, name: str) -> str:
    """A number of days, seconds or parts of them; a spreadsheet's has a fraction now and then."""
    low = -30_000 if name.startswith("epoch") else 0
    edges = st.sampled_from([0, 59, 60, 61, 2024, 45322, 182_986, 200_000, 2_958_465])
    days = draw(st.one_of(st.integers(low, 60_000), st.integers(low, 60_000), edges))
    if name == "epoch_days":
        return str(days)
    if name.startswith("excel"):
        fraction = draw(st.one_of(st.sampled_from(["5", "0", "25", "9999999999999", "00000000015625"]), _digits(1, 14)))
        return str(days) + (_pick(draw, ",", ".") + fraction if draw(st.booleans()) else "")
    seconds = days * 86_400 + draw(st.one_of(st.just(0), st.just(43_200), st.integers(0, 86_399)))
    parts = {"epoch_s": 0, "epoch_ms": 3, "epoch_us": 6, "epoch_ns": 9}[name]
    part = _pick(draw, "0" * parts, "123456000"[:parts], draw(_digits(parts, parts)))
    return str(seconds) + part


def _only_digits(draw: Draw) -> str:
    """Digits that are no date without a format, years among them."""
    if _one_in(draw, 4):
        return draw(st.one_of(_digits(1, 20), st.integers(1590, 2410).map(str)))
    return _in_format(draw, _pick(draw, *DATE_FORMATS[:-1]))


def _no_date(draw: Draw) -> str:
    """Words, ranges, times alone, days without a year, dates before our era, infinity."""
    kind = draw(st.integers(1, 8))
    if kind <= 2:
        return _in_case(draw, _pick(draw, *NULL_WORDS, *OTHER_WORDS))
    if kind == 3:
        return _numeric(draw) + _pick(draw, " a ", " e ", ", ", " - ", ";") + _numeric(draw)
    if kind == 4:
        return _time(draw)
    if kind == 5:
        return _pick(draw, "31/01", "31 de janeiro", "jan", "segunda-feira", "31-01", "01/24")
    if kind == 6:
        return _numeric(draw) + _mostly(draw, [" BC"], ["BC", " bc", " a.C.", " AD"])
    return _mostly(draw, ["infinity", "-infinity"], ["Infinity", "+infinity", "inf"])


@st.composite
def dates(draw: Draw) -> str:
    """A text as a date or timestamp column holds it."""
    make: Callable[[Draw], str] = _pick(
        draw, _numeric, _numeric, _numeric, _numeric, _in_words, _in_words, _in_words, _only_digits, _only_digits,
        _month_only, _no_date,
    )  # fmt: skip
    text = make(draw)
    if make in (_numeric, _in_words) or _one_in(draw, 25):
        text = _with_time(draw, text) if _one_in(draw, 3) else text
    return _mutated(draw, text)


# Amounts.


def _grouped(draw: Draw, whole: str) -> str:
    """The digits before the mark, with or without separators in groups."""
    mark = _pick(draw, "", "", ".", ".", ".", ",", " ", "'")
    size = 2 if _one_in(draw, 25) else 3
    head = len(whole) % size or size
    return mark.join([whole[:head], *(whole[at : at + size] for at in range(head, len(whole), size))])


def _plain_number(draw: Draw) -> str:
    whole = str(
        draw(st.one_of(st.integers(0, 9), st.integers(0, 9_999), st.integers(0, 10**7), st.integers(0, 10**19)))
    )
    whole = "0" * draw(st.integers(1, 6)) + whole if _one_in(draw, 12) else whole
    whole = "" if _one_in(draw, 20) else _grouped(draw, whole)
    if _one_in(draw, 3):
        return whole or "0"
    fraction = draw(st.one_of(_digits(2, 2), _digits(2, 2), _digits(3, 3), _digits(1, 6)))
    fraction += "0" * draw(st.integers(0, 4)) if _one_in(draw, 6) else ""
    return whole + _pick(draw, ",", ",", ".") + ("" if _one_in(draw, 30) else fraction)


def _currency(draw: Draw) -> str:
    """A mark or code, mostly of the real."""
    others = ["US$", "$", "USD", "usd", "€", "EUR", "₨", "R $", "Reais", "Rs"]
    return _mostly(draw, ["R$", "R$", "R$", "R$", "r$", "BRL", "brl", "RS", "rs", "reais", "real"], others)


def _amount(draw: Draw) -> str:
    """A number with a sign, currency, scale word, exponent, debit mark or none of them."""
    text = _plain_number(draw)
    extra = draw(st.integers(1, 12))
    if extra == 1:
        text += _pick(draw, "e", "E") + _pick(draw, "", "+", "-") + draw(st.one_of(_digits(1, 2), st.just("400")))
    elif extra == 2:
        word = _pick(
            draw, "mil", "mi", "milhão", "milhões", "bi", "bilhão", "bilhões", "tri", "trilhão", "trilhões", "k", "K",
            "m", "M", "milhao", "MILHOES", "bilhoes", "mil milhões",
        )  # fmt: skip
        text += _pick(draw, "", " ", " ") + _in_case(draw, word)
    if _one_in(draw, 3):
        space = _pick(draw, "", " ", " ")
        text = _currency(draw) + space + text if draw(st.booleans()) else text + space + _currency(draw)
    sign = draw(st.integers(1, 10))
    if sign == 1:
        text = _mostly(draw, ["-", "- ", "+"], ["--", "+-", "- -"]) + text
    elif sign == 2:
        text += _mostly(draw, ["-", " -"], ["+", "--"])
    elif sign == 3:
        text = f"({text})"
    elif sign == 4:
        text += _pick(draw, "", " ") + _mostly(draw, ["D", "C", "DB", "CR"], ["d", "DC", "D C"])
    if _one_in(draw, 12):
        space = _pick(draw, "", " ")
        text = _pick(draw, "-" + text, text + "-", f"({text})", _currency(draw) + space + text, text + space + "D")
    return text


def _no_amount(draw: Draw) -> str:
    """Words, formulas, sums, instalments, per cent, marks alone, NaN and infinity."""
    kind = draw(st.integers(1, 7))
    if kind == 1:
        return _in_case(draw, _pick(draw, *NULL_WORDS, *OTHER_WORDS))
    if kind in (2, 7):
        return _pick(draw, "", "-", "+") + _in_case(draw, _pick(draw, "nan", "inf", "infinity", "Infinity"))
    if kind == 3:
        mark = _currency(draw)
        return _pick(draw, mark, f"{mark} -", f"{mark}-", f"- {mark}", f"{mark} {mark}", f"{mark} --")
    if kind == 4:
        return _pick(
            draw, "dez reais", "mil e duzentos", "=1+1", "@SUM(A1:A2)", "12x 10,00", "()", "+", "%", "0,5 % a.m."
        )
    other = _plain_number(draw)
    return _plain_number(draw) + _pick(draw, " + " + other, "/12x", "%", " e " + other, " de reais", ":" + other)


@st.composite
def amounts(draw: Draw) -> str:
    """A text as an amount column holds it."""
    if _one_in(draw, 8):
        text = _no_amount(draw)
    elif _one_in(draw, 12):
        text = _pick(draw, "", "-") + draw(_digits(1, 20)) + _pick(draw, "", "", "-")
    else:
        text = _amount(draw)
    return _mutated(draw, text)


# Rules.


def _null_words() -> Rules:
    """Null words that the catalog adds, now and then."""
    words = st.sampled_from(["a definir", "pendente", "Não há", "00/00/0000", "0,00", "x"])
    lists = st.lists(words, min_size=1, max_size=2, unique=True)
    return st.one_of(*[st.just({})] * 5, st.fixed_dictionaries({"null_words": lists}))


def _calendar_rules(name: str) -> Rules:
    """The rule with options that do not contradict each other."""

    @st.composite
    def rules(draw: Draw) -> dict[str, Any]:
        rule: dict[str, Any] = {"rule": name}
        how = draw(st.integers(1, 10))
        if how <= 3:
            rule["order"] = _pick(draw, "dmy", "mdy", "ymd")
        elif how <= 6:
            sizes = draw(st.sampled_from([1, 1, 1, 2, 3]))
            formats = st.lists(st.sampled_from(DATE_FORMATS), min_size=sizes, max_size=sizes, unique=True)
            rule["format"] = draw(formats)
        if _one_in(draw, 3):
            rule["timezone"] = _pick(draw, *ZONES)
        if _one_in(draw, 3):
            day = st.dates(date(1950, 1, 1), date(2030, 12, 31))
            rule["anchor"] = draw(st.one_of(st.just("2024-01-01"), day.map(date.isoformat)))
            if draw(st.booleans()):
                rule["century"] = "birth"
        elif _one_in(draw, 6):
            rule["century"] = "due"
        if _one_in(draw, 5):
            sentinel = st.sampled_from(["2099-12-31", "1970-01-01", "2024-01-31", "2000-01-01"])
            rule["sentinels"] = draw(st.lists(sentinel, min_size=1, max_size=2, unique=True))
        return rule | draw(_null_words())

    return rules()


def date_rules() -> Rules:
    """A valid rule `date`."""
    return _calendar_rules("date")


def timestamp_rules() -> Rules:
    """A valid rule `timestamp`."""
    return _calendar_rules("timestamp")


@st.composite
def amount_rules(draw: Draw) -> dict[str, Any]:
    """A valid rule `amount`; `implied_decimals` stands with no option that it makes void."""
    rule: dict[str, Any] = {"rule": "amount"}
    if draw(st.booleans()):
        precision = draw(st.one_of(st.integers(1, 38), st.just(18), st.just(38)))
        scale = draw(st.one_of(st.integers(0, precision), st.integers(0, min(6, precision))))
        rule["type"] = f"decimal({precision},{scale})"
    if _one_in(draw, 10):
        return rule | {"implied_decimals": draw(st.integers(0, 6))} | draw(_null_words())
    if draw(st.booleans()):
        rule["decimal"] = _pick(draw, "comma", "comma", "dot")
    if _one_in(draw, 4):
        marks = st.lists(st.sampled_from(["D", "C", "DB", "CR"]), min_size=1, max_size=2, unique=True)
        rule["debit_marks"] = draw(marks)
    if _one_in(draw, 8):
        code, marks = _pick(draw, ("USD", ["$", "US$"]), ("EUR", ["€"]), ("PKR", ["₨"]), ("BRL", None), ("USD", None))
        rule |= {"currency": code} | ({"currency_marks": marks} if marks else {})
    if _one_in(draw, 4):
        rule["scientific"] = draw(st.sampled_from([True, True, False]))
    return rule | draw(_null_words())


def rules(*names: str) -> Rules:
    """A valid rule of these names or of any."""
    strategies = {"date": date_rules, "timestamp": timestamp_rules, "amount": amount_rules}
    return st.one_of([strategies[name]() for name in names or strategies])


@st.composite
def texts_for(draw: Draw, rule: dict[str, Any]) -> str:
    """A text that mostly speaks of the forms that a rule reads."""
    if rule["rule"] == "amount":
        return draw(amounts())
    if "format" in rule and not _one_in(draw, 4):
        return _mutated(draw, _in_format(draw, _pick(draw, *rule["format"])))
    return draw(dates())


@st.composite
def samples(draw: Draw, *names: str) -> tuple[str, dict[str, Any]]:
    """A text and a rule, of these names or any, that mostly speak of the same forms."""
    rule = draw(rules(*names))
    return draw(texts_for(rule)), rule


def drawn(strategy: st.SearchStrategy[Any], many: int, seed: int) -> list[Any]:
    """So many draws, the same ones for the same seed; equal ones come once."""
    found: list[Any] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=many,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(example: Any) -> None:
        found.append(example)

    draw()
    return list({json.dumps(example, sort_keys=True): example for example in found}.values())
