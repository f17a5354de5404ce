"""How old billing systems write a day, a month and an amount: each mostly in its own way, now and then in another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import TypeVar

_MONTHS = (
    "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
    "dezembro",
)  # fmt: skip
DAYS: dict[str, Callable[[datetime], str]] = {
    "slashes": lambda moment: f"{moment:%d/%m/%Y}",
    "short year": lambda moment: f"{moment:%d/%m/%y}",
    "iso": lambda moment: f"{moment:%Y-%m-%d}",
    "slashes and time": lambda moment: f"{moment:%d/%m/%Y %H:%M}",
    "iso and time": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}",
    "in words": lambda moment: f"{moment.day} de {_MONTHS[moment.month - 1]} de {moment.year}",
}
MONTHS: dict[str, Callable[[date], str]] = {
    "digits": lambda month: f"{month:%m/%Y}",
    "iso": lambda month: f"{month:%Y-%m}",
    "in letters": lambda month: f"{_MONTHS[month.month - 1][:3]}/{month:%y}",
}
AMOUNTS: dict[str, Callable[[int], str]] = {
    "reais": lambda cents: f"R$ {_grouped(cents)}",
    "reais, no-break space": lambda cents: f"R$\u00a0{_grouped(cents)}",
    "comma": lambda cents: f"{cents // 100},{cents % 100:02d}",
    "dot": lambda cents: f"{cents // 100}.{cents % 100:02d}",
}
NOTHING = (None, "", "-", "N/A")
# What nobody can read, by kind of value.
NO_DAY, NO_MONTH, NO_AMOUNT = ("31/02/2025", "a combinar"), ("13/2025", "a combinar"), ("1.23.4", "a combinar")
HOPELESS = frozenset(NO_DAY + NO_MONTH + NO_AMOUNT)
_USUAL = 0.85  # part of the values that a system writes in its own form
_WRONG = 0.004
_Value = TypeVar("_Value", date, datetime, int)


@dataclass(frozen=True)
class System:
    """The usual form of each kind of value, and of none at all."""

    day: str
    month: str
    amount: str
    nothing: str | None


_SYSTEMS = (
    System("slashes", "digits", "reais", None),
    System("iso", "iso", "dot", None),
    System("short year", "in letters", "comma", ""),
    System("slashes and time", "digits", "comma", "-"),
    System("iso and time", "iso", "dot", None),
    System("in words", "in letters", "reais, no-break space", "N/A"),
    System("slashes", "digits", "comma", ""),
)


def system_of(imovel: int) -> System:
    """The system that bills the property, always the same."""
    return _SYSTEMS[imovel % len(_SYSTEMS)]


def day(random: Random, system: System, moment: datetime) -> str:
    """A due date or the moment of a payment."""
    return _written(random, DAYS, system.day, moment, NO_DAY)


def month(random: Random, system: System, first: date) -> str:
    """The month that begins on that day."""
    return _written(random, MONTHS, system.month, first, NO_MONTH)


def amount(random: Random, system: System, cents: int) -> str:
    """An amount above zero."""
    return _written(random, AMOUNTS, system.amount, cents, NO_AMOUNT)


def fine(random: Random, system: System, cents: int) -> str:
    """A fine, or one waived when below zero. No system writes its dot: who declares a comma reads none."""
    if cents < 0:
        return f"({AMOUNTS['comma'](-cents)})"
    forms = {name: form for name, form in AMOUNTS.items() if name != "dot"}
    return _written(random, forms, "comma" if system.amount == "dot" else system.amount, cents, NO_AMOUNT)


def nothing(random: Random, system: System) -> str | None:
    """What is written where there is no value."""
    return system.nothing if random.random() < _USUAL else random.choice(NOTHING)


def _written(
    random: Random, forms: dict[str, Callable[[_Value], str]], usual: str, value: _Value, hopeless: tuple[str, ...]
) -> str:
    if random.random() < _WRONG:
        return random.choice(hopeless)
    name = usual if random.random() < _USUAL else random.choice(list(forms))
    return forms[name](value)


def _grouped(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02d}"
