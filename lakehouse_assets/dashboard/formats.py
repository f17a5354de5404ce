"""How numbers, money and dates are written in each language."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import dates, numbers

NOTHING = "—"
HOME_ZONE = "America/Sao_Paulo"
_LOCALES = {"pt": "pt_BR", "en": "en_US"}
_DAY = {"pt": "dd/MM/yyyy", "en": "yyyy-MM-dd"}
_MONTH = {"pt": "MMM/yy", "en": "MMM yy"}


class Formats:
    """The formats of one language; what is None is written as a dash."""

    def __init__(self, language: str, zone: str | None = None) -> None:
        self.language = language
        self.locale = _LOCALES[language]
        self.zone: tzinfo = _zone(zone or HOME_ZONE)

    def money(self, value: Decimal | float | None) -> str:
        """R$ 1.234,56"""
        return NOTHING if value is None else numbers.format_currency(value, "BRL", locale=self.locale)

    def whole(self, value: int | None) -> str:
        """1.234"""
        return NOTHING if value is None else numbers.format_decimal(value, locale=self.locale)

    def percent(self, share: float | None) -> str:
        """12,3%"""
        return NOTHING if share is None else numbers.format_percent(share, "#,##0.##%", locale=self.locale)

    def day(self, value: date | None) -> str:
        """31/01/2024"""
        return NOTHING if value is None else dates.format_date(value, _DAY[self.language], locale=self.locale)

    def month(self, value: date | None) -> str:
        """jan/24"""
        if value is None:
            return NOTHING
        return dates.format_date(value, _MONTH[self.language], locale=self.locale).replace(".", "")

    def moment(self, value: datetime | None) -> str:
        """31/01/2024 14:05, in the reader's time zone"""
        if value is None:
            return NOTHING
        return dates.format_datetime(value.astimezone(self.zone), f"{_DAY[self.language]} HH:mm", locale=self.locale)

    def ago(self, value: datetime, now: datetime) -> str:
        """há 5 minutos"""
        past = min(value - now, timedelta(seconds=-1))
        return dates.format_timedelta(past, add_direction=True, threshold=1.2, locale=self.locale)

    def duration(self, seconds: float | None) -> str:
        """12 s, 5 min, 3 h"""
        if seconds is None:
            return NOTHING
        return dates.format_timedelta(timedelta(seconds=seconds), threshold=1.2, format="short", locale=self.locale)

    @property
    def symbols(self) -> tuple[str, str]:
        """The decimal mark and the separator of thousands."""
        return numbers.get_decimal_symbol(self.locale), numbers.get_group_symbol(self.locale)


def plain(text: str) -> str:
    """A text as it is searched: small letters, no accents, no special blanks."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(HOME_ZONE)
