"""Numbers, money and dates as each language writes them; every text in both."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest

from lakehouse_assets.dashboard import formats, texts
from lakehouse_assets.dashboard.formats import Formats, plain
from lakehouse_assets.dashboard.texts import TEXTS, Texts

PT, EN = Formats("pt"), Formats("en")
NOON = datetime(2024, 1, 31, 15, 0, tzinfo=UTC)


def spaced(text: str) -> str:
    return text.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("value", "pt", "en"),
    [
        (Decimal("1234.56"), "R$ 1.234,56", "R$1,234.56"),
        (Decimal("-0.5"), "-R$ 0,50", "-R$0.50"),
        (Decimal("0"), "R$ 0,00", "R$0.00"),
        (Decimal("9999999999999.99"), "R$ 9.999.999.999.999,99", "R$9,999,999,999,999.99"),
        (None, "—", "—"),
    ],
)
def test_money(value: Decimal | None, pt: str, en: str) -> None:
    assert (spaced(PT.money(value)), spaced(EN.money(value))) == (pt, en)


def test_dates_and_moments_are_those_of_the_readers_zone() -> None:
    assert (PT.day(date(2024, 1, 31)), EN.day(date(2024, 1, 31))) == ("31/01/2024", "2024-01-31")
    assert (PT.month(date(2024, 2, 1)), EN.month(date(2024, 2, 1))) == ("fev/24", "Feb 24")
    assert PT.moment(datetime(2024, 1, 31, 2, 0, tzinfo=UTC)) == "30/01/2024 23:00"
    assert Formats("pt", "Asia/Tokyo").moment(NOON) == "01/02/2024 00:00"
    assert Formats("pt", "No/Where").moment(NOON) == "31/01/2024 12:00"
    assert PT.ago(NOON, datetime(2024, 1, 31, 15, 5, tzinfo=UTC)) == "há 5 minutos"
    assert PT.ago(NOON, datetime(2024, 1, 31, 14, 59, tzinfo=UTC)) == "há 1 segundo", "a clock that is behind"
    assert (PT.day(None), PT.month(None), PT.moment(None)) == ("—", "—", "—")


def test_shares_and_durations() -> None:
    assert (PT.percent(0.12345), EN.percent(1.0), PT.percent(0.0), PT.percent(None)) == ("12,34%", "100%", "0%", "—")
    assert (PT.whole(1234567), EN.whole(1234567)) == ("1.234.567", "1,234,567")
    assert (PT.duration(3), PT.duration(300), PT.duration(None)) == ("3 s", "5 min", "—")


def test_a_text_is_searched_without_case_accents_and_odd_blanks() -> None:
    assert plain("  ÁGUA\xa0 Clara ") == "agua clara"


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_says_the_same_in_both_languages(key: str) -> None:
    pt, en = TEXTS[key]
    fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (pt, en)]
    assert pt
    assert en
    assert fields[0] == fields[1]


def test_every_text_that_the_code_names_is_there_and_no_other() -> None:
    room = Path(texts.__file__).parent
    code = "\n".join(path.read_text() for path in room.rglob("*.py") if path.name != "texts.py")
    named = set(re.findall(r'\bt\(\s*"([a-z_0-9]+)"', code))
    assert named <= set(TEXTS)
    quoted = set(re.findall(r"""["']([a-z_0-9]+)["']""", code))
    made = ("page_", "state_", "sensor_", "verdict_", "clause_", "lake_")
    assert {key for key in TEXTS if key not in quoted and not key.startswith(made)} == set()


def test_a_reason_without_a_text_is_shown_as_it_is() -> None:
    assert Texts("pt").known("clause_never_heard_of", "never_heard_of") == "never_heard_of"
    assert Texts("en")("few", k=5) == "fewer than 5"
    assert formats.NOTHING == "—"
