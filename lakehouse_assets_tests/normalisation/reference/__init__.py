"""A second opinion on what a value means: sections 2 to 6 of the rules of values, clause by clause, in plain Python.

It is written from the page of the rules alone and knows nothing of the product, so that a difference between the two
is a mistake of one of them or a gap in the page.
"""

from __future__ import annotations

from typing import Any

from lakehouse_assets_tests.normalisation.reference import amounts, dates
from lakehouse_assets_tests.normalisation.reference.names import choose
from lakehouse_assets_tests.normalisation.reference.text import Reading, clean, is_null

__all__ = ["Reading", "choose", "read"]


def read(text: str | None, rule: dict[str, Any]) -> Reading:
    """What a text means under a rule, and why."""
    if text is None:
        return Reading(None, "ok")
    cleaned = clean(text)
    if cleaned is None:
        return Reading(None, "invalid")
    if is_null(cleaned, rule.get("null_words", ())):
        return Reading(None, "ok")
    return amounts.read(cleaned, rule) if rule["rule"] == "amount" else dates.read(cleaned, rule)
