"""Section 6: amounts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from lakehouse_assets_tests.normalisation.reference.text import WORD, Reading, clean, first, fold

REAIS = {"r$": "ok", "brl": "ok", "rs": "assumed", "reais": "assumed", "real": "assumed"}
DEBIT_MARKS = ("d", "c", "db", "cr")
SCALES = {"k": 3, "mil": 3, "mi": 6, "milhao": 6, "milhoes": 6}
SCALES |= {"bi": 9, "bilhao": 9, "bilhoes": 9, "tri": 12, "trilhao": 12, "trilhoes": 12}
SPECIAL = frozenset(sign + word for sign in ("", "+", "-") for word in ("nan", "inf", "infinity"))

NUMBER = re.compile("(?P<body>[0-9., ']*[0-9])(?:e(?P<exponent>[+-]?[0-9]+))?")
SCALE_WORD = re.compile(f" ?({WORD})")
GROUPS = re.compile("[1-9][0-9]{0,2}([., '])[0-9]{3}(?:\\1[0-9]{3})*")


class Parts(NamedTuple):
    """What an amount is written with: signs are `-`, `+`, `(` and the debit marks."""

    signs: list[str]
    currencies: list[str]
    body: str
    exponent: str | None
    scale: str | None


class Number(NamedTuple):
    """The digits before and after the decimal mark, and how sure that reading is."""

    status: str
    whole: str = ""
    fraction: str = ""


def currency_marks(rule: dict[str, Any]) -> dict[str, str]:
    """The marks and codes of the declared currency, each with its status."""
    code = rule.get("currency", "BRL").upper()
    if code == "BRL":
        return REAIS
    marks = [code, *(clean(mark) or "" for mark in rule.get("currency_marks", []))]
    return {fold(mark): "ok" for mark in marks if mark}


def _at_start(text: str, marks: list[str]) -> str | None:
    """The longest mark that a text begins with, no part of a longer word."""
    for mark in sorted(marks, key=len, reverse=True):
        rest = text.removeprefix(mark)
        if rest != text and not (mark[-1].isalpha() and rest[:1].isalpha()):
            return mark
    return None


def take_apart(text: str, marks: list[str]) -> Parts | None:
    """The parts of an amount, or None for a form that no clause accepts."""
    signs: list[str] = []
    currencies: list[str] = []
    while True:
        text = text.lstrip(" ")
        if text[:1] in ("-", "+", "("):
            taken = text[0]
            signs.append(taken)
        elif (taken := _at_start(text, marks)) is not None:
            currencies.append(taken)
        else:
            break
        text = text[len(taken) :]
    number = NUMBER.match(text)
    if not number:
        return None
    text = text[number.end() :]
    scale = None
    if (word := SCALE_WORD.match(text)) and word[1] in (*SCALES, "m"):
        scale, text = word[1], text[word.end() :]
    still_open = signs.count("(")
    while text := text.lstrip(" "):
        if text[0] == "-":
            taken = text[0]
            signs.append(taken)
        elif text[0] == ")":
            taken = text[0]
            still_open -= 1
        elif (taken := _at_start(text, [*marks, *DEBIT_MARKS])) is None:
            return None
        else:
            (currencies if taken in marks else signs).append(taken)
        text = text[len(taken) :]
    return None if still_open else Parts(signs, currencies, number["body"], number["exponent"], scale)


def _is_whole(text: str) -> bool:
    """Whether a text is digits alone or legal groups with one kind of separator."""
    return bool(re.fullmatch("[0-9]+", text) or GROUPS.fullmatch(text))


def _with_decimals(text: str, mark: str, status: str) -> Number:
    """The number whose decimal mark occurs once: what is before it is whole or nothing, what is after it digits."""
    whole, _, fraction = text.partition(mark)
    if not re.fullmatch("[0-9]+", fraction) or not (whole == "" or _is_whole(whole)):
        return Number("invalid")
    return Number(status, re.sub("[^0-9]", "", whole), fraction)


def _in_groups(text: str, status: str) -> Number:
    """The number without decimals, its groups legal."""
    return Number(status, re.sub("[^0-9]", "", text)) if _is_whole(text) else Number("invalid")


def declared_number(text: str, mark: str) -> Number:
    """The number under a declared decimal mark: the other of comma and dot only groups."""
    return _with_decimals(text, mark, "ok") if mark in text else _in_groups(text, "ok")


def auto_number(text: str) -> Number:
    """The number where the rule does not say what is the decimal mark."""
    separators = re.sub("[0-9]", "", text)
    if len(set(separators)) > 1:
        last = separators[-1]
        return _with_decimals(text, last, "ok") if last in ",." and separators.count(last) == 1 else Number("invalid")
    if separators not in (",", "."):
        return _in_groups(text, "ok")
    if text.startswith(separators):
        return _with_decimals(text, separators, "assumed")
    if separators == ",":
        return Number("ambiguous") if GROUPS.fullmatch(text) else _with_decimals(text, ",", "ok")
    return _in_groups(text, "assumed") if GROUPS.fullmatch(text) else _with_decimals(text, ".", "assumed")


def stored(negative: bool, digits: str, shift: int, declared: str, status: str) -> Reading:
    """The digits times ten to the shift, exactly, in the declared type."""
    precision, scale = (int(number) for number in re.findall("[0-9]+", declared))
    digits = digits.lstrip("0")
    significant = digits.rstrip("0")
    shift += len(digits) - len(significant)
    if not significant:
        negative, shift = False, 0
    elif -shift > scale or len(significant) + shift > precision - scale:
        return Reading(None, "out_of_range")
    unscaled = (significant + "0" * (shift + scale)).zfill(scale + 1)
    whole, fraction = unscaled[: len(unscaled) - scale], unscaled[len(unscaled) - scale :]
    return Reading("-" * negative + whole.lstrip("0").zfill(1) + ("." + fraction if scale else ""), status)


def _implied(text: str, rule: dict[str, Any]) -> Reading:
    """Digits with at most one minus, before or after them, and nothing else."""
    if not re.fullmatch("-?[0-9]+|[0-9]+-", text):
        return Reading(None, "invalid")
    return stored("-" in text, text.strip("-"), -rule["implied_decimals"], rule.get("type", "decimal(18,2)"), "ok")


def read(text: str, rule: dict[str, Any]) -> Reading:
    """What a cleaned text means under the rule `amount`."""
    text = fold(text)
    if text in SPECIAL:
        return Reading(None, "special")
    if rule.get("implied_decimals") is not None:
        return _implied(text, rule)
    marks = currency_marks(rule)
    if any(text in (f"{mark}-", f"{mark} -", f"-{mark}", f"- {mark}") for mark in marks):
        return Reading(None, "ambiguous")
    parts = take_apart(text, list(marks))
    if parts is None or len(parts.currencies) > 1:
        return Reading(None, "invalid")
    mark = {"comma": ",", "dot": "."}.get(rule.get("decimal", "auto"))
    number = declared_number(parts.body, mark) if mark else auto_number(parts.body)
    debits = [mark.lower() for mark in rule["debit_marks"]] if "debit_marks" in rule else None
    statuses = [number.status, *(marks[currency] for currency in parts.currencies)]
    if len(parts.signs) > 1 or (debits is None and any(sign in DEBIT_MARKS for sign in parts.signs)):
        statuses.append("ambiguous")
    if parts.exponent is not None and not rule.get("scientific", False):
        statuses.append("ambiguous")
    if parts.scale is not None:
        statuses.append("ambiguous" if parts.scale == "m" else "assumed")
    status = first(statuses)
    if status in ("invalid", "ambiguous"):
        return Reading(None, status)
    negative = any(sign in ("-", "(", *(debits or ())) for sign in parts.signs)
    shift = int(Decimal(parts.exponent or "0")) + SCALES.get(parts.scale or "", 0) - len(number.fraction)
    return stored(negative, number.whole + number.fraction, shift, rule.get("type", "decimal(18,2)"), status)
