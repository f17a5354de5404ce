"""How a rule is written: named Spark SQL expressions in layers, ending in value, status and clause.

A layer's expressions see the text and the layers before them, and are computed once, which one deep expression
would not be. All columns of a table share the layers' SELECTs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

Layer = dict[str, str]
_REFERENCE = re.compile(r"'(?:[^'\\]|\\.)*'|\$([a-z][a-z0-9_]*)")  # a literal is left alone


class Status(StrEnum):
    """How a value was read (VALUES section 2); a value that is not NULL is `ok` or `assumed`."""

    OK = "ok"
    ASSUMED = "assumed"
    AMBIGUOUS = "ambiguous"
    INVALID = "invalid"
    OUT_OF_RANGE = "out_of_range"
    SPECIAL = "special"
    DECRYPT_FAILED = "decrypt_failed"
    UNAVAILABLE = "unavailable"


# Status -> what the value is, and what the status means.
STATUSES = {
    Status.OK: ("present, or NULL for NULL and null words", "read by a declared rule or an unmistakable form"),
    Status.ASSUMED: ("present", "read by a documented default"),
    Status.AMBIGUOUS: ("NULL", "two readings are possible and the rule does not choose"),
    Status.INVALID: ("NULL", "no reading is possible"),
    Status.OUT_OF_RANGE: ("NULL", "readable, but the type does not hold it without loss"),
    Status.SPECIAL: ("NULL", "NaN, infinity, or a day that stands for none"),
    Status.DECRYPT_FAILED: ("NULL", "wrong, missing or rotated key, or damaged cipher text"),
    Status.UNAVAILABLE: ("NULL", "the change carried no value and no earlier one is known"),
}


@dataclass(frozen=True)
class Reading:
    """A rule as layers over `$text`; the last layer names `$value`, `$status` and `$clause`."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Branch:
    """When a condition holds (and none before it), the status and the clause that says so."""

    condition: str
    status: Status
    clause: str


def decide(branches: list[Branch], value: str) -> tuple[Layer, ...]:
    """The last layers of a rule: the first branch that holds gives `$status` and `$clause`; `$value` only to `ok` and `assumed`.

    Before all of them comes `$empty`, which has no value. `$verdict` is a branch's number: a text would be copied and cut.
    """
    every = [Branch("$empty", Status.OK, "empty"), *branches]
    present = [str(n) for n, b in enumerate(every) if n and b.status in (Status.OK, Status.ASSUMED)]
    statuses, clauses = (
        ", ".join(f"'{text}'" for text in texts) for texts in zip(*((b.status, b.clause) for b in every), strict=True)
    )
    return (
        {"verdict": cases(*((b.condition, str(n)) for n, b in enumerate(every)))},
        {
            "value": f"CASE WHEN $verdict IN ({', '.join(present)}) THEN {value} END",
            "status": f"get(array({statuses}), $verdict)",
            "clause": f"get(array({clauses}), $verdict)",
        },
    )


def overlapped(first: tuple[Layer, ...], second: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The second's layers after the first's, where neither of the two that meet needs the other: every layer copies a row."""
    return (*first[:-1], first[-1] | second[0], *second[1:])


def cases(*branches: tuple[str, str], otherwise: str = "NULL") -> str:
    """CASE of (condition, result) pairs; a condition that the rule's options rule out is `false` and left away."""
    kept = [f"WHEN {condition} THEN {result}" for condition, result in branches if condition != "false"]
    return f"CASE {' '.join(kept)} ELSE {otherwise} END" if kept else otherwise


def matches(text: str, pattern: str) -> str:
    """Whether the whole text has the pattern; `$` would let a line break stand behind it."""
    whole = rf"\A(?:{pattern})\z"
    return f"({text} RLIKE {regex(whole)})"


def regex(pattern: str) -> str:
    """A pattern as a raw SQL literal, in which a quote is written by its number."""
    return "r'" + pattern.replace("'", r"\x27") + "'"


def taken_apart(pattern: str, count: int) -> str:
    """`$p`: what the groups of a pattern of the whole text found, as an array; `has_pattern` says whether it has the pattern."""
    found = "|".join(f"${i}" for i in range(1, count + 1))
    bar = regex(r"\|")  # Java splits at an escaped sign without a pattern
    return f"CASE WHEN instr($x, '|') = 0 THEN split(regexp_replace($x, {regex(pattern)}, '{found}'), {bar}) END"


def has_pattern(count: int) -> str:
    """Whether `$p`, as `taken_apart` makes it with so many groups, is of a text with the pattern: else it is NULL or shorter."""
    return f"coalesce(size($p) = {count}, false)"


def read_all(source: str, readings: dict[str, Reading]) -> str:
    """SQL of `source` with the columns `<name>__value`, `<name>__status`, `<name>__clause` for every column with a rule.

    `readings`: by the name (already quoted where it must be) of the column that holds the text.
    """
    depth = max((len(reading.layers) for reading in readings.values()), default=0)
    computed = source
    for level in range(depth):
        expressions = [
            f"{_placed(expression, name, i)} AS `_{i}_{short}`"
            for i, (name, reading) in enumerate(readings.items())
            if (own := level - depth + len(reading.layers))
            >= 0  # all end together: what is not begun is not carried along
            for short, expression in reading.layers[own].items()
        ]
        computed = f"SELECT *, {', '.join(expressions)} FROM ({computed})"
    return computed


def result(index: int, short: str) -> str:
    """The column in which `read_all` leaves `value`, `status` or `clause` of its n-th reading."""
    return f"`_{index}_{short}`"


def _placed(expression: str, name: str, index: int) -> str:
    def place(found: re.Match[str]) -> str:
        short = found[1]
        return found[0] if short is None else name if short == "text" else f"`_{index}_{short}`"

    return _REFERENCE.sub(place, expression)
