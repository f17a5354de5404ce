"""Condomínio: one of them in depth."""

from __future__ import annotations

import streamlit as st

from lakehouse_assets.dashboard import charts, data, parts, session, views
from lakehouse_assets.dashboard.floors import K
from lakehouse_assets.dashboard.theme import AMBER, SERIES

_WORD = "condominio"
_UNSHOWN = {data.FEW: "small_condominium", data.WITHHELD: "withheld_condominium", "": "no_properties"}


def show() -> None:
    """The chosen condominium: figures, then charts, then month by month."""
    t = session.texts()
    known = session.ask(data.condominiums)
    if not known:
        parts.note(t("nothing_yet"))
        return
    names = {number: f"{name} · {number}" for number, name, _ in known}
    asked = st.query_params.get(_WORD, "")
    first = int(asked) if asked.isdecimal() and int(asked) in names else max(known, key=lambda one: one[2])[0]
    chosen = st.selectbox(
        t("choose"), list(names), index=list(names).index(first), format_func=lambda number: names.get(number, str(number)),
        key=_WORD,
    )  # fmt: skip
    session.in_link(_WORD, chosen)
    seen = session.ask(data.condominium, chosen)
    if seen is None:
        parts.notice("wait", t("no_such", number=chosen))
    elif seen.secret or not seen.properties.count:
        parts.notice("info", t(_UNSHOWN[seen.secret], k=K))
    else:
        _figures(seen)
        _charts(seen)
        _months(seen)
        views.privacy()


def _figures(seen: data.Condominium) -> None:
    t, f = session.texts(), session.formats()
    residents = f.whole(seen.residents) if seen.residents is not None else views.secret(data.FEW)
    parts.figures(
        [
            views.year_figure(seen.received_year, seen.year),
            parts.Figure(t("overdue"), views.amount(seen.overdue), views.below("overdue_sub", seen.overdue, day=f.day(seen.as_of))),
            parts.Figure(t("paid"), views.count(seen.transactions), t("paid_sub", amount=views.amount(seen.transactions), day=f.day(seen.last_payment))),
            parts.Figure(t("properties"), f.whole(seen.properties.count), t("appraised", amount=f.money(seen.properties.amount))),
            parts.Figure(t("residents"), residents),
        ]
    )  # fmt: skip


def _charts(seen: data.Condominium) -> None:
    t, f = session.texts(), session.formats()
    parts.section(t("chart_receipts"), t("chart_receipts_sub"))
    views.draw(seen.receipts, lambda p: charts.columns(p, f.language, (t("month"), t("received"))), f.month)
    left, right = st.columns(2, gap="medium")
    with left:
        parts.section(t("chart_bands"), t("chart_bands_sub"))
        views.draw(seen.bands, lambda p: charts.lying(p, f.language, (t("age"), t("amount")), AMBER), views.band)
    with right:
        parts.section(t("chart_years"), t("chart_years_sub"))
        views.draw(
            seen.years, lambda p: charts.columns(p, f.language, (t("year"), t("transactions")), SERIES[1]), str, by_count=True
        )  # fmt: skip


def _months(seen: data.Condominium) -> None:
    t, f = session.texts(), session.formats()
    if not seen.receipts:
        return
    parts.section(t("receipts_table"))
    rows = [
        (f.month(part.of), views.part_count(part), views.part_amount(part), "" if part.hidden else f.money(part.extra))
        for part in reversed(seen.receipts)
    ]
    columns = [parts.Column(t("month")), *(parts.Column(t(key), True) for key in ("bills", "received", "fines"))]
    parts.table(columns, rows, "months", cards=False)
    if seen.unread_bills:
        parts.note(t("unread_bills", count=f.whole(seen.unread_bills)))


show()
