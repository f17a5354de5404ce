"""The linha digitável of a boleto: 47 digits that also hold its due date and amount, as every bank's do.

So the traffic, like a bank, knows what a bill is about however its billing system wrote it down.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from random import Random

_BANK, _REAL = "999", "9"  # a bank that does not exist, and the digit for BRL
_FACTOR_ZERO = date(1997, 10, 7)
_FACTORS = 9_000  # the day's number has four digits: after 9999 comes 1000 again, on 2025-02-22
_READ_SINCE = date(2020, 1, 1)


def write(random: Random, due: date, cents: int) -> str:
    """A line with right check digits."""
    free = "".join(random.choices("0123456789", k=25))
    factor = ((due - _FACTOR_ZERO).days - 1_000) % _FACTORS + 1_000
    rest = f"{factor:04d}{cents:010d}"
    bank = _BANK + _REAL
    check = modulo_11(bank + rest + free)
    fields = [part + modulo_10(part) for part in (bank + free[:5], free[5:15], free[15:])]
    dotted = " ".join(f"{part[:5]}.{part[5:]}" for part in fields)
    return f"{dotted} {check} {rest}"


READ_DIGITS = 14  # the last ones, of due date and amount


def read(line: str) -> tuple[date, int]:
    """The due date, since 2020, and the amount in cents that the line holds."""
    rest = re.sub(r"\D", "", line)[-READ_DIGITS:]
    due = _FACTOR_ZERO + timedelta(days=int(rest[:4]))
    while due < _READ_SINCE:
        due += timedelta(days=_FACTORS)
    return due, int(rest[4:])


def modulo_10(digits: str) -> str:
    """The check digit of a field: 2, 1, 2, ... from the right, the digits of the products added."""
    products = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return str(-sum(product // 10 + product % 10 for product in products) % 10)


def modulo_11(digits: str) -> str:
    """The check digit of the barcode: 2 to 9 from the right, again and again; 0, 10 and 11 become 1."""
    rest = 11 - sum(int(digit) * (place % 8 + 2) for place, digit in enumerate(reversed(digits))) % 11
    return str(rest if rest in range(2, 10) else 1)
