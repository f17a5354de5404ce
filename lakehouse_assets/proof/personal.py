"""What looks like a CPF, a CNPJ, an e-mail address or a phone number in a text: found by form, then by check digits."""

from __future__ import annotations

import re
from collections.abc import Callable

_NUMBERS = {
    "cpf": r"[0-9]{3}[.]?[0-9]{3}[.]?[0-9]{3}-?[0-9]{2}",
    "cnpj": r"[0-9]{2}[.]?[0-9]{3}[.]?[0-9]{3}/?[0-9]{4}-?[0-9]{2}",
    "phone": r"(?:[+]55 ?)?[(][1-9][0-9][)] ?9?[0-9]{4}-[0-9]{4}|[+]55 ?[1-9][0-9] ?9?[0-9]{4}-?[0-9]{4}",
}
_EMAIL = {"email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:[.][A-Za-z0-9-]+)+"}
# A number stands between what is no digit. RE2, which the lake is searched with, knows no other way than to match that
# too; a list of numbers is only seen whole when what stands between two is left for both.
FORMS = {kind: f"(?:^|[^0-9])(?:{form})(?:$|[^0-9])" for kind, form in _NUMBERS.items()} | _EMAIL
_EACH = {kind: re.compile(f"(?<![0-9])(?:{form})(?![0-9])") for kind, form in _NUMBERS.items()} | {
    kind: re.compile(form) for kind, form in _EMAIL.items()
}


def kinds(text: str, declared: frozenset[str]) -> set[str]:
    """The kinds of personal data in a text, without those that its column is declared to hold."""
    return {
        kind
        for kind, form in _EACH.items()
        if kind not in declared and any(_CHECKS.get(kind, _always)(found) for found in form.findall(text))
    }


def _always(_: str) -> bool:
    return True


def _cpf(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    return len(set(digits)) > 1 and all(
        digits[n] == sum(d * w for d, w in zip(digits, range(n + 1, 1, -1), strict=False)) * 10 % 11 % 10
        for n in (9, 10)
    )


def _cnpj(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]

    def right(n: int) -> bool:
        rest = sum(d * w for d, w in zip(digits[:n], weights[-n:], strict=True)) % 11
        return digits[n] == (0 if rest < 2 else 11 - rest)

    return len(set(digits)) > 1 and right(12) and right(13)


_CHECKS: dict[str, Callable[[str], bool]] = {"cpf": _cpf, "cnpj": _cnpj}
