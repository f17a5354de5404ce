"""Section 3: which rule the name of a text column asks for."""

from __future__ import annotations

import re
import unicodedata

TEXT_TYPE = re.compile(r"(?:text|varchar|character(?: varying)?|char|bpchar|citext)(?: ?\( ?[0-9]+ ?\))?")
RULES = {"data": "date", "dt": "date", "valor": "amount", "vlr": "amount"}


def _is_cut(name: str, at: int) -> bool:
    """Whether a part ends before this place: letter and digit, lower and upper, or the last capital of a run."""
    before, here, after = name[at - 1], name[at], name[at + 1 : at + 2]
    return (
        (before.isalpha() and here.isdecimal())
        or (before.isdecimal() and here.isalpha())
        or (before.islower() and here.isupper())
        or (before.isupper() and here.isupper() and after.islower())
    )


def parts(column: str) -> list[str]:
    """The parts of a name, without accents and case."""
    name = "".join(char for char in unicodedata.normalize("NFD", column) if not unicodedata.combining(char))
    letters = [char if char.isalpha() or char.isdecimal() else " " for char in name]
    spaced = "".join(" " + char if at > 0 and _is_cut(name, at) else char for at, char in enumerate(letters))
    return spaced.lower().split()


def choose(column: str, source_type: str) -> str | None:
    """The rule that the name asks for: none for a column that is not text, for a miss, and for both at once."""
    if not TEXT_TYPE.fullmatch(source_type.strip().lower()):
        return None
    found = parts(column)
    hits = {
        RULES[part]
        for at, part in enumerate(found)
        if part in RULES and not (part == "data" and at > 0 and found[at - 1] == "meta")
    }
    return hits.pop() if len(hits) == 1 else None
