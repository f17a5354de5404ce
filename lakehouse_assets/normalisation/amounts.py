"""Rule `amount`: how a text becomes an exact decimal (VALUES section 6).

A text is taken apart once (`$p`: what stands before the number, the number, exponent, scale word, what stands after),
the number's marks decide what is a group and what a decimal, and one CASE gives the verdict. No rounding: digits that
the type does not hold are out of range.
"""

from __future__ import annotations

import re

from lakehouse_assets.catalog.rules import AmountRule
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
from lakehouse_assets.normalisation.text import canonical, cleaned

CLAUSES = {
    "empty": "Empty or a null word: NULL.",
    "not_a_number": "NaN or infinity.",
    "no_form": "No form of an amount.",
    "not_implied": "Under implied decimals only digits and one sign are read.",
    "mark_twice": "A currency mark twice.",
    "mark_and_dash": "A currency mark with only a dash: zero or nothing.",
    "trailing_plus": "A plus after the number.",
    "groups": "Separators that are neither legal groups of three digits nor one decimal mark.",
    "against_mark": "Does not fit the declared decimal mark.",
    "two_signs": "Two signs; parentheses and D, C, DB, CR are signs.",
    "debit_mark": "D, C, DB or CR, and `debit_marks` does not say which are negative.",
    "m_alone": "m alone: thousand or million.",
    "exponent": "An exponent, and `scientific` is not set.",
    "comma_three": "One comma with three digits after it: thousands or decimals.",
    "decimals": "More decimals than the type holds; nothing is rounded.",
    "digits": "More digits than the type holds.",
    "scale_word": "A scale word (mil, mi, milhao, bi, tri, k, ...).",
    "loose_mark": "RS, real or reais as the currency.",
    "dot_three": "One dot with three digits after it: thousands.",
    "dot_decimal": "One dot: the decimal mark.",
    "no_whole": "Nothing before the decimal mark.",
    "whole": "Digits alone.",
    "declared": "Read with the declared decimal mark.",
    "two_marks": "Two kinds of separator: the last is the decimal mark.",
    "comma_decimal": "One comma: the decimal mark.",
    "grouped": "Groups of three digits.",
    "implied": "The last digits are decimals, as declared.",
}  # fmt: skip

_SCALES = {3: ("mil", "k"), 6: ("mi", "milhao", "milhoes"), 9: ("bi", "bilhao", "bilhoes"), 12: ("tri", "trilhao", "trilhoes")}  # fmt: skip
_LOOSE = ("rs", "reais", "real")
_FIRST = "[1-9][0-9]{0,2}"  # a legal first group
_GROUPS = 5  # of the one pattern of an amount
_FITS = has_pattern(_GROUPS)
_MOST_SHIFTED = 400  # an exponent beyond it shifts every digit out of any type


def read_amount(rule: AmountRule) -> Reading:
    """The rule as layers over `$text`."""
    if rule.implied_decimals is not None:
        return Reading((*cleaned(rule.null_words), *_implied(rule)))
    layers = (_taken_apart(rule), _signs() | _unfit(rule), _number(rule), _plain(rule), _shifted())
    return Reading((*overlapped(cleaned(rule.null_words), layers), _stored(rule), *decide(_verdicts(rule), "$stored")))


_SPECIAL = matches("$x", "[+-]?(?:nan|inf|infinity)")


def _implied(rule: AmountRule) -> tuple[Layer, ...]:
    digits = f"lpad(translate($x, '-', ''), greatest(length($x), {rule.implied_decimals} + 1), '0')"
    whole = f"left({digits}, length({digits}) - {rule.implied_decimals})"
    plain = f"concat({whole}, '.', right({digits}, {rule.implied_decimals}))" if rule.implied_decimals else digits
    fits = matches("$x", "-?[0-9]+|[0-9]+-")
    return (
        {"plain_text": f"CASE WHEN NOT $empty AND {fits} THEN {plain} END", "negative": "instr($x, '-') > 0"},
        _stored(rule),
        *decide(
            [
                Branch(_SPECIAL, Status.SPECIAL, "not_a_number"),
                Branch("$plain_text IS NULL", Status.INVALID, "not_implied"),
                *_ranges(),
                Branch("true", Status.OK, "implied"),
            ],
            "$stored",
        ),
    )


def _marks(rule: AmountRule) -> tuple[list[str], list[str]]:
    """The currency marks as `$x` has them: the sure and the loose ones."""
    more = [mark for mark in map(canonical, rule.currency_marks) if mark]
    if rule.currency == "BRL":
        return ["r$", "brl", *more], list(_LOOSE)
    return [rule.currency.lower(), *more], []


def _mark_pattern(rule: AmountRule) -> str:
    """The marks, longer ones first; one that ends in a letter is no part of a longer word."""
    sure, loose = _marks(rule)
    return "|".join(
        re.escape(mark).replace(r"\ ", " ") + (r"(?!\p{L})" if mark[-1].isalpha() else "")
        for mark in sorted((*sure, *loose), key=len, reverse=True)
    )


def _taken_apart(rule: AmountRule) -> Layer:
    mark = _mark_pattern(rule)
    scales = "|".join(sorted((w for words in _SCALES.values() for w in words), key=len, reverse=True))
    before = f"((?:[-+(] ?|(?:{mark}) ?)*)"
    number = "([0-9.,](?:[0-9.,' ]*[0-9.,])?)"
    after = f"((?: ?[-+)]| ?(?:{mark})| ?(?:db|cr|d|c)(?![a-z]))*)"
    pattern = rf"\A{before}{number}(?:e([+-]?[0-9]+))?(?: ?({scales}|m)(?![a-z]))?{after}\z"
    return {"p": taken_apart(pattern, _GROUPS)}


def _signs() -> Layer:
    """The parts of a text that fits; what is not there is NULL."""
    return {
        "fits": _FITS,
        "n": f"CASE WHEN {_FITS} THEN get($p, 1) END",
        "around": f"CASE WHEN {_FITS} AND (get($p, 0) <> '' OR get($p, 4) <> '') THEN concat(get($p, 0), ' ', get($p, 4)) END",
        "after": f"CASE WHEN {_FITS} THEN nullif(get($p, 4), '') END",
        "exponent": f"CASE WHEN {_FITS} THEN nullif(get($p, 2), '') END",
        "scale": f"CASE WHEN {_FITS} THEN nullif(get($p, 3), '') END",
    }


def _unfit(rule: AmountRule) -> Layer:
    """`$unfit`: what a text is that has no form of an amount, where that has a name."""
    mark = _mark_pattern(rule)
    dash = matches("$x", f"(?:{mark}) ?-|- ?(?:{mark})")
    found = cases((_SPECIAL, "'special'"), (dash, "'dash'"))
    return {"unfit": f"CASE WHEN NOT {_FITS} THEN {found} END"}


def _number(rule: AmountRule) -> Layer:
    """`$form`: the form of the number, by which its marks are read; counts of what stands around it."""
    sure, loose = _marks(rule)
    mark = regex(_mark_pattern(rule))
    signs, signs_after = f"regexp_replace($around, {mark}, '')", f"regexp_replace($after, {mark}, '')"
    negative = f"{signs} RLIKE '[-(]'"
    if rule.debit_marks:
        debits = "|".join(sorted((m.lower() for m in rule.debit_marks), key=len, reverse=True))
        negative += f" OR {signs_after} RLIKE {regex(f'(?<![a-z])(?:{debits})(?![a-z])')}"
    loosely = "false"
    if loose:
        others = f"regexp_replace($around, {regex('|'.join(map(re.escape, sure)))}, '')"
        loosely = f"$around IS NOT NULL AND {others} RLIKE {regex('|'.join(loose))}"
    return {
        "form": cases(*_forms(rule)),
        "marks": f"CASE WHEN $around IS NOT NULL THEN regexp_count($around, {mark}) ELSE 0 END",
        "loose": loosely,
        "debits": f"CASE WHEN $after IS NOT NULL THEN regexp_count({signs_after}, 'db|cr|d|c') ELSE 0 END",
        "signs": f"CASE WHEN $around IS NOT NULL THEN regexp_count({signs}, '[-+(]') ELSE 0 END",
        "unpaired": f"CASE WHEN $around IS NOT NULL THEN regexp_count({signs}, '[(]') <> regexp_count({signs}, '[)]') ELSE false END",
        "negative": f"CASE WHEN $around IS NOT NULL THEN {negative} ELSE false END",
    }


def _forms(rule: AmountRule) -> list[tuple[str, str]]:
    def grouped(by: str) -> str:
        return rf"{_FIRST}(?:([{by}])[0-9]{{3}})(?:\1[0-9]{{3}})*"

    def having(mark: str, pattern: str) -> str:  # to look for a sign costs a tenth of a pattern
        return f"(instr($n, '{mark}') > 0 AND {matches('$n', pattern)})"

    whole = (matches("$n", "[0-9]+"), "'whole'")
    groups = (matches("$n", grouped("' ")), "'grouped'")
    if rule.decimal:
        mark, other = (",", ".") if rule.decimal == "comma" else ("[.]", ",")
        legal = f"(?:[0-9]+|{grouped(other + chr(39) + ' ')})"
        return [whole, (matches("$n", f"{legal}(?:{mark}[0-9]+)?|{mark}[0-9]+"), "'declared'")]
    comma, dot = f"{grouped('. ' + chr(39))},[0-9]+", f"{grouped(', ' + chr(39))}[.][0-9]+"
    return [
        whole,
        (having(",", f"{_FIRST},[0-9]{{3}}"), "'comma_three'"),
        (having(",", "[0-9]+,[0-9]+"), "'comma_decimal'"),
        (having(",", comma), "'two_marks,'"),
        (having(".", f"{_FIRST}[.][0-9]{{3}}"), "'dot_three'"),
        (having(".", "[0-9]+[.][0-9]+"), "'dot_decimal'"),
        (having(".", dot), "'two_marks.'"),
        (matches("$n", grouped(".,")), "'grouped'"),
        groups,
        (matches("$n", ",[0-9]+"), "'no_whole,'"),
        (matches("$n", "[.][0-9]+"), "'no_whole.'"),
    ]


def _plain(rule: AmountRule) -> Layer:
    """`$digits`: the number with nothing but digits and one dot; `$shift`: the places that dot moves to the right."""
    commas, dots = ["'comma_decimal'", "'two_marks,'", "'no_whole,'"], ["'dot_decimal'", "'two_marks.'", "'no_whole.'"]
    if rule.decimal:
        (commas if rule.decimal == "comma" else dots).append("'declared'")
    digits = cases(
        ("$form = 'whole'", "$n"),
        (f"$form IN ({', '.join(commas)})", "translate($n, ',. \\'', '.')"),
        (f"$form IN ({', '.join(dots)})", "translate($n, ', \\'', '')"),
        ("$form IS NOT NULL", "translate($n, '., \\'', '')"),
    )
    words = cases(
        *((f"$scale IN ({', '.join(map(repr, w))})", str(places)) for places, w in _SCALES.items()), otherwise="0"
    )
    far = f"CASE WHEN startswith($exponent, '-') THEN -{_MOST_SHIFTED} ELSE {_MOST_SHIFTED} END"
    exponent = f"coalesce(greatest(least(try_cast($exponent AS int), {_MOST_SHIFTED}), -{_MOST_SHIFTED}), {far})"
    return {
        "digits": digits,
        "shift": f"CASE WHEN $exponent IS NOT NULL THEN {exponent} WHEN $scale IS NOT NULL THEN {words} ELSE 0 END",
    }


def _shifted() -> Layer:
    """`$plain_text`: the number after its scale word or exponent."""
    whole, fraction = (
        "substring_index($digits, '.', 1)",
        "(CASE WHEN instr($digits, '.') > 0 THEN substring_index($digits, '.', -1) ELSE '' END)",
    )
    longer = f"rpad({fraction}, greatest(length({fraction}), $shift), '0')"
    right = f"concat({whole}, left({longer}, $shift), '.', substr({longer}, $shift + 1))"
    wide = f"lpad({whole}, greatest(length({whole}), 1 - $shift), '0')"
    left = f"concat(left({wide}, length({wide}) + $shift), '.', right({wide}, -$shift), {fraction})"
    return {"plain_text": f"CASE WHEN $shift = 0 THEN $digits WHEN $shift > 0 THEN {right} ELSE {left} END"}


def _stored(rule: AmountRule) -> Layer:
    """`$exact`: whether the number has few enough decimals; `$stored`: then the exact decimal, NULL when the type does not hold it."""
    exact = f"(instr($plain_text, '.') = 0 OR {matches('$plain_text', f'[0-9]*[.][0-9]{{0,{rule.scale}}}0*')})"
    value = f"try_cast(CASE WHEN $negative THEN concat('-', $plain_text) ELSE $plain_text END AS {rule.spark})"
    return {"exact": exact, "stored": value}


def _ranges() -> list[Branch]:
    return [
        Branch("NOT $exact", Status.OUT_OF_RANGE, "decimals"),
        Branch("$stored IS NULL", Status.OUT_OF_RANGE, "digits"),
    ]


def _verdicts(rule: AmountRule) -> list[Branch]:
    return [
        Branch("$unfit = 'special'", Status.SPECIAL, "not_a_number"),
        Branch("$unfit = 'dash'", Status.AMBIGUOUS, "mark_and_dash"),
        Branch("NOT $fits OR $unpaired OR ($exponent IS NOT NULL AND $scale IS NOT NULL)", Status.INVALID, "no_form"),
        Branch("$marks > 1", Status.INVALID, "mark_twice"),
        Branch("instr($after, '+') > 0", Status.INVALID, "trailing_plus"),
        Branch("$form IS NULL", Status.INVALID, "against_mark" if rule.decimal else "groups"),
        Branch("$signs + $debits > 1", Status.AMBIGUOUS, "two_signs"),
        *([] if rule.debit_marks else [Branch("$debits > 0", Status.AMBIGUOUS, "debit_mark")]),
        Branch("$scale = 'm'", Status.AMBIGUOUS, "m_alone"),
        *([] if rule.scientific else [Branch("$exponent IS NOT NULL", Status.AMBIGUOUS, "exponent")]),
        Branch("$form = 'comma_three'", Status.AMBIGUOUS, "comma_three"),
        *_ranges(),
        Branch("$scale IS NOT NULL", Status.ASSUMED, "scale_word"),
        Branch("$loose", Status.ASSUMED, "loose_mark"),
        *(Branch(f"$form = '{form}'", Status.ASSUMED, form) for form in ("dot_three", "dot_decimal")),
        Branch("startswith($form, 'no_whole')", Status.ASSUMED, "no_whole"),
        Branch("startswith($form, 'two_marks')", Status.OK, "two_marks"),
        *(Branch(f"$form = '{form}'", Status.OK, form) for form in ("whole", "declared", "comma_decimal")),
        Branch("true", Status.OK, "grouped"),
    ]
