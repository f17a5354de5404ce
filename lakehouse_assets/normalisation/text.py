"""What every text goes through before a rule sees it (VALUES section 4).

The result is what the rules compare with: small letters without accents, ASCII digits, single spaces, plain hyphens
and quotes. Spark has no Unicode normalisation, so the characters that NFKC would turn into one a rule can accept
are written out; any other stays as it is, and no rule accepts it.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from lakehouse_assets import sql
from lakehouse_assets.normalisation.reading import Layer, regex

NULL_WORDS = ("-", "--", "n/a", "na", "null", "nulo", "none", "nil", "s/d", "s/n", "#n/d", "#n/a")
BEFORE_ANY_RULE = (
    "Digits of other scripts become 0-9, Unicode spaces become one space, none stays at the ends, zero-width and direction "
    "marks vanish, every hyphen becomes `-`, curly quotes become straight. One pair of quotes around the text, an apostrophe "
    "before it and semicolons after it vanish. Superscripts, fractions and circled digits make a text invalid. What is left "
    "empty or is a null word is NULL with status `ok`; `null_words` adds words. Case and accents do not count in words."
)
_VANISH = [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
_SPACES = [*range(0x09, 0x0E), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
_HYPHENS = [*range(0x2010, 0x2016), 0x2212]
_QUOTES = {**dict.fromkeys("‘’‚‛", "'"), **dict.fromkeys("“”„‟", '"')}
# Where Unicode has digits, letters, spaces and signs that NFKC turns into ASCII: not among ideographs and syllables.
_UNICODE = [*range(0x80, 0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x20000)]
# Single characters that NFKC spells out, where the spelling can be part of something that a rule accepts.
_SPELT = {
    "₨": "rs",
    "ﬅ": "st",
    "ﬆ": "st",
    "㎁": "na",
    "㎃": "ma",
    "㏈": "db",
    "㏕": "mil",
    "ﬁ": "fi",
    "㍲": "da",
    "㏌": "in",
}
# Printable ASCII without quotes and semicolons, spaces only single and inside: what needs no cleaning.
_PLAIN = r"\A(?:[!#-&(-:<-~]+(?: [!#-&(-:<-~]+)*)?\z"


def cleaned(null_words: tuple[str, ...]) -> tuple[Layer, ...]:
    """Layers that leave `$x`, the text as rules see it (NULL for NULL), and `$empty`: whether it is NULL or a null word.

    A text with digits that are no decimal digits becomes one that no rule accepts.
    """
    source, target = _translation("".join(null_words))
    spelt = f"lower(translate($text, {source}, {target}))"
    for character, letters in _SPELT.items():
        spelt = f"replace({spelt}, {sql.text(character)}, {sql.text(letters)})"
    marks = regex("(?<=[a-z])[\u0300-\u036f]+")
    spaced = f"trim(' ', regexp_replace(regexp_replace({spelt}, {marks}, ''), ' +', ' '))"
    return (
        {
            "x": f"CASE WHEN $text RLIKE {regex(_PLAIN)} THEN lower($text) "
            f"WHEN $text RLIKE {regex(_foreign_digits())} THEN '\\u0000' "
            f"ELSE trim(' ', regexp_replace(trim(TRAILING '; ' FROM {spaced}), {_quoted()}, '$1$2$3$4$5$6')) END"
        },
        {"empty": f"($x IS NULL OR $x = '' OR $x IN ({_words(null_words)}))"},
    )


def canonical(word: str) -> str:
    """A null word as `$x` would be: the same cleaning in Python."""
    kept = "".join(c for c in unicodedata.normalize("NFKC", word) if ord(c) not in _VANISH)
    plain = "".join(" " if ord(c) in _SPACES else "-" if ord(c) in _HYPHENS else _QUOTES.get(c, c) for c in kept)
    letters = "".join(c for c in unicodedata.normalize("NFD", plain.lower()) if not unicodedata.combining(c))
    return " ".join(letters.split(" ")).strip()


def _words(more: tuple[str, ...]) -> str:
    return ", ".join(sql.text(canonical(word)) for word in (*NULL_WORDS, *more))


def _quoted() -> str:
    """One pair of quotes around, a leading apostrophe, semicolons at the end, in any order."""
    inside = "(.*?)[; ]*"
    return regex(
        "\\A(?:' *\"INSIDE\"|\" *'INSIDE\"|\"INSIDE\"|' *'INSIDE'|'INSIDE'|'(.*))\\z".replace("INSIDE", inside)
    )


@cache
def _foreign_digits() -> str:
    """A class of the digits and numbers that are no decimal digits: superscripts, fractions, circled, Roman numerals."""
    found = [
        c for c in map(chr, _UNICODE)
        if unicodedata.category(c) in ("No", "Nl") or (unicodedata.category(c) == "So" and _spells_digits(c))
    ]  # fmt: skip
    return "[" + "".join(_ranges(found)) + "]"


def _spells_digits(character: str) -> bool:
    return any(c.isascii() and c.isdigit() for c in unicodedata.normalize("NFKC", character))


def _ranges(characters: list[str]) -> list[str]:
    points, found = [ord(c) for c in characters], list[str]()
    start = previous = points[0]
    for point in [*points[1:], -1]:
        if point != previous + 1:
            found.append(rf"\x{{{start:x}}}-\x{{{previous:x}}}")
            start = point
        previous = point
    return found


@cache
def _translation(words: str) -> tuple[str, str]:
    """The two texts of `translate`: characters, and what each becomes; the last ones vanish."""
    accepted = {chr(p) for p in range(0x20, 0x7F)} | set(canonical(words))
    pairs: dict[str, str] = {chr(p): " " for p in _SPACES} | {chr(p): "-" for p in _HYPHENS} | _QUOTES
    for point in [*_UNICODE, *map(ord, words)]:
        character = chr(point)
        if point in _VANISH or character in pairs:
            continue
        folded = _folded(character)
        if folded in accepted and folded != character:
            pairs[character] = folded
    source, target = "".join(pairs), "".join(pairs.values())
    return sql.text(source + "".join(map(chr, _VANISH))), sql.text(target)


def _folded(character: str) -> str:
    """What one character becomes: its NFKC form as a digit, a space, a hyphen, a quote or a small letter without accents."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    composed = unicodedata.normalize("NFKC", character)
    if len(composed) != 1:
        return character
    if ord(composed) in _SPACES:
        return " "
    if ord(composed) in _HYPHENS:
        return "-"
    letters = unicodedata.normalize("NFD", composed.lower())
    return letters[0] if letters[0].isalpha() else _QUOTES.get(composed, composed)
