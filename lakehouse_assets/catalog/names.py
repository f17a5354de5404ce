"""Which rule a text column's name asks for: the parts `data`, `dt` and `valor`, `vlr` (VALUES section 3)."""

from __future__ import annotations

import re
import unicodedata

# Where a part ends, in the name's shape: between letter and digit, before a capital after a small letter, before the
# last capital of a run that a small letter follows, and at every sign.
_SEAM = re.compile(r"(?<=[Aal])(?=1)|(?<=1)(?=[Aal])|(?<=a)(?=A)|(?<=A)(?=Aa)|-+")
DATE_PARTS, AMOUNT_PARTS = {"data", "dt"}, {"valor", "vlr"}


def parts(name: str) -> list[str]:
    """The parts of a column's name, without accents and case."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    shape = "".join(map(_kind, plain))
    seams = [seam.span() for seam in _SEAM.finditer(shape)]
    bounds = zip([0, *(end for _, end in seams)], [*(start for start, _ in seams), len(plain)], strict=True)
    return [plain[start:end].lower() for start, end in bounds if end > start]


def _kind(character: str) -> str:
    """`A` for a capital, `a` for a small letter, `l` for one without case, `1` for a digit, `-` for any sign."""
    if character.isalpha():
        return "A" if character.isupper() else "a" if character.islower() else "l"
    return "1" if character.isdecimal() else "-"


def hits(name: str) -> tuple[str, ...]:
    """The rules that parts of the name ask for: none, one, or both, which is no answer."""
    found = parts(name)
    # `meta_data` is one word, whatever its spelling.
    words = [p for i, p in enumerate(found) if not (p == "data" and i and found[i - 1] == "meta")]
    date, amount = DATE_PARTS & set(words), AMOUNT_PARTS & set(words)
    return (("date",) if date else ()) + (("amount",) if amount else ())
