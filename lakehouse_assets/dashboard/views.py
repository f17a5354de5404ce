"""How what `data` answers becomes figures, cells and bars in the visit's language; hidden parts become words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import streamlit as st

from lakehouse_assets.dashboard import data, parts, session
from lakehouse_assets.dashboard.charts import Bar, Chart
from lakehouse_assets.dashboard.floors import K

_BANDS: dict[str, str] = dict(zip(data.BANDS, ("band_1", "band_31", "band_61", "band_90"), strict=True))


def amount(whole: data.Whole) -> str:
    """How much in all."""
    return secret(whole.hidden) or session.formats().money(whole.amount)


def count(whole: data.Whole) -> str:
    """How many in all."""
    return secret(whole.hidden) or session.formats().whole(whole.count)


def below(key: str, whole: data.Whole, **values: object) -> str:
    """The line under a figure."""
    return session.texts()(key, count=count(whole), **values)


def year_figure(received: data.Whole, year: tuple[date, date] | None) -> parts.Figure:
    """What came in during twelve months."""
    t, f = session.texts(), session.formats()
    first, last = year or (None, None)
    return parts.Figure(
        t("received_year"), amount(received), below("received_year_sub", received, first=f.month(first), last=f.month(last))
    )  # fmt: skip


def part_amount(part: data.Part) -> str:
    """How much of a part, for a cell."""
    word = secret(part.hidden)
    return parts.hidden(word) if word else session.formats().money(part.amount)


def part_count(part: data.Part) -> str:
    """How many of a part, for a cell."""
    word = secret(part.hidden)
    return parts.hidden(word) if word else session.formats().whole(part.count)


def secret(hidden: str) -> str:
    """The word for what is not shown."""
    return session.texts()(hidden, k=K) if hidden else ""


def band(name: str) -> str:
    """An age of debt."""
    return session.texts()(_BANDS[name])


def draw(
    shown: Sequence[data.Part],
    chart: Callable[[list[Bar]], Chart],
    label: Callable[[Any], str],
    *,
    by_count: bool = False,
) -> None:
    """A chart of parts, or a word on why there is none."""
    t, f = session.texts(), session.formats()
    if not any(part.count or part.hidden for part in shown):
        parts.note(t("nothing_yet"))
        return
    if all(part.hidden for part in shown):
        parts.note(t("all_hidden"))
        return
    bars = []
    for part in shown:
        value = part.count if by_count else part.amount
        written = f.whole(part.count) if by_count else f.money(part.amount)
        bars.append(Bar(label(part.of), None if value is None else float(value), secret(part.hidden) or written))
    st.altair_chart(chart(bars), width="stretch")


def privacy() -> None:
    """Why figures may be missing."""
    parts.note(session.texts()("privacy", k=K))
