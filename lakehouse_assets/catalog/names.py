"""Which rule a text column's name asks for: the parts `data`, `dt` and `valor`, `vlr` (VALUES section 3)."""

from __future__ import annotations

import re
import unicodedata

# Where a part ends without a sign: between letter and digit, before a capital after a small letter, and before the
# last capital of a run that a small letter follows.
_SEAM = re.compile(
    r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+", re.ASCII
)
DATE_PARTS, AMOUNT_PARTS = {"data", "dt"}, {"valor", "vlr"}


def parts(name: str) -> list[str]:
    """The parts of a column's name, without accents and case."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    return [part.lower() for part in _SEAM.split(plain) if part]


def hits(name: str) -> tuple[str, ...]:
    """The rules that parts of the name ask for: none, one, or both, which is no answer."""
    found = parts(name)
    # `meta_data` is one word, whatever its spelling.
    words = [p for i, p in enumerate(found) if not (p == "data" and i and found[i - 1] == "meta")]
    date, amount = DATE_PARTS & set(words), AMOUNT_PARTS & set(words)
    return (("date",) if date else ()) + (("amount",) if amount else ())
