"""Which way of reading a rule is, and what each clause says: the normalisation dictionary."""

from __future__ import annotations

from lakehouse_assets.catalog.rules import AmountRule, DateRule, Rule
from lakehouse_assets.normalisation import amounts, date_formats, dates
from lakehouse_assets.normalisation.reading import Reading


def reading(rule: Rule) -> Reading:
    """The rule as Spark SQL layers."""
    return read_date(rule) if isinstance(rule, DateRule) else amounts.read_amount(rule)


def read_date(rule: DateRule) -> Reading:
    """A date or timestamp rule: by its declared formats, or by the forms that are unmistakable."""
    return date_formats.read_formats(rule) if rule.formats else dates.read_forms(rule)


def clauses(rule: Rule) -> dict[str, str]:
    """The clauses of a rule: name and sentence."""
    return amounts.CLAUSES if isinstance(rule, AmountRule) else dates.CLAUSES
