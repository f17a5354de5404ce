"""Section 2, the statuses and their order, and section 4, what every text goes through before any rule."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

# Where several would apply, the first does. A null word comes before them all.
STATUSES = ("special", "invalid", "ambiguous", "out_of_range", "assumed", "ok")

VANISHING = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
SPACES = re.compile("[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
DASHES = re.compile("[\u2212\u2010-\u2015]")
SINGLE_QUOTES = re.compile("[\u2018-\u201b]")
DOUBLE_QUOTES = re.compile("[\u201c-\u201f]")
ACCENTS = re.compile("[\u0300-\u036f]")

LETTER = "[^\\W\\d_]"
WORD = f"{LETTER}+"

NULL_WORDS = frozenset({"-", "--", "n/a", "na", "null", "nulo", "none", "nil", "s/d", "s/n", "#n/d", "#n/a"})


class Reading(NamedTuple):
    """What a text means, as text, and the status that says why."""

    value: str | None
    status: str


def first(statuses: Iterable[str]) -> str:
    """The status that applies where several would."""
    return min(statuses, key=STATUSES.index)


def fold(text: str) -> str:
    """The text without case and without the accents of its letters."""
    return re.sub(f"(?<={LETTER}){ACCENTS.pattern}+", "", unicodedata.normalize("NFD", text)).lower()


def _is_other_digit(char: str) -> bool:
    """Whether a character is a compatibility digit or numeral that is no decimal digit."""
    plain = unicodedata.normalize("NFKC", char)
    if char.isdecimal() or plain == char:
        return False
    return unicodedata.numeric(char, None) is not None or any(c.isdecimal() for c in plain)


def _unwrap(text: str) -> str:
    """The text without one pair of quotes, one leading apostrophe and the trailing semicolons, in any order."""
    pair, apostrophe = True, True
    while True:
        text = text.strip(" ")
        if text.endswith(";"):
            text = text[:-1]
        elif pair and len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text, pair = text[1:-1], False
        elif apostrophe and text.startswith("'"):
            text, apostrophe = text[1:], False
        else:
            return text


def clean(text: str) -> str | None:
    """The text that the rules read, or None where it holds a digit that is no decimal digit."""
    if any(_is_other_digit(char) for char in text):
        return None
    text = unicodedata.normalize("NFKC", text)
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    text = VANISHING.sub("", text)
    text = SPACES.sub(" ", text).strip(" ")
    text = DASHES.sub("-", text)
    text = DOUBLE_QUOTES.sub('"', SINGLE_QUOTES.sub("'", text))
    return _unwrap(text)


def is_null(cleaned: str, null_words: Iterable[str]) -> bool:
    """Whether nothing is left of a text, or only a null word: a fixed one or one that the catalog adds."""
    added = {fold(clean(word) or "") for word in null_words}
    return cleaned == "" or fold(cleaned) in NULL_WORDS | added
